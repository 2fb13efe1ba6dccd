//! The fleet: every instance of one project, and the only door to them.
//!
//! Feed it inputs (`request`, `fact`, `handle_timeout`); after each one take what there is in `poll_action` and
//! `poll_event`, and come back at `poll_timeout`. Each input ends with a turn (`reconcile`), so that whoever looks
//! always sees the consequences. It does nothing itself, and asks nobody.

use std::sync::Arc;

use crate::model::{InstanceId, Moment, Project, RunId, Service};

use super::out::Out;
use super::reconcile::Scratch;
use super::slot::{Force, Intent, NEVER, Slot};
use super::wiring::Wiring;
use super::{
    Accepted, Action, Denied, Event, EventKind, Explain, Fact, InstanceView, Phase, Request, ShutdownMode,
    Snapshot, Step, StepVerb, StepWhy, StopReason,
};

/// The state of a project, and what follows from it.
#[derive(Debug, Clone)]
pub struct Fleet {
    pub(super) project: Arc<Project>,
    pub(super) wiring: Wiring,
    /// By slot; the result of the last turn.
    pub(super) wanted: Vec<bool>,
    pub(super) scratch: Scratch,
    pub(super) down: Down,
    pub(super) out: Out,
}

/// Whether everything is being taken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Down {
    /// No.
    No,
    /// Yes; runs are left.
    Going(ShutdownMode),
    /// It is done, and `Quiescent` was said.
    Done(ShutdownMode),
}

impl Down {
    /// How; of use only once it goes down.
    pub(super) const fn mode(self) -> ShutdownMode {
        match self {
            Self::No => ShutdownMode::Graceful { timeout: None },
            Self::Going(mode) | Self::Done(mode) => mode,
        }
    }
}

impl Fleet {
    /// A fleet for `project` with nothing wanted yet. `seed` determines the jitter of restart delays. The first
    /// run is 1.
    pub fn new(project: Arc<Project>, seed: u64) -> Self {
        Self::with_first_run(project, seed, RunId(1))
    }

    /// As [`Self::new`], for a keeper that has seen runs before: the first run is `first`.
    pub fn with_first_run(project: Arc<Project>, seed: u64, first: RunId) -> Self {
        let mut wiring = Wiring::default();
        wiring.apply(Moment::default(), &project);
        let wanted = vec![false; wiring.slots.len()];
        let out = Out::new(seed, first);
        Self { project, wiring, wanted, scratch: Scratch::default(), down: Down::No, out }
    }

    /// A request of a person. What it will do comes back at once; the doing follows as actions.
    ///
    /// # Errors
    ///
    /// [`Denied`]: nothing was changed.
    #[expect(clippy::needless_pass_by_value, reason = "a request is an input: it is used up")]
    pub fn request(&mut self, now: Moment, request: Request) -> Result<Accepted, Denied> {
        if let Request::Shutdown(mode) = request {
            let accepted = self.shutdown_plan();
            self.shut_down(now, mode);
            self.turn(now);
            return Ok(accepted);
        }
        let draft = self.draft(&request)?;
        let accepted = Accepted { steps: draft.steps.clone() };
        self.carry_out(now, &request, draft);
        self.turn(now);
        self.out.touch();
        Ok(accepted)
    }

    /// What `request` would do. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`Denied`]: as [`Self::request`] would say.
    pub fn plan(&self, request: &Request) -> Result<Accepted, Denied> {
        match request {
            Request::Shutdown(_) => Ok(self.shutdown_plan()),
            Request::Apply(_) | Request::Start { .. } | Request::Stop { .. } | Request::Restart { .. } => {
                self.draft(request).map(|draft| Accepted { steps: draft.steps })
            }
        }
    }

    /// Something happened. A fact of a life that is over, or that never was, changes nothing.
    pub fn fact(&mut self, now: Moment, fact: Fact) {
        let run = fact.run();
        let Some(instance) = self.out.live.get(&run) else { return };
        let Some(index) = self.wiring.find(&instance.service) else { return };
        let (slot, out) = (&mut self.wiring.slots[index], &mut self.out);
        let before = out.generation;
        match fact {
            Fact::Spawned { pid, .. } => slot.spawned(now, pid, out),
            Fact::SpawnFailed { failure, .. } => slot.spawn_failed(now, failure, out),
            Fact::Exited { exit, .. } => slot.exited(now, exit, out),
            Fact::Emptied { released, .. } => slot.emptied(now, released, out),
            Fact::Survived { left, .. } => slot.survived(now, left, out),
            Fact::Drained { .. } => slot.drained(now, out),
            Fact::PortsSettled { held, .. } => slot.ports_settled(now, held, out),
            Fact::Probed { which, outcome, .. } => slot.probed(now, which, outcome, out),
            Fact::HookDone { kind, index, outcome, .. } => slot.hook_done(now, kind, index, outcome, out),
            Fact::StopCommandDone { outcome, .. } => slot.stop_command_done(now, &outcome, out),
        }
        self.turn_since(now, before);
    }

