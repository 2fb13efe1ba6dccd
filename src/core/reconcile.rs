//! What should run, computed from scratch each turn; and the steps that lead there.
//!
//! One pass from dependents to dependencies settles what is wanted and what may stop: a stop begins once no
//! dependent that is leaving too is alive. One pass the other way settles what may start. There is no queue of
//! things to do and no cache: a turn looks at phases and wishes, nothing else.

use std::collections::BTreeMap;

use crate::model::{Moment, RunId, ServiceName, StopOrder, WhenReplaced};

use super::edges::{Verdict, chain, judge, support};
use super::fleet::{Down, Fleet};
use super::out::Out;
use super::slot::{Force, Hold, Intent, Member, Reach, Root, Slot};
use super::{Action, EventKind, Phase, StartStage, StopReason, StoppedBy};

/// What one pass tells the next slots in it; kept between turns only to spare the allocation.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    /// Whether something that spreads its wish needs it.
    needed: Vec<bool>,
    /// Whether something that is leaving and alive depends on it, however far.
    leaving_above: Vec<bool>,
}

impl Fleet {
    /// One turn: everything that follows from the present facts and wishes.
    pub(super) fn turn(&mut self, now: Moment) {
        self.want_and_stop(now);
        match self.down {
            Down::No => self.start_what_is_supported(now),
            Down::Going(_) => self.finish(now),
            Down::Done(_) => {}
        }
        if self.wiring.forget_removed() {
            // Indices have moved, and with them what was computed by index.
            self.turn(now);
        }
    }

    /// Dependents before dependencies: wishes spread down the edges, and so does «wait for me to be gone».
    fn want_and_stop(&mut self, now: Moment) {
        let count = self.wiring.slots.len();
        reset(&mut self.wanted, count);
        reset(&mut self.scratch.needed, count);
        reset(&mut self.scratch.leaving_above, count);
        let in_order = self.project.stop.order == StopOrder::Reverse;
        for position in (0..count).rev() {
            let index = self.wiring.order[position];
            let needed = self.scratch.needed[index];
            let slot = &self.wiring.slots[index];
            let wanted = self.down == Down::No && is_wanted(slot, needed);
            let spreads = spreads(slot, needed);
            self.wanted[index] = wanted;
            if slot.has_restart_edges {
                self.restart_if_replaced(now, index);
            }
            let slot = &mut self.wiring.slots[index];
            if !wanted {
                let by = if self.down == Down::No { StoppedBy::Unwanted } else { StoppedBy::Shutdown };
                retire(slot, now, by, &mut self.out);
            }
            // What has no process yet is not waited for, and must not get one while others end.
            let has_process = !matches!(slot.start_stage(), Some(StartStage::PreStart(_)));
            let blocked = in_order && has_process && self.scratch.leaving_above[index];
            if slot.intent.as_ref().is_some_and(|intent| !blocked || intent.force == Force::Kill) {
                slot.stop_now(now, &mut self.out);
            }
            let leaving = slot.is_leaving() || self.scratch.leaving_above[index];
            for edge in &slot.edges {
                self.scratch.needed[edge.on] |= spreads;
                self.scratch.leaving_above[edge.on] |= leaving;
            }
        }
    }

    /// `restart: true`: the dependency holds again, by another life than the one this was started upon.
    fn restart_if_replaced(&mut self, now: Moment, index: usize) {
        let slots = &self.wiring.slots;
        let slot = &slots[index];
        let Some(life) = slot.life.as_ref().filter(|_| slot.is_live() && !slot.is_leaving()) else { return };
        let mut first_seen = Vec::new();
        let mut replaced = None;
        for (on, run) in restart_edges(slots, index) {
            match life.seen.get(&on) {
                None => first_seen.push((on, run)),
                Some(seen) if *seen != run => replaced = Some(on),
                Some(_) => {}
            }
        }
        let slot = &mut self.wiring.slots[index];
        slot.life().seen.extend(first_seen);
        if let Some(on) = replaced {
            let reason = StopReason::DependencyReplaced(on);
            slot.order_stop(now, Intent { reason, timeout: None, force: Force::Polite }, &mut self.out);
        }
    }

    /// Dependencies before dependents: what is skipped in this turn skips its dependents in this turn.
    fn start_what_is_supported(&mut self, now: Moment) {
        for position in 0..self.wiring.order.len() {
            let index = self.wiring.order[position];
            if !self.wanted[index] {
                continue;
            }
            let slot = &mut self.wiring.slots[index];
            if matches!(slot.phase, Phase::Stopped { .. }) {
                slot.enter(now, Phase::Pending { since: now }, &mut self.out);
            }
            if matches!(slot.phase, Phase::Pending { .. } | Phase::Skipped { .. }) {
                self.start_wait_or_skip(now, index);
            }
        }
    }

