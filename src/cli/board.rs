//! What a watching command knows of the project: the last state, kept up to date by the stream of updates.
//!
//! Never asks for anything itself. Its questions («is it over?») are functions of what it knows.

use std::collections::BTreeSet;

use crate::api::wire::{EventView, ServiceView, State, Update};

use super::render::state::in_crash_loop;

/// So many restarts without ever being well, and a wait for it has failed, even if it is never given up:
/// `RestartPolicy::DEFAULT_MAX_RESTARTS`.
const HOPELESS: u32 = crate::model::RestartPolicy::DEFAULT_MAX_RESTARTS;

/// Restarts after which `up` no longer holds back the logs for a service that may yet become ready.
const TROUBLED: u32 = 2;

/// The project as it was last heard of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Board {
    services: Vec<ServiceView>,
    generation: u64,
    shutting_down: bool,
}

impl Board {
    /// Takes over everything, unless what is known is newer.
    pub(crate) fn replace(&mut self, state: &State) {
        self.shutting_down |= state.shutting_down;
        if state.generation >= self.generation {
            self.services.clone_from(&state.services);
            self.generation = state.generation;
        }
    }

    /// Takes over one update. Returns the event to be told, if it was one.
    pub(crate) fn apply(&mut self, update: Update) -> Option<EventView> {
        match update {
            Update::State(state) => {
                self.replace(&state);
                None
            }
            Update::Event(event) => {
                self.event(&event);
                Some(*event)
            }
            Update::Bye => {
                self.shutting_down = true;
                None
            }
        }
    }

    fn event(&mut self, event: &EventView) {
        self.shutting_down |= event.event == "shutting-down";
        if event.generation < self.generation {
            return;
        }
        self.generation = event.generation;
        let Some(view) = &event.view else { return };
        match self.services.iter_mut().find(|known| known.name == view.name) {
            Some(known) => known.clone_from(view),
            None => self.services.push((**view).clone()),
        }
    }

    /// How new all of it is.
    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether everything is being taken down.
    pub(crate) const fn is_shutting_down(&self) -> bool {
        self.shutting_down
    }

    /// Every service.
    pub(crate) fn services(&self) -> &[ServiceView] {
        &self.services
    }

    /// Those that should run (or have run).
    pub(crate) fn wanted(&self) -> Vec<&ServiceView> {
        self.services.iter().filter(|view| view.wanted).collect()
    }

    /// Those of the services named; none named: the wanted ones.
    pub(crate) fn of(&self, services: &BTreeSet<String>) -> Vec<&ServiceView> {
        if services.is_empty() {
            return self.wanted();
        }
        self.services.iter().filter(|view| services.contains(&view.service)).collect()
    }

    /// The width of the longest name.
    pub(crate) fn name_width(&self) -> usize {
        self.services.iter().map(|view| view.name.len()).max().unwrap_or(0).max("tspm".len())
    }
}

/// Whether a status block is still worth watching: somebody is on the way and not in trouble.
pub(crate) fn is_moving(services: &[&ServiceView], now_ms: i64) -> bool {
    let stuck = stuck(services, TROUBLED);
    services.iter().any(|view| match view.state.as_str() {
        "starting" | "backoff" | "pending" => {
            !stuck.contains(view.service.as_str()) && !(view.restarts >= TROUBLED && in_crash_loop(view, now_ms))
        }
        "stopping" => true,
        _ => false,
    })
}

/// Services that will not get any further for now: late, restarted `many` times in vain, or waiting for one that is.
///
/// A service that waits is not looked at again when what it waits for changes; so not its own words count («now
/// starting»), but what is known of the other.
fn stuck<'a>(services: &[&'a ServiceView], many: u32) -> BTreeSet<&'a str> {
    let is_stuck = |view: &&&ServiceView| match view.state.as_str() {
        "starting" => view.late,
        "backoff" => view.restarts >= many,
        _ => false,
    };
    let mut stuck: BTreeSet<&str> = services.iter().filter(is_stuck).map(|view| view.service.as_str()).collect();
    loop {
        let before = stuck.len();
        for view in services.iter().filter(|view| view.state == "pending") {
            if view.waiting_for.iter().any(|edge| stuck.contains(edge.service.as_str())) {
                stuck.insert(&view.service);
            }
        }
        if stuck.len() == before {
            return stuck;
        }
    }
}

/// Whether nothing of it can run again by itself: an attached `up` ends.
pub(crate) fn is_over(services: &[&ServiceView]) -> bool {
    services.iter().all(|view| {
        matches!(view.state.as_str(), "completed" | "failed" | "skipped" | "stopped" | "disabled") && view.settled
    })
}

/// What has become of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not all of it is decided.
    Open,
    /// All ready or completed.
    Good,
    /// All decided, and these are neither.
    Bad(Vec<String>),
}

/// Whether all `services` are up, are still on their way, or will not get there.
pub(crate) fn verdict(services: &[&ServiceView], now_ms: i64) -> Verdict {
    let stuck = stuck(services, HOPELESS);
    let mut bad = Vec::new();
    for view in services {
        match view.state.as_str() {
            "ready" if in_crash_loop(view, now_ms) => return Verdict::Open,
            "ready" | "completed" => {}
            "failed" | "skipped" | "disabled" => bad.push(view.name.clone()),
            "stopped" if view.settled => bad.push(view.name.clone()),
            _ if stuck.contains(view.service.as_str()) => bad.push(view.name.clone()),
            _ => return Verdict::Open,
        }
    }
    if bad.is_empty() { Verdict::Good } else { Verdict::Bad(bad) }
}

#[cfg(test)]
#[path = "board_tests.rs"]
mod tests;
