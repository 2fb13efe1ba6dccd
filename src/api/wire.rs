//! The only types that clients see: JSON over HTTP/1.1 over the project's unix socket.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /v1/version` | | [`Version`] |
//! | `GET /v1/state` | | [`State`] |
//! | `GET /v1/services/{instance}` | | [`Detail`] |
//! | `POST /v1/up` | [`UpRequest`] | [`Done`] |
//! | `POST /v1/start`, `/v1/stop`, `/v1/restart` | [`SelectRequest`] | [`Done`] |
//! | `POST /v1/signal` | [`SignalRequest`] | [`Done`] |
//! | `POST /v1/down` | [`DownRequest`] | lines of [`DownUpdate`] |
//! | `GET /v1/watch` | | lines of [`Update`], the first a `State` |
//!
//! Refusals are a [`Problem`] with status 400 (bad request or bad project), 404 (no such service) or 409.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of these types. A client of another one says which side to update.
pub const SCHEMA_VERSION: u32 = 1;

/// Who answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The supervisor's `CARGO_PKG_VERSION`.
    pub tspm: String,
    /// The supervisor's pid.
    pub supervisor_pid: u32,
    /// The keeper's pid.
    pub keeper_pid: u32,
}

/// Bytes that are nearly always text: paths, values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// UTF-8.
    Utf8(String),
    /// Anything else.
    Raw(Vec<u8>),
}

/// Everything a load of the project reads, as the client read it: the supervisor loads from this and not from
/// the disk, so that both see the same project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// Project files, in order of merging: path and content.
    pub sources: Vec<(Text, Text)>,
    /// `.env` and `env_file` files that were looked for: content, or none where there is no file.
    pub env_files: Vec<(Text, Option<Text>)>,
    /// The caller's environment.
    pub env: Vec<(Text, Text)>,
    /// The project folder.
    pub dir: Text,
    /// Selected profiles.
    pub profiles: Vec<String>,
    /// Whether services are told to use colours (`FORCE_COLOR`).
    pub color: bool,
}

/// `tspm up`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpRequest {
    /// The project.
    pub bundle: Bundle,
    /// Service names; empty: everything that starts by itself.
    pub services: Vec<String>,
    /// `--no-deps`.
    pub no_deps: bool,
    /// `--force-recreate`.
    pub force_recreate: bool,
    /// What becomes of the ownership.
    pub attach: Attach,
    /// Plan only.
    pub dry_run: bool,
}

/// What an `up` does to the ownership of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attach {
    /// The environment is new and ends with the client at the other end of this connection.
    Own,
    /// Ownership stays as it is.
    View,
    /// `-d`: nobody owns it from now on.
    Detach,
}

/// `start`, `stop`, `restart`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelectRequest {
    /// Service names.
    pub services: Vec<String>,
    /// `--no-deps` (start).
    #[serde(default)]
    pub no_deps: bool,
    /// Instead of each service's own stop timeout (stop, restart).
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

/// `signal`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignalRequest {
    /// Service names.
    pub services: Vec<String>,
    /// The signal's number.
    pub signal: i32,
}

/// `down`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DownRequest {
    /// Kill at once.
    pub force: bool,
    /// Instead of each service's own stop timeout.
    pub timeout_ms: Option<u64>,
}

/// An accepted request: what it does, in start order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The steps.
    pub steps: Vec<Step>,
    /// Things worth knowing (signals: who got one).
    #[serde(default)]
    pub notes: Vec<String>,
    /// The generation after which [`Update`]s show the effect.
    pub generation: u64,
    /// Whether the caller owns the environment now.
    pub owner: bool,
}

/// One line of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The service.
    pub service: String,
    /// `keep`, `start`, `stop`, `restart`.
    pub verb: String,
    /// Why, in words.
    pub why: String,
}

/// Everything `ps` shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// [`SCHEMA_VERSION`].
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

/// Everything about one instance: `describe` and `why`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// [`SCHEMA_VERSION`].
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

/// A line of `GET /v1/watch`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "body")]
pub enum Update {
    /// Everything: the first line, and again when the reader was too slow for single events.
    State(Box<State>),
    /// Something happened.
    Event(Box<EventView>),
    /// The supervisor is about to end.
    Bye,
}

/// Something that happened: also a line of the event journal (`.tspm/events.jsonl`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventView {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// The generation after it.
    pub generation: u64,
    /// The instance's name; none: the project.
    pub service: Option<String>,
    /// `phase`, `late`, `exited`, `probe`, `hook`, `signalled`, `killed`, `survived`, `released`, `ports-held`, `applied`,
    /// `shutting-down`, `down`.
    pub event: String,
    /// For people: `ready in 412 ms (tcp :5433)`, `exit 1`, `readiness: HTTP 503`.
    pub message: String,
    /// The instance after it, where it is about one. Left out of the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<Box<ServiceView>>,
}

/// A line of `POST /v1/down`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "body")]
pub enum DownUpdate {
    /// A phase begins.
    Phase {
        /// 1 to 5: graceful, force, orphans, containers, verify.
        number: u8,
        /// Names it is about (services to stop, to kill).
        names: Vec<String>,
    },
    /// An instance is gone.
    Gone {
        /// Its name.
        name: String,
        /// Milliseconds since its stop began.
        took_ms: u64,
        /// Whether it had to be killed.
        killed: bool,
    },
    /// Something happened that people should know (a hook failed, a port is still held, released processes).
    Note {
        /// In words.
        text: String,
    },
    /// The sweep found (and, apart from `left`, removed) these.
    Orphans {
        /// Which.
        found: Vec<ProcessView>,
    },
    /// The keeper's own confirmation, and the last line.
    Receipt {
        /// The keeper's pid; the client compares it with the socket's peer.
        keeper_pid: u32,
        /// What is left. Empty: nothing.
        left: Vec<ProcessView>,
        /// Processes left on purpose.
        released: Vec<ProcessView>,
        /// How many services were stopped politely.
        stopped: u32,
        /// How many had to be killed.
        killed: u32,
    },
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable: `unknown-service`, `disabled`, `shutting-down`, `bad-project`, `version`, `bad-request`, `internal`.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}
