//! What can be seen from outside: instances with their definition and what their processes use.

use std::path::PathBuf;
use std::sync::Arc;

use crate::core::{Event, InstanceView};
use crate::model::{Project, Service};

/// Everything, at one moment.
#[derive(Debug)]
pub struct Scene {
    /// The project as applied last.
    pub project: Arc<Project>,
    /// Grows with every change.
    pub generation: u64,
    /// Whether everything is being taken down.
    pub shutting_down: bool,
    /// The owning client's pid.
    pub owner: Option<u32>,
    /// The keeper's pid.
    pub keeper: u32,
    /// Every instance, by name.
    pub sights: Vec<Sight>,
}

/// One instance.
#[derive(Debug, Clone)]
pub struct Sight {
    /// As the fleet has it.
    pub view: InstanceView,
    /// Its definition.
    pub service: Arc<Service>,
    /// The file its output goes to.
    pub log: Option<PathBuf>,
    /// What its tree uses, if it was looked at.
    pub usage: Option<TreeUsage>,
    /// Its leader.
    pub pid: Option<u32>,
}

/// What a run's whole process tree uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TreeUsage {
    /// Of one core, in percent, since it was last looked at; none: not looked at before.
    pub cpu_percent: Option<f64>,
    /// Resident bytes.
    pub memory: u64,
    /// Processes.
    pub processes: u32,
}

/// An event with what the instance looks like after it.
#[derive(Debug)]
pub struct Told {
    /// What happened.
    pub event: Event,
    /// The generation after it.
    pub generation: u64,
    /// The instance after it.
    pub sight: Option<Sight>,
}
