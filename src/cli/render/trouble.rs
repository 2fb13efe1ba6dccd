//! A service that is not what it should be, as an error for people.

use crate::api::wire::{Detail, ServiceView};
use crate::cli::error::Trouble;
use crate::cli::exit::Exit;

use super::state::shown;
use super::units::{between, span};

/// How many lines of the log come along.
pub(crate) const LOG_LINES: usize = 10;

/// What is wrong with `view`, with the last lines of its log.
pub(crate) fn of(view: &ServiceView, now_ms: i64, log: Vec<String>) -> Trouble {
    let name = &view.name;
    let note = shown(view, now_ms).note;
    let with_note = |text: String| match &note {
        Some(note) => format!("{text}: {note}"),
        None => text,
    };
    let since = view.started_ms.or(view.since_ms).map_or(0, |since| between(since, now_ms));
    let what = match view.state.as_str() {
        "failed" => with_note(format!("`{name}` failed")),
        "skipped" => with_note(format!("`{name}` was not started")),
        "backoff" => with_note(format!("`{name}` keeps ending")),
        "pending" => with_note(format!("`{name}` has not been started")),
        "stopped" => with_note(format!("`{name}` is stopped")),
        "starting" if view.late => match &view.reason {
            Some(reason) => format!("`{name}` is {reason}"),
            None => format!("`{name}` is not ready in time (running for {})", span(since)),
        },
        "starting" => with_note(format!("`{name}` is not ready yet (running for {})", span(since))),
        other => with_note(format!("`{name}` is {other}")),
    };
    let ran = matches!(view.state.as_str(), "failed" | "backoff" | "starting");
    let has_log = ran && !log.is_empty();
    let mut trouble = Trouble::new(Exit::Failed, what);
    trouble.log = has_log.then(|| (name.clone(), log));
    if view.late && view.pid.is_some() {
        trouble.why = Some("it keeps running and may still become ready".to_owned());
    }
    trouble.hint(if has_log {
        format!("`tspm why {name}` explains it, `tspm logs {name}` has all that it printed")
    } else {
        format!("`tspm why {name}` explains it")
    })
}

/// What the last probe saw, for one that is not ready.
pub(crate) fn last_probe(detail: &Detail) -> Option<String> {
    let last = detail.probes.last().filter(|probe| !probe.ok && !probe.output.trim().is_empty())?;
    Some(format!("the last {} probe saw: {}", last.probe, last.output.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::wire::{ExitView, ProbeView};
    use crate::cli::render::testing::{NOW, view};
    use crate::cli::term::Paint;

    #[test]
    fn a_failure_comes_with_its_reason_its_log_and_help() {
        let mut db = view("db", "failed");
        db.exit = Some(ExitView { code: Some(1), signal: None });
        let text = of(&db, NOW, vec!["FATAL: no".into()]).render(Paint::PLAIN);
        assert_eq!(
            text,
            "error: `db` failed: exit 1\n  the last lines of `db`:\n    | FATAL: no\n  \
             help: `tspm why db` explains it, `tspm logs db` has all that it printed\n"
        );
    }

    #[test]
    fn what_never_ran_has_no_log() {
        let mut api = view("api", "skipped");
        api.reason = Some("db failed".into());
        let text = of(&api, NOW, vec!["of an earlier life".into()]).render(Paint::PLAIN);
        assert_eq!(text, "error: `api` was not started: db failed\n  help: `tspm why api` explains it\n");
    }

    #[test]
    fn late_is_not_dead() {
        let mut api = view("api", "starting");
        api.late = true;
        api.pid = Some(7);
        api.reason = Some("not ready in time, the last probe saw: HTTP 503".into());
        let text = of(&api, NOW, Vec::new()).render(Paint::PLAIN);
        assert!(
            text.starts_with(
                "error: `api` is not ready in time, the last probe saw: HTTP 503\n  it keeps running"
            ),
            "{text}"
        );
    }

    #[test]
    fn the_last_probe_tells_what_is_missing() {
        let mut detail = crate::cli::render::describe::tests::detail("api", "starting");
        assert_eq!(last_probe(&detail), None);
        let probe =
            |ok, output: &str| ProbeView { at_ms: NOW, probe: "readiness".into(), ok, output: output.into() };
        detail.probes = vec![probe(false, "refused"), probe(false, "still booting\n")];
        assert_eq!(last_probe(&detail).as_deref(), Some("the last readiness probe saw: still booting"));
        detail.probes.push(probe(true, "ok"));
        assert_eq!(last_probe(&detail), None);
    }
}
