//! What happened in the world. A fact of a run that is over is dropped.

use std::time::Duration;

use crate::model::{HookKind, RunId, Signal};

/// Something that happened to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The leader's `execve` succeeded.
    Spawned {
        /// Which life.
        run: RunId,
        /// The leader.
        pid: u32,
    },
    /// There is no process: the spawn failed.
    SpawnFailed {
        /// Which life.
        run: RunId,
        /// Why.
        failure: SpawnFailure,
    },
    /// The leader ended; descendants may live on.
    Exited {
        /// Which life.
        run: RunId,
        /// How.
        exit: Exit,
    },
    /// No process of the run is left, apart from those it may leave (`release`).
    Emptied {
        /// Which life.
        run: RunId,
        /// Processes left on purpose.
        released: Vec<Leftover>,
    },
    /// A kill did not empty the run within its 5 s. It may still become empty later.
    Survived {
        /// Which life.
        run: RunId,
        /// What is left.
        left: Vec<Leftover>,
    },
    /// Everything written before the end has been captured. Comes after `Emptied`.
    Drained {
        /// Which life.
        run: RunId,
    },
    /// The answer to `Action::AwaitPorts`: nothing listens any more, or 2 s passed.
    PortsSettled {
        /// Which life.
        run: RunId,
        /// Who still listens.
        held: Vec<PortHolder>,
    },
    /// The answer to `Action::Probe`, or a match that came by itself (log, notify).
    Probed {
        /// Which life.
        run: RunId,
        /// Which probe.
        which: ProbeWhich,
        /// The answer.
        outcome: ProbeOutcome,
    },
    /// The answer to `Action::RunHook`.
    HookDone {
        /// Which life.
        run: RunId,
        /// Which list.
        kind: HookKind,
        /// Which entry of it.
        index: usize,
        /// The result, guards included.
        outcome: HookOutcome,
    },
    /// The answer to `Action::RunStopCommand`.
    StopCommandDone {
        /// Which life.
        run: RunId,
        /// Its result.
        outcome: HookOutcome,
    },
}

impl Fact {
    /// A readiness that came by itself: a log match, `READY=1`.
    pub const fn ready(run: RunId) -> Self {
        Self::Probed { run, which: ProbeWhich::Readiness, outcome: ProbeOutcome::Good { note: None } }
    }

    /// The run it is about.
    pub const fn run(&self) -> RunId {
        match self {
            Self::Spawned { run, .. }
            | Self::SpawnFailed { run, .. }
            | Self::Exited { run, .. }
            | Self::Emptied { run, .. }
            | Self::Survived { run, .. }
            | Self::Drained { run }
            | Self::PortsSettled { run, .. }
            | Self::Probed { run, .. }
            | Self::HookDone { run, .. }
            | Self::StopCommandDone { run, .. } => *run,
        }
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// It called `exit`.
    Code(i32),
    /// A signal ended it.
    Signal(Signal),
    /// It ended while nobody could see how (its shim was killed).
    Unknown,
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit {code}"),
            Self::Signal(signal) => write!(f, "{signal}"),
            Self::Unknown => f.write_str("an unknown end"),
        }
    }
}

/// Why there is no process. The text is complete: what was tried, why it failed, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpawnFailure {
    /// The program is not there; names the `PATH` that was searched.
    NotFound(String),
    /// The working directory is not there.
    Cwd(String),
    /// The file may not be executed.
    NotExecutable(String),
    /// A declared port is taken by somebody else.
    PortTaken(Vec<PortHolder>),
    /// Anything else (no memory, too many processes …).
    Other(String),
}

/// A process that is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Its pid.
    pub pid: u32,
    /// Its command line, shortened.
    pub command: String,
    /// Why it is left: `state D`, `not permitted`, `released`.
    pub why: String,
}

/// Who listens on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortHolder {
    /// The port.
    pub port: u16,
    /// The process, if it can be seen.
    pub pid: Option<u32>,
    /// Its command line, shortened.
    pub command: Option<String>,
    /// Whose it is if tspm started it: `service db of project shop`.
    pub owner: Option<String>,
}

impl std::fmt::Display for PortHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "port {} is taken by ", self.port)?;
        match (self.pid, &self.command, &self.owner) {
            (Some(pid), Some(command), Some(owner)) => write!(f, "pid {pid} ({command}, {owner})"),
            (Some(pid), Some(command), None) => write!(f, "pid {pid} ({command})"),
            (Some(pid), None, _) => write!(f, "pid {pid}"),
            (None, ..) => f.write_str("another user's process"),
        }
    }
}

/// Which of a service's two probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProbeWhich {
    /// Is it ready?
    Readiness,
    /// Does it still work?
    Liveness,
}

/// A probe's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// Good. The note says what was accepted with reservations (an owner that cannot be told).
    Good {
        /// For `why`.
        note: Option<String>,
    },
    /// Not good; the text says what was seen (`connection refused`, `HTTP 503: …`, the output).
    Bad {
        /// For `why` and the timeout's message.
        output: String,
    },
    /// Somebody else answers on the port.
    Foreign {
        /// Who.
        holder: PortHolder,
    },
}

/// A hook's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookOutcome {
    /// It exited 0 (and its guard, if it has one, now holds).
    Done,
    /// Its guard held: it did not run.
    Skipped,
    /// It failed: how, and the end of its output.
    Failed {
        /// `exit 3`, `the guard still does not hold`, `not found in PATH …`.
        how: String,
        /// The last lines.
        output: String,
    },
    /// It was killed with its tree after this long.
    TimedOut(Duration),
}
