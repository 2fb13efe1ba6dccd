//! Commands that only look.

use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use super::{FileArgs, LongFileArgs, SelectArgs};
use crate::cli::{complete, when};

/// `ports`, `doctor`, `version`.
#[derive(Debug, Args)]
pub(crate) struct JsonArgs {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) project: FileArgs,
}

/// `ps`.
#[derive(Debug, Args)]
pub(crate) struct PsArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Print one JSON object
    #[arg(long, conflicts_with = "watch")]
    pub(crate) json: bool,
    /// Keep the table on the screen and up to date, until Ctrl-C
    #[arg(short, long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) project: FileArgs,
}

/// `describe`, `why`.
#[derive(Debug, Args)]
pub(crate) struct DescribeArgs {
    /// Services: names, `web-*`, `@group`, `/regex/`, numbers
    #[arg(value_name = "SERVICE", required = true, add = ArgValueCompleter::new(complete::services))]
    pub(crate) select: Vec<String>,
    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) project: FileArgs,
}

/// `logs`.
#[expect(clippy::struct_excessive_bools, reason = "a flag is a bool")]
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tspm logs -n 50 api                  the last 50 lines of api
  tspm logs -f                         everything, and what comes
  tspm logs --since 10m --grep error   matching lines of the last ten minutes
  tspm logs --previous api             what its previous run printed, before it was restarted

Logs are there whether or not the project runs.")]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Go on showing what comes, until Ctrl-C
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only the last N lines
    #[arg(short = 'n', long = "lines", visible_alias = "tail", value_name = "N")]
    pub(crate) lines: Option<usize>,
    /// Only lines since: `10m` (ago), `14:30`, `2026-11-20 14:30`, `2026-11-20T13:30:00Z`
    #[arg(long, value_name = "TIME", value_parser = when::parse)]
    pub(crate) since: Option<when::When>,
    /// Only lines until; the same forms
    #[arg(long, value_name = "TIME", value_parser = when::parse)]
    pub(crate) until: Option<when::When>,
    /// Only lines that match this regular expression
    #[arg(long, value_name = "REGEX")]
    pub(crate) grep: Option<String>,
    /// Only this stream
    #[arg(long, value_name = "STREAM", value_enum)]
    pub(crate) stream: Option<StreamArg>,
    /// Put the time in front of each line
    #[arg(short, long)]
    pub(crate) timestamps: bool,
    /// Print one JSON object per line
    #[arg(long, conflicts_with_all = ["timestamps", "no_prefix"])]
    pub(crate) json: bool,
    /// Leave out the service's name in front of each line
    #[arg(long)]
    pub(crate) no_prefix: bool,
    /// The previous run's lines instead of the current one's
    #[arg(long, conflicts_with = "follow")]
    pub(crate) previous: bool,
    #[command(flatten)]
    pub(crate) project: LongFileArgs,
}

/// `logs --stream`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StreamArg {
    /// Standard output
    Stdout,
    /// Standard error
    Stderr,
}

/// `events`.
#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Go on showing what comes, until Ctrl-C
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only events since: `10m` (ago), `14:30`, `2026-11-20T13:30:00Z`
    #[arg(long, value_name = "TIME", value_parser = when::parse)]
    pub(crate) since: Option<when::When>,
    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) project: LongFileArgs,
}

/// `config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The format
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub(crate) format: ConfigFormat,
    /// Only the names of the services, in start order
    #[arg(long)]
    pub(crate) services: bool,
    #[command(flatten)]
    pub(crate) project: FileArgs,
}

/// `config --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ConfigFormat {
    /// As in a project file
    #[default]
    Yaml,
    /// For programs
    Json,
}

/// `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) project: FileArgs,
}

/// `env`.
#[derive(Debug, Args)]
pub(crate) struct EnvArgs {
    /// The service
    #[arg(value_name = "SERVICE", add = ArgValueCompleter::new(complete::services))]
    pub(crate) service: String,
    /// Say where each value comes from, and what it replaced
    #[arg(long)]
    pub(crate) explain: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) project: FileArgs,
}

/// `completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Put this in your shell's start-up file (services are completed by name):
  bash   source <(tspm completions bash)
  zsh    source <(tspm completions zsh)
  fish   tspm completions fish | source")]
pub(crate) struct CompletionsArgs {
    /// Which shell: bash, zsh, fish, elvish, powershell
    #[arg(value_name = "SHELL", value_parser = ["bash", "zsh", "fish", "elvish", "powershell"])]
    pub(crate) shell: String,
}

/// `man`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tspm man | man -l -")]
pub(crate) struct ManArgs {
    /// Of this command; none: of tspm
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,
}