    fn start_wait_or_skip(&mut self, now: Moment, index: usize) {
        let verdict = support(&self.wiring.slots, index);
        let skipped = matches!(self.wiring.slots[index].phase, Phase::Skipped { .. });
        if verdict == Verdict::Hopeless {
            return self.skip(now, index);
        }
        if skipped {
            self.wiring.slots[index].enter(now, Phase::Pending { since: now }, &mut self.out);
        }
        if verdict == Verdict::Satisfied {
            let seen: BTreeMap<ServiceName, RunId> = restart_edges(&self.wiring.slots, index).collect();
            self.wiring.slots[index].begin(now, seen, &mut self.out);
        }
    }

    fn skip(&mut self, now: Moment, index: usize) {
        let because = chain(&self.wiring.slots, index);
        let slot = &mut self.wiring.slots[index];
        match &mut slot.phase {
            Phase::Skipped { because: before, .. } => {
                if *before != because {
                    *before = because;
                    self.out.touch();
                }
            }
            Phase::Stopped { .. }
            | Phase::Pending { .. }
            | Phase::Starting { .. }
            | Phase::Ready { .. }
            | Phase::Stopping { .. }
            | Phase::Backoff { .. }
            | Phase::Completed { .. }
            | Phase::Failed { .. }
            | Phase::Disabled => slot.enter(now, Phase::Skipped { since: now, because }, &mut self.out),
        }
    }

    /// Shutdown is complete once no run is left but those that could not be killed.
    fn finish(&mut self, now: Moment) {
        if !self.wiring.slots.iter().any(Slot::is_live) {
            self.down = Down::Done(self.down.mode());
            self.out.tell(now, None, EventKind::Down);
            self.out.act(Action::Quiescent);
        }
    }
}

/// Whether it should run: asked for or needed, in the file, not disabled, not stopped by a person.
fn is_wanted(slot: &Slot, needed: bool) -> bool {
    let asked = slot.root != Root::Nobody;
    slot.member == Member::Present && slot.hold == Hold::Free && (asked || needed)
}

/// Whether what it needs is needed. A stop by a person does not change that: what is outside the stop stays.
fn spreads(slot: &Slot, needed: bool) -> bool {
    slot.member == Member::Present && (needed || reaches(slot.root))
}

/// Whether asking for it asked for its dependencies.
pub(super) const fn reaches(root: Root) -> bool {
    match root.reach() {
        Some(Reach::Deps | Reach::Ungated) => true,
        Some(Reach::Alone) | None => false,
    }
}

/// Nobody wants it: it stops waiting, or it stops.
fn retire(slot: &mut Slot, now: Moment, unless_held: StoppedBy, out: &mut Out) {
    match &slot.phase {
        Phase::Pending { .. } | Phase::Backoff { .. } | Phase::Skipped { .. } => {
            let held = slot.hold == Hold::Person && unless_held == StoppedBy::Unwanted;
            let phase = slot.stopped(now, if held { StoppedBy::Person } else { unless_held });
            slot.enter(now, phase, out);
        }
        Phase::Starting { .. } | Phase::Ready { .. } | Phase::Stopping { .. } => {
            if !is_for_good(slot) {
                let intent = Intent { reason: StopReason::Asked, timeout: None, force: Force::Polite };
                slot.order_stop(now, intent, out);
            }
        }
        Phase::Stopped { .. } | Phase::Completed { .. } | Phase::Failed { .. } | Phase::Disabled => {}
    }
}

/// Whether it is leaving, and not to come back.
pub(super) const fn is_for_good(slot: &Slot) -> bool {
    matches!(slot.leaving_because(), Some(StopReason::Asked | StopReason::Removed | StopReason::Shutdown))
}

/// The `restart: true` dependencies of `slots[index]` that hold by a life of theirs, and that life.
fn restart_edges(slots: &[Slot], index: usize) -> impl Iterator<Item = (ServiceName, RunId)> + '_ {
    slots[index].edges.iter().filter_map(|edge| {
        if edge.when_replaced == WhenReplaced::Keep {
            return None;
        }
        let on = &slots[edge.on];
        let holds_by_itself = judge(edge, on) == Verdict::Satisfied
            && matches!(on.phase, Phase::Starting { .. } | Phase::Ready { .. } | Phase::Completed { .. });
        holds_by_itself.then_some((on.instance.service.clone(), on.last_run?))
    })
}

fn reset(flags: &mut Vec<bool>, count: usize) {
    flags.clear();
    flags.resize(count, false);
}
