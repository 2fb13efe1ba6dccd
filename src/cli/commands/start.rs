//! `tspm start`: start what was stopped (or never started), wait until it is ready.

use crate::api::wire::{SelectRequest, State};
use crate::cli::args::StartArgs;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Trouble};
use crate::cli::exit::Exit;

use super::stop::{Change, ready};

/// Starts what is selected; without a selection, what a plain `up` would start.
pub(crate) async fn run(context: &Context, args: &StartArgs) -> Result<Exit, CliError> {
    let (client, state, mut services) = context.selected(&args.select.select).await?;
    if args.select.select.is_empty() {
        services = by_themselves(context, &state)?;
    }
    let request = SelectRequest { services, no_deps: args.no_deps, timeout_ms: None };
    let mut change = Change::ask(context, &client, "/v1/start", &request).await?;
    let outcome = change.until(ready).await?;
    Ok(change.report(&client, &outcome).await)
}

/// Services of the running project that start by themselves, as the project file has it: neither disabled nor
/// `autostart: false` nor of a profile that is not selected.
fn by_themselves(context: &Context, state: &State) -> Result<Vec<String>, CliError> {
    let project = match context.read_quietly() {
        Ok((_, loaded)) => loaded.project,
        Err(CliError::Report(_)) => {
            let what = "the project file has mistakes, so it does not say what starts by itself";
            return Err(Trouble::new(Exit::Usage, what).hint("name the services, or see `tspm check`").into());
        }
        Err(error) => return Err(error),
    };
    let starts = |name: &str| project.service(name).is_some_and(|service| project.starts_by_itself(service));
    let mut names: Vec<String> =
        state.services.iter().map(|view| view.service.clone()).filter(|name| starts(name)).collect();
    names.dedup();
    Ok(names)
}
