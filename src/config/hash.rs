//! A service's spawn hash: two services with the same one can be the same running process.
//!
//! In: what the process is started with, what prepares it, and how tspm watches it from its first instruction
//! (probes decide on the notify socket and on the patterns its output is matched against). Of the environment
//! only what files set or interpolate, or every new terminal would restart the world.
//! Out: edges, groups, labels, description, profiles, timeouts, and how it is stopped and restarted; those
//! are looked up when they are needed.
//!
//! The hash must be the same in every process of one tspm: the client plans with it, and a new supervisor
//! compares with what the old one wrote down. So the hasher has fixed keys.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::Service;

/// To be raised when a version spawns differently from the same definition.
const VERSION: u32 = 1;

/// The hash of `service`; its own field is not part of it.
pub(super) fn spawn(service: &Service) -> u64 {
    let mut hasher = DefaultHasher::new();
    VERSION.hash(&mut hasher);
    service.kind.hash(&mut hasher);
    service.command.hash(&mut hasher);
    service.cwd.hash(&mut hasher);
    service.ports.hash(&mut hasher);
    service.stdin.hash(&mut hasher);
    service.logs.hash(&mut hasher);
    service.readiness.hash(&mut hasher);
    service.liveness.hash(&mut hasher);
    service.hooks.pre_start.hash(&mut hasher);
    service.hooks.post_start.hash(&mut hasher);
    for (key, var) in service.env.iter().filter(|(_, var)| var.declared) {
        key.hash(&mut hasher);
        var.value.hash(&mut hasher);
    }
    hasher.finish()
}
