//! One file per command; each returns its exit code or an error that `cli::run` renders.

mod check;
mod completions;
mod config;
mod describe;
mod doctor;
mod down;
mod env;
mod events;
mod logs;
mod man;
mod ports;
mod ps;
mod schema;
mod signal;
mod start;
mod stop;
mod up;
mod version;
mod wait;
mod why;

use std::future::Future;

use super::args::Command;
use super::context::Context;
use super::error::CliError;
use super::exit::Exit;
use super::signals::Signals;

/// Runs one command to its end.
pub(crate) fn run(context: &Context, command: Command) -> Result<Exit, CliError> {
    match command {
        Command::Up(args) => up::run(context, &args),
        Command::Down(args) => block_on(down::run(context, &args)),
        Command::Start(args) => block_on(interruptible(start::run(context, &args))),
        Command::Stop(args) => block_on(interruptible(stop::stop(context, &args))),
        Command::Restart(args) => block_on(interruptible(stop::restart(context, &args))),
        Command::Ps(args) => block_on(interruptible(ps::run(context, &args))),
        Command::Describe(args) => block_on(describe::run(context, &args)),
        Command::Why(args) => block_on(why::run(context, &args)),
        Command::Logs(args) => logs::run(context, &args),
        Command::Events(args) => block_on(interruptible(events::run(context, &args))),
        Command::Wait(args) => block_on(interruptible(wait::run(context, &args))),
        Command::Signal(args) => block_on(signal::run(context, &args)),
        Command::Config(args) => config::run(context, &args),
        Command::Check(args) => check::run(context, &args),
        Command::Env(args) => env::run(context, &args),
        Command::Ports(args) => block_on(ports::run(context, &args)),
        Command::Doctor(args) => block_on(doctor::run(context, &args)),
        Command::Schema => Ok(schema::run()),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
        Command::Version(args) => block_on(version::run(context, &args)),
    }
}

/// Ends with exit code 130 where the person does not want to wait for it.
async fn interruptible(work: impl Future<Output = Result<Exit, CliError>>) -> Result<Exit, CliError> {
    let mut signals = Signals::listen()?;
    tokio::select! {
        outcome = work => outcome,
        _ = signals.next() => Ok(Exit::Interrupted),
    }
}

/// Runs on this thread alone: a command waits for one or two things at a time.
fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(work);
    // Nothing is left to wait for, whatever a blocked task thinks.
    runtime.shutdown_background();
    outcome
}
