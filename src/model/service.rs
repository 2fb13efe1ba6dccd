//! A service, validated.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::{Command, Environment, GroupName, Hooks, Port, Probe, RestartPolicy, ServiceName, Stop};

/// One entry under `services`, complete: defaults filled in, every reference resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// Whether it is expected to end.
    pub kind: ServiceType,
    /// One line for people.
    pub description: Option<String>,
    /// Free text pairs, shown and exported.
    pub labels: BTreeMap<String, String>,
    /// What is run.
    pub command: Command,
    /// Absolute.
    pub cwd: PathBuf,
    /// The whole environment of its processes, but for `TSPM_RUN` and `NOTIFY_SOCKET`, which are a run's own.
    pub env: Environment,
    /// What it needs, in the order of the file.
    pub depends_on: Vec<Dependency>,
    /// Groups it is in, those that list it under the top-level `groups` included.
    pub groups: Vec<GroupName>,
    /// Profiles that select it; empty: always selected.
    pub profiles: Vec<String>,
    /// False: started only by name or when something needs it.
    pub autostart: bool,
    /// Never started at all.
    pub disabled: bool,
    /// Its declared ports.
    pub ports: Vec<Port>,
    /// When it is ready; none: as soon as it runs.
    pub readiness: Option<Probe>,
    /// Whether it still works.
    pub liveness: Option<Probe>,
    /// After this long the wait for it fails; it keeps running.
    pub ready_timeout: Duration,
    /// After this long without being ready it is killed and the restart policy applies.
    pub start_timeout: Option<Duration>,
    /// Programs (by base name) that it may leave running on purpose.
    pub release: Vec<String>,
    /// What its standard input is.
    pub stdin: Stdin,
    /// What happens when it ends by itself.
    pub restart: RestartPolicy,
    /// How it is stopped.
    pub stop: Stop,
    /// Commands beside it.
    pub hooks: Hooks,
    /// Where its output goes.
    pub logs: Logs,
    /// A hash over everything its spawn depends on (`lifecycle.md` 2, «applying»): another value
    /// means that a running instance must be restarted to be what the file says.
    pub spawn_hash: u64,
}

/// Whether a service is expected to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceType {
    /// Runs until it is stopped.
    Service,
    /// Expected to exit 0, and is then `completed`.
    Oneshot,
}

/// An edge of the graph.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Dependency {
    /// The service depended on.
    pub on: ServiceName,
    /// What must be true of it.
    pub condition: Condition,
    /// Whether it blocks.
    pub requirement: Requirement,
    /// What its replacement means for the dependent.
    pub when_replaced: WhenReplaced,
}

/// What must be true of a dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Its process runs (or has run and completed).
    Started,
    /// Its readiness probe succeeded (without one: as `Started`).
    Ready,
    /// It has ended, whatever its exit code.
    Completed,
    /// It has ended with a successful exit code.
    Succeeded,
}

/// `required:` of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Requirement {
    /// The dependent waits, and is skipped if it fails for good.
    Required,
    /// `required: false`: started first and waited for while it may still succeed, but its failure, or its
    /// being disabled, blocks nobody.
    Optional,
}

/// `restart:` of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WhenReplaced {
    /// The dependent keeps running.
    Keep,
    /// `restart: true`: the dependent restarts once the dependency is ready again.
    Restart,
}

/// What a service's standard input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stdin {
    /// `/dev/null` (the default of a oneshot).
    Null,
    /// A pipe that is held open and never written (the default of a service).
    Pipe,
}

/// Capture of a service's output.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Logs {
    /// The folder, absolute; none: `logs` in the project's state folder.
    pub dir: Option<PathBuf>,
    /// A file of this many bytes is rotated.
    pub max_size: u64,
    /// How many files there are at most, the one being written included.
    pub max_files: u32,
    /// The format of a line.
    pub format: LogFormat,
    /// True: output goes to `/dev/null`.
    pub disabled: bool,
}

/// The format of captured lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogFormat {
    /// Kubernetes' CRI: `2026-11-20T10:00:00.123456789Z stdout F text`.
    Cri,
    /// Docker's json-file: `{"log":"text\n","stream":"stdout","time":"…"}`.
    Json,
    /// The text alone.
    Plain,
}

impl Default for Logs {
    /// `config.md`: 10 MiB, 5 files, CRI.
    fn default() -> Self {
        Self { dir: None, max_size: 10 << 20, max_files: 5, format: LogFormat::Cri, disabled: false }
    }
}

impl Service {
    /// `lifecycle.md` 8.
    pub const DEFAULT_READY_TIMEOUT: Duration = Duration::from_secs(60);

    /// Numbers of its declared ports that are known.
    pub fn port_numbers(&self) -> impl Iterator<Item = u16> + '_ {
        self.ports.iter().filter_map(|port| port.number.get())
    }
}
