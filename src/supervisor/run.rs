//! One life of one instance, as the effects know it.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::AbortHandle;

use crate::core::ProbeOutcome;
use crate::logs::{LogFile, path_of};
use crate::model::{InstanceId, Probe, Service};

use super::news::Heard;

/// The handles of a live run. The definition is the one it was begun with: a changed file does not change how
/// the old run is stopped.
pub(super) struct Run {
    pub(super) instance: InstanceId,
    pub(super) service: Arc<Service>,
    /// The leader, once it was spawned (and still once it has ended).
    pub(super) pid: Option<u32>,
    /// The shim: parent of the leader, root of the run's tree.
    pub(super) shim: Option<u32>,
    /// Held open and never written: many watchers end on EOF.
    pub(super) stdin: Option<OwnedFd>,
    /// What its notify socket heard before the keeper's word that there is a process, and from which pid: only then
    /// can it be told whether the sender belongs to the run.
    pub(super) early: Vec<(u32, Heard)>,
    /// Whether a `log` or `notify` liveness probe heard anything since it was last asked.
    pub(super) heartbeat: Heartbeat,
    /// Probes that are being asked; aborted when the run is being stopped.
    pub(super) probes: Vec<AbortHandle>,
    /// Listens on its `sd_notify` socket for as long as the run lives.
    pub(super) notify: Option<AbortHandle>,
}

/// What a pushed liveness probe heard since it was last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heartbeat {
    Silent,
    Heard,
}

impl Run {
    pub(super) fn new(instance: InstanceId, service: Arc<Service>) -> Self {
        Self {
            instance,
            service,
            pid: None,
            shim: None,
            stdin: None,
            early: Vec::new(),
            heartbeat: Heartbeat::Silent,
            probes: Vec::new(),
            notify: None,
        }
    }

    /// The answer of a pushed liveness probe: was there a match since the last question?
    pub(super) fn take_heartbeat(&mut self, probe: &Probe) -> ProbeOutcome {
        match std::mem::replace(&mut self.heartbeat, Heartbeat::Silent) {
            Heartbeat::Heard => ProbeOutcome::Good { note: None },
            Heartbeat::Silent => ProbeOutcome::Bad { output: format!("silent for {:?}", probe.interval) },
        }
    }

    pub(super) fn abort_probes(&mut self) {
        for task in self.probes.drain(..) {
            task.abort();
        }
    }

    pub(super) fn abort_notify(&mut self) {
        if let Some(task) = self.notify.take() {
            task.abort();
        }
    }
}

/// The file that `service`'s output goes to; none if capture is disabled.
pub(super) fn log_path(service: &Service, instance: &InstanceId, default_dir: &Path) -> Option<PathBuf> {
    (!service.logs.disabled).then(|| path_of(service.logs.dir.as_deref().unwrap_or(default_dir), instance))
}

/// The same with the settings that the capture needs.
pub(super) fn log_file(service: &Service, instance: &InstanceId, default_dir: &Path) -> Option<LogFile> {
    log_path(service, instance, default_dir).map(|path| LogFile { path, logs: service.logs.clone() })
}
