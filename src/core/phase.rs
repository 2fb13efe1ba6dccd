//! Where an instance is in its life. Each variant carries exactly what is true in it.
//!
//! ```text
//!            ┌────────────────────────── restart ──────────────────────────┐
//!            ▼                                                             │
//!  Stopped ─► Pending ─► Starting ─► Ready ─► Stopping ─► Stopped | Backoff | Completed | Failed
//!               └─► Skipped               └─(leader ends by itself)─► Stopping
//! ```

use crate::model::{HookKind, Moment, RunId, ServiceName};

use super::{Exit, Leftover, SpawnFailure};

/// The phase of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Not running, and not wanted (never started, or stopped).
    Stopped {
        /// Since when.
        since: Moment,
        /// Who stopped it.
        by: StoppedBy,
        /// How its last life ended, if it had one.
        exit: Option<Exit>,
    },
    /// Wanted; waits for its edges (see `InstanceView::waiting_for`).
    Pending {
        /// Since when.
        since: Moment,
    },
    /// A life has begun; not ready yet.
    Starting {
        /// Which life.
        run: RunId,
        /// Since when.
        since: Moment,
        /// How far it is.
        stage: StartStage,
    },
    /// Ready (a service without readiness: running; post_start hooks done).
    Ready {
        /// Which life.
        run: RunId,
        /// Since when.
        since: Moment,
        /// The leader.
        pid: u32,
        /// What liveness says.
        health: Health,
    },
    /// Being stopped, or over and being cleaned up.
    Stopping {
        /// Which life.
        run: RunId,
        /// Since when.
        since: Moment,
        /// Why; it decides the phase afterwards.
        reason: StopReason,
        /// How far it is.
        stage: StopStage,
        /// The leader's end, once it has ended.
        exit: Option<Exit>,
    },
    /// Will be started again.
    Backoff {
        /// Since when.
        since: Moment,
        /// When it will be.
        until: Moment,
        /// Restarts so far without health.
        attempt: u32,
        /// Why it has to be.
        reason: RestartReason,
    },
    /// A oneshot that succeeded (or a service with `restart: no` that did).
    Completed {
        /// Since when.
        since: Moment,
        /// How it ended.
        exit: Exit,
    },
    /// Given up.
    Failed {
        /// Since when.
        since: Moment,
        /// Why.
        why: Failure,
    },
    /// Not started because something it needs failed for good.
    Skipped {
        /// Since when.
        since: Moment,
        /// The chain, nearest first; the last is the culprit.
        because: Vec<SkipCause>,
    },
    /// `disabled: true`.
    Disabled,
}

/// The word for a phase, as people see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PhaseName {
    /// See [`Phase::Stopped`].
    Stopped,
    /// See [`Phase::Pending`].
    Pending,
    /// See [`Phase::Starting`].
    Starting,
    /// See [`Phase::Ready`].
    Ready,
    /// See [`Phase::Stopping`].
    Stopping,
    /// See [`Phase::Backoff`].
    Backoff,
    /// See [`Phase::Completed`].
    Completed,
    /// See [`Phase::Failed`].
    Failed,
    /// See [`Phase::Skipped`].
    Skipped,
    /// See [`Phase::Disabled`].
    Disabled,
}

/// How far a start is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartStage {
    /// The pre_start hook of this index runs.
    PreStart(usize),
    /// Waiting for `Spawned`.
    Spawning,
    /// Runs; the readiness probe has not succeeded.
    Running {
        /// The leader.
        pid: u32,
        /// Whether `ready_timeout` has passed.
        readiness: Readiness,
    },
    /// The readiness probe succeeded; the post_start hook of this index runs.
    PostStart {
        /// The leader.
        pid: u32,
        /// Which hook.
        index: usize,
    },
}

/// Whether the wait for readiness is still on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// In time so far.
    Awaited {
        /// When `ready_timeout` passes.
        deadline: Moment,
    },
    /// `ready_timeout` passed: waits for it have failed, it may still become ready.
    Late {
        /// What the last probe saw.
        last: Option<String>,
    },
}

/// What liveness says of a ready instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// No liveness probe, or none has been answered yet.
    Unknown,
    /// The last probes were good.
    Healthy,
    /// Fewer failures in a row than `retries`, but the last one failed.
    Unhealthy,
}

/// How far a stop is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopStage {
    /// The pre_stop hook of this index runs.
    PreStop(usize),
    /// Asked to end (signal or stop command); killed at the deadline.
    Asked {
        /// When it is killed.
        deadline: Moment,
    },
    /// Killed; empty soon, or at the deadline `left` says what is there.
    Killed {
        /// When the kill is taken to have failed if nothing is heard.
        deadline: Moment,
        /// What outlived the kill, as far as is known.
        left: Vec<Leftover>,
    },
    /// Empty; what it wrote is being captured.
    Draining,
    /// The post_stop hook of this index runs.
    PostStop(usize),
    /// Waiting for its ports to be free.
    Ports,
}

