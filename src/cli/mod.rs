//! The command line: parse, run one command, render its error once, exit code.
//!
//! ```text
//!  argv ─► args ─► commands/NAME ─► api::client (running project) ─► render ─► out | printer
//!                        └────────► config, graph (offline)
//! ```
//!
//! Knows the project through `api` and, offline, through `config` and `graph`. Never holds state, never owns a
//! process but for the keeper that `api::launch` starts.

mod args;
mod board;
mod commands;
mod complete;
mod context;
mod error;
mod exit;
mod out;
mod printer;
mod render;
mod screen;
mod select;
mod signals;
mod tail;
mod teardown;
mod term;
mod when;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use clap_complete::CompleteEnv;

use self::args::Cli;
use self::context::Context;
use self::exit::Exit;
use crate::sys::Place;

/// The variable by which a shell asks for completions.
pub(crate) const COMPLETE_VAR: &str = "TSPM_COMPLETE";

/// What a program of this package is called as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `tspm`
    Tspm,
    /// `devup`, which is `tspm up`
    Devup,
    /// `devdown`, which is `tspm down`
    Devdown,
}

impl Program {
    const fn verb(self) -> Option<&'static str> {
        match self {
            Self::Tspm => None,
            Self::Devup => Some("up"),
            Self::Devdown => Some("down"),
        }
    }
}

/// Runs a whole program: the keeper or the supervisor where the first argument says so, else a command.
pub fn main(program: Program) -> ExitCode {
    let mut argv: Vec<OsString> = std::env::args_os().collect();
    match argv.get(1).and_then(|word| word.to_str()) {
        Some("__keeper") => return keeper(&argv[2..]),
        Some("__supervisor") => return supervisor(&argv[2..]),
        _ => {}
    }
    if let Some(shell) = std::env::var_os(COMPLETE_VAR) {
        return complete(&shell, argv);
    }
    if let Some(verb) = program.verb() {
        argv.insert(1.min(argv.len()), verb.into());
    }
    match Cli::try_parse_from(argv) {
        Ok(cli) => run(cli).into(),
        Err(error) => {
            // Help and version come this way too. Nobody reading is no failure.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code()))
        }
    }
}

/// Runs a command and renders its error.
fn run(cli: Cli) -> Exit {
    let context = Context::new(&cli);
    commands::run(&context, cli.command).unwrap_or_else(|error| {
        out::note(error.render(context.paint_err).trim_end());
        error.exit()
    })
}

fn complete(shell: &OsString, argv: Vec<OsString>) -> ExitCode {
    let here = std::env::current_dir().ok();
    let answered = CompleteEnv::with_factory(Cli::command).var(COMPLETE_VAR).try_complete(argv, here.as_deref());
    match answered {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            out::note(&format!("no completions for `{}`: {error}", shell.display()));
            Exit::Usage.into()
        }
    }
}

/// `__keeper DIR SOCKET PROJECT_ID [PROJECT_DIR]`
fn keeper(words: &[OsString]) -> ExitCode {
    match crate::keeper::Args::parse(words.iter().cloned()) {
        Some(args) => crate::keeper::main(args),
        None => Exit::Usage.into(),
    }
}

/// `__supervisor DIR SOCKET PROJECT_ID`
fn supervisor(words: &[OsString]) -> ExitCode {
    match words {
        [dir, socket, id] => crate::api::serve::main(Place {
            dir: dir.into(),
            socket: socket.into(),
            project_id: id.to_string_lossy().into_owned(),
        }),
        _ => Exit::Usage.into(),
    }
}
