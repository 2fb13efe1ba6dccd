//! How a service is restarted and stopped.

use std::time::Duration;

use super::{Command, Signal};

/// When a service that ended is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RestartMode {
    /// Never (the default of a oneshot).
    No,
    /// After a failure (the default of a service).
    OnFailure,
    /// After every end that nobody asked for.
    Always,
    /// As `Always`; a stop that a person asked for lasts, also over a later `up` of the others.
    UnlessStopped,
}

/// The delays between restarts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// The first delay.
    pub initial: Duration,
    /// What each next one is multiplied by, at least 1.
    pub factor: f64,
    /// The longest delay.
    pub max: Duration,
    /// This long in `ready` and the next delay is the first again.
    pub reset_after: Duration,
}

impl Default for Backoff {
    /// `lifecycle.md` 7: 200 ms, ×2, at most 30 s, back to the first after 10 s of health.
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(200),
            factor: 2.0,
            max: Duration::from_secs(30),
            reset_after: Duration::from_secs(10),
        }
    }
}

/// The whole restart policy.
#[derive(Debug, Clone, PartialEq)]
pub struct RestartPolicy {
    /// When.
    pub mode: RestartMode,
    /// How many restarts without `backoff.reset_after` of health before it is given up; 0: never.
    pub max_restarts: u32,
    /// How far apart.
    pub backoff: Backoff,
    /// Exit codes that are no failure. Always holds 0.
    pub success_exit_codes: Vec<i32>,
}

impl RestartPolicy {
    /// Restarts without health before a service is given up, unless the file says otherwise.
    pub const DEFAULT_MAX_RESTARTS: u32 = 5;
}

/// Who gets the stop signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignalScope {
    /// The leader's process group; the run's members outside it once that group is empty.
    Group,
    /// The leader alone.
    Leader,
}

/// How a service is asked to end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stop {
    /// The signal, SIGTERM by default.
    pub signal: Signal,
    /// How long the whole process tree has before it is killed.
    pub timeout: Duration,
    /// Run instead of sending the signal.
    pub command: Option<Command>,
    /// Who gets the signal.
    pub scope: SignalScope,
}

impl Default for Stop {
    fn default() -> Self {
        Self { signal: Signal::TERM, timeout: Self::DEFAULT_TIMEOUT, command: None, scope: SignalScope::Group }
    }
}

impl Stop {
    /// docker's and systemd's habit, and `lifecycle.md` 4.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
}

/// The order in which a project is taken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopOrder {
    /// Dependents before what they depend on.
    Reverse,
    /// Everything at once.
    Parallel,
}
