//! One instance: what it is, what is wanted of it, where it is in its life.
//!
//! A slot is a state machine as a value. `start`, `probing`, `stop` and `settle` hold its transitions,
//! `timers` what time does to it. It never looks at another slot: what depends on others is decided in
//! `reconcile` and told to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Condition, InstanceId, Moment, Requirement, RunId, Service, ServiceName, WhenReplaced};

use super::history::History;
use super::legal::is_legal;
use super::out::Out;
use super::probing::Watch;
use super::{Action, EventKind, Phase, StartStage, StopReason, StopStage, StoppedBy};

/// A moment that never comes.
pub(super) const NEVER: Moment = Moment::from_nanos(u64::MAX);

/// One instance of a service. What a turn does not look at is boxed: a turn visits every slot.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) instance: InstanceId,
    pub(super) number: u32,
    /// The definition as the file has it now. A life goes on with the one it was begun with.
    pub(super) service: Arc<Service>,
    pub(super) member: Member,
    pub(super) root: Root,
    pub(super) hold: Hold,
    pub(super) edges: Vec<Edge>,
    /// Whether any of them is `restart: true`: turns need not look at the others' lives.
    pub(super) has_restart_edges: bool,
    pub(super) phase: Phase,
    /// There while a run is: in `starting`, `ready`, `stopping`, and in `failed` after a kill that did not help.
    pub(super) life: Option<Box<Life>>,
    /// A stop that is decided; it begins once no dependent that is leaving too is alive.
    pub(super) intent: Option<Intent>,
    /// The latest life, over or not.
    pub(super) last_run: Option<RunId>,
    /// What the latest life's spawn depended on.
    pub(super) last_hash: Option<u64>,
    pub(super) history: Box<History>,
}

/// Whether the file has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    /// Yes.
    Present,
    /// Yes, `disabled`.
    Disabled,
    /// No longer: it is stopped, then forgotten.
    Removed,
}

/// Whether a person asked for it, as opposed to something else needing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    /// No.
    Nobody,
    /// As part of everything that starts by itself; looked at again by the next plain `up`.
    Default(Reach),
    /// By name; lasts.
    Named(Reach),
}

/// What asking for it means for what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Dependencies are wanted and waited for.
    Deps,
    /// Dependencies stay wanted but are not waited for (`--no-deps` on something that was asked for with them).
    Ungated,
    /// Neither wanted nor waited for.
    Alone,
}

/// Whether a person stopped it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// No.
    Free,
    /// Yes, and nobody has started it since.
    Person,
}

/// An edge, with the dependency as an index: a turn follows thousands of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) on: usize,
    pub(super) condition: Condition,
    pub(super) requirement: Requirement,
    pub(super) when_replaced: WhenReplaced,
}

/// A stop that is to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Intent {
    pub(super) reason: StopReason,
    /// Instead of the service's own.
    pub(super) timeout: Option<Duration>,
    pub(super) force: Force,
}

/// How a stop goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Force {
    /// Hooks, signal, grace.
    Polite,
    /// Kill at once, hooks skipped, in parallel.
    Kill,
}

/// A run, from `Begin` to `End`.
#[derive(Debug, Clone)]
pub(super) struct Life {
    pub(super) run: RunId,
    /// The definition it was begun with.
    pub(super) service: Arc<Service>,
    pub(super) process: Process,
    /// Which life of each `restart: true` dependency this one knows.
    pub(super) seen: BTreeMap<ServiceName, RunId>,
    pub(super) helper: Helper,
    /// When an effect that owes an answer is taken to have failed.
    pub(super) guard: Moment,
    pub(super) readiness: Watch,
    pub(super) liveness: Watch,
    pub(super) ready_at: Option<Moment>,
    pub(super) nudge: Nudge,
    pub(super) force: Force,
    /// The stop timeout that a request gave instead of the service's own.
    pub(super) grace: Option<Duration>,
}

/// The leader of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Process {
    /// Not spawned (yet).
    None,
    /// Spawned; it may be gone.
    Spawned {
        /// Its pid.
        pid: u32,
        /// When.
        at: Moment,
    },
}

/// The command beside a run that is being run and owes an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Helper {
    /// None.
    Idle,
    /// The hook that the stage names.
    Hook,
    /// `stop.command`.
    StopCommand,
}

/// The second signal of a stop: to what the leader left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nudge {
    /// The leader lives, as far as is known, and nobody has been signalled.
    NotYet,
    /// The leader's group (or, with `signal_to: leader`, the leader) has been signalled.
    Signalled,
    /// The leader is gone: whoever is left is signalled then.
    Due(Moment, super::SignalTo),
    /// Nothing more will be sent.
    Done,
}

