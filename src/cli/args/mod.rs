//! The command line as clap sees it. Help texts are for people who have never seen tspm.
//!
//! Only what is built is here: a flag that parses and does nothing is worse than none.

mod change;
mod look;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

pub(crate) use change::{
    DownArgs, RestartArgs, SelectArgs, SignalArgs, StartArgs, StopArgs, UpArgs, WaitArgs, WaitFor,
};
pub(crate) use look::{
    CheckArgs, CompletionsArgs, ConfigArgs, ConfigFormat, DescribeArgs, EnvArgs, EventsArgs, JsonArgs, LogsArgs,
    ManArgs, PsArgs, StreamArg,
};

use super::term::Color;

const EXAMPLES: &str = "\
Examples:
  tspm up                 start everything in tspm.yaml, show its logs, stop it all with Ctrl-C
  tspm up -d              the same in the background; returns when all is ready
  tspm up api             only `api` and what it needs
  tspm ps                 what runs, since when, on which ports
  tspm logs -f api db     follow two services
  tspm why api            why it is not ready, why it restarted, what it waits for
  tspm restart api        stop it (its whole process tree), start it again
  tspm down               stop everything in order and prove that nothing is left
  tspm down --force       kill everything at once

Selecting services, the same in every command:
  api db                  by name              @backend    a group
  'web-*'                 by pattern           '/^web/'    a regular expression
  3                       by the number that `tspm ps` shows
  Without a selection a command is about all of them.

Exit codes:
  0 done                  1 a service failed, or was not ready in time
  2 bad usage, or a mistake in the project file
  3 something is left running
  4 not running           130 interrupted (Ctrl-C)";

/// Runs a project's services together: one file, up in order, down with nothing left.
///
/// A project is a folder with a `tspm.yaml` (or `.yml`, `.json`, `.jsonc`) that lists services, what they depend on
/// and how to tell that they are ready. tspm starts them in that order, keeps their logs, restarts what crashes, and
/// stops every process that any of them ever started.
#[derive(Debug, Parser)]
#[command(name = "tspm", version, after_help = EXAMPLES, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    /// The project file (also after most commands); `-` reads it from standard input
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Also select services of this profile (may be given several times; also: `TSPM_PROFILES=a,b`)
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Vec<String>,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    pub(crate) color: Color,
}

/// `-f FILE`, for commands where `-f` is free.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct FileArgs {
    /// The project file, instead of the one in this folder or above; `-` reads standard input
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
}

/// `--file FILE`, for commands where `-f` means follow.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct LongFileArgs {
    /// The project file, instead of the one in this folder or above; `-` reads standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
}

/// What tspm can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start services and what they need, in order
    Up(UpArgs),
    /// Stop everything, in order, and verify that nothing is left
    Down(DownArgs),
    /// Start stopped services, and what they need
    Start(StartArgs),
    /// Stop services; the others keep running
    Stop(StopArgs),
    /// Stop services, then start them again
    Restart(RestartArgs),
    /// List the services: state, ports, uptime, memory
    #[command(visible_aliases = ["list", "ls"])]
    Ps(PsArgs),
    /// Show everything about a service
    #[command(visible_alias = "info")]
    Describe(DescribeArgs),
    /// Explain why a service is in the state it is in
    Why(DescribeArgs),
    /// Show what services print, merged in time order
    Logs(LogsArgs),
    /// Show what happened: starts, ends, restarts, failed probes
    Events(EventsArgs),
    /// Wait until services are ready (or stopped, completed, failed)
    Wait(WaitArgs),
    /// Send a signal to services
    Signal(SignalArgs),
    /// Print the project file as tspm understands it
    Config(ConfigArgs),
    /// Check the project file: all mistakes at once
    Check(CheckArgs),
    /// Print the environment of a service, and where each value comes from
    Env(EnvArgs),
    /// Show which ports are declared, and who listens on them
    Ports(JsonArgs),
    /// Examine this machine and the project's health
    Doctor(JsonArgs),
    /// Print the JSON Schema of the project file, for editors
    Schema,
    /// Print a completion script for your shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man(ManArgs),
    /// Print the version of tspm, and of the supervisor that runs
    Version(JsonArgs),
}

impl Command {
    /// The `-f`/`--file` that came after the command.
    pub(crate) fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::Up(args) => args.project.file.as_ref(),
            Self::Down(args) => args.project.file.as_ref(),
            Self::Start(args) => args.project.file.as_ref(),
            Self::Stop(args) => args.project.file.as_ref(),
            Self::Restart(args) => args.project.file.as_ref(),
            Self::Ps(args) => args.project.file.as_ref(),
            Self::Describe(args) | Self::Why(args) => args.project.file.as_ref(),
            Self::Logs(args) => args.project.file.as_ref(),
            Self::Events(args) => args.project.file.as_ref(),
            Self::Wait(args) => args.project.file.as_ref(),
            Self::Signal(args) => args.project.file.as_ref(),
            Self::Config(args) => args.project.file.as_ref(),
            Self::Check(args) => args.project.file.as_ref(),
            Self::Env(args) => args.project.file.as_ref(),
            Self::Ports(args) | Self::Doctor(args) | Self::Version(args) => args.project.file.as_ref(),
            Self::Schema | Self::Completions(_) | Self::Man(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn clap_finds_nothing_wrong_with_it() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_file_may_come_before_or_after_the_command() {
        let file = |words: &[&str]| {
            let cli = Cli::try_parse_from(words).unwrap();
            cli.command.file().cloned().or(cli.file).map(|p| p.display().to_string())
        };
        assert_eq!(file(&["tspm", "-f", "a.yaml", "ps"]).as_deref(), Some("a.yaml"));
        assert_eq!(file(&["tspm", "up", "-d", "-f", "a.yaml"]).as_deref(), Some("a.yaml"));
        assert_eq!(file(&["tspm", "logs", "-f", "--file", "a.yaml", "api"]).as_deref(), Some("a.yaml"));
        assert_eq!(file(&["tspm", "logs", "-f", "api"]), None, "there it means follow");
    }

    #[test]
    fn a_misspelt_command_is_pointed_out() {
        let error = Cli::try_parse_from(["tspm", "restrat"]).unwrap_err();
        assert!(error.to_string().contains("similar subcommands exist: 'start', 'restart'"), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
}
