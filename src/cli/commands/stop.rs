//! `tspm stop` and `tspm restart`: wait until it is done, say how it went.

use std::collections::BTreeSet;
use std::time::Duration;

use hyper::Method;

use crate::api::client::{Client, ConnectError, Lines};
use crate::api::wire::{Done, SelectRequest, Update};
use crate::cli::args::{RestartArgs, StopArgs};
use crate::cli::board::{Board, Verdict, verdict};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::{out, render};
use crate::sys::clock;

/// A service that kept dying counts as well once it has lived for a while: no event says that it has.
pub(crate) const BEAT: Duration = Duration::from_millis(500);

/// A duration on the wire.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Stops what is selected, and waits until it has stopped.
pub(crate) async fn stop(context: &Context, args: &StopArgs) -> Result<Exit, CliError> {
    let (client, _, services) = context.selected(&args.select.select).await?;
    let request = SelectRequest { services, no_deps: false, timeout_ms: args.timeout.map(millis) };
    let mut change = Change::ask(context, &client, "/v1/stop", &request).await?;
    change.until(|board, of| if stopped(board, of) { Verdict::Good } else { Verdict::Open }).await?;
    Ok(Exit::Done)
}

/// Restarts what is selected, and waits until it is ready again.
pub(crate) async fn restart(context: &Context, args: &RestartArgs) -> Result<Exit, CliError> {
    let (client, _, services) = context.selected(&args.select.select).await?;
    let request = SelectRequest { services, no_deps: false, timeout_ms: args.timeout.map(millis) };
    let mut change = Change::ask(context, &client, "/v1/restart", &request).await?;
    let outcome = change.until(ready).await?;
    Ok(change.report(&client, &outcome).await)
}

/// Whether the services are up.
pub(crate) fn ready(board: &Board, of: &BTreeSet<String>) -> Verdict {
    verdict(&board.of(of), now_ms())
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    clock::wall_now_ns() / 1_000_000
}

fn stopped(board: &Board, of: &BTreeSet<String>) -> bool {
    board
        .of(of)
        .iter()
        .all(|view| matches!(view.state.as_str(), "stopped" | "completed" | "failed" | "skipped" | "disabled"))
}

/// A request that changes services, and the stream that shows how it goes.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    context: &'a Context,
    services: BTreeSet<String>,
    generation: u64,
    board: Board,
    watch: Lines<Update>,
}

impl<'a> Change<'a> {
    /// Watches, then asks: nothing that follows is missed.
    pub(crate) async fn ask(
        context: &'a Context,
        client: &Client,
        path: &str,
        request: &SelectRequest,
    ) -> Result<Self, CliError> {
        let watch = client.lines(Method::GET, "/v1/watch", None).await?;
        let done: Done = client.post(path, request).await?;
        for note in &done.notes {
            out::note(note);
        }
        let mut board = Board::default();
        board.replace(&client.get("/v1/state").await?);
        let services = request.services.iter().cloned().collect();
        Ok(Self { context, services, generation: done.generation, board, watch })
    }

    /// Prints what changes until `judge` has made up its mind. The end of the project ends the wait.
    pub(crate) async fn until(
        &mut self,
        judge: impl Fn(&Board, &BTreeSet<String>) -> Verdict,
    ) -> Result<Verdict, CliError> {
        let mut beat = tokio::time::interval(BEAT);
        loop {
            if self.board.generation() >= self.generation {
                let verdict = judge(&self.board, &self.services);
                if verdict != Verdict::Open {
                    return Ok(verdict);
                }
            }
            let update = tokio::select! {
                update = self.watch.next() => update,
                _ = beat.tick() => continue,
            };
            let Some(update) = update else { return Err(CliError::from(ConnectError::NotRunning)) };
            let is_bye = matches!(update, Ok(Update::Bye));
            if let Some(event) = self.board.apply(update?) {
                let width = self.board.name_width();
                if let Some(line) = render::event::change(&event, width, self.context.paint) {
                    out::print(&(line + "\n"));
                }
            }
            if is_bye {
                return Err(CliError::from(ConnectError::NotRunning));
            }
        }
    }

    /// Says what is wrong with those that are not well, and which exit code that is.
    pub(crate) async fn report(&self, client: &Client, outcome: &Verdict) -> Exit {
        match outcome {
            Verdict::Good | Verdict::Open => Exit::Done,
            Verdict::Bad(names) => {
                super::up::troubles(self.context, client, &self.board, names).await;
                Exit::Failed
            }
        }
    }
}
