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

mod detail;
mod request;
mod state;
mod stream;

use serde::{Deserialize, Serialize};

pub use detail::{Detail, ProbeView, ProcessView, RestartView};
pub use request::{Attach, Bundle, DownRequest, SelectRequest, SignalRequest, Text, UpRequest};
pub use state::{ExitView, PortView, ServiceView, State, WaitingView};
pub use stream::{DownUpdate, EventView, Update};

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
