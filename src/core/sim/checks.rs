//! The promises, checked after every step of a walk. Written from the specification, not from the code.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::legal::is_legal;
use crate::core::slot::{NEVER, Reach, Slot};
use crate::core::{
    Action, Event, EventKind, Failure, Fleet, Phase, PhaseName, Readiness, RestartReason, StartStage, StopReason,
    StopStage,
};
use crate::model::{
    Condition, HookKind, InstanceId, Moment, Requirement, RunId, ServiceType, StopOrder, WhenReplaced,
};

/// What has to be remembered between steps.
#[derive(Default)]
pub(super) struct Checks {
    /// The last phase that was told.
    told: BTreeMap<InstanceId, PhaseName>,
    /// Until when a restart has to wait, unless a person steps in.
    backoff: BTreeMap<InstanceId, Moment>,
    /// Runs that ended by themselves, without a person stepping in.
    ended: BTreeSet<InstanceId>,
    /// Since when the ready ones are.
    ready: BTreeMap<InstanceId, Moment>,
    /// Ended after enough health: the next delay is the first one.
    healthy: BTreeSet<InstanceId>,
    pub(super) down: bool,
    /// `--force` was asked for.
    pub(super) forced: bool,
}

impl Checks {
    /// A person's request was accepted: whatever waited need not.
    pub(super) fn person_stepped_in(&mut self) {
        self.backoff.clear();
        self.ended.clear();
    }

    /// After every step, with what it brought about.
    pub(super) fn check(&mut self, fleet: &Fleet, now: Moment, actions: &[Action], events: &[Event]) {
        for event in events {
            self.check_event(fleet, now, event, actions);
        }
        for action in actions {
            match action {
                Action::Begin { instance, .. } => self.check_begin(fleet, now, instance),
                Action::Spawn { run } => assert!(!self.down, "{run} is spawned after shutdown"),
                Action::RunHook { .. }
                | Action::RunStopCommand { .. }
                | Action::CancelHelpers { .. }
                | Action::Signal { .. }
                | Action::Kill { .. }
                | Action::Probe { .. }
                | Action::Drain { .. }
                | Action::AwaitPorts { .. }
                | Action::End { .. }
                | Action::Quiescent => {}
            }
        }
        for (index, slot) in fleet.wiring.slots.iter().enumerate() {
            self.check_slot(fleet, index, slot);
        }
    }

    fn check_slot(&self, fleet: &Fleet, index: usize, slot: &Slot) {
        let name = &slot.instance;
        assert_eq!(slot.is_live(), slot.life.is_some() && !slot.is_undead(), "{name}: run and life disagree");
        match &slot.phase {
            Phase::Stopping { .. } => assert_ne!(slot.next_timer(), NEVER, "{name} stops without a deadline"),
            Phase::Pending { .. } => {
                assert!(!self.down, "{name} is pending after shutdown");
                assert!(
                    !fleet.view_of(NEVER, index).waiting_for.is_empty(),
                    "{name} is pending and waits for nothing"
                );
            }
            Phase::Starting { .. } | Phase::Ready { .. } if self.down => {
                assert!(slot.intent.is_some(), "{name} stays after shutdown");
            }
            Phase::Skipped { because, .. } => assert!(!because.is_empty(), "{name} is skipped without a cause"),
            Phase::Starting { .. }
            | Phase::Ready { .. }
            | Phase::Stopped { .. }
            | Phase::Backoff { .. }
            | Phase::Completed { .. }
            | Phase::Failed { .. }
            | Phase::Disabled => {}
        }
        match slot.phase {
            Phase::Pending { .. } | Phase::Skipped { .. } | Phase::Backoff { .. } => {
                assert!(fleet.wanted[index], "{name} waits, and nobody wants it");
            }
            Phase::Stopped { .. } | Phase::Disabled => {
                assert!(!fleet.wanted[index], "{name} is wanted and just stopped");
            }
            Phase::Starting { .. } | Phase::Ready { .. } => {
                assert!(fleet.wanted[index] || slot.intent.is_some(), "{name} runs, and nobody wants it");
            }
            Phase::Stopping { .. } | Phase::Completed { .. } | Phase::Failed { .. } => {}
        }
        if !self.down && !slot.is_leaving() {
            check_replaced(fleet, slot);
        }
        if self.forced {
            check_forced(slot);
        }
        // A stop that waits, waits for somebody, or for the answer to a spawn.
        if slot.intent.is_some() && slot.start_stage() != Some(&StartStage::Spawning) {
            assert!(!fleet.stops_after(index).is_empty(), "{name} is not stopped, and nobody knows why");
        }
        let told = self.told.get(name).copied();
        assert!(told.is_none_or(|told| told == slot.phase.name()), "{name} is not {told:?}, as was told");
    }

