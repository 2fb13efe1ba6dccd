//! A project, validated.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::{GroupName, Service, ServiceName, StopOrder};

/// Everything a project file says, with nothing left to check.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// The folder of the first project file, absolute.
    pub dir: PathBuf,
    /// Its services. Acyclic: config refuses cycles.
    pub services: BTreeMap<ServiceName, Arc<Service>>,
    /// Its groups, flattened: which services each one holds.
    pub groups: BTreeMap<GroupName, BTreeSet<ServiceName>>,
    /// Profiles selected for this load.
    pub profiles: BTreeSet<String>,
    /// How it is taken down.
    pub stop: ProjectStop,
}

/// Project-wide stop settings. (Its `timeout` has been handed down to the services.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProjectStop {
    /// The order.
    pub order: StopOrder,
}

impl Project {
    /// The service of that name.
    pub fn service(&self, name: &str) -> Option<&Arc<Service>> {
        self.services.get(name)
    }

    /// Whether a plain `up` starts `service`: not disabled, `autostart`, and its profiles (if any) selected.
    pub fn starts_by_itself(&self, service: &Service) -> bool {
        !service.disabled
            && service.autostart
            && (service.profiles.is_empty() || service.profiles.iter().any(|p| self.profiles.contains(p)))
    }
}