    /// Time passed: does what is due at `now`. Afterwards [`Self::poll_timeout`] is later than `now`.
    pub fn handle_timeout(&mut self, now: Moment) {
        let before = self.out.generation;
        for slot in &mut self.wiring.slots {
            slot.tick(now, &mut self.out);
        }
        self.turn_since(now, before);
    }

    /// A turn follows from what can be seen; where nothing of that changed since generation `before` (a probe's
    /// answer among many), nothing follows.
    fn turn_since(&mut self, now: Moment, before: u64) {
        if self.out.generation != before {
            self.turn(now);
        }
    }

    /// When [`Self::handle_timeout`] has to be called next; none: only an input changes anything.
    pub fn poll_timeout(&self) -> Option<Moment> {
        let next = self.wiring.slots.iter().map(Slot::next_timer).min();
        next.filter(|next| *next != NEVER)
    }

    /// The next thing to do, in the order of decision.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.out.actions.pop_front()
    }

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.out.events.pop_front()
    }

    /// Everything that can be seen.
    pub fn snapshot(&self, now: Moment) -> Snapshot {
        let instances = (0..self.wiring.slots.len()).map(|index| self.view_of(now, index)).collect();
        Snapshot { generation: self.out.generation, instances, shutting_down: self.is_shutting_down() }
    }

    /// The facts behind the state of one instance; none: there is no such instance.
    pub fn explain(&self, now: Moment, instance: &InstanceId) -> Option<Explain> {
        self.index_of(instance).map(|index| self.explain_index(now, index))
    }

    /// What one instance looks like; none: there is no such instance.
    pub fn view(&self, now: Moment, instance: &InstanceId) -> Option<InstanceView> {
        self.index_of(instance).map(|index| self.view_of(now, index))
    }

    /// The project that was applied last.
    pub const fn project(&self) -> &Arc<Project> {
        &self.project
    }

    /// Grows with everything that can be seen.
    pub const fn generation(&self) -> u64 {
        self.out.generation
    }

    /// Whether everything is being taken down, or is down.
    pub fn is_shutting_down(&self) -> bool {
        self.down != Down::No
    }

    /// The definition that a life was begun with; none: that life is over.
    pub fn service_of(&self, run: RunId) -> Option<&Arc<Service>> {
        let index = self.index_of(self.out.live.get(&run)?)?;
        self.wiring.slots[index].life.as_ref().map(|life| &life.service)
    }

    fn index_of(&self, instance: &InstanceId) -> Option<usize> {
        self.wiring.find(&instance.service).filter(|_| instance.index == 0)
    }

    fn shutdown_plan(&self) -> Accepted {
        let steps = self.wiring.order.iter().filter_map(|&index| {
            let slot = &self.wiring.slots[index];
            let waits =
                matches!(slot.phase, Phase::Pending { .. } | Phase::Backoff { .. } | Phase::Skipped { .. });
            let service = slot.instance.service.clone();
            (slot.is_live() || waits).then_some(Step { service, verb: StepVerb::Stop, why: StepWhy::Asked })
        });
        Accepted { steps: steps.collect() }
    }

    fn shut_down(&mut self, now: Moment, mode: ShutdownMode) {
        match (self.down, mode) {
            (Down::No, _) => self.out.tell(now, None, EventKind::ShuttingDown),
            // From graceful to force, never back; a second graceful one may shorten timeouts.
            (Down::Going(ShutdownMode::Graceful { .. }), _)
            | (Down::Going(ShutdownMode::Force), ShutdownMode::Force) => {}
            (Down::Going(ShutdownMode::Force), ShutdownMode::Graceful { .. }) | (Down::Done(_), _) => return,
        }
        let first = self.down == Down::No;
        self.down = Down::Going(mode);
        let (timeout, force) = match mode {
            ShutdownMode::Graceful { timeout: Some(timeout) } if timeout.is_zero() => (None, Force::Kill),
            ShutdownMode::Graceful { timeout } => (timeout, Force::Polite),
            ShutdownMode::Force => (None, Force::Kill),
        };
        for slot in &mut self.wiring.slots {
            // What survived a kill gets one more, not one per repetition.
            if slot.is_live() || (first && slot.is_undead()) {
                let intent = Intent { reason: StopReason::Shutdown, timeout, force };
                slot.order_stop(now, intent, &mut self.out);
            }
        }
    }
}
