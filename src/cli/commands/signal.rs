//! `tspm signal`: a signal to a service.

use crate::api::wire::{Done, SignalRequest};
use crate::cli::args::SignalArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::out;

/// Sends it and says who got it.
pub(crate) async fn run(context: &Context, args: &SignalArgs) -> Result<Exit, CliError> {
    let (client, _, services) = context.selected(std::slice::from_ref(&args.select)).await?;
    let request = SignalRequest { services: services.clone(), signal: args.signal.number() };
    let done: Done = client.post("/v1/signal", &request).await?;
    if done.notes.is_empty() {
        out::print(&format!("{} sent to {}\n", args.signal, services.join(", ")));
    }
    for note in &done.notes {
        out::print(&format!("{note}\n"));
    }
    Ok(Exit::Done)
}