/// Why a run is being stopped or cleaned up. Decides what comes after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// A person asked, or it is no longer wanted.
    Asked,
    /// A person asked for a restart.
    Restart,
    /// Its definition changed.
    Changed,
    /// It was removed from the file.
    Removed,
    /// A dependency with `restart: true` was replaced: this one.
    DependencyReplaced(ServiceName),
    /// The leader ended by itself.
    Ended,
    /// The spawn failed.
    NotSpawned(SpawnFailure),
    /// A hook failed: which kind, how, and its output.
    HookFailed(HookKind, String),
    /// `start_timeout` passed.
    NotReady(Option<String>),
    /// Liveness gave up on it: the last output.
    Unhealthy(String),
    /// Everything is taken down.
    Shutdown,
}

/// Why a restart was scheduled. Recorded for `why`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestartReason {
    /// It ended by itself.
    Ended(Exit),
    /// The spawn failed.
    NotSpawned(SpawnFailure),
    /// A hook failed.
    HookFailed(HookKind, String),
    /// `start_timeout` passed.
    NotReady(Option<String>),
    /// Liveness.
    Unhealthy(String),
    /// A person asked.
    Asked,
    /// Its definition changed.
    Changed,
    /// A dependency was replaced.
    DependencyReplaced(ServiceName),
}

/// Why an instance was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It ended badly and its policy is not to restart.
    Ended(Exit),
    /// The spawn failed.
    NotSpawned(SpawnFailure),
    /// A hook failed.
    HookFailed(HookKind, String),
    /// `start_timeout` passed.
    NotReady(Option<String>),
    /// Liveness.
    Unhealthy(String),
    /// Restarted `attempts` times without health; the last reason.
    CrashLoop {
        /// How many restarts.
        attempts: u32,
        /// The last reason.
        last: RestartReason,
    },
    /// It could not be killed.
    Survived(Vec<Leftover>),
}

/// Who stopped an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoppedBy {
    /// Nobody: it has not been started.
    Nobody,
    /// A person: it stays stopped until a person starts it.
    Person,
    /// It is no longer wanted.
    Unwanted,
    /// Everything was taken down.
    Shutdown,
}

/// One link in the chain that made an instance be skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkipCause {
    /// The service.
    pub service: ServiceName,
    /// Its phase: `failed`, `skipped`, `disabled`, `completed` …
    pub phase: PhaseName,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

impl Phase {
    /// The word for it.
    pub const fn name(&self) -> PhaseName {
        match self {
            Self::Stopped { .. } => PhaseName::Stopped,
            Self::Pending { .. } => PhaseName::Pending,
            Self::Starting { .. } => PhaseName::Starting,
            Self::Ready { .. } => PhaseName::Ready,
            Self::Stopping { .. } => PhaseName::Stopping,
            Self::Backoff { .. } => PhaseName::Backoff,
            Self::Completed { .. } => PhaseName::Completed,
            Self::Failed { .. } => PhaseName::Failed,
            Self::Skipped { .. } => PhaseName::Skipped,
            Self::Disabled => PhaseName::Disabled,
        }
    }

    /// The life it is in, if it is in one.
    pub const fn run(&self) -> Option<RunId> {
        match self {
            Self::Starting { run, .. } | Self::Ready { run, .. } | Self::Stopping { run, .. } => Some(*run),
            Self::Stopped { .. }
            | Self::Pending { .. }
            | Self::Backoff { .. }
            | Self::Completed { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Disabled => None,
        }
    }

    /// Whether its leader may be there.
    pub const fn is_live(&self) -> bool {
        match self {
            Self::Ready { .. }
            | Self::Starting { stage: StartStage::Running { .. } | StartStage::PostStart { .. }, .. } => true,
            Self::Stopping { exit, stage, .. } => {
                exit.is_none()
                    && matches!(stage, StopStage::PreStop(_) | StopStage::Asked { .. } | StopStage::Killed { .. })
            }
            Self::Starting { stage: StartStage::PreStart(_) | StartStage::Spawning, .. }
            | Self::Stopped { .. }
            | Self::Pending { .. }
            | Self::Backoff { .. }
            | Self::Completed { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Disabled => false,
        }
    }

    /// When it began. `None` for `disabled`, which has no beginning.
    pub const fn since(&self) -> Option<Moment> {
        match self {
            Self::Stopped { since, .. }
            | Self::Pending { since }
            | Self::Starting { since, .. }
            | Self::Ready { since, .. }
            | Self::Stopping { since, .. }
            | Self::Backoff { since, .. }
            | Self::Completed { since, .. }
            | Self::Failed { since, .. }
            | Self::Skipped { since, .. } => Some(*since),
            Self::Disabled => None,
        }
    }
}

impl PhaseName {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Pending => "pending",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Stopping => "stopping",
            Self::Backoff => "backoff",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Disabled => "disabled",
        }
    }
}

impl std::fmt::Display for PhaseName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
