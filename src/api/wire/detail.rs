//! What `describe` and `why` show.

use serde::{Deserialize, Serialize};

use super::ServiceView;

/// Everything about one instance: `describe` and `why`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// [`SCHEMA_VERSION`](crate::api::wire::SCHEMA_VERSION).
    pub schema_version: u32,
    /// As in `ps`.
    pub view: ServiceView,
    /// The command as it was or will be executed.
    pub command: String,
    /// Its working directory.
    pub cwd: String,
    /// Declared environment: name, origin. Values are left out: they may be secret.
    pub env: Vec<(String, String)>,
    /// The restart policy in words.
    pub restart: String,
    /// How it is stopped, in words.
    pub stop: String,
    /// Its probes in words: `readiness`, `http http://127.0.0.1:8080/health every 10s`.
    pub probe_specs: Vec<(String, String)>,
    /// Services that need it and are wanted.
    pub needed_by: Vec<String>,
    /// The last 10 probe answers, oldest first.
    pub probes: Vec<ProbeView>,
    /// The last 10 restarts, oldest first.
    pub restart_history: Vec<RestartView>,
    /// While it waits to be stopped: who must be gone first.
    pub stops_after: Vec<String>,
    /// Processes of its tree, leader first.
    pub processes: Vec<ProcessView>,
    /// Why it is what it is: sentences, most important first.
    pub explanation: Vec<String>,
}

/// A probe answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeView {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// `readiness` or `liveness`.
    pub probe: String,
    /// Whether it was good.
    pub ok: bool,
    /// What was seen.
    pub output: String,
}

/// A restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RestartView {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// Why.
    pub reason: String,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessView {
    /// Its pid.
    pub pid: u32,
    /// Its parent.
    pub parent: u32,
    /// Its command line, shortened.
    pub command: String,
    /// The kernel's letter for its state.
    pub state: String,
    /// Whose it is, if known: the instance's name.
    #[serde(default)]
    pub service: Option<String>,
    /// Why it is listed, where that is not obvious: `not permitted`, `state D`, `released`.
    #[serde(default)]
    pub why: Option<String>,
}
