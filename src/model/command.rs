//! What is run: commands, hooks, environments.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Something to execute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Command {
    /// A string for a shell, as it stands in the file (dotted interpolations replaced).
    Shell {
        /// The shell and its flags, `["/bin/sh", "-c"]` unless `shell` says otherwise.
        shell: Vec<String>,
        /// The text.
        script: String,
    },
    /// An argument vector, interpolated, run without a shell. Never empty.
    Argv(Vec<String>),
}

/// A value in an environment, and where it came from (`tspm env --explain`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvVar {
    /// The value. Bytes: the caller's environment need not be UTF-8. Shared: most services have most
    /// of the caller's environment.
    pub value: Arc<OsStr>,
    /// Who set it, in words: `tspm.yaml:12`, `.env:3`, `the environment of tspm up`, `tspm`.
    pub origin: Arc<str>,
    /// Whether a file set it or it is interpolated: such values count when `up` asks what changed.
    pub declared: bool,
    /// What it replaced, oldest first: (origin, value).
    pub overridden: Vec<(Arc<str>, Arc<OsStr>)>,
}

/// A service's whole final environment, by name.
pub type Environment = BTreeMap<Arc<OsStr>, EnvVar>;

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookKind {
    /// Before the process is spawned; failing fails the start.
    PreStart,
    /// Once the readiness probe succeeded; the service counts as ready when they are done (systemd's
    /// `ExecStartPost`).
    PostStart,
    /// Before the stop signal.
    PreStop,
    /// After the whole process tree is gone.
    PostStop,
}

impl HookKind {
    /// Its key under `hooks`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreStart => "pre_start",
            Self::PostStart => "post_start",
            Self::PreStop => "pre_stop",
            Self::PostStop => "post_stop",
        }
    }
}

/// A command beside a service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hook {
    /// What to run.
    pub command: Command,
    /// How long it may take before it is killed with its tree.
    pub timeout: Duration,
    /// What its failure means.
    pub on_failure: HookFailure,
    /// When it may be skipped.
    pub guard: Option<Guard>,
}

/// What a hook's failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HookFailure {
    /// The step fails (the default).
    Fail,
    /// It is noted, nothing more.
    Ignore,
}

/// A condition under which a hook has nothing to do. Checked again after it ran.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Guard {
    /// Skip if this command exits 0.
    Unless(Command),
    /// Skip if this path exists.
    Creates(PathBuf),
}

/// All hooks of a service, each list in the order it runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Hooks {
    /// Before the spawn.
    pub pre_start: Vec<Hook>,
    /// After ready.
    pub post_start: Vec<Hook>,
    /// Before the stop signal.
    pub pre_stop: Vec<Hook>,
    /// After the tree is gone.
    pub post_stop: Vec<Hook>,
}

impl Hooks {
    /// The hooks that run at `kind`.
    pub fn at(&self, kind: HookKind) -> &[Hook] {
        match kind {
            HookKind::PreStart => &self.pre_start,
            HookKind::PostStart => &self.post_start,
            HookKind::PreStop => &self.pre_stop,
            HookKind::PostStop => &self.post_stop,
        }
    }
}
