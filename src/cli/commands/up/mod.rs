//! `tspm up`: read the project, find or start its supervisor, hand the project over, then watch.
//!
//! ```text
//!  read ─► (mistakes: exit 2, nothing started)
//!   └► --dry-run: plan
//!   └► session: keeper, watch, POST /v1/up ─► attached (logs until Ctrl-C) | detached (until all is ready)
//! ```

mod attached;
mod detached;
mod plan;
mod progress;
mod session;

use std::collections::BTreeSet;

use crate::api::client::{Client, ConnectError};
use crate::api::wire::{Detail, State, UpRequest};
use crate::cli::args::UpArgs;
use crate::cli::board::Board;
use crate::cli::context::{Context, Home};
use crate::cli::error::{CliError, Trouble};
use crate::cli::exit::Exit;
use crate::cli::select::Catalog;
use crate::cli::{out, render};
use crate::config::{Bundle, Loaded};
use crate::model::ServiceName;
use crate::{api, graph};

use super::stop::now_ms;
use super::why::log_tail;

/// Brings the project up.
pub(crate) fn run(context: &Context, args: &UpArgs) -> Result<Exit, CliError> {
    let (bundle, loaded) = context.read()?;
    super::block_on(up(context, args, &bundle, &loaded))
}

async fn up(context: &Context, args: &UpArgs, bundle: &Bundle, loaded: &Loaded) -> Result<Exit, CliError> {
    let home = Context::home_in(bundle.dir.clone())?;
    let running = match Client::connect(&home.place).await {
        Ok(client) => Some(client),
        Err(ConnectError::NotRunning) => None,
        Err(error) => return Err(error.into()),
    };
    let services = selected(&args.select.select, loaded, running.as_ref()).await?;
    let request = UpRequest {
        bundle: bundle.clone().into(),
        services,
        no_deps: args.no_deps,
        force_recreate: args.force_recreate,
        // Decided once it is known whether the environment is new.
        attach: api::wire::Attach::View,
        dry_run: args.dry_run,
    };
    if args.dry_run {
        return plan::run(context, &request, loaded, running.as_ref()).await;
    }
    drop(running);
    let about = concerned(&request, loaded);
    let services = loaded.project.services.values();
    let unproven = services.filter(|service| service.readiness.is_none()).map(|s| s.name.to_string()).collect();
    let call = Call { context, args, home: &home, about, unproven };
    if args.detach { detached::run(&call, request).await } else { attached::run(&call, request).await }
}

/// One `up`, for those who carry it out.
#[derive(Debug)]
struct Call<'a> {
    context: &'a Context,
    args: &'a UpArgs,
    home: &'a Home,
    /// Services it is about; empty: all that are wanted.
    about: BTreeSet<String>,
    /// Services without a readiness probe: they are ready as soon as they run, which proves little.
    unproven: BTreeSet<String>,
}

/// The services that were named, checked before anything is started.
async fn selected(terms: &[String], loaded: &Loaded, running: Option<&Client>) -> Result<Vec<String>, CliError> {
    if terms.is_empty() {
        return Ok(Vec::new());
    }
    let mut catalog = Catalog::of_project(&loaded.project);
    if let Some(client) = running
        && terms.iter().any(|term| term.parse::<u32>().is_ok())
    {
        catalog = catalog.with_ids(&client.get::<State>("/v1/state").await?);
    }
    let names = catalog.services(terms)?;
    // A group may hold disabled services; one that was named must not be.
    let is_disabled = |name: &String| loaded.project.service(name).is_some_and(|service| service.disabled);
    if let Some(name) = names.iter().find(|name| is_disabled(name) && terms.contains(name)) {
        let what = format!("`{name}` is disabled in the project file");
        return Err(Trouble::new(Exit::Usage, what).hint("remove its `disabled: true`").into());
    }
    Ok(names.into_iter().filter(|name| !is_disabled(name)).collect())
}

/// The named services with what they need.
fn concerned(request: &UpRequest, loaded: &Loaded) -> BTreeSet<String> {
    if request.no_deps {
        return request.services.iter().cloned().collect();
    }
    let seeds: BTreeSet<ServiceName> =
        request.services.iter().filter_map(|name| ServiceName::new(name).ok()).collect();
    graph::closure(&loaded.project, &seeds).iter().map(ToString::to_string).collect()
}

/// Says of each of these services what is wrong with it, with the last lines of its log.
pub(crate) async fn troubles(context: &Context, client: &Client, board: &Board, names: &[String]) {
    for view in board.services().iter().filter(|view| names.contains(&view.name)) {
        let mut trouble = render::trouble::of(view, now_ms(), log_tail(view));
        if view.state == "starting" && !view.late {
            // Without an answer there is less to say.
            let detail = client.get::<Detail>(&format!("/v1/services/{}", view.name)).await;
            trouble.why = detail.ok().and_then(|detail| render::trouble::last_probe(&detail));
        }
        out::note(trouble.render(context.paint_err).trim_end());
    }
}
