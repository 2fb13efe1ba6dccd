//! From alive to gone: `lifecycle.md` 4, step by step.
//!
//! ```text
//!  leave ─► pre_stop hooks ─► stop.command | signal ─► empty ─► Drain ─► post_stop hooks ─► ports free ─► over
//!              exited ──────────┘ (leader ended)   └─ deadline ─► Kill ─► empty ┘   └ nothing left within 5 s: failed
//! ```
//!
//! Every stage has a deadline of its own, so that nobody's silence makes a stop hang.

use std::time::Duration;

use crate::model::{HookKind, Moment, SignalScope};

use super::out::Out;
use super::slot::{Force, Helper, Intent, NEVER, Nudge, Process, Slot};
use super::start::SLACK;
use super::{
    Action, EventKind, Exit, Failure, HookOutcome, Leftover, Phase, PortHolder, SignalTo, StartStage, StopReason,
    StopStage,
};

/// How long after the leader's end the rest is signalled: nearly always there is no rest, and `Emptied` follows
/// within a few milliseconds.
const REST_DELAY: Duration = Duration::from_millis(50);

/// The ports wait takes 2 s (`lifecycle.md` 4); this much and it is taken as done.
const PORTS_GUARD: Duration = Duration::from_secs(4);

/// Draining reads what is in a pipe; it waits for nobody.
const DRAIN_GUARD: Duration = Duration::from_secs(5);

impl Slot {
    /// Decides a stop, or makes one that is decided or going on stronger. It begins with [`Self::stop_now`].
    pub(super) fn order_stop(&mut self, now: Moment, intent: Intent, out: &mut Out) {
        if let Phase::Stopping { reason, .. } = &mut self.phase {
            if rank(&intent.reason) > rank(reason) {
                *reason = intent.reason;
                out.touch();
            }
            self.hurry(now, intent.timeout, intent.force, out);
        } else if self.is_live() {
            let spawning = self.start_stage() == Some(&StartStage::Spawning);
            let life = self.life();
            if spawning && life.guard == NEVER {
                life.guard = now + SLACK;
            }
            self.intent = Some(match self.intent.take() {
                None => intent,
                Some(old) => Intent {
                    timeout: shorter(old.timeout, intent.timeout),
                    force: old.force.max(intent.force),
                    reason: if rank(&intent.reason) > rank(&old.reason) { intent.reason } else { old.reason },
                },
            });
            out.touch();
        } else if self.is_undead() {
            self.kill_again(now, intent.reason, out);
        }
    }

    /// Begins the decided stop. A spawn that is under way has to be answered first.
    pub(super) fn stop_now(&mut self, now: Moment, out: &mut Out) {
        match self.start_stage() {
            Some(StartStage::Spawning) => {}
            Some(StartStage::PreStart(_)) => self.abandon(now, StopReason::Asked, out),
            Some(StartStage::Running { .. } | StartStage::PostStart { .. }) => {
                self.leave(now, StopReason::Asked, out);
            }
            None => {
                if matches!(self.phase, Phase::Ready { .. }) {
                    self.leave(now, StopReason::Asked, out);
                }
            }
        }
    }

    /// The end of a run that has a process, for `reason` or for that of the stop that was decided.
    pub(super) fn leave(&mut self, now: Moment, reason: StopReason, out: &mut Out) {
        self.enter_stop(now, reason, None, out);
        match self.life().force {
            Force::Polite => self.pre_stop(now, 0, out),
            Force::Kill => self.kill(now, out),
        }
    }

    /// The end of a run that never had a process.
    pub(super) fn abandon(&mut self, now: Moment, reason: StopReason, out: &mut Out) {
        self.enter_stop(now, reason, None, out);
        self.post_stop(now, 0, out);
    }

    fn enter_stop(&mut self, now: Moment, reason: StopReason, exit: Option<Exit>, out: &mut Out) {
        self.cancel_helpers(out);
        let (reason, timeout, force) = match self.intent.take() {
            Some(intent) => (intent.reason, intent.timeout, intent.force),
            None => (reason, None, Force::Polite),
        };
        let life = self.life();
        (life.grace, life.force) = (timeout, force);
        let run = life.run;
        let stage = match life.process {
            Process::None => StopStage::Draining,
            Process::Spawned { .. } => StopStage::Asked { deadline: now + self.grace() },
        };
        self.enter(now, Phase::Stopping { run, since: now, reason, stage, exit }, out);
    }

    /// How long the tree has after it was asked to end.
    fn grace(&mut self) -> Duration {
        let life = self.life();
        life.grace.unwrap_or(life.service.stop.timeout)
    }

    pub(super) fn pre_stop(&mut self, now: Moment, index: usize, out: &mut Out) {
        if self.life().service.hooks.pre_stop.len() > index {
            self.stop_at(StopStage::PreStop(index), out);
            self.run_hook(now, HookKind::PreStop, index, out);
        } else {
            self.ask_to_end(now, out);
        }
    }

