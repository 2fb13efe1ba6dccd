//! What changed, and why: for the journal, the streams, the screen.

use crate::model::{HookKind, InstanceId, Moment, Signal};

use super::{Exit, HookOutcome, Leftover, Phase, PhaseName, PortHolder, ProbeOutcome, ProbeWhich};

/// Something worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Moment,
    /// To whom; none: to the project.
    pub instance: Option<InstanceId>,
    /// What.
    pub kind: EventKind,
}

/// What can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// The phase's name changed, or its stage did in a way that people wait for (late, health).
    Phase {
        /// From.
        from: PhaseName,
        /// To, with the facts that say why.
        to: Phase,
    },
    /// The leader ended.
    Exited {
        /// How.
        exit: Exit,
    },
    /// A probe's answer turned from good to bad or back (not every answer).
    Probe {
        /// Which.
        which: ProbeWhich,
        /// The answer.
        outcome: ProbeOutcome,
    },
    /// A hook ended in something else than `Done`.
    Hook {
        /// Which.
        kind: HookKind,
        /// How.
        outcome: HookOutcome,
    },
    /// A stop signal was sent.
    Signalled {
        /// Which.
        signal: Signal,
    },
    /// The run outlived its stop timeout (or was not given one) and was killed.
    Killed,
    /// The kill did not help.
    Survived {
        /// What is left.
        left: Vec<Leftover>,
    },
    /// Processes it left on purpose (`release`).
    Released {
        /// Which.
        left: Vec<Leftover>,
    },
    /// Its ports are still held 2 s after its end.
    PortsHeld {
        /// By whom.
        held: Vec<PortHolder>,
    },
    /// A new project was applied.
    Applied,
    /// Shutdown began.
    ShuttingDown,
    /// Shutdown is complete: no run is left.
    Down,
}
