//! What `ps` shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Everything `ps` shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// [`SCHEMA_VERSION`](crate::api::wire::SCHEMA_VERSION).
    pub schema_version: u32,
    /// The project's name.
    pub project: String,
    /// Its folder.
    pub dir: String,
    /// The supervisor's pid.
    pub supervisor_pid: u32,
    /// The keeper's pid.
    pub keeper_pid: u32,
    /// The pid of the owning client; none: nobody owns the environment.
    pub owner_pid: Option<u32>,
    /// How runs are contained: `shim`.
    pub containment: String,
    /// Grows with every change.
    pub generation: u64,
    /// Whether everything is being taken down.
    pub shutting_down: bool,
    /// Milliseconds since 1970 at which this was true.
    pub now_ms: i64,
    /// Every instance, by name.
    pub services: Vec<ServiceView>,
}

/// One instance, as `ps` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceView {
    /// The number people may use instead of the name.
    pub id: u32,
    /// `api` or `api.1`.
    pub name: String,
    /// `api`.
    pub service: String,
    /// Which instance.
    pub instance: u16,
    /// `service` or `oneshot`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One line for people.
    pub description: Option<String>,
    /// `pending`, `starting`, `ready`, `stopping`, `stopped`, `backoff`, `completed`, `failed`, `skipped`, `disabled`.
    pub state: String,
    /// Milliseconds since 1970 at which this state began.
    pub since_ms: Option<i64>,
    /// Why it is in this state, in words: `waits for db (ready)`, `exit 1`, `port 5433 is taken by …`.
    pub reason: Option<String>,
    /// `ready_timeout` passed; it may still become ready.
    pub late: bool,
    /// `healthy`, `unhealthy`; none: no liveness probe has answered.
    pub health: Option<String>,
    /// Whether it should run (or have run).
    pub wanted: bool,
    /// Whether nothing more will happen to it by itself: ready, completed, failed, skipped, stopped, disabled.
    pub settled: bool,
    /// The leader.
    pub pid: Option<u32>,
    /// Declared ports.
    pub ports: Vec<PortView>,
    /// What it waits for.
    pub waiting_for: Vec<WaitingView>,
    /// Restarts since a person last started it.
    pub restarts: u32,
    /// How its last life ended.
    pub exit: Option<ExitView>,
    /// Milliseconds since 1970 at which its process was spawned, if it has one.
    pub started_ms: Option<i64>,
    /// Milliseconds from spawn to ready, of the last start.
    pub time_to_ready_ms: Option<u64>,
    /// Backoff: milliseconds since 1970 of the next start.
    pub next_start_ms: Option<i64>,
    /// Of one core, in percent, the whole tree; none: not sampled.
    pub cpu_percent: Option<f64>,
    /// Resident bytes of the whole tree; none: not sampled.
    pub memory_bytes: Option<u64>,
    /// How many processes its tree has; none: not sampled.
    pub processes: Option<u32>,
    /// Its groups.
    pub groups: Vec<String>,
    /// Names it depends on.
    pub depends_on: Vec<String>,
    /// The file that its output goes to now.
    pub log_file: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// A declared port.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PortView {
    /// Its name.
    pub name: Option<String>,
    /// Its number.
    pub port: u16,
    /// Whether it was allocated (`auto`).
    pub auto: bool,
}

/// An edge that is not satisfied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaitingView {
    /// The dependency.
    pub service: String,
    /// `started`, `ready`, `completed`, `succeeded`.
    pub condition: String,
    /// Its state now.
    pub state: String,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitView {
    /// The exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}
