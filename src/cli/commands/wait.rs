//! `tspm wait`: until services are what one wants them to be.

use std::collections::BTreeSet;

use hyper::Method;

use crate::api::client::ClientError;
use crate::api::wire::{ServiceView, Update};
use crate::cli::args::{WaitArgs, WaitFor};
use crate::cli::board::{Board, Verdict, verdict};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Trouble};
use crate::cli::exit::Exit;
use crate::cli::out;

use super::stop::{BEAT, now_ms};

/// Waits. Exit code 1 where it cannot happen any more, or not in time.
pub(crate) async fn run(context: &Context, args: &WaitArgs) -> Result<Exit, CliError> {
    let (client, state, selected) = context.selected(&args.select.select).await?;
    // Without a selection: all that is wanted, whatever that is by then.
    let of: BTreeSet<String> =
        if args.select.select.is_empty() { BTreeSet::new() } else { selected.into_iter().collect() };
    let mut watch = client.lines(Method::GET, "/v1/watch", None).await?;
    let mut board = Board::default();
    board.replace(&state);
    let wait = async {
        let mut beat = tokio::time::interval(BEAT);
        loop {
            let outcome = judge(args.what, &board.of(&of), now_ms());
            if outcome != Verdict::Open {
                return Ok::<_, ClientError>(Some(outcome));
            }
            let update = tokio::select! {
                update = watch.next() => update,
                _ = beat.tick() => continue,
            };
            match update {
                Some(Ok(Update::Bye)) | None => return Ok(None),
                Some(update) => {
                    board.apply(update?);
                }
            }
        }
    };
    let outcome = match args.timeout {
        Some(limit) => tokio::time::timeout(limit, wait).await,
        None => Ok(wait.await),
    };
    match outcome {
        Ok(outcome) => match outcome? {
            Some(Verdict::Good) => Ok(Exit::Done),
            None if args.what == WaitFor::Stopped => Ok(Exit::Done),
            None => Err(Trouble::new(Exit::NotRunning, "the project was taken down meanwhile").into()),
            Some(Verdict::Bad(names)) => {
                super::up::troubles(context, &client, &board, &names).await;
                Ok(Exit::Failed)
            }
            Some(Verdict::Open) => unreachable!("the wait goes on while it is open"),
        },
        Err(_) => {
            let late: Vec<String> = late(args.what, &board.of(&of));
            out::note(&format!("not {} in time: {}", word(args.what), late.join(", ")));
            super::up::troubles(context, &client, &board, &late).await;
            Ok(Exit::Failed)
        }
    }
}

const fn word(what: WaitFor) -> &'static str {
    match what {
        WaitFor::Ready => "ready",
        WaitFor::Stopped => "stopped",
        WaitFor::Completed => "completed",
        WaitFor::Failed => "failed",
    }
}

fn late(what: WaitFor, services: &[&ServiceView]) -> Vec<String> {
    services.iter().filter(|view| reached(what, view) != Some(true)).map(|view| view.name.clone()).collect()
}

/// Whether all `services` are there, or cannot get there.
fn judge(what: WaitFor, services: &[&ServiceView], now_ms: i64) -> Verdict {
    if what == WaitFor::Ready {
        return verdict(services, now_ms);
    }
    if services.iter().any(|view| reached(what, view).is_none()) {
        return Verdict::Open;
    }
    let bad = late(what, services);
    if bad.is_empty() { Verdict::Good } else { Verdict::Bad(bad) }
}

/// Whether a service is there; none: it may still get there.
fn reached(what: WaitFor, view: &ServiceView) -> Option<bool> {
    let is_over = matches!(view.state.as_str(), "stopped" | "completed" | "failed" | "skipped" | "disabled");
    match what {
        WaitFor::Ready => Some(matches!(view.state.as_str(), "ready" | "completed")),
        WaitFor::Stopped => is_over.then_some(true),
        WaitFor::Completed => is_over.then_some(view.state == "completed"),
        WaitFor::Failed => is_over.then_some(view.state == "failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::testing::{NOW, view};

    #[test]
    fn each_wait_knows_when_it_is_over() {
        let of = |what, states: &[&str]| {
            let views: Vec<ServiceView> = states.iter().map(|state| view(state, state)).collect();
            judge(what, &views.iter().collect::<Vec<_>>(), NOW)
        };
        let bad = |name: &str| Verdict::Bad(vec![name.to_owned()]);
        assert_eq!(of(WaitFor::Ready, &["ready", "completed"]), Verdict::Good);
        assert_eq!(of(WaitFor::Ready, &["ready", "starting"]), Verdict::Open);
        assert_eq!(of(WaitFor::Ready, &["ready", "failed"]), bad("failed"));
        assert_eq!(of(WaitFor::Stopped, &["stopped", "completed", "failed"]), Verdict::Good);
        assert_eq!(of(WaitFor::Stopped, &["stopping"]), Verdict::Open);
        assert_eq!(of(WaitFor::Completed, &["completed", "failed"]), bad("failed"));
        assert_eq!(of(WaitFor::Completed, &["ready"]), Verdict::Open);
        assert_eq!(of(WaitFor::Failed, &["failed"]), Verdict::Good);
        assert_eq!(of(WaitFor::Failed, &["completed"]), bad("completed"));
    }
}