    fn check_event(&mut self, fleet: &Fleet, now: Moment, event: &Event, actions: &[Action]) {
        let (Some(instance), EventKind::Phase { from, to }) = (&event.instance, &event.kind) else { return };
        assert!(is_legal(*from, to.name()), "{instance}: {from} to {}", to.name());
        if let Some(told) = self.told.insert(instance.clone(), to.name()) {
            assert_eq!(told, *from, "{instance} jumps");
        }
        if *from == PhaseName::Ready && to.name() == PhaseName::Stopping {
            let since = self.ready.remove(instance).expect("it was told to be ready");
            if now.since(since) >= find(fleet, instance).service.restart.backoff.reset_after {
                self.healthy.insert(instance.clone());
            }
        }
        match to {
            Phase::Ready { since, .. } => {
                self.ready.insert(instance.clone(), *since);
            }
            Phase::Backoff { until, attempt, .. } => {
                assert!(*until > now, "{instance} backs off for no time");
                assert!(!self.healthy.remove(instance) || *attempt == 1, "{instance} was healthy for long enough");
                self.backoff.insert(instance.clone(), *until);
            }
            Phase::Stopping { run, reason: StopReason::DependencyReplaced(on), .. }
                if *from != PhaseName::Stopping =>
            {
                let new = fleet.slot_of(on).and_then(|slot| slot.last_run);
                assert!(new > Some(*run), "{instance} restarts, and {on} was not replaced");
                if actions.iter().any(|action| asks_politely(action, *run)) {
                    check_stop_order(fleet, instance);
                }
            }
            Phase::Stopping { run, reason, .. } if *from != PhaseName::Stopping => {
                let by_itself = decides_itself(reason);
                if by_itself {
                    self.ended.insert(instance.clone());
                }
                if !by_itself && actions.iter().any(|action| asks_politely(action, *run)) {
                    check_stop_order(fleet, instance);
                }
            }
            Phase::Pending { .. } if *from == PhaseName::Stopping => {
                assert!(!self.ended.contains(instance), "{instance} restarts without its backoff");
            }
            Phase::Stopping { .. }
            | Phase::Pending { .. }
            | Phase::Stopped { .. }
            | Phase::Starting { .. }
            | Phase::Completed { .. }
            | Phase::Failed { .. }
            | Phase::Skipped { .. }
            | Phase::Disabled => {}
        }
    }

    fn check_begin(&mut self, fleet: &Fleet, now: Moment, instance: &InstanceId) {
        assert!(!self.down, "{instance} begins after shutdown");
        self.ended.remove(instance);
        self.healthy.remove(instance);
        if let Some(until) = self.backoff.remove(instance) {
            assert!(now >= until, "{instance} begins before its backoff is over");
        }
        let slot = find(fleet, instance);
        if matches!(slot.root.reach(), Some(Reach::Alone | Reach::Ungated)) {
            return;
        }
        for edge in &slot.edges {
            let on = &fleet.wiring.slots[edge.on];
            let optional = edge.requirement == Requirement::Optional && !may_still_hold(on, edge.condition);
            assert!(!on.is_leaving(), "{instance} begins upon {}, which is about to go", on.instance);
            assert!(
                holds(on, edge.condition) || optional,
                "{instance} begins before {:?} of {}",
                edge.condition,
                on.instance
            );
        }
    }

    /// An instance that the file no longer has is forgotten; a new one of that name starts afresh.
    pub(super) fn forget_gone(&mut self, fleet: &Fleet) {
        let here = |name: &InstanceId| fleet.wiring.find(&name.service).is_some();
        self.told.retain(|name, _| here(name));
        self.backoff.retain(|name, _| here(name));
        self.ended.retain(|name| here(name));
    }
}

/// `restart: true`: who was started upon an earlier life than the one that is ready now does not stay.
fn check_replaced(fleet: &Fleet, slot: &Slot) {
    let Some(life) = slot.life.as_ref().filter(|_| slot.is_live()) else { return };
    for edge in slot.edges.iter().filter(|edge| edge.when_replaced == WhenReplaced::Restart) {
        let on = &fleet.wiring.slots[edge.on];
        let known = life.seen.get(&on.instance.service).copied();
        let replaced = known.is_some() && known != on.last_run;
        let back = holds(on, edge.condition) && !on.is_leaving() && !matches!(on.phase, Phase::Failed { .. });
        assert!(!(replaced && back), "{} stays upon a {} that was replaced", slot.instance, on.instance);
    }
}

