//! Commands that change something.

use std::time::Duration;

use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use super::FileArgs;
use crate::cli::complete;
use crate::config::units::duration;

/// A selection that may be empty.
#[derive(Debug, Clone, Args)]
pub(crate) struct SelectArgs {
    /// Services: names, `web-*`, `@group`, `/regex/`, numbers; none: all
    #[arg(value_name = "SERVICE", add = ArgValueCompleter::new(complete::services))]
    pub(crate) select: Vec<String>,
}

/// `up`.
#[expect(clippy::struct_excessive_bools, reason = "a flag is a bool")]
#[derive(Debug, Args)]
#[command(after_help = "\
Without -d, tspm stays attached: it shows the logs, and Ctrl-C (or closing the terminal) stops everything. \
Where the project runs already, `up` applies what changed in the file and shows the logs; Ctrl-C then only detaches.

With -d, the services stay when the command returns. It returns when all of them are ready, or with exit code 1 \
and the reasons if one is not; `tspm down` stops them.")]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Leave the services running in the background; return when all are ready
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// With -d: return at once, do not wait until they are ready
    #[arg(long, requires = "detach", conflicts_with = "wait_timeout")]
    pub(crate) no_wait: bool,
    /// With -d: how long to wait at most, e.g. `90s` or `2m`
    #[arg(long, value_name = "TIME", requires = "detach", value_parser = duration)]
    pub(crate) wait_timeout: Option<Duration>,
    /// Do not start what the named services need
    #[arg(long)]
    pub(crate) no_deps: bool,
    /// Restart services that run, even if nothing about them changed
    #[arg(long)]
    pub(crate) force_recreate: bool,
    /// Only say what would be done, and why
    #[arg(long, conflicts_with = "timings")]
    pub(crate) dry_run: bool,
    /// When all is ready, show how long each service took and which chain set the pace
    #[arg(long, conflicts_with = "no_wait")]
    pub(crate) timings: bool,
    #[command(flatten)]
    pub(crate) project: FileArgs,
}

/// `down`.
#[derive(Debug, Args)]
#[command(after_help = "\
Five phases: 1 graceful (stop signals, dependents first), 2 force (kill what did not end in time), \
3 orphans (whatever escaped), 4 containers, 5 verify.

Ctrl-C twice during it kills at once. Exit code 3 and a list if something could not be stopped.")]
pub(crate) struct DownArgs {
    /// Kill everything at once: no stop signals, no hooks
    #[arg(long)]
    pub(crate) force: bool,
    /// How long each service has to end by itself, instead of its own setting, e.g. `3s`
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "force")]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) project: FileArgs,
}

/// `start`.
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Do not start what they need
    #[arg(long)]
    pub(crate) no_deps: bool,
    #[command(flatten)]
    pub(crate) project: FileArgs,
}

/// `stop`.
#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// How long each has to end by itself before it is killed, e.g. `3s`
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) project: FileArgs,
}

/// `restart`.
#[derive(Debug, Args)]
pub(crate) struct RestartArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// How long each has to end by itself before it is killed, e.g. `3s`
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) project: FileArgs,
}

/// `wait`.
#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// What to wait for
    #[arg(long = "for", value_name = "STATE", value_enum, default_value_t)]
    pub(crate) what: WaitFor,
    /// How long to wait at most, e.g. `2m` (exit code 1 when it has passed)
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) project: FileArgs,
}

/// `wait --for`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum WaitFor {
    /// Ready (a oneshot: completed)
    #[default]
    Ready,
    /// Not running any more
    Stopped,
    /// Ended with success
    Completed,
    /// Given up
    Failed,
}

/// `signal`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tspm signal api HUP")]
pub(crate) struct SignalArgs {
    /// The service: a name, `web-*`, `@group`, `/regex/`, a number
    #[arg(value_name = "SERVICE", add = ArgValueCompleter::new(complete::services))]
    pub(crate) select: String,
    /// The signal: `HUP`, `SIGUSR1`, `10` …
    #[arg(value_name = "SIGNAL")]
    pub(crate) signal: crate::model::Signal,
    #[command(flatten)]
    pub(crate) project: FileArgs,
}
