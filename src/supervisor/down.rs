//! `tspm down`: the five phases of `lifecycle.md` 5, told to everybody who asked.
//!
//! ```text
//!  1 graceful ─(fleet quiescent)─► 2 force: says who had to be killed ─► 3 orphans: token sweep
//!                                     ─► 4 containers ─► 5 verify: the keeper's receipt ─► over
//! ```
//! It tells and counts. Who is stopped when, and who is killed, the fleet decides; the keeper sweeps and verifies.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::core::{Event, EventKind, HookOutcome, Leftover, Phase, PhaseName, Snapshot};
use crate::model::{InstanceId, Moment};

/// A line of what `down` does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DownNews {
    /// A phase begins; the names are what it is about.
    Phase(DownPhase, Vec<String>),
    /// An instance is gone.
    Gone {
        /// Its name.
        name: String,
        /// Since its stop began.
        took: Duration,
        /// How it went.
        how: GoneHow,
    },
    /// Something that people should know.
    Note(String),
    /// What the sweep found.
    Orphans(Vec<Leftover>),
    /// The keeper's confirmation; the last line.
    Receipt(Receipt),
}

/// The phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownPhase {
    /// Stop signals, dependents first.
    Graceful = 1,
    /// What outlived its timeout is killed.
    Force = 2,
    /// Escapees and leftovers.
    Orphans = 3,
    /// Containers that services own.
    Containers = 4,
    /// Is anything left?
    Verify = 5,
}

/// How an instance went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoneHow {
    /// It ended when asked.
    Politely,
    /// It was killed.
    Killed,
}

/// What the keeper confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The keeper's pid.
    pub keeper: u32,
    /// What is left; empty: nothing.
    pub left: Vec<Leftover>,
    /// What was left on purpose.
    pub released: Vec<Leftover>,
    /// How many ended when asked.
    pub stopped: u32,
    /// How many were killed.
    pub killed: u32,
}

/// Whether phase 2 was asked for: then it is announced before anybody is killed, else after, with who was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Force {
    #[default]
    IfNeeded,
    Asked,
}

/// A teardown under way.
#[derive(Debug, Default)]
pub(super) struct Down {
    listeners: Vec<UnboundedSender<DownNews>>,
    began: BTreeMap<InstanceId, (Moment, GoneHow)>,
    killed: Vec<String>,
    stopped: u32,
    force: Force,
    released: Vec<Leftover>,
}

impl Down {
    /// One more client listens. It is told what is still to be done.
    pub(super) fn join(&mut self, listener: UnboundedSender<DownNews>, phase: DownPhase, names: Vec<String>) {
        let _ = listener.send(DownNews::Phase(phase, names));
        self.listeners.push(listener);
    }

    /// `--force`, a second Ctrl-C: these are killed now.
    pub(super) fn force(&mut self, names: Vec<String>) {
        if self.force == Force::IfNeeded {
            self.force = Force::Asked;
            self.tell(&DownNews::Phase(DownPhase::Force, names));
        }
    }

    /// Follows the fleet.
    pub(super) fn event(&mut self, event: &Event) {
        let Some(instance) = &event.instance else { return };
        match &event.kind {
            EventKind::Phase { to: Phase::Stopping { since, .. }, .. } => {
                self.began.entry(instance.clone()).or_insert((*since, GoneHow::Politely));
            }
            EventKind::Phase { from: PhaseName::Stopping, .. } => self.gone(instance, event.at),
            EventKind::Killed => {
                self.began.entry(instance.clone()).or_insert((event.at, GoneHow::Killed)).1 = GoneHow::Killed;
            }
            EventKind::Released { left } => self.released.extend(left.iter().cloned()),
            EventKind::PortsHeld { held } => {
                for holder in held {
                    self.tell(&DownNews::Note(format!("{instance}: {holder}")));
                }
            }
            EventKind::Hook { kind, outcome } => {
                let how = match outcome {
                    HookOutcome::Done | HookOutcome::Skipped => return,
                    HookOutcome::Failed { how, .. } => how.clone(),
                    HookOutcome::TimedOut(after) => format!("timed out after {after:?}"),
                };
                self.tell(&DownNews::Note(format!("{instance}: hook {} failed: {how}", kind.as_str())));
            }
            EventKind::Phase { .. }
            | EventKind::Exited { .. }
            | EventKind::Probe { .. }
            | EventKind::Signalled { .. }
            | EventKind::Survived { .. }
            | EventKind::Applied
            | EventKind::ShuttingDown
            | EventKind::Down => {}
        }
    }

    fn gone(&mut self, instance: &InstanceId, at: Moment) {
        let Some((since, how)) = self.began.remove(instance) else { return };
        match how {
            GoneHow::Politely => self.stopped += 1,
            GoneHow::Killed => self.killed.push(instance.to_string()),
        }
        self.tell(&DownNews::Gone { name: instance.to_string(), took: at.since(since), how });
    }

    /// What was being stopped already counts as stopped by this teardown.
    pub(super) fn begin(&mut self, snapshot: &Snapshot) {
        for view in &snapshot.instances {
            if let Phase::Stopping { since, .. } = view.phase {
                self.began.insert(view.instance.clone(), (since, GoneHow::Politely));
            }
        }
    }

    /// The fleet became quiescent: phase 2 is over, the keeper sweeps.
    pub(super) fn quiescent(&mut self) {
        if self.force == Force::IfNeeded {
            self.tell(&DownNews::Phase(DownPhase::Force, self.killed.clone()));
        }
        self.tell(&DownNews::Phase(DownPhase::Orphans, Vec::new()));
    }

    /// The keeper's confirmation: what it swept, and the end.
    pub(super) fn receipt(&mut self, keeper: u32, left: Vec<Leftover>, swept: Vec<Leftover>) {
        self.tell(&DownNews::Orphans(swept));
        self.tell(&DownNews::Phase(DownPhase::Containers, Vec::new()));
        self.tell(&DownNews::Phase(DownPhase::Verify, Vec::new()));
        let killed = u32::try_from(self.killed.len()).unwrap_or(u32::MAX);
        let released = std::mem::take(&mut self.released);
        self.tell(&DownNews::Receipt(Receipt { keeper, left, released, stopped: self.stopped, killed }));
    }

    /// Tells all listeners. One that has gone away is no reason to stop.
    fn tell(&self, news: &DownNews) {
        for listener in &self.listeners {
            let _ = listener.send(news.clone());
        }
    }
}
