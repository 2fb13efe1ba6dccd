//! What comes after a run: the reason of its end decides the phase.
//!
//! It never looks at what is wanted: who changes that (a person, a new file) changes the reason of the stop too.

use crate::model::Moment;

use super::out::Out;
use super::restart::{Verdict, decide, succeeded};
use super::slot::{Hold, Life, Member, Slot};
use super::{Exit, Phase, RestartReason, SpawnFailure, StopReason, StoppedBy};

impl Slot {
    /// The run is over.
    pub(super) fn over(&mut self, now: Moment, out: &mut Out) {
        let Phase::Stopping { since, reason, exit, .. } = &self.phase else { return };
        let (since, reason, exit) = (*since, reason.clone(), *exit);
        let life = self.life.take().expect("a phase with a run has a life");
        out.close_run(life.run);
        let healthy_for = life.ready_at.map(|ready| since.since(ready));
        if healthy_for.is_some_and(|time| time >= self.service.restart.backoff.reset_after) {
            self.history.attempts = 0;
        }
        let next = match reason {
            StopReason::Shutdown => self.stopped(now, StoppedBy::Shutdown),
            StopReason::Asked | StopReason::Removed if self.is_disabled() => Phase::Disabled,
            StopReason::Asked | StopReason::Removed => {
                let by = if self.hold == Hold::Person { StoppedBy::Person } else { StoppedBy::Unwanted };
                self.stopped(now, by)
            }
            StopReason::Restart => self.again_at_once(now, RestartReason::Asked),
            StopReason::Changed => self.again_at_once(now, RestartReason::Changed),
            StopReason::DependencyReplaced(on) => {
                self.history.restarted(now, RestartReason::DependencyReplaced(on));
                Phase::Pending { since: now }
            }
            StopReason::Ended => {
                let exit = exit.unwrap_or(Exit::Unknown);
                let reason = self.why_it_ended(&life, exit);
                self.by_policy(now, reason, out)
            }
            StopReason::NotSpawned(why) => self.by_policy(now, RestartReason::NotSpawned(why), out),
            StopReason::HookFailed(kind, text) => self.by_policy(now, RestartReason::HookFailed(kind, text), out),
            StopReason::NotReady(last) => self.by_policy(now, RestartReason::NotReady(last), out),
            StopReason::Unhealthy(last) => self.by_policy(now, RestartReason::Unhealthy(last), out),
        };
        self.enter(now, next, out);
    }

    /// Whether the file says so.
    pub(super) fn is_disabled(&self) -> bool {
        self.member == Member::Disabled
    }

    /// The `stopped` phase, by whomever.
    pub(super) const fn stopped(&self, now: Moment, by: StoppedBy) -> Phase {
        Phase::Stopped { since: now, by, exit: self.history.last_exit }
    }

    /// A person's doing: counts begin anew.
    fn again_at_once(&mut self, now: Moment, reason: RestartReason) -> Phase {
        self.history.restarted(now, reason);
        self.history.forgive();
        Phase::Pending { since: now }
    }

    /// A process that failed before it was ready, while somebody else answered on its port, failed because of that.
    fn why_it_ended(&self, life: &Life, exit: Exit) -> RestartReason {
        let ended = RestartReason::Ended(exit);
        match life.readiness.foreign() {
            Some(holder) if life.ready_at.is_none() && succeeded(&self.service.restart, &ended).is_none() => {
                RestartReason::NotSpawned(SpawnFailure::PortTaken(vec![holder.clone()]))
            }
            Some(_) | None => ended,
        }
    }

    fn by_policy(&mut self, now: Moment, reason: RestartReason, out: &mut Out) -> Phase {
        let spread = out.jitter.spread();
        let policy = &self.service.restart;
        match decide(policy, self.service.kind, &reason, self.history.attempts, spread) {
            Verdict::Complete(exit) => Phase::Completed { since: now, exit },
            Verdict::GiveUp(why) => Phase::Failed { since: now, why },
            Verdict::Again { delay, attempt } => {
                self.history.attempts = attempt;
                self.history.restarted(now, reason.clone());
                Phase::Backoff { since: now, until: now + delay, attempt, reason }
            }
        }
    }
}
