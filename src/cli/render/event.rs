//! Events as lines: in the foreground of `up` (what changed), in `tspm events` (everything, with its time).

use console::{Alignment, pad_str};
use jiff::tz::TimeZone;

use super::state::{colour, is_restless, word};
use crate::api::wire::EventView;
use crate::cli::term::Paint;
use crate::cli::when;

/// The line for people who watch an `up`: `db   ready in 412 ms (tcp :5433)`. None: nothing they need to see.
///
/// `width` is that of the longest name.
pub(crate) fn change(event: &EventView, width: usize, paint: Paint) -> Option<String> {
    let text = match event.event.as_str() {
        "phase" if is_passing(event) => return None,
        "phase" => colour(phase(event), &event.message, paint),
        "late" | "hook" | "left-behind" | "ports-held" | "released" => paint.warn(&event.message),
        "killed" | "survived" => paint.bad(&event.message),
        "shutting-down" if event.service.is_none() => paint.dim(&event.message),
        _ => return None,
    };
    Some(prefixed(event.service.as_deref(), &text, width, paint))
}

/// Which phase began, by the message: the view may be further on already.
pub(crate) fn phase(event: &EventView) -> &'static str {
    word(event.message.split([' ', ':']).next().unwrap_or(""))
}

/// Whether the phase is one that nobody needs a line for.
fn is_passing(event: &EventView) -> bool {
    let message = event.message.as_str();
    // Every service is `pending` for a moment: only those that wait for something are worth a line.
    if message == "pending" {
        return true;
    }
    let Some(view) = event.view.as_deref() else { return false };
    match phase(event) {
        // One that ended, or never ran, is `stopping` until its pipes are drained; what it is then is worth a line.
        "stopping" => view.pid.is_none() || message.starts_with("stopping: it ended by itself"),
        // Between two deaths of a crash loop nothing good is said, but for what a probe has seen.
        "starting" | "ready" => is_restless(view) && !message.contains('('),
        _ => false,
    }
}

/// `text` behind the name of whom it is about.
pub(crate) fn prefixed(service: Option<&str>, text: &str, width: usize, paint: Paint) -> String {
    let name = service.unwrap_or("tspm");
    let padded = pad_str(name, width, Alignment::Left, None);
    let painted = if service.is_some() { paint.service(name, &padded) } else { paint.dim(&padded) };
    format!("{painted}  {text}")
}

/// The line of `tspm events`.
pub(crate) fn journal(event: &EventView, width: usize, zone: &TimeZone, paint: Paint) -> String {
    let time = when::local(event.at_ms.saturating_mul(1_000_000), zone);
    let kind = pad_str(&event.event, 13, Alignment::Left, None);
    let text = match event.event.as_str() {
        "killed" | "survived" => paint.bad(&event.message),
        "late" | "left-behind" | "ports-held" => paint.warn(&event.message),
        _ => event.message.clone(),
    };
    format!(
        "{}  {}",
        paint.dim(&time),
        prefixed(event.service.as_deref(), &format!("{kind} {text}"), width, paint)
    )
    .trim_end()
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::wire::{ExitView, SCHEMA_VERSION, ServiceView};
    use crate::cli::render::testing::{NOW, view};

    fn event(service: Option<&str>, kind: &str, message: &str) -> EventView {
        EventView {
            schema_version: SCHEMA_VERSION,
            at_ms: NOW,
            generation: 2,
            service: service.map(str::to_owned),
            event: kind.to_owned(),
            message: message.to_owned(),
            view: None,
        }
    }

    fn line(service: Option<&str>, kind: &str, message: &str) -> Option<String> {
        change(&event(service, kind, message), 6, Paint::PLAIN)
    }

    #[test]
    fn a_state_change_is_one_line() {
        let ready = line(Some("db"), "phase", "ready in 412 ms (tcp :5433)");
        assert_eq!(ready.as_deref(), Some("db      ready in 412 ms (tcp :5433)"));
        let waits = line(Some("api"), "phase", "pending: waits for db (ready, now starting)");
        assert_eq!(waits.as_deref(), Some("api     pending: waits for db (ready, now starting)"));
        let down = line(None, "shutting-down", "taking everything down");
        assert_eq!(down.as_deref(), Some("tspm    taking everything down"));
    }

    #[test]
    fn what_nobody_needs_is_left_out() {
        assert_eq!(line(Some("db"), "probe", "readiness: refused"), None);
        assert_eq!(line(Some("db"), "signalled", "SIGTERM"), None);
        assert_eq!(line(Some("api"), "phase", "pending"), None);
        let with = |view: ServiceView, message: &str| {
            let event = EventView { view: Some(Box::new(view)), ..event(Some("job"), "phase", message) };
            change(&event, 6, Paint::PLAIN)
        };
        let mut stopping = view("job", "stopping");
        assert_eq!(with(stopping.clone(), "stopping: `x` was not found in PATH"), None);
        stopping.pid = Some(7);
        assert_eq!(with(stopping.clone(), "stopping: it ended by itself"), None);
        assert!(with(stopping, "stopping: restart requested").is_some());
        let mut looping = view("job", "ready");
        looping.restarts = 2;
        looping.exit = Some(ExitView { code: Some(1), signal: None });
        assert_eq!(with(looping.clone(), "ready in 0 ms"), None);
        assert!(with(looping, "ready in 30 ms (tcp :80)").is_some());
    }

    #[test]
    fn the_colour_is_that_of_the_phase_that_began() {
        let paint = Paint::new(crate::cli::term::Color::Always, crate::cli::term::Target::Plain, None);
        let failed = change(&event(Some("db"), "phase", "failed: exit 1"), 2, paint).unwrap();
        assert!(failed.ends_with(&paint.bad("failed: exit 1")), "{failed:?}");
    }

    #[test]
    fn the_journal_has_time_and_kind() {
        let late = event(Some("api"), "late", "not ready after 60 s");
        assert_eq!(
            journal(&late, 4, &TimeZone::UTC, Paint::PLAIN),
            "2026-11-20 12:00:00.000  api   late          not ready after 60 s"
        );
    }
}