    fn ask_to_end(&mut self, now: Moment, out: &mut Out) {
        let grace = self.grace();
        if grace.is_zero() {
            return self.kill(now, out);
        }
        self.stop_at(StopStage::Asked { deadline: now + grace }, out);
        let life = self.life();
        let run = life.run;
        if life.service.stop.command.is_some() {
            life.helper = Helper::StopCommand;
            life.nudge = Nudge::Signalled;
            out.act(Action::RunStopCommand { run });
        } else {
            self.signal(now, out);
        }
    }

    fn signal(&mut self, now: Moment, out: &mut Out) {
        let life = self.life();
        let (run, signal) = (life.run, life.service.stop.signal);
        let (to, nudge) = match life.service.stop.scope {
            SignalScope::Group => (SignalTo::Group, Nudge::Signalled),
            // `signal_to: leader` means nobody else, ever.
            SignalScope::Leader => (SignalTo::Leader, Nudge::Done),
        };
        life.nudge = nudge;
        out.act(Action::Signal { run, signal, to });
        out.tell(now, Some(&self.instance), EventKind::Signalled { signal });
    }

    /// The stop command ended; one that failed is made up for by the signal.
    pub(super) fn stop_command_done(&mut self, now: Moment, outcome: &HookOutcome, out: &mut Out) {
        if !matches!(self.phase, Phase::Stopping { .. }) || self.life().helper != Helper::StopCommand {
            return;
        }
        self.life().helper = Helper::Idle;
        match outcome {
            HookOutcome::Done | HookOutcome::Skipped => {}
            HookOutcome::Failed { .. } | HookOutcome::TimedOut(_) => {
                if matches!(self.phase, Phase::Stopping { exit: None, stage: StopStage::Asked { .. }, .. }) {
                    self.signal(now, out);
                }
            }
        }
    }

    /// The leader ended.
    pub(super) fn exited(&mut self, now: Moment, ended: Exit, out: &mut Out) {
        let first = matches!(
            self.phase,
            Phase::Starting { .. } | Phase::Ready { .. } | Phase::Stopping { exit: None, .. }
        );
        if !first {
            return;
        }
        self.history.last_exit = Some(ended);
        out.tell(now, Some(&self.instance), EventKind::Exited { exit: ended });
        let Phase::Stopping { exit, stage, .. } = &mut self.phase else {
            self.enter_stop(now, StopReason::Ended, Some(ended), out);
            return match self.life().force {
                Force::Polite => self.await_rest(now, out),
                Force::Kill => self.kill(now, out),
            };
        };
        *exit = Some(ended);
        match stage {
            StopStage::PreStop(_) => {
                self.cancel_helpers(out);
                self.await_rest(now, out);
            }
            StopStage::Asked { .. } => self.nudge_later(now),
            StopStage::Killed { .. } | StopStage::Draining | StopStage::PostStop(_) | StopStage::Ports => {}
        }
    }

    /// The leader ended unasked: what it left gets the signal, and the usual grace.
    fn await_rest(&mut self, now: Moment, out: &mut Out) {
        let grace = self.grace();
        if grace.is_zero() {
            return self.kill(now, out);
        }
        self.stop_at(StopStage::Asked { deadline: now + grace }, out);
        self.nudge_later(now);
    }

    fn nudge_later(&mut self, now: Moment) {
        let life = self.life();
        life.nudge = match life.nudge {
            Nudge::NotYet => Nudge::Due(now + REST_DELAY, SignalTo::Group),
            Nudge::Signalled => Nudge::Due(now + REST_DELAY, SignalTo::Rest),
            Nudge::Due(..) | Nudge::Done => life.nudge,
        };
    }

    /// The leader is gone for a while and the run is still not empty.
    pub(super) fn nudge(&mut self, now: Moment, to: SignalTo, out: &mut Out) {
        let life = self.life();
        life.nudge = Nudge::Done;
        let (run, signal) = (life.run, life.service.stop.signal);
        out.act(Action::Signal { run, signal, to });
        out.tell(now, Some(&self.instance), EventKind::Signalled { signal });
    }

    /// The end of patience.
    pub(super) fn kill(&mut self, now: Moment, out: &mut Out) {
        self.cancel_helpers(out);
        self.life().nudge = Nudge::Done;
        let run = self.life().run;
        out.act(Action::Kill { run });
        self.stop_at(StopStage::Killed { deadline: now + SLACK, left: Vec::new() }, out);
        out.tell(now, Some(&self.instance), EventKind::Killed);
    }

    /// A spawn that nobody answers is killed blindly, so that a stop cannot hang on it.
    pub(super) fn kill_unspawned(&mut self, now: Moment, out: &mut Out) {
        self.enter_stop(now, StopReason::Asked, None, out);
        self.kill(now, out);
    }

    /// Another try at what survived, because a person asked for something that needs it gone.
    pub(super) fn kill_again(&mut self, now: Moment, reason: StopReason, out: &mut Out) {
        let life = self.life();
        life.force = Force::Kill;
        let run = life.run;
        let stage = StopStage::Killed { deadline: now + SLACK, left: Vec::new() };
        out.act(Action::Kill { run });
        self.enter(now, Phase::Stopping { run, since: now, reason, stage, exit: None }, out);
    }

