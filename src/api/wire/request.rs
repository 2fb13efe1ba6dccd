//! What clients send.

use serde::{Deserialize, Serialize};

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
