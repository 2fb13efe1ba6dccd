//! The state of a service in words and colour: `ready`, `pending (waits for db)`, `backoff (12 restarts, exit 1)`.

use crate::api::wire::{ExitView, ServiceView};
use crate::cli::term::Paint;
use crate::model::Signal;

use super::units::{between, count, span};

/// A service that restarted is not shown as well before it has lived this long: `lifecycle.md` 7, `reset_after`.
const HEALTHY_AFTER_MS: u64 = 10_000;

/// A state as it is shown: the word decides the colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// `ready`, `backoff` …
    pub(crate) word: &'static str,
    /// What goes into the brackets behind it.
    pub(crate) note: Option<String>,
}

/// The state of `view` at `now_ms`.
///
/// A crash loop is shown as one, also in the moments in which it happens to run.
pub(crate) fn shown(view: &ServiceView, now_ms: i64) -> Shown {
    let word = word(&view.state);
    let looping = in_crash_loop(view, now_ms);
    let note = match word {
        _ if looping => Some(crash_loop(view)),
        "backoff" => Some(crash_loop(view)),
        "ready" if view.health.as_deref() == Some("unhealthy") => Some("unhealthy".to_owned()),
        "ready" | "completed" | "disabled" => None,
        "starting" if view.late => Some(view.reason.clone().unwrap_or_else(|| "not ready in time".to_owned())),
        "pending" => view.reason.clone().or_else(|| waiting(view)),
        _ => view.reason.clone().or_else(|| view.exit.map(exit).filter(|_| word != "starting")),
    };
    Shown { word: if looping { "backoff" } else { word }, note }
}

impl Shown {
    /// Both together, coloured by the word.
    pub(crate) fn text(&self, paint: Paint) -> String {
        match &self.note {
            Some(note) => colour(self.word, &format!("{} ({note})", self.word), paint),
            None => colour(self.word, self.word, paint),
        }
    }
}

/// Whether it runs, but has died several times and not lived long enough since.
pub(crate) fn in_crash_loop(view: &ServiceView, now_ms: i64) -> bool {
    let lived = view.since_ms.map_or(0, |since| between(since, now_ms));
    matches!(view.state.as_str(), "ready" | "starting") && is_restless(view) && lived < HEALTHY_AFTER_MS
}

/// Whether it has died several times.
pub(crate) fn is_restless(view: &ServiceView) -> bool {
    view.restarts >= 2 && view.exit.is_some_and(|exit| exit.code != Some(0))
}

/// `12 restarts in 1 min, exit 1`. A reason from the supervisor that counts the restarts itself is taken as it is.
fn crash_loop(view: &ServiceView) -> String {
    match &view.reason {
        Some(reason) if reason.contains("restart") => reason.clone(),
        Some(reason) if view.restarts == 0 => reason.clone(),
        Some(reason) => format!("{}, {reason}", count(view.restarts as usize, "restart")),
        None => match view.exit {
            Some(how) => format!("{}, {}", count(view.restarts as usize, "restart"), exit(how)),
            None => count(view.restarts as usize, "restart"),
        },
    }
}

fn waiting(view: &ServiceView) -> Option<String> {
    if view.waiting_for.is_empty() {
        return None;
    }
    let names: Vec<String> =
        view.waiting_for.iter().map(|edge| format!("{} ({})", edge.service, edge.condition)).collect();
    Some(format!("waits for {}", names.join(", ")))
}

/// How a process ended: `exit 1`, `SIGKILL`.
pub(crate) fn exit(exit: ExitView) -> String {
    match (exit.code, exit.signal) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(number)) => {
            Signal::from_number(number).map_or_else(|| format!("signal {number}"), |s| s.to_string())
        }
        (None, None) => "ended unseen".to_owned(),
    }
}

/// How long it took to become ready, if it is and that is known: `412 ms`.
pub(crate) fn took(view: &ServiceView) -> Option<String> {
    view.time_to_ready_ms.map(span)
}

/// The states this version knows; another one is shown as `unknown`.
pub(crate) fn word(state: &str) -> &'static str {
    const WORDS: [&str; 10] = [
        "pending",
        "starting",
        "ready",
        "stopping",
        "stopped",
        "backoff",
        "completed",
        "failed",
        "skipped",
        "disabled",
    ];
    WORDS.into_iter().find(|word| *word == state).unwrap_or("unknown")
}

/// The sign in front of a service.
pub(crate) fn symbol(word: &str) -> &'static str {
    match word {
        "ready" | "completed" => "✔",
        "failed" => "✘",
        "skipped" => "⊘",
        "backoff" => "↻",
        "stopping" => "▾",
        "starting" => "▸",
        _ => "·",
    }
}

/// `text` in the colour of the state.
pub(crate) fn colour(word: &str, text: &str, paint: Paint) -> String {
    match word {
        "ready" | "completed" => paint.good(text),
        "failed" | "skipped" => paint.bad(text),
        "starting" | "stopping" | "backoff" | "pending" => paint.warn(text),
        _ => paint.dim(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::wire::WaitingView;
    use crate::cli::render::testing::{NOW, view};

    fn text(view: &ServiceView) -> String {
        shown(view, NOW).text(Paint::PLAIN)
    }

    #[test]
    fn each_state_says_what_there_is_to_say() {
        assert_eq!(text(&view("a", "ready")), "ready");
        assert_eq!(text(&view("a", "weird")), "unknown");

        let mut pending = view("a", "pending");
        let edge = WaitingView { service: "db".into(), condition: "ready".into(), state: "starting".into() };
        pending.waiting_for = vec![edge];
        assert_eq!(text(&pending), "pending (waits for db (ready))");

        let mut late = view("a", "starting");
        late.late = true;
        assert_eq!(text(&late), "starting (not ready in time)");
        late.reason = Some("not ready in time, the last probe saw: HTTP 503".into());
        assert_eq!(text(&late), "starting (not ready in time, the last probe saw: HTTP 503)");

        let mut failed = view("a", "failed");
        failed.exit = Some(ExitView { code: None, signal: Some(9) });
        assert_eq!(text(&failed), "failed (SIGKILL)");
        failed.reason = Some("exit 1 before it was ready".into());
        assert_eq!(text(&failed), "failed (exit 1 before it was ready)");

        let mut sick = view("a", "ready");
        sick.health = Some("unhealthy".into());
        assert_eq!(text(&sick), "ready (unhealthy)");
    }

    #[test]
    fn a_crash_loop_is_shown_as_one_in_all_its_moments() {
        let mut looping = view("a", "backoff");
        looping.restarts = 12;
        looping.exit = Some(ExitView { code: Some(1), signal: None });
        assert_eq!(text(&looping), "backoff (12 restarts, exit 1)");
        looping.reason = Some("12 restarts in 1 min, exit 1".into());
        assert_eq!(text(&looping), "backoff (12 restarts in 1 min, exit 1)");
        looping.reason = None;
        for state in ["ready", "starting"] {
            looping.state = state.into();
            assert_eq!(text(&looping), "backoff (12 restarts, exit 1)", "{state}");
        }
        looping.since_ms = Some(NOW - 60_000);
        looping.state = "ready".into();
        assert_eq!(text(&looping), "ready", "it has lived for a minute");
    }
}
