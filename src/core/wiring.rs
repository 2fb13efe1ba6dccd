//! From a project to slots: names become indices, numbers are given out, what the file no longer has is marked.
//!
//! Slots are kept by name; edges are indices into them. Nothing is started or stopped here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::graph;
use crate::model::{Moment, Project, ServiceName, WhenReplaced};

use super::slot::{Edge, Hold, Member, Root, Slot};

/// Slots by name, and their indices in start order.
#[derive(Debug, Clone, Default)]
pub(super) struct Wiring {
    pub(super) slots: Vec<Slot>,
    /// Dependencies before dependents. Nothing that the file has depends on what it no longer has, so what was
    /// removed comes last, in the order it had.
    pub(super) order: Vec<usize>,
}

impl Wiring {
    /// The slot of `name`.
    pub(super) fn find(&self, name: &ServiceName) -> Option<usize> {
        self.slots.binary_search_by(|slot| slot.instance.service.cmp(name)).ok()
    }

    /// Makes the slots what `project` has. What is gone from it and not running is forgotten.
    pub(super) fn apply(&mut self, now: Moment, project: &Project) {
        let removed: Vec<ServiceName> = self.names_in_order().filter(|name| !has(project, name)).collect();
        let mut old: BTreeMap<ServiceName, Slot> =
            self.slots.drain(..).map(|slot| (slot.instance.service.clone(), slot)).collect();
        for name in &removed {
            let slot = old.get_mut(name).expect("every name in the order has a slot");
            (slot.member, slot.root, slot.hold) = (Member::Removed, Root::Nobody, Hold::Free);
        }
        old.retain(|_, slot| !is_forgotten(slot));
        let mut taken: BTreeSet<u32> = old.values().map(|slot| slot.number).collect();
        for (name, service) in &project.services {
            if let Some(slot) = old.get_mut(name) {
                slot.service = Arc::clone(service);
                slot.member = Member::of(service);
            } else {
                let number = lowest_free(&taken);
                taken.insert(number);
                old.insert(name.clone(), Slot::new(Arc::clone(service), number, now));
            }
        }
        let order = graph::start_order(project).into_iter().chain(removed).collect::<Vec<_>>();
        self.connect(old.into_values().collect(), &order);
    }

    /// Forgets what the file no longer has and what has ended. True: there was something, and indices moved.
    pub(super) fn forget_removed(&mut self) -> bool {
        if !self.slots.iter().any(is_forgotten) {
            return false;
        }
        let order: Vec<ServiceName> = self.names_in_order().collect();
        let mut slots = std::mem::take(&mut self.slots);
        slots.retain(|slot| !is_forgotten(slot));
        self.connect(slots, &order);
        true
    }

    fn names_in_order(&self) -> impl Iterator<Item = ServiceName> + '_ {
        self.order.iter().map(|&index| self.slots[index].instance.service.clone())
    }

    /// `slots` are sorted by name.
    fn connect(&mut self, slots: Vec<Slot>, order: &[ServiceName]) {
        self.slots = slots;
        self.order = order.iter().filter_map(|name| self.find(name)).collect();
        for index in 0..self.slots.len() {
            let service = Arc::clone(&self.slots[index].service);
            let edges = service.depends_on.iter().filter_map(|dependency| {
                let on = self.find(&dependency.on)?;
                let (condition, requirement) = (dependency.condition, dependency.requirement);
                Some(Edge { on, condition, requirement, when_replaced: dependency.when_replaced })
            });
            self.slots[index].edges = edges.collect();
            let restarts = |edge: &Edge| edge.when_replaced == WhenReplaced::Restart;
            self.slots[index].has_restart_edges = self.slots[index].edges.iter().any(restarts);
        }
    }
}

fn has(project: &Project, name: &ServiceName) -> bool {
    project.services.contains_key(name)
}

/// Not in the file, and nothing of it is left.
fn is_forgotten(slot: &Slot) -> bool {
    slot.member == Member::Removed && slot.life.is_none()
}

fn lowest_free(taken: &BTreeSet<u32>) -> u32 {
    (0..u32::MAX).find(|number| !taken.contains(number)).expect("fewer services than numbers")
}
