//! `up -d`: returns when all is ready, or with what is not. The services stay either way.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::api::wire::ServiceView;
use crate::cli::board::{Verdict, verdict};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::printer::Printer;
use crate::cli::render::units::{between, count, span};
use crate::cli::signals::Signals;
use crate::cli::{out, render};

use super::super::stop::now_ms;
use super::progress::{Progress, TICK};
use super::session::{self, News, Session};
use super::{Call, troubles};
use crate::api::launch::Launched;
use crate::api::wire::UpRequest;

/// So long a service without a probe must have lived to count as up: shells take milliseconds to say «not found»,
/// interpreters a tenth of a second to find a syntax error.
const LIVES: Duration = Duration::from_millis(200);

/// How the wait ended.
enum End {
    Decided(Verdict),
    TimedOut,
    Interrupted,
    TakenDown,
}

/// Runs it.
pub(super) async fn run(call: &Call<'_>, request: UpRequest) -> Result<Exit, CliError> {
    let context = call.context;
    let began = now_ms();
    let mut signals = Signals::listen()?;
    let mut printer = Printer::start(std::io::stdout())?;
    let mut session = session::begin(call.home, request, true).await?;
    if session.launched == Launched::Existing {
        printer.line(&render::plan::summary(&session.done.steps, context.paint));
    }
    for note in &session.done.notes {
        out::note(note);
    }
    if call.args.no_wait {
        printer.finish().await;
        return Ok(Exit::Done);
    }
    let mut progress = Progress::new(context);
    let end = wait(call, &mut session, &mut signals, &mut progress, &mut printer).await;
    for event in session.rest().await {
        progress.event(&event, &session.board, &mut printer);
    }
    let about: Vec<&ServiceView> = session.board.of(&call.about);
    progress.end(&about, &mut printer);
    if call.args.timings {
        printer.bytes(render::timings::text(&about, context.paint).into_bytes());
    }
    if let Ok(End::Decided(Verdict::Good)) = &end {
        let took = span(between(began, now_ms()));
        printer.line(&match about.len() {
            0 => "nothing to start".to_owned(),
            services => context.paint.good(&format!("{} ready in {took}", count(services, "service"))),
        });
    }
    printer.finish().await;
    match end? {
        End::Decided(Verdict::Good | Verdict::Open) => Ok(Exit::Done),
        End::Decided(Verdict::Bad(names)) => {
            troubles(context, &session.client, &session.board, &names).await;
            out::note("the environment stays as it is: `tspm ps` shows it, `tspm down` stops it");
            Ok(Exit::Failed)
        }
        End::TimedOut => {
            let late: Vec<String> = not_up(&about);
            out::note(&format!("not ready in time: {}", late.join(", ")));
            troubles(context, &session.client, &session.board, &late).await;
            out::note("the environment stays as it is: `tspm ps` shows it, `tspm down` stops it");
            Ok(Exit::Failed)
        }
        End::Interrupted => {
            out::note("interrupted: the services stay; `tspm ps` shows them, `tspm down` stops them");
            Ok(Exit::Interrupted)
        }
        End::TakenDown => {
            out::note("the project was taken down meanwhile");
            Ok(Exit::Failed)
        }
    }
}

fn not_up(services: &[&ServiceView]) -> Vec<String> {
    let up = |view: &ServiceView| matches!(view.state.as_str(), "ready" | "completed");
    services.iter().filter(|view| !up(view)).map(|view| view.name.clone()).collect()
}

/// How long the youngest service without a probe has still to live before that counts as being up. It was `ready` when
/// it was spawned; a misspelt command ends a few milliseconds later.
fn unproven(services: &[&ServiceView], without_probe: &BTreeSet<String>, now_ms: i64) -> Option<Duration> {
    let lived =
        |view: &&&ServiceView| view.started_ms.map(|started| Duration::from_millis(between(started, now_ms)));
    let young = services.iter().filter(|view| view.state == "ready" && without_probe.contains(&view.service));
    let youngest = young.filter_map(|view| lived(&view)).min()?;
    LIVES.checked_sub(youngest).filter(|left| !left.is_zero())
}

async fn wait(
    call: &Call<'_>,
    session: &mut Session,
    signals: &mut Signals,
    progress: &mut Progress,
    printer: &mut Printer,
) -> Result<End, CliError> {
    let limit = async {
        match call.args.wait_timeout {
            // A pending future that a timeout ends: the one wait here that is for time itself.
            Some(limit) => drop(tokio::time::timeout(limit, std::future::pending::<()>()).await),
            None => std::future::pending().await,
        }
    };
    tokio::pin!(limit);
    let mut beat = tokio::time::interval(TICK);
    loop {
        let about = session.board.of(&call.about);
        let mut proof = None;
        if session.is_current() {
            match verdict(&about, now_ms()) {
                Verdict::Open => {}
                Verdict::Good => match unproven(&about, &call.unproven, now_ms()) {
                    Some(left) => proof = Some(left),
                    None => return Ok(End::Decided(Verdict::Good)),
                },
                bad @ Verdict::Bad(_) => return Ok(End::Decided(bad)),
            }
        }
        let proof = async {
            match proof {
                Some(left) => drop(tokio::time::timeout(left, std::future::pending::<()>()).await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            news = session.news() => match news? {
                News::Event(event) => progress.event(&event, &session.board, printer),
                News::Known => {}
                News::Bye => return Ok(End::TakenDown),
            },
            _ = beat.tick() => progress.draw(&session.board.of(&call.about), printer),
            _ = signals.next() => return Ok(End::Interrupted),
            () = &mut limit => return Ok(End::TimedOut),
            () = proof => {}
            _ = printer.wake(), if !printer.has_room() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::testing::{NOW, view};

    #[test]
    fn what_has_no_probe_must_live_for_a_moment() {
        let without = BTreeSet::from(["a".to_owned(), "job".to_owned()]);
        let ready = |name: &str, ago: i64| {
            let mut view = view(name, "ready");
            view.started_ms = Some(NOW - ago);
            view
        };
        let left = |views: &[ServiceView]| unproven(&views.iter().collect::<Vec<_>>(), &without, NOW);
        assert_eq!(left(&[ready("a", 50)]), Some(Duration::from_millis(150)));
        assert_eq!(left(&[ready("a", 200)]), None);
        assert_eq!(left(&[ready("probed", 0)]), None);
        let mut done = ready("job", 0);
        done.state = "completed".into();
        assert_eq!(left(&[done]), None);
        assert_eq!(left(&[]), None);
    }
}
