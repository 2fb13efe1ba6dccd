//! `tspm down`: the five phases.

use std::time::Duration;

use crate::api::client::{Client, ConnectError};
use crate::api::launch::lock_holder;
use crate::api::wire::DownRequest;
use crate::cli::args::DownArgs;
use crate::cli::context::{Context, Home};
use crate::cli::error::{CliError, Trouble};
use crate::cli::exit::Exit;
use crate::cli::out;
use crate::cli::printer::Printer;
use crate::cli::signals::Signals;
use crate::cli::teardown::{self, First, KeeperEnd, Say, Stage};

/// A keeper that holds the lock but not (yet, or any more) the socket: it is starting or ending.
const STARTING_OR_ENDING: Duration = Duration::from_secs(5);

/// Takes the project down; exit code 0 also where nothing runs.
pub(crate) async fn run(context: &Context, args: &DownArgs) -> Result<Exit, CliError> {
    let home = context.home()?;
    let Some(client) = running(&home).await? else {
        out::print(&format!("nothing is running in `{}`\n", home.dir.display()));
        return Ok(Exit::Done);
    };
    let mut signals = Signals::listen()?;
    let mut printer = Printer::start(std::io::stdout())?;
    let request = DownRequest { force: args.force, timeout_ms: args.timeout.map(super::stop::millis) };
    let mut stage = Stage { printer: &mut printer, paint: context.paint, signals: &mut signals, tail: None };
    let outcome = teardown::run(&client, request, Say::Everything, First::Warns, &mut stage).await;
    printer.finish().await;
    outcome
}

/// The project's client. None: no keeper lives.
async fn running(home: &Home) -> Result<Option<Client>, CliError> {
    match Client::connect(&home.place).await {
        Ok(client) => return Ok(Some(client)),
        Err(ConnectError::NotRunning) => {}
        Err(error) => return Err(error.into()),
    }
    let Some(pid) = lock_holder(&home.place) else { return Ok(None) };
    let keeper = KeeperEnd::watch(pid);
    let listens = async {
        let mut pause = tokio::time::interval(Duration::from_millis(10));
        loop {
            pause.tick().await;
            if let Ok(client) = Client::connect(&home.place).await {
                return client;
            }
        }
    };
    tokio::select! {
        ended = keeper.within(STARTING_OR_ENDING) => {
            if ended {
                return Ok(None);
            }
            let what = format!("a keeper (pid {pid}) holds `{}` but does not listen", home.place.lock().display());
            Err(Trouble::new(Exit::Left, what)
                .hint(format!("`kill {pid}` makes it take its services down and end"))
                .into())
        }
        client = listens => Ok(Some(client)),
    }
}
