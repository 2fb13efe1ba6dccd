//! `up --dry-run`: what would be done, and why. Asks the supervisor; where none runs, everything would start.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::client::Client;
use crate::api::wire::{Done, Step, UpRequest};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::{out, render};
use crate::config::Loaded;
use crate::graph;
use crate::model::{Project, ServiceName};

/// Prints the plan.
pub(super) async fn run(
    context: &Context,
    request: &UpRequest,
    loaded: &Loaded,
    running: Option<&Client>,
) -> Result<Exit, CliError> {
    let steps = match running {
        Some(client) => client.post::<_, Done>("/v1/up", request).await?.steps,
        None => offline(&loaded.project, request),
    };
    out::print(&render::plan::table(&steps, context.paint));
    Ok(Exit::Done)
}

/// The plan of a first start, in start order.
fn offline(project: &Project, request: &UpRequest) -> Vec<Step> {
    let asked: BTreeSet<ServiceName> = if request.services.is_empty() {
        let by_themselves = project.services.values().filter(|service| project.starts_by_itself(service));
        by_themselves.map(|service| service.name.clone()).collect()
    } else {
        request.services.iter().filter_map(|name| ServiceName::new(name).ok()).collect()
    };
    let wanted = if request.no_deps { asked.clone() } else { graph::closure(project, &asked) };
    let needed_by: BTreeMap<&ServiceName, &ServiceName> = wanted
        .iter()
        .filter_map(|name| project.services.get(name.as_str()))
        .flat_map(|service| service.depends_on.iter().map(|edge| (&edge.on, &service.name)))
        .collect();
    graph::start_order(project)
        .into_iter()
        .map(|name| {
            let why = match () {
                () if asked.contains(&name) && request.services.is_empty() => "starts by itself".to_owned(),
                () if asked.contains(&name) => "asked for".to_owned(),
                () if wanted.contains(&name) => match needed_by.get(&name) {
                    Some(by) => format!("needed by {by}"),
                    None => "needed".to_owned(),
                },
                () => not_wanted(project, &name, request).to_owned(),
            };
            let verb = if wanted.contains(&name) { "start" } else { "keep" };
            Step { service: name.to_string(), verb: verb.to_owned(), why }
        })
        .collect()
}

fn not_wanted(project: &Project, name: &ServiceName, request: &UpRequest) -> &'static str {
    match project.services.get(name.as_str()) {
        Some(service) if service.disabled => "stays off: disabled",
        _ if !request.services.is_empty() => "stays off: not asked for",
        Some(service) if !service.autostart => "stays off: `autostart: false`",
        _ => "stays off: none of its profiles is selected",
    }
}
