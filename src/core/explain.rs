//! What people see: views and explanations, built from the slots whenever somebody asks. Nothing here changes
//! anything, and nothing is kept.

use crate::model::{Moment, ServiceName};

use super::edges::waiting;
use super::fleet::Fleet;
use super::slot::Process;
use super::{Explain, InstanceView, Phase};

impl Fleet {
    /// What the slot looks like.
    pub(super) fn view_of(&self, now: Moment, index: usize) -> InstanceView {
        let slot = &self.wiring.slots[index];
        let waiting_for = match slot.phase {
            Phase::Pending { .. } => waiting(&self.wiring.slots, index),
            Phase::Stopped { .. }
            | Phase::Starting { .. }
            | Phase::Ready { .. }
            | Phase::Stopping { .. }
            | Phase::Backoff { .. }
            | Phase::Completed { .. }
            | Phase::Failed { .. }
            | Phase::Skipped { .. }
            | Phase::Disabled => Vec::new(),
        };
        let spawned_at = slot.life.as_ref().and_then(|life| match life.process {
            Process::Spawned { at, .. } => Some(at),
            Process::None => None,
        });
        InstanceView {
            instance: slot.instance.clone(),
            number: slot.number,
            phase: slot.phase.clone(),
            wanted: self.wanted[index],
            waiting_for,
            restarts: slot.history.restarts,
            last_exit: slot.history.last_exit,
            spawned_at,
            time_to_ready: slot.history.time_to_ready,
            restarts_last_minute: slot.history.restarts_last_minute(now),
        }
    }

    /// Why it is what it is.
    pub(super) fn explain_index(&self, now: Moment, index: usize) -> Explain {
        let slot = &self.wiring.slots[index];
        Explain {
            view: self.view_of(now, index),
            needed_by: self.needed_by(index),
            probes: slot.history.probes.iter().cloned().collect(),
            restarts: slot.history.records.iter().cloned().collect(),
            stops_after: self.stops_after(index),
        }
    }

    /// The wanted services that depend on it directly, by name.
    fn needed_by(&self, index: usize) -> Vec<ServiceName> {
        let slots = self.wiring.slots.iter().zip(&self.wanted);
        let needs = slots.filter(|(slot, wanted)| **wanted && slot.edges.iter().any(|edge| edge.on == index));
        needs.map(|(slot, _)| slot.instance.service.clone()).collect()
    }

    /// While its stop waits: the dependents, however far, that are alive and leaving, by name.
    pub(super) fn stops_after(&self, index: usize) -> Vec<ServiceName> {
        let slots = &self.wiring.slots;
        if slots[index].intent.is_none() {
            return Vec::new();
        }
        let mut above = vec![false; slots.len()];
        above[index] = true;
        for &other in &self.wiring.order {
            above[other] |= slots[other].edges.iter().any(|edge| above[edge.on]);
        }
        above[index] = false;
        let first = slots.iter().zip(above).filter(|(slot, above)| *above && slot.is_leaving());
        first.map(|(slot, _)| slot.instance.service.clone()).collect()
    }
}
