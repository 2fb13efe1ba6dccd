//! Lines of the streams: events, and what `down` does.

use serde::{Deserialize, Serialize};

use super::{ProcessView, ServiceView, State};

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
    /// [`SCHEMA_VERSION`](crate::api::wire::SCHEMA_VERSION).
    pub schema_version: u32,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// The generation after it.
    pub generation: u64,
    /// The instance's name; none: the project.
    pub service: Option<String>,
    /// `phase`, `late`, `exited`, `probe`, `hook`, `signalled`, `left-behind`, `killed`, `survived`, `released`,
    /// `ports-held`, `applied`, `shutting-down`, `down`.
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
