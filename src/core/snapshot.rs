//! What the fleet looks like at one moment, for everybody who only looks.

use std::time::Duration;

use crate::model::{Condition, InstanceId, Moment, ServiceName};

use super::{Exit, Phase, PhaseName, ProbeOutcome, ProbeWhich, RestartReason};

/// Everything that can be seen, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Grows with every change.
    pub generation: u64,
    /// Every instance, by name.
    pub instances: Vec<InstanceView>,
    /// Whether everything is being taken down.
    pub shutting_down: bool,
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceView {
    /// Which.
    pub instance: InstanceId,
    /// The number people may use instead of the name: the lowest that was free.
    pub number: u32,
    /// Where it is in its life.
    pub phase: Phase,
    /// Whether it should run (or, a oneshot, have run).
    pub wanted: bool,
    /// Edges that are not satisfied. Empty unless pending.
    pub waiting_for: Vec<Waiting>,
    /// Restarts since it was last started by a person.
    pub restarts: u32,
    /// How the last life ended.
    pub last_exit: Option<Exit>,
    /// When its process was spawned, if it has one.
    pub spawned_at: Option<Moment>,
    /// How long its last start took, from spawn to ready.
    pub time_to_ready: Option<Duration>,
    /// How many restarts in the last minute: a crash loop is shown as one.
    pub restarts_last_minute: u32,
}

/// An edge that is not satisfied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The dependency.
    pub on: ServiceName,
    /// What must become true of it.
    pub condition: Condition,
    /// What it is now.
    pub now: PhaseName,
}

/// The facts behind an instance's state: the answer to `tspm why`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explain {
    /// What it looks like.
    pub view: InstanceView,
    /// Why it is wanted or not: `asked`, the services that need it.
    pub needed_by: Vec<ServiceName>,
    /// The last 10 probe answers, oldest first.
    pub probes: Vec<ProbeRecord>,
    /// The last 10 restarts, oldest first.
    pub restarts: Vec<RestartRecord>,
    /// While stopping with dependents alive: who must be gone first.
    pub stops_after: Vec<ServiceName>,
}

/// One probe answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeRecord {
    /// When.
    pub at: Moment,
    /// Which probe.
    pub which: ProbeWhich,
    /// Its answer.
    pub outcome: ProbeOutcome,
}

/// One restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartRecord {
    /// When it was scheduled.
    pub at: Moment,
    /// Why.
    pub reason: RestartReason,
}
