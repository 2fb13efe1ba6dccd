//! What a person asks for, and the answers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Project, ServiceName};

/// A request. It is answered at once: accepted (work may follow) or denied (nothing happened).
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// `tspm up`: make the project what this file says.
    Apply(Apply),
    /// `tspm start`: want these (a stop by a person is forgotten, a `failed` one gets a fresh count).
    Start {
        /// Which.
        services: BTreeSet<ServiceName>,
        /// Whether what they need is wanted too.
        deps: WithDeps,
    },
    /// `tspm stop`: these, dependents among them first. Services outside the set keep running.
    Stop {
        /// Which.
        services: BTreeSet<ServiceName>,
        /// Instead of each one's own stop timeout. Zero: kill at once, hooks skipped.
        timeout: Option<Duration>,
    },
    /// `tspm restart`: stop (if running), then start. Order as for stop and start.
    Restart {
        /// Which.
        services: BTreeSet<ServiceName>,
        /// Instead of each one's own stop timeout.
        timeout: Option<Duration>,
    },
    /// `tspm down`, the owner's end: stop everything, start nothing any more. May be repeated to go
    /// from `Graceful` to `Force`, never back.
    Shutdown(ShutdownMode),
}

/// `tspm up`.
#[derive(Debug, Clone, PartialEq)]
pub struct Apply {
    /// The project as it should be from now on.
    pub project: Arc<Project>,
    /// What is wanted of it.
    pub wanted: Wanted,
    /// Whether dependencies of the named services are wanted too.
    pub deps: WithDeps,
    /// Whether services that did not change are restarted too.
    pub recreate: Recreate,
}

/// Which services an `up` wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Everything that starts by itself (`Project::starts_by_itself`).
    Default,
    /// These, by name. On a running project they are wanted *beside* what already is.
    Only(BTreeSet<ServiceName>),
}

/// `--no-deps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithDeps {
    /// Dependencies are wanted and waited for.
    With,
    /// The named services alone are wanted, and their edges are taken as satisfied.
    Without,
}

/// `--force-recreate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recreate {
    /// Only what changed.
    Changed,
    /// Everything selected.
    All,
}

/// How everything is taken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownMode {
    /// Stop signals, dependents first; `timeout` instead of each service's own if given.
    Graceful {
        /// Instead of each service's own stop timeout.
        timeout: Option<Duration>,
    },
    /// Kill at once, all in parallel, hooks skipped.
    Force,
}

/// What an accepted request will do, service by service, in start order. Services it leaves alone
/// are there as `Keep`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    /// The steps.
    pub steps: Vec<Step>,
}

/// One line of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which service.
    pub service: ServiceName,
    /// What happens to it.
    pub verb: StepVerb,
    /// Why.
    pub why: StepWhy,
}

/// What happens to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepVerb {
    /// Nothing.
    Keep,
    /// It is started.
    Start,
    /// It is stopped.
    Stop,
    /// It is stopped, then started.
    Restart,
}

/// Why a step is in a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepWhy {
    /// It runs and is what the file says.
    Unchanged,
    /// It completed and did not change (oneshot).
    AlreadyCompleted,
    /// A person named it or wants everything.
    Asked,
    /// Something wanted needs it: that service.
    NeededBy(ServiceName),
    /// What its spawn depends on changed.
    Changed,
    /// `--force-recreate`.
    Forced,
    /// It is no longer in the file.
    Removed,
    /// It is `disabled` in the file.
    Disabled,
    /// Nobody wants it: not selected by a profile, `autostart: false`, or not named.
    NotWanted,
}

/// Why a request was refused. The only vocabulary of refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No service has that name.
    #[error("no service is called `{0}`")]
    UnknownService(ServiceName),
    /// The service is disabled in the file.
    #[error("`{0}` is disabled in the project file: remove `disabled: true` and run `tspm up`")]
    Disabled(ServiceName),
    /// Everything is being taken down.
    #[error("the project is shutting down: wait for `tspm down` to finish, then run `tspm up`")]
    ShuttingDown,
}
