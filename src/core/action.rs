//! What is to be done. Plain data: effects carry it out and report facts, they decide nothing.

use crate::model::{HookKind, InstanceId, RunId, Signal};

use super::ProbeWhich;

/// A thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A new life begins: remember the service's present definition under this run. Always the first
    /// action of a run; no process yet.
    Begin {
        /// Which life.
        run: RunId,
        /// Of what.
        instance: InstanceId,
    },
    /// Spawn the service's command. Answers `Spawned` or `SpawnFailed`.
    Spawn {
        /// Which life.
        run: RunId,
    },
    /// Run one hook. Answers `HookDone`.
    RunHook {
        /// Which life.
        run: RunId,
        /// Which list.
        kind: HookKind,
        /// Which entry.
        index: usize,
    },
    /// Run `stop.command`. Answers `StopCommandDone`.
    RunStopCommand {
        /// Which life.
        run: RunId,
    },
    /// End hooks, probes and the stop command that still run for it. They answer no more.
    CancelHelpers {
        /// Which life.
        run: RunId,
    },
    /// Send a signal, then SIGCONT.
    Signal {
        /// Which life.
        run: RunId,
        /// Which signal.
        signal: Signal,
        /// To whom.
        to: SignalTo,
    },
    /// Kill everything of the run (freeze, rescan, SIGKILL), for at most 5 s. `Emptied` or `Survived` follows.
    Kill {
        /// Which life.
        run: RunId,
    },
    /// Ask the probe once. Answers `Probed`. For `log` and `notify` liveness the answer is whether
    /// there was a match since the last question; `log` and `notify` readiness is never asked, it
    /// reports by itself.
    Probe {
        /// Which life.
        run: RunId,
        /// Which probe.
        which: ProbeWhich,
    },
    /// Capture what was written before the end. Answers `Drained`.
    Drain {
        /// Which life.
        run: RunId,
    },
    /// Wait until its declared ports no longer listen, at most 2 s. Answers `PortsSettled`.
    AwaitPorts {
        /// Which life.
        run: RunId,
    },
    /// The life is over: forget it.
    End {
        /// Which life.
        run: RunId,
    },
    /// Shutdown was asked for and no run is left. Emitted once.
    Quiescent,
}

/// Who gets a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalTo {
    /// The leader's process group; if that is empty, every member of the run.
    Group,
    /// The leader alone.
    Leader,
    /// Members outside the leader's group (once that group is empty).
    Rest,
}