    /// The kill did not help, or nobody says whether it did.
    pub(super) fn survived(&mut self, now: Moment, left: Vec<Leftover>, out: &mut Out) {
        if matches!(self.stop_stage(), Some(StopStage::Killed { .. })) {
            out.tell(now, Some(&self.instance), EventKind::Survived { left: left.clone() });
            self.enter(now, Phase::Failed { since: now, why: Failure::Survived(left) }, out);
        }
    }

    /// No process of it is left.
    pub(super) fn emptied(&mut self, now: Moment, released: Vec<Leftover>, out: &mut Out) {
        if !released.is_empty() {
            out.tell(now, Some(&self.instance), EventKind::Released { left: released });
        }
        if self.is_undead() {
            return self.bury(out);
        }
        if matches!(self.phase, Phase::Starting { .. } | Phase::Ready { .. }) {
            self.exited(now, Exit::Unknown, out);
        }
        let Phase::Stopping { exit, stage, .. } = &mut self.phase else { return };
        match stage {
            StopStage::PreStop(_) | StopStage::Asked { .. } | StopStage::Killed { .. } => {}
            StopStage::Draining | StopStage::PostStop(_) | StopStage::Ports => return,
        }
        if exit.is_none() {
            *exit = Some(Exit::Unknown);
            self.history.last_exit = *exit;
        }
        self.cancel_helpers(out);
        let life = self.life();
        life.nudge = Nudge::Done;
        life.guard = now + DRAIN_GUARD;
        let run = life.run;
        out.act(Action::Drain { run });
        self.stop_at(StopStage::Draining, out);
    }

    /// What survived a kill is gone after all. Its phase stays `failed`: that is for a person to look at.
    fn bury(&mut self, out: &mut Out) {
        if let Some(life) = self.life.take() {
            out.act(Action::Drain { run: life.run });
            out.close_run(life.run);
            out.touch();
        }
    }

    /// Everything it wrote has been captured.
    pub(super) fn drained(&mut self, now: Moment, out: &mut Out) {
        if self.stop_stage() == Some(&StopStage::Draining) {
            self.life().guard = NEVER;
            self.post_stop(now, 0, out);
        }
    }

    pub(super) fn post_stop(&mut self, now: Moment, index: usize, out: &mut Out) {
        let life = self.life();
        if life.force == Force::Polite && life.service.hooks.post_stop.len() > index {
            self.stop_at(StopStage::PostStop(index), out);
            self.run_hook(now, HookKind::PostStop, index, out);
        } else {
            self.await_ports(now, out);
        }
    }

    fn await_ports(&mut self, now: Moment, out: &mut Out) {
        let last = self.leaving_because() == Some(&StopReason::Shutdown);
        let life = self.life();
        let had_ports = life.process != Process::None && life.service.port_numbers().next().is_some();
        // With `--force` nothing is started after it that could want them.
        if !had_ports || (last && life.force == Force::Kill) {
            return self.over(now, out);
        }
        life.guard = now + PORTS_GUARD;
        let run = life.run;
        out.act(Action::AwaitPorts { run });
        self.stop_at(StopStage::Ports, out);
    }

    /// Its ports are free, or held by somebody for longer than we wait.
    pub(super) fn ports_settled(&mut self, now: Moment, held: Vec<PortHolder>, out: &mut Out) {
        if self.stop_stage() == Some(&StopStage::Ports) {
            if !held.is_empty() {
                out.tell(now, Some(&self.instance), EventKind::PortsHeld { held });
            }
            self.over(now, out);
        }
    }

    /// Makes a stop that is going on quicker: never slower, never politer.
    fn hurry(&mut self, now: Moment, timeout: Option<Duration>, force: Force, out: &mut Out) {
        let life = self.life();
        life.grace = shorter(life.grace, timeout);
        life.force = life.force.max(force);
        if let (Some(timeout), Phase::Stopping { stage: StopStage::Asked { deadline }, .. }) =
            (timeout, &mut self.phase)
        {
            *deadline = (*deadline).min(now + timeout);
        }
        if force == Force::Polite {
            return;
        }
        match self.stop_stage() {
            Some(StopStage::PreStop(_) | StopStage::Asked { .. }) => self.kill(now, out),
            Some(StopStage::PostStop(_)) => {
                self.cancel_helpers(out);
                self.await_ports(now, out);
            }
            Some(StopStage::Ports) if self.leaving_because() == Some(&StopReason::Shutdown) => {
                self.over(now, out);
            }
            Some(StopStage::Killed { .. } | StopStage::Draining | StopStage::Ports) | None => {}
        }
    }
}

/// Which of two reasons stands: what a person or the file says is above what happened by itself.
const fn rank(reason: &StopReason) -> u8 {
    match reason {
        StopReason::Ended
        | StopReason::NotSpawned(_)
        | StopReason::HookFailed(..)
        | StopReason::NotReady(_)
        | StopReason::Unhealthy(_) => 0,
        StopReason::DependencyReplaced(_) => 1,
        StopReason::Restart => 2,
        StopReason::Changed => 3,
        StopReason::Asked => 4,
        StopReason::Removed => 5,
        StopReason::Shutdown => 6,
    }
}

fn shorter(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) => None,
    }
}