/// `--force`: everything that has a process has been killed, and no hook runs.
fn check_forced(slot: &Slot) {
    let name = &slot.instance;
    assert!(slot.start_stage().is_none_or(|stage| *stage == StartStage::Spawning), "{name} goes on starting");
    assert!(!matches!(slot.phase, Phase::Ready { .. }), "{name} is left alone");
    let patient = |stage: &StopStage| {
        matches!(stage, StopStage::PreStop(_) | StopStage::Asked { .. } | StopStage::PostStop(_))
    };
    assert!(!slot.stop_stage().is_some_and(patient), "{name} is given time");
}

/// P1: one stops only after everything that depends on it, however far, and is being stopped too, is gone.
fn check_stop_order(fleet: &Fleet, instance: &InstanceId) {
    if fleet.project().stop.order == StopOrder::Parallel {
        return;
    }
    let slots = &fleet.wiring.slots;
    let mut above: BTreeSet<usize> = fleet.wiring.find(&instance.service).into_iter().collect();
    loop {
        let more = (0..slots.len()).filter(|at| slots[*at].edges.iter().any(|edge| above.contains(&edge.on)));
        let more: BTreeSet<usize> = more.filter(|at| !above.contains(at)).collect();
        if more.is_empty() {
            return;
        }
        for at in &more {
            let other = &slots[*at];
            let process = other.life.as_ref().is_some_and(|life| life.process != crate::core::slot::Process::None);
            assert!(!(other.is_leaving() && process), "{instance} is stopped while {} lives", other.instance);
        }
        above.extend(more);
    }
}

/// Whether it is a step of a stop that the program could notice.
fn asks_politely(action: &Action, of: RunId) -> bool {
    match action {
        Action::Signal { run, .. }
        | Action::RunStopCommand { run }
        | Action::RunHook { run, kind: HookKind::PreStop, .. } => *run == of,
        _ => false,
    }
}

fn find<'a>(fleet: &'a Fleet, instance: &InstanceId) -> &'a Slot {
    fleet.slot_of(&instance.service).expect("it is there: something just happened to it")
}

/// Whether the policy, not a person or a file, decides what comes after.
const fn decides_itself(reason: &StopReason) -> bool {
    matches!(
        reason,
        StopReason::Ended
            | StopReason::NotSpawned(_)
            | StopReason::HookFailed(..)
            | StopReason::NotReady(_)
            | StopReason::Unhealthy(_)
    )
}

/// The conditions, by what the words mean.
fn holds(on: &Slot, condition: Condition) -> bool {
    let oneshot = on.service.kind == ServiceType::Oneshot;
    let runs = matches!(
        on.phase,
        Phase::Starting { stage: StartStage::Running { .. } | StartStage::PostStart { .. }, .. }
            | Phase::Ready { .. }
    );
    let completed = matches!(on.phase, Phase::Completed { .. });
    let ready = matches!(on.phase, Phase::Ready { .. });
    match condition {
        Condition::Started => runs || completed,
        Condition::Ready if on.service.readiness.is_none() => ready || completed || (runs && oneshot),
        Condition::Ready => ready || (completed && oneshot),
        Condition::Succeeded => completed,
        Condition::Completed => completed || matches!(&on.phase, Phase::Failed { why, .. } if ran_and_ended(why)),
    }
}

fn ran_and_ended(why: &Failure) -> bool {
    let last_ended = |last: &RestartReason| {
        matches!(last, RestartReason::Ended(_) | RestartReason::NotReady(_) | RestartReason::Unhealthy(_))
    };
    match why {
        Failure::Ended(_) | Failure::NotReady(_) | Failure::Unhealthy(_) => true,
        Failure::CrashLoop { last, .. } => last_ended(last),
        Failure::NotSpawned(_) | Failure::HookFailed(..) | Failure::Survived(_) => false,
    }
}

/// Whether an optional edge is worth waiting for.
fn may_still_hold(on: &Slot, condition: Condition) -> bool {
    match &on.phase {
        Phase::Starting { stage: StartStage::Running { readiness: Readiness::Late { .. }, .. }, .. } => {
            condition != Condition::Ready
        }
        Phase::Pending { .. }
        | Phase::Starting { .. }
        | Phase::Ready { .. }
        | Phase::Stopping { .. }
        | Phase::Backoff { .. } => true,
        Phase::Stopped { .. }
        | Phase::Completed { .. }
        | Phase::Failed { .. }
        | Phase::Skipped { .. }
        | Phase::Disabled => false,
    }
}

/// Whether any edge of the project restarts its dependent (used to see that walks visit that corner).
pub(super) fn has_restart_edge(fleet: &Fleet) -> bool {
    fleet.wiring.slots.iter().any(|slot| slot.edges.iter().any(|edge| edge.when_replaced == WhenReplaced::Restart))
}
