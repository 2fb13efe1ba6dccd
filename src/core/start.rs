//! From `pending` to `ready`: hooks, spawn, readiness.
//!
//! ```text
//!  begin ─► pre_start hooks ─► Spawn ─► Spawned ─► readiness probe ─► post_start hooks ─► ready
//!               │ fails            │ SpawnFailed        │ start_timeout       │ fails
//!               └──────────────────┴────────────────────┴─────────────────────┴──► stop.rs
//! ```
//!
//! A service without a probe is ready once it runs. A oneshot without one is never ready: it counts as
//! `started` while it runs, and is `completed` afterwards; its post_start hooks run right after the spawn.
//!
//! The edges hold when a life begins, not once more after its pre_start hooks: those hooks are part of the
//! start, and losing a dependency does not undo a start.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Hook, HookFailure, HookKind, Moment, RunId, ServiceName, ServiceType};

use super::out::Out;
use super::slot::{Force, Helper, Life, NEVER, Process, Slot};
use super::{
    Action, EventKind, HookOutcome, Phase, ProbeWhich, Readiness, SpawnFailure, StartStage, StopReason, StopStage,
};

/// What an effect gets beyond its own timeout before its silence counts as an answer: its tree may take 5 s to
/// kill.
pub(super) const SLACK: Duration = Duration::from_secs(6);

impl Slot {
    /// A new life. `seen`: the lives of `restart: true` dependencies that it starts upon.
    pub(super) fn begin(&mut self, now: Moment, seen: BTreeMap<ServiceName, RunId>, out: &mut Out) {
        debug_assert!(self.life.is_none(), "{} has a life already", self.instance);
        let run = out.open_run(&self.instance);
        let mut life = Box::new(Life::new(run, Arc::clone(&self.service)));
        life.seen = seen;
        self.life = Some(life);
        self.last_run = Some(run);
        self.last_hash = Some(self.service.spawn_hash);
        let stage = match self.service.hooks.pre_start.as_slice() {
            [] => StartStage::Spawning,
            [_, ..] => StartStage::PreStart(0),
        };
        self.enter(now, Phase::Starting { run, since: now, stage }, out);
        self.pre_start(now, 0, out);
    }

    fn pre_start(&mut self, now: Moment, index: usize, out: &mut Out) {
        if self.life().service.hooks.pre_start.len() > index {
            self.start_at(StartStage::PreStart(index), out);
            self.run_hook(now, HookKind::PreStart, index, out);
        } else {
            self.start_at(StartStage::Spawning, out);
            let run = self.life().run;
            out.act(Action::Spawn { run });
        }
    }

    /// The leader runs.
    pub(super) fn spawned(&mut self, now: Moment, pid: u32, out: &mut Out) {
        let spawning = self.start_stage() == Some(&StartStage::Spawning);
        let killed = self.is_undead() || matches!(self.stop_stage(), Some(StopStage::Killed { .. }));
        if !spawning && !killed {
            return;
        }
        let unwelcome = self.intent.as_ref().is_some_and(|intent| intent.force == Force::Kill);
        let life = self.life();
        life.process = Process::Spawned { pid, at: now };
        life.guard = NEVER;
        if killed {
            // The kill was asked for before there was anything to kill.
            let run = life.run;
            out.act(Action::Kill { run });
            self.stop_at(StopStage::Killed { deadline: now + SLACK, left: Vec::new() }, out);
        } else if unwelcome {
            self.leave(now, StopReason::Asked, out);
        } else if life.service.readiness.is_some() {
            let readiness = Readiness::Awaited { deadline: now + life.service.ready_timeout };
            self.start_at(StartStage::Running { pid, readiness }, out);
            self.ask_first(now, out);
        } else {
            self.post_start(now, pid, 0, out);
        }
    }

    /// There is no process, and there will be none in this life.
    pub(super) fn spawn_failed(&mut self, now: Moment, failure: SpawnFailure, out: &mut Out) {
        if self.start_stage() == Some(&StartStage::Spawning) {
            self.abandon(now, StopReason::NotSpawned(failure), out);
        } else if self.is_undead() || matches!(self.stop_stage(), Some(StopStage::Killed { .. })) {
            self.emptied(now, Vec::new(), out);
        }
    }

    /// The readiness probe has succeeded often enough.
    pub(super) fn probe_succeeded(&mut self, now: Moment, out: &mut Out) {
        if let Process::Spawned { pid, .. } = self.life().process {
            self.post_start(now, pid, 0, out);
        }
    }

    fn post_start(&mut self, now: Moment, pid: u32, index: usize, out: &mut Out) {
        if self.life().service.hooks.post_start.len() > index {
            self.start_at(StartStage::PostStart { pid, index }, out);
            self.run_hook(now, HookKind::PostStart, index, out);
        } else {
            self.started(now, pid, out);
        }
    }

