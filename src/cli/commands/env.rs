//! `tspm env`: the environment that a service gets, and where each value comes from.

use crate::api::client::Client;
use crate::api::wire::State;
use crate::cli::args::EnvArgs;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Trouble};
use crate::cli::exit::Exit;
use crate::cli::select::Catalog;
use crate::cli::{out, render};
use crate::config::{self, Loaded, Ports};
use crate::model::{PortNumber, Project};

/// Prints it as the project file has it now, with the ports that a running project has allocated.
pub(crate) fn run(context: &Context, args: &EnvArgs) -> Result<Exit, CliError> {
    let (bundle, mut loaded) = context.read()?;
    let names = Catalog::of_project(&loaded.project).services(std::slice::from_ref(&args.service))?;
    let [name] = &names[..] else {
        let what = format!("`{}` selects {} services", args.service, names.len());
        return Err(Trouble::new(Exit::Usage, what).hint("name one of them").into());
    };
    if !loaded.auto_ports.is_empty() {
        let place = Context::home_in(bundle.dir.clone())?.place;
        let running = super::block_on(async {
            let ask = async { Client::connect(&place).await.ok()?.get::<State>("/v1/state").await.ok() };
            Ok(ask.await)
        })?;
        match running {
            Some(state) => loaded = config::load(&bundle, &allocated(&loaded, &state))?,
            None => out::note("ports that are `auto` have no number yet: the project is not running"),
        }
    }
    let service = loaded.project.service(name).expect("it was selected from this project");
    if args.json {
        out::print_json(&render::env::json(name, &service.env));
    } else if args.explain {
        out::print(&render::env::explained(&service.env, context.paint));
    } else {
        out::print(&render::env::plain(&service.env));
    }
    Ok(Exit::Done)
}

/// The numbers that the running project gave to `auto` ports.
pub(crate) fn allocated(loaded: &Loaded, state: &State) -> Ports {
    let number = |project: &Project, name: &str, index: usize| {
        let service = project.service(name)?;
        let port = service.ports.get(index)?;
        let view = state.services.iter().find(|view| view.service == name)?;
        // By name; ports without one by their turn.
        let known = match &port.name {
            Some(name) => view.ports.iter().find(|known| known.name.as_ref() == Some(name)),
            None => view.ports.get(index),
        }?;
        matches!(port.number, PortNumber::Pending).then_some(known.port)
    };
    loaded
        .auto_ports
        .iter()
        .filter_map(|(name, index)| {
            Some(((name.clone(), *index), number(&loaded.project, name.as_str(), *index)?))
        })
        .collect()
}
