//! Where decisions go: actions for the effects, events for whoever looks, and what is counted once per fleet.
//!
//! It never decides anything. Every slot writes here while it moves, so that the order of actions is the
//! order of decisions.

use std::collections::{BTreeMap, VecDeque};

use crate::model::{InstanceId, Moment, RunId};

use super::jitter::Jitter;
use super::{Action, Event, EventKind};

/// The queues, the run counter and the jitter of one fleet.
#[derive(Debug, Clone)]
pub(super) struct Out {
    pub(super) actions: VecDeque<Action>,
    pub(super) events: VecDeque<Event>,
    /// Grows with every visible change.
    pub(super) generation: u64,
    /// Which instance each life that is not over belongs to.
    pub(super) live: BTreeMap<RunId, InstanceId>,
    pub(super) jitter: Jitter,
    next_run: u64,
}

impl Out {
    /// Empty queues; the first run will be `first`.
    pub(super) fn new(seed: u64, first: RunId) -> Self {
        Self {
            actions: VecDeque::new(),
            events: VecDeque::new(),
            generation: 1,
            live: BTreeMap::new(),
            jitter: Jitter::new(seed),
            next_run: first.0,
        }
    }

    /// Queues an action.
    pub(super) fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    /// Queues an event about `instance`, or about the project.
    pub(super) fn tell(&mut self, at: Moment, instance: Option<&InstanceId>, kind: EventKind) {
        self.touch();
        self.events.push_back(Event { at, instance: instance.cloned(), kind });
    }

    /// Something that can be seen changed.
    pub(super) const fn touch(&mut self) {
        self.generation += 1;
    }

    /// A run number that was never used before, registered as a life of `instance`.
    pub(super) fn open_run(&mut self, instance: &InstanceId) -> RunId {
        let run = RunId(self.next_run);
        self.next_run += 1;
        self.live.insert(run, instance.clone());
        self.act(Action::Begin { run, instance: instance.clone() });
        run
    }

    /// That life is over: facts about it are stale from now on.
    pub(super) fn close_run(&mut self, run: RunId) {
        self.live.remove(&run);
        self.act(Action::End { run });
    }
}
