//! What keeper and supervisor say to each other over their socketpair.
//!
//! A frame is a `u32` length (little endian), then that many bytes of `postcard`. Frames that carry file
//! descriptors are sent with one `sendmsg`, the descriptors (`SCM_RIGHTS`) on the first byte; each message
//! states how many it carries. Fields are only ever added at the end of the enum or behind a new [`VERSION`].

use serde::{Deserialize, Serialize};

/// Both sides must agree on it; the keeper's is in [`FromKeeper::Hello`].
pub const VERSION: u32 = 1;

/// The longest frame either side accepts: an environment may be megabytes (`MAX_ARG_STRLEN`, `ARG_MAX`).
pub const MAX_FRAME: usize = 16 << 20;

/// Bytes of a path, an argument, a value: not text.
pub type Bytes = Vec<u8>;

/// A run's number, as in `model::RunId`.
pub type Run = u64;

/// From the supervisor to the keeper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToKeeper {
    /// Start a process under a shim of its own. Answered by `Spawned` or `SpawnFailed`.
    Spawn(Box<Spawn>),
    /// Send `signal`, then SIGCONT.
    Signal {
        /// Which run.
        run: Run,
        /// The signal's number.
        signal: i32,
        /// To whom.
        to: Target,
    },
    /// Freeze, rescan, SIGKILL, until empty, for at most 5 s. `Emptied` or `Survived` follows.
    Kill {
        /// Which run.
        run: Run,
    },
    /// Keep one descriptor under this key until told otherwise or until the keeper ends. Carries 1. A key
    /// that is there already is replaced.
    Store {
        /// The key: `bundle`, `notify/12`.
        key: String,
    },
    /// Drop what is kept under this key.
    Discard {
        /// The key.
        key: String,
    },
    /// The stop order changed (a new project was applied): new wills.
    Will {
        /// Which run.
        run: Run,
        /// Its will from now on.
        will: Will,
    },
    /// Everything is down: kill whatever is left below the keeper, verify, answer with `Receipt`; when the
    /// supervisor then ends, clean up and end too.
    Finish,
}

/// From the keeper to the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromKeeper {
    /// The first message to every supervisor.
    Hello(Box<Hello>),
    /// The leader's `execve` succeeded. Carries the pipes that were asked for, in the order stdin (write
    /// end), stdout, stderr (read ends).
    Spawned {
        /// Which run.
        run: Run,
        /// The leader.
        pid: u32,
        /// Its start time in clock ticks since boot (`/proc/PID/stat`, field 22).
        start: u64,
        /// How many descriptors this message carries.
        fds: u8,
    },
    /// No process was made, nothing of it is left.
    SpawnFailed {
        /// Which run.
        run: Run,
        /// The step that failed.
        step: SpawnStep,
        /// Its error number.
        errno: i32,
    },
    /// The leader ended.
    Exited {
        /// Which run.
        run: Run,
        /// As `wait4` gave it; none: its shim was killed and nobody saw.
        status: Option<i32>,
        /// What it and its waited-for children used.
        usage: Usage,
    },
    /// No process of the run is left but those it may leave; its shim has ended.
    Emptied {
        /// Which run.
        run: Run,
        /// Processes left on purpose.
        released: Vec<Process>,
    },
    /// 5 s of killing did not empty the run. `Emptied` may still follow.
    Survived {
        /// Which run.
        run: Run,
        /// What is left.
        left: Vec<Process>,
    },
    /// The answer to `Finish`: verified by the keeper itself.
    Receipt {
        /// Processes of this project that are still there. Empty: nothing is left.
        left: Vec<Process>,
        /// Processes with the project's run token that were below nobody any more and were killed.
        swept: Vec<Process>,
    },
    /// The keeper was asked to end (SIGTERM, SIGINT, SIGHUP): shut down in order, then `Finish`.
    Terminate,
}

/// What a supervisor learns first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`VERSION`].
    pub version: u32,
    /// The keeper's pid and start time.
    pub keeper: (u32, u64),
    /// How many supervisors came before this one.
    pub generation: u32,
    /// Live runs, each with its pipes.
    pub runs: Vec<LiveRun>,
    /// Keys of stored descriptors.
    pub stored: Vec<String>,
    /// How many descriptors this message carries: first those of `runs` in order, then one per key.
    pub fds: u32,
}

/// A run that is alive, for a supervisor that was not there when it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveRun {
    /// Which.
    pub run: Run,
    /// As given with `Spawn`.
    pub label: String,
    /// The leader.
    pub pid: u32,
    /// Its start time.
    pub start: u64,
    /// The leader's end, if it has ended: as `wait4` gave it.
    pub exited: Option<Option<i32>>,
    /// Which pipes it has: stdin, stdout, stderr.
    pub pipes: [bool; 3],
}

/// A process to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spawn {
    /// Which run. Never used before.
    pub run: Run,
    /// What it is, for the journal and for people: `api`, `api.1`, `api hook pre_start`, `api readiness`.
    pub label: String,
    /// The file to execute, absolute (paths are resolved before, the keeper looks nothing up).
    pub program: Bytes,
    /// `argv`, the zeroth included.
    pub argv: Vec<Bytes>,
    /// `envp`, as `K=V`.
    pub env: Vec<Bytes>,
    /// The working directory, absolute.
    pub cwd: Bytes,
    /// What its standard input is.
    pub stdin: Stdin,
    /// What its standard output and error are.
    pub output: Output,
    /// Base names of programs that may be left running.
    pub release: Vec<Bytes>,
    /// What the keeper does with it when there is no supervisor any more.
    pub will: Will,
}

/// Standard input of a spawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stdin {
    /// `/dev/null`.
    Null,
    /// A pipe whose write end the keeper and the supervisor hold.
    Pipe,
}

/// Standard output and error of a spawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output {
    /// `/dev/null`.
    Null,
    /// Two pipes.
    Pipes,
}

/// How a run is stopped by a keeper without a supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Will {
    /// Runs of a higher rank are stopped, and gone, before those of a lower one.
    pub rank: u32,
    /// The stop signal's number.
    pub signal: i32,
    /// Milliseconds until it is killed.
    pub timeout_ms: u32,
    /// Who gets the signal.
    pub to: Target,
}

/// Who gets a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// The leader's process group; if that is empty, every member.
    Group,
    /// The leader alone.
    Leader,
    /// Members outside the leader's group.
    Rest,
}

/// The step of a spawn that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpawnStep {
    /// Making pipes or the shim.
    Fork,
    /// Changing to the working directory.
    Cwd,
    /// `execve`.
    Exec,
    /// Anything between (session, limits).
    Setup,
}

/// What a process used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// User time in microseconds.
    pub user_us: u64,
    /// System time in microseconds.
    pub system_us: u64,
    /// Largest resident set in KiB.
    pub max_rss_kib: u64,
}

/// A process that is still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its pid.
    pub pid: u32,
    /// Its command line, shortened.
    pub command: String,
    /// Why it is left: `state D`, `not permitted`, `released`.
    pub why: String,
    /// The label of its run, if that is known.
    pub label: Option<String>,
}
