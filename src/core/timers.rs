//! What time does to a slot.
//!
//! Timers are not stored: the phase and the life say when something is due. [`Slot::next_timer`] and `fire` read
//! the same fields, and `fire` moves whatever was due, so that the next timer is always later.

use crate::model::Moment;

use super::out::Out;
use super::slot::{Helper, NEVER, Nudge, Slot};
use super::{HookOutcome, Phase, ProbeWhich, Readiness, StartStage, StopReason, StopStage};

impl Slot {
    /// When something is due; [`NEVER`]: nothing is.
    pub(super) fn next_timer(&self) -> Moment {
        if let Phase::Backoff { until, .. } = self.phase {
            return until;
        }
        let Some(life) = &self.life else { return NEVER };
        match &self.phase {
            Phase::Starting { stage, .. } => match stage {
                StartStage::PreStart(_) | StartStage::Spawning => life.guard,
                StartStage::Running { readiness, .. } => {
                    let late = match readiness {
                        Readiness::Awaited { deadline } => *deadline,
                        Readiness::Late { .. } => NEVER,
                    };
                    late.min(life.readiness.due()).min(self.start_deadline())
                }
                StartStage::PostStart { .. } => life.guard.min(self.start_deadline()),
            },
            Phase::Ready { .. } => life.liveness.due(),
            Phase::Stopping { stage, .. } => match stage {
                StopStage::Asked { deadline } => match life.nudge {
                    Nudge::Due(at, _) => at.min(*deadline),
                    Nudge::NotYet | Nudge::Signalled | Nudge::Done => *deadline,
                },
                StopStage::Killed { deadline, .. } => *deadline,
                StopStage::PreStop(_) | StopStage::Draining | StopStage::PostStop(_) | StopStage::Ports => {
                    life.guard
                }
            },
            Phase::Stopped { .. }
            | Phase::Pending { .. }
            | Phase::Backoff { .. }
            | Phase::Completed { .. }
            | Phase::Failed { .. }
            | Phase::Skipped { .. }
            | Phase::Disabled => NEVER,
        }
    }

    /// Does everything that is due.
    pub(super) fn tick(&mut self, now: Moment, out: &mut Out) {
        while self.next_timer() <= now {
            self.fire(now, out);
        }
    }

    fn fire(&mut self, now: Moment, out: &mut Out) {
        match &self.phase {
            Phase::Backoff { .. } => self.enter(now, Phase::Pending { since: now }, out),
            Phase::Starting { stage, .. } => {
                let stage = stage.clone();
                self.start_due(now, &stage, out);
            }
            Phase::Ready { .. } => self.watch_due(now, ProbeWhich::Liveness, out),
            Phase::Stopping { stage, .. } => {
                let stage = stage.clone();
                self.stop_due(now, &stage, out);
            }
            Phase::Stopped { .. }
            | Phase::Pending { .. }
            | Phase::Completed { .. }
            | Phase::Failed { .. }
            | Phase::Skipped { .. }
            | Phase::Disabled => {}
        }
    }

    fn start_due(&mut self, now: Moment, stage: &StartStage, out: &mut Out) {
        if self.start_deadline() <= now {
            let last = self.life().readiness.last_text();
            return self.leave(now, StopReason::NotReady(last), out);
        }
        match stage {
            StartStage::PreStart(_) | StartStage::PostStart { .. } => self.hook_silent(now, out),
            StartStage::Spawning => self.kill_unspawned(now, out),
            StartStage::Running { pid, readiness: Readiness::Awaited { deadline } } if *deadline <= now => {
                self.late(now, *pid, out);
            }
            StartStage::Running { .. } => self.watch_due(now, ProbeWhich::Readiness, out),
        }
    }

    fn stop_due(&mut self, now: Moment, stage: &StopStage, out: &mut Out) {
        match stage {
            StopStage::PreStop(_) | StopStage::PostStop(_) => self.hook_silent(now, out),
            StopStage::Asked { deadline } if *deadline <= now => self.kill(now, out),
            StopStage::Asked { .. } => {
                if let Nudge::Due(_, to) = self.life().nudge {
                    self.nudge(now, to, out);
                }
            }
            StopStage::Killed { left, .. } => self.survived(now, left.clone(), out),
            StopStage::Draining => self.drained(now, out),
            StopStage::Ports => self.ports_settled(now, Vec::new(), out),
        }
    }

    /// A hook whose end nobody reports is cancelled, and counts as one that took too long.
    fn hook_silent(&mut self, now: Moment, out: &mut Out) {
        let Some((kind, index)) = self.current_hook() else { return };
        let timeout = self.life().service.hooks.at(kind)[index].timeout;
        self.cancel_helpers(out);
        self.life().helper = Helper::Hook;
        self.hook_done(now, kind, index, HookOutcome::TimedOut(timeout), out);
    }
}