    fn started(&mut self, now: Moment, pid: u32, out: &mut Out) {
        let life = self.life();
        let run = life.run;
        let awaits_its_end = life.service.kind == ServiceType::Oneshot && life.service.readiness.is_none();
        if awaits_its_end {
            let readiness = Readiness::Awaited { deadline: NEVER };
            self.start_at(StartStage::Running { pid, readiness }, out);
            return;
        }
        life.ready_at = Some(now);
        if let Process::Spawned { at, .. } = life.process {
            self.history.time_to_ready = Some(now.since(at));
        }
        self.enter(now, Phase::Ready { run, since: now, pid, health: super::Health::Unknown }, out);
        self.schedule_liveness(now);
    }

    /// `ready_timeout` passed.
    pub(super) fn late(&mut self, now: Moment, pid: u32, out: &mut Out) {
        let last = self.life().readiness.last_text();
        self.start_at(StartStage::Running { pid, readiness: Readiness::Late { last } }, out);
        self.tell_phase(now, super::PhaseName::Starting, out);
    }

    /// When `start_timeout` passes, if it is set and still matters: not once the end is decided anyway.
    pub(super) fn start_deadline(&self) -> Moment {
        let Some(life) = self.life.as_ref().filter(|_| self.intent.is_none()) else { return NEVER };
        match (life.process, life.service.start_timeout) {
            (Process::Spawned { at, .. }, Some(timeout)) => at + timeout,
            (Process::Spawned { .. } | Process::None, _) => NEVER,
        }
    }

    /// Runs hook `index` of `kind`; the stage has been set.
    pub(super) fn run_hook(&mut self, now: Moment, kind: HookKind, index: usize, out: &mut Out) {
        let life = self.life();
        let timeout = life.service.hooks.at(kind)[index].timeout;
        life.helper = Helper::Hook;
        life.guard = now + timeout + SLACK;
        let run = life.run;
        out.act(Action::RunHook { run, kind, index });
    }

    /// The hook that is being run, if one is.
    pub(super) fn current_hook(&self) -> Option<(HookKind, usize)> {
        if self.life.as_ref()?.helper != Helper::Hook {
            return None;
        }
        if let Some(stage) = self.start_stage() {
            return match stage {
                StartStage::PreStart(index) => Some((HookKind::PreStart, *index)),
                StartStage::PostStart { index, .. } => Some((HookKind::PostStart, *index)),
                StartStage::Spawning | StartStage::Running { .. } => None,
            };
        }
        match self.stop_stage()? {
            StopStage::PreStop(index) => Some((HookKind::PreStop, *index)),
            StopStage::PostStop(index) => Some((HookKind::PostStop, *index)),
            StopStage::Asked { .. } | StopStage::Killed { .. } | StopStage::Draining | StopStage::Ports => None,
        }
    }

    /// A hook ended.
    pub(super) fn hook_done(
        &mut self,
        now: Moment,
        kind: HookKind,
        index: usize,
        outcome: HookOutcome,
        out: &mut Out,
    ) {
        if self.current_hook() != Some((kind, index)) {
            return;
        }
        let life = self.life();
        life.helper = Helper::Idle;
        life.guard = NEVER;
        let process = life.process;
        let fatal = failure_text(&life.service.hooks.at(kind)[index], &outcome);
        if outcome != HookOutcome::Done {
            out.tell(now, Some(&self.instance), EventKind::Hook { kind, outcome });
        }
        match (kind, fatal, process) {
            (HookKind::PreStart, Some(text), _) => self.abandon(now, StopReason::HookFailed(kind, text), out),
            (HookKind::PreStart, None, _) => self.pre_start(now, index + 1, out),
            // With a stop decided already, that one takes its turn.
            (HookKind::PostStart, Some(text), _) if self.intent.is_none() => {
                self.leave(now, StopReason::HookFailed(kind, text), out);
            }
            (HookKind::PostStart, Some(_) | None, Process::Spawned { pid, .. }) => {
                self.post_start(now, pid, index + 1, out);
            }
            (HookKind::PostStart, Some(_) | None, Process::None) => {}
            // A stop goes on whatever its hooks do; the event says it.
            (HookKind::PreStop, Some(_) | None, _) => self.pre_stop(now, index + 1, out),
            (HookKind::PostStop, Some(_) | None, _) => self.post_stop(now, index + 1, out),
        }
    }

    /// The question that opens the readiness wait, for probes that are asked.
    fn ask_first(&mut self, now: Moment, out: &mut Out) {
        if self.life().service.readiness.as_ref().is_some_and(super::probing::is_asked) {
            self.ask(now, ProbeWhich::Readiness, out);
        }
    }
}

/// What to say of a hook whose failure fails the step; none: it did not fail, or that is ignored.
fn failure_text(hook: &Hook, outcome: &HookOutcome) -> Option<String> {
    let text = match outcome {
        HookOutcome::Done | HookOutcome::Skipped => return None,
        HookOutcome::Failed { how, output } if output.is_empty() => how.clone(),
        HookOutcome::Failed { how, output } => format!("{how}: {}", output.trim_end()),
        HookOutcome::TimedOut(after) => format!("killed after {after:?}"),
    };
    match hook.on_failure {
        HookFailure::Fail => Some(text),
        HookFailure::Ignore => None,
    }
}
