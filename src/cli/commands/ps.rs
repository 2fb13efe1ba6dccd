//! `tspm ps`: what runs. The fast path: no project file is parsed, one request is made.

use std::time::Duration;

use hyper::Method;

use crate::api::client::{Client, ConnectError};
use crate::api::wire::{SCHEMA_VERSION, ServiceView, State, Update};
use crate::cli::args::PsArgs;
use crate::cli::context::{Context, not_running};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::select::Catalog;
use crate::cli::{out, render};

/// Times, cpu and memory move without an event.
const REFRESH: Duration = Duration::from_secs(1);

/// Prints the table. Exit code 4 where the project does not run; with `--json` an object without services is printed
/// then, too.
pub(crate) async fn run(context: &Context, args: &PsArgs) -> Result<Exit, CliError> {
    let home = context.home()?;
    let client = match Client::connect(&home.place).await {
        Ok(client) => client,
        Err(ConnectError::NotRunning) => {
            if args.json {
                out::print_json(&serde_json::json!({
                    "schema_version": SCHEMA_VERSION,
                    "running": false,
                    "dir": home.dir,
                    "services": [],
                }));
            }
            return Err(not_running(&home.dir).into());
        }
        Err(error) => return Err(error.into()),
    };
    if args.watch {
        return watch(context, args, &client).await;
    }
    let mut state: State = client.get("/v1/state").await?;
    let names: Vec<String> = selected(&state, &args.select.select)?.iter().map(|view| view.name.clone()).collect();
    if args.json {
        state.services.retain(|view| names.contains(&view.name));
        out::print_json(&Running { running: true, state });
        return Ok(Exit::Done);
    }
    let views: Vec<&ServiceView> = state.services.iter().filter(|view| names.contains(&view.name)).collect();
    out::print(&render::ps::table(&state, &views, context.paint, width(context)));
    if context.is_terminal() {
        advise(&state, &views);
    }
    Ok(Exit::Done)
}

/// [`State`] with the word that tells it from «not running».
#[derive(serde::Serialize)]
struct Running {
    running: bool,
    #[serde(flatten)]
    state: State,
}

fn selected<'s>(state: &'s State, terms: &[String]) -> Result<Vec<&'s ServiceView>, CliError> {
    let catalog = Catalog::of_state(state);
    let chosen = catalog.select(terms)?;
    Ok(state.services.iter().filter(|view| chosen.iter().any(|entry| entry.name == view.name)).collect())
}

/// The width of the terminal, if it is one.
fn width(context: &Context) -> Option<usize> {
    context.is_terminal().then(|| usize::from(console::Term::stdout().size().1))
}

/// Where something is wrong, the command that explains it.
fn advise(state: &State, views: &[&ServiceView]) {
    if state.shutting_down {
        out::note("the project is being taken down");
    } else if let Some(view) =
        views.iter().find(|view| matches!(view.state.as_str(), "failed" | "backoff" | "skipped"))
    {
        out::note(&format!("`tspm why {}` explains it", view.name));
    }
}

/// The table, redrawn when something happens and each second, until Ctrl-C or the end of the project.
async fn watch(context: &Context, args: &PsArgs, client: &Client) -> Result<Exit, CliError> {
    let mut updates = client.lines::<Update>(Method::GET, "/v1/watch", None).await?;
    let mut refresh = tokio::time::interval(REFRESH);
    loop {
        let state: State = client.get("/v1/state").await?;
        let views = selected(&state, &args.select.select)?;
        let table = render::ps::table(&state, &views, context.paint, width(context));
        // Home, the table with each line's rest cleared, then the rest of the screen.
        let frame = if context.is_terminal() {
            format!("\x1b[H{}\x1b[J", table.replace('\n', "\x1b[K\n"))
        } else {
            table + "\n"
        };
        if !out::print(&frame) {
            return Ok(Exit::Done);
        }
        tokio::select! {
            _ = refresh.tick() => {}
            update = updates.next() => match update {
                Some(Ok(Update::Bye)) | None => {
                    out::note("the project was taken down");
                    return Ok(Exit::Done);
                }
                Some(update) => {
                    update?;
                }
            }
        }
    }
}
