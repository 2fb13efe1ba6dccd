//! Events as lines: in the foreground of `up` (what changed), in `tspm events` (everything, with its time).

use console::{Alignment, pad_str};
use jiff::tz::TimeZone;

use super::state::{colour, word};
use crate::api::wire::{EventView, ServiceView};
use crate::cli::term::Paint;
use crate::cli::when;

/// The line for people who watch an `up`: `db   ready in 412 ms (tcp :5433)`. None: nothing they need to see.
///
/// `width` is that of the longest name.
pub(crate) fn change(event: &EventView, width: usize, paint: Paint) -> Option<String> {
    let text = match event.event.as_str() {
        "phase" => {
            let view = event.view.as_deref()?;
            if is_passing(view) {
                return None;
            }
            colour(word(&view.state), &event.message, paint)
        }
        "late" | "hook" | "ports-held" | "released" => paint.warn(&event.message),
        "killed" | "survived" => paint.bad(&event.message),
        "shutting-down" | "applied" if event.service.is_none() => paint.dim(&event.message),
        _ => return None,
    };
    Some(prefixed(event.service.as_deref(), &text, width, paint))
}

/// Every service is `pending` for a moment; only those that wait for something are worth a line.
fn is_passing(view: &ServiceView) -> bool {
    view.state == "pending" && view.waiting_for.is_empty()
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
        "late" | "ports-held" => paint.warn(&event.message),
        _ => event.message.clone(),
    };
    format!("{}  {}", paint.dim(&time), prefixed(event.service.as_deref(), &format!("{kind} {text}"), width, paint))
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::wire::{SCHEMA_VERSION, WaitingView};
    use crate::cli::render::testing::{NOW, view};

    fn event(service: Option<&str>, kind: &str, message: &str, view: Option<ServiceView>) -> EventView {
        EventView {
            schema_version: SCHEMA_VERSION,
            at_ms: NOW,
            generation: 2,
            service: service.map(str::to_owned),
            event: kind.to_owned(),
            message: message.to_owned(),
            view: view.map(Box::new),
        }
    }

    fn line(event: &EventView) -> Option<String> {
        change(event, 6, Paint::PLAIN)
    }

    #[test]
    fn a_state_change_is_one_line() {
        let ready = event(Some("db"), "phase", "ready in 412 ms (tcp :5433)", Some(view("db", "ready")));
        assert_eq!(line(&ready).as_deref(), Some("db      ready in 412 ms (tcp :5433)"));
        let down = event(None, "shutting-down", "taking everything down", None);
        assert_eq!(line(&down).as_deref(), Some("tspm    taking everything down"));
    }

    #[test]
    fn what_nobody_needs_is_left_out() {
        assert_eq!(line(&event(Some("db"), "probe", "readiness: refused", None)), None);
        assert_eq!(line(&event(Some("db"), "signalled", "SIGTERM", None)), None);
        let mut pending = view("api", "pending");
        assert_eq!(line(&event(Some("api"), "phase", "pending", Some(pending.clone()))), None);
        let edge = WaitingView { service: "db".into(), condition: "ready".into(), state: "starting".into() };
        pending.waiting_for.push(edge);
        let waits = event(Some("api"), "phase", "waits for db (ready)", Some(pending));
        assert_eq!(line(&waits).as_deref(), Some("api     waits for db (ready)"));
    }

    #[test]
    fn the_journal_has_time_and_kind() {
        let late = event(Some("api"), "late", "not ready after 60 s", None);
        assert_eq!(
            journal(&late, 4, &TimeZone::UTC, Paint::PLAIN),
            "2026-11-20 12:00:00.000  api   late          not ready after 60 s"
        );
    }
}
