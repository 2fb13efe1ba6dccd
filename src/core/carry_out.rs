//! Makes an accepted request's draft real: the new project, the new wishes, and each step's first move. The turn
//! that follows does the rest.

use std::sync::Arc;
use std::time::Duration;

use crate::model::Moment;

use super::fleet::Fleet;
use super::out::Out;
use super::plan::Draft;
use super::slot::{Force, Intent, Slot};
use super::{EventKind, Phase, Request, StepVerb, StepWhy, StopReason, StoppedBy};

impl Fleet {
    /// Does what the draft says.
    pub(super) fn carry_out(&mut self, now: Moment, request: &Request, draft: Draft) {
        let timeout = match request {
            Request::Stop { timeout, .. } | Request::Restart { timeout, .. } => *timeout,
            Request::Apply(_) | Request::Start { .. } | Request::Shutdown(_) => None,
        };
        if let Request::Apply(_) = request {
            self.project = Arc::clone(&draft.project);
            self.wiring.apply(now, &self.project);
            for slot in &mut self.wiring.slots {
                heed_disabled(slot, now, &mut self.out);
            }
            self.out.tell(now, None, EventKind::Applied);
        }
        for (name, wish) in &draft.wishes {
            let index = self.wiring.find(name).expect("every wish is for a service of the project");
            let slot = &mut self.wiring.slots[index];
            (slot.root, slot.hold) = (wish.root, wish.hold);
        }
        for step in draft.steps {
            // What was removed and has ended is forgotten by now.
            let Some(index) = self.wiring.find(&step.service) else { continue };
            let (slot, out) = (&mut self.wiring.slots[index], &mut self.out);
            match step.verb {
                StepVerb::Keep => {}
                StepVerb::Start => revive(slot, now, out),
                StepVerb::Restart => {
                    let reason =
                        if step.why == StepWhy::Changed { StopReason::Changed } else { StopReason::Restart };
                    slot.order_stop(now, intent(reason, timeout), out);
                }
                StepVerb::Stop => {
                    let reason =
                        if step.why == StepWhy::Removed { StopReason::Removed } else { StopReason::Asked };
                    slot.order_stop(now, intent(reason, timeout), out);
                }
            }
        }
    }
}

/// A stop for `reason`; a timeout of zero means «at once, hooks skipped».
fn intent(reason: StopReason, timeout: Option<Duration>) -> Intent {
    match timeout {
        Some(timeout) if timeout.is_zero() => Intent { reason, timeout: None, force: Force::Kill },
        Some(_) | None => Intent { reason, timeout, force: Force::Polite },
    }
}

/// A person wants it to run: whatever kept it from running is forgotten.
fn revive(slot: &mut Slot, now: Moment, out: &mut Out) {
    slot.history.forgive();
    let undead = slot.is_undead();
    match &mut slot.phase {
        Phase::Stopped { .. } | Phase::Backoff { .. } | Phase::Completed { .. } => {
            slot.enter(now, Phase::Pending { since: now }, out);
        }
        Phase::Failed { .. } if undead => slot.kill_again(now, StopReason::Restart, out),
        Phase::Failed { .. } => slot.enter(now, Phase::Pending { since: now }, out),
        Phase::Stopping { reason, .. } => {
            *reason = StopReason::Restart;
            out.touch();
        }
        Phase::Starting { .. } | Phase::Ready { .. } => {
            // A stop that was decided and has not begun: it is called off, unless the file has changed.
            let same = slot.last_hash == Some(slot.service.spawn_hash);
            match &mut slot.intent {
                Some(intent) if !same => intent.reason = StopReason::Changed,
                Some(_) | None => slot.intent = None,
            }
            out.touch();
        }
        // The turn looks at these anyway.
        Phase::Pending { .. } | Phase::Skipped { .. } | Phase::Disabled => {}
    }
}

/// `disabled: true` came or went.
fn heed_disabled(slot: &mut Slot, now: Moment, out: &mut Out) {
    match (&slot.phase, slot.is_disabled()) {
        (Phase::Disabled, false) => {
            let phase = slot.stopped(now, StoppedBy::Nobody);
            slot.enter(now, phase, out);
        }
        (Phase::Disabled, true) | (_, false) => {}
        (_, true) => {
            if slot.life.is_none() {
                slot.enter(now, Phase::Disabled, out);
            }
        }
    }
}