impl Life {
    /// The life `run` of `service`, before anything happened.
    pub(super) fn new(run: RunId, service: Arc<Service>) -> Self {
        Self {
            run,
            service,
            process: Process::None,
            seen: BTreeMap::new(),
            helper: Helper::Idle,
            guard: NEVER,
            readiness: Watch::default(),
            liveness: Watch::default(),
            ready_at: None,
            nudge: Nudge::NotYet,
            force: Force::Polite,
            grace: None,
        }
    }
}

impl Member {
    /// What the file says of `service`.
    pub(super) fn of(service: &Service) -> Self {
        if service.disabled { Self::Disabled } else { Self::Present }
    }
}

impl Root {
    /// How far the wish goes; none: nobody asked.
    pub(super) const fn reach(self) -> Option<Reach> {
        match self {
            Self::Nobody => None,
            Self::Default(reach) | Self::Named(reach) => Some(reach),
        }
    }
}

impl Slot {
    /// A slot for `service` that nobody wants yet.
    pub(super) fn new(service: Arc<Service>, number: u32, now: Moment) -> Self {
        let member = Member::of(&service);
        let phase = match member {
            Member::Disabled => Phase::Disabled,
            Member::Present | Member::Removed => Phase::Stopped { since: now, by: StoppedBy::Nobody, exit: None },
        };
        Self {
            instance: InstanceId::first(service.name.clone()),
            number,
            service,
            member,
            root: Root::Nobody,
            hold: Hold::Free,
            edges: Vec::new(),
            has_restart_edges: false,
            phase,
            life: None,
            intent: None,
            last_run: None,
            last_hash: None,
            history: Box::default(),
        }
    }

    /// Whether a run is going on (a `failed` one whose remains could not be killed is not).
    pub(super) const fn is_live(&self) -> bool {
        self.phase.run().is_some()
    }

    /// Given up on, with processes that could not be killed.
    pub(super) const fn is_undead(&self) -> bool {
        self.life.is_some() && !self.is_live()
    }

    /// Live, and being stopped or about to be.
    pub(super) const fn is_leaving(&self) -> bool {
        matches!(self.phase, Phase::Stopping { .. }) || (self.intent.is_some() && self.is_live())
    }

    /// Why it is being stopped, or is about to be.
    pub(super) const fn leaving_because(&self) -> Option<&StopReason> {
        match (&self.phase, &self.intent) {
            (Phase::Stopping { reason, .. }, _) | (_, Some(Intent { reason, .. })) => Some(reason),
            (_, None) => None,
        }
    }

    /// The life of a slot whose phase has a run.
    pub(super) const fn life(&mut self) -> &mut Life {
        self.life.as_mut().expect("a phase with a run has a life")
    }

    /// How far its stop is, if it is stopping.
    pub(super) const fn stop_stage(&self) -> Option<&StopStage> {
        if let Phase::Stopping { stage, .. } = &self.phase { Some(stage) } else { None }
    }

    /// How far its start is, if it is starting.
    pub(super) const fn start_stage(&self) -> Option<&StartStage> {
        if let Phase::Starting { stage, .. } = &self.phase { Some(stage) } else { None }
    }

    /// Enters `to` and tells it if the word changed.
    pub(super) fn enter(&mut self, now: Moment, to: Phase, out: &mut Out) {
        let from = self.phase.name();
        debug_assert!(is_legal(from, to.name()), "{}: {from} to {}", self.instance, to.name());
        self.phase = to;
        if from == self.phase.name() {
            out.touch();
        } else {
            self.tell_phase(now, from, out);
        }
    }

    /// Tells the phase as it is now; `from` is what it was.
    pub(super) fn tell_phase(&self, now: Moment, from: super::PhaseName, out: &mut Out) {
        out.tell(now, Some(&self.instance), EventKind::Phase { from, to: self.phase.clone() });
    }

    /// Moves to another stage of the same start.
    pub(super) fn start_at(&mut self, to: StartStage, out: &mut Out) {
        if let Phase::Starting { stage, .. } = &mut self.phase {
            *stage = to;
            out.touch();
        }
    }

    /// Moves to another stage of the same stop.
    pub(super) fn stop_at(&mut self, to: StopStage, out: &mut Out) {
        if let Phase::Stopping { stage, .. } = &mut self.phase {
            *stage = to;
            out.touch();
        }
    }

    /// Ends whatever runs beside the run and owes an answer.
    pub(super) fn cancel_helpers(&mut self, out: &mut Out) {
        let life = self.life();
        let asked = life.readiness.is_asked() || life.liveness.is_asked();
        let busy = asked || life.helper != Helper::Idle;
        life.readiness.forget();
        life.liveness.forget();
        life.helper = Helper::Idle;
        life.guard = NEVER;
        if busy {
            let run = life.run;
            out.act(Action::CancelHelpers { run });
        }
    }
}
