//! The status block of `up` on a terminal: one line per service, redrawn in place until all are settled.

use console::{Alignment, pad_str, truncate_str};

use super::state::{colour, shown, symbol};
use super::units::{between, count, span};
use crate::api::wire::{PortView, ServiceView};
use crate::cli::term::Paint;

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// The size of the terminal, and the turn of the spinner.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    /// Columns.
    pub(crate) width: usize,
    /// Rows.
    pub(crate) height: usize,
    /// Counts the redraws.
    pub(crate) tick: usize,
}

/// The lines of the block. Never more than fit: those that are done give way to those that are not.
pub(crate) fn lines(services: &[&ServiceView], now_ms: i64, frame: Frame, paint: Paint) -> Vec<String> {
    let room = frame.height.saturating_sub(2).max(1);
    let widest = services.iter().map(|view| view.name.len()).max().unwrap_or(0);
    let mut rows: Vec<&ServiceView> = services.to_vec();
    let hidden = rows.len().saturating_sub(room);
    if hidden > 0 {
        // Stable: what is not settled first, each part in its order.
        rows.sort_by_key(|view| view.settled);
        rows.truncate(room - 1);
    }
    let is_up = |name: &str| {
        services.iter().any(|view| view.service == name && matches!(view.state.as_str(), "ready" | "completed"))
    };
    let mut lines: Vec<String> = rows.iter().map(|view| row(view, &is_up, widest, now_ms, frame, paint)).collect();
    if hidden > 0 {
        let ready = services.iter().filter(|view| matches!(view.state.as_str(), "ready" | "completed")).count();
        let more = services.len() - rows.len();
        lines.push(paint.dim(&format!(
            "… and {} more ({ready} of {} ready)",
            count(more, "service"),
            services.len()
        )));
    }
    lines
}

/// `is_up` is asked instead of the view, which is not told when what it waits for moves on.
fn row(
    view: &ServiceView,
    is_up: &dyn Fn(&str) -> bool,
    widest: usize,
    now_ms: i64,
    frame: Frame,
    paint: Paint,
) -> String {
    let shown = shown(view, now_ms);
    let mark = if view.settled { symbol(shown.word) } else { SPINNER[frame.tick % SPINNER.len()] };
    let name = pad_str(&view.name, widest, Alignment::Left, None);
    let word = format!("{:<9}", shown.word);
    let elapsed = view.since_ms.map_or(0, |since| between(since, now_ms));
    let time = match (view.settled, view.time_to_ready_ms) {
        (true, Some(took)) if shown.word == "ready" => span(took),
        (true, _) => String::new(),
        (false, _) => span(elapsed),
    };
    let note = match shown.note {
        _ if shown.word == "pending" => {
            let names: Vec<&str> =
                view.waiting_for.iter().map(|edge| edge.service.as_str()).filter(|name| !is_up(name)).collect();
            if names.is_empty() { String::new() } else { format!("waits for {}", names.join(", ")) }
        }
        Some(note) => note,
        None if shown.word == "ready" => view.ports.iter().map(address).collect::<Vec<_>>().join(", "),
        None => String::new(),
    };
    let line = format!(
        "{} {}  {}  {time:>8}  {}",
        colour(shown.word, mark, paint),
        paint.service(&view.name, &name),
        colour(shown.word, &word, paint),
        paint.dim(&note)
    );
    truncate_str(line.trim_end(), frame.width.max(1), "…").into_owned()
}

/// `http:8080`, or `:8080` where the port has no name.
fn address(port: &PortView) -> String {
    format!("{}:{}", port.name.as_deref().unwrap_or_default(), port.port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::wire::{PortView, WaitingView};
    use crate::cli::render::testing::{NOW, view};

    const FRAME: Frame = Frame { width: 80, height: 24, tick: 0 };

    fn text(services: &[ServiceView], frame: Frame) -> Vec<String> {
        lines(&services.iter().collect::<Vec<_>>(), NOW, frame, Paint::PLAIN)
    }

    #[test]
    fn one_line_per_service_with_state_and_time() {
        let mut db = view("db", "ready");
        db.time_to_ready_ms = Some(412);
        db.ports = vec![PortView { name: None, port: 5433, auto: false }];
        let mut worker = view("worker", "pending");
        let edge =
            |name: &str| WaitingView { service: name.into(), condition: "ready".into(), state: "starting".into() };
        worker.waiting_for = vec![edge("db"), edge("api")];
        let all = [db, view("api", "starting"), worker];
        assert_eq!(
            text(&all, FRAME),
            [
                "✔ db      ready        412 ms  :5433",
                "⠋ api     starting      3.0 s",
                "⠋ worker  pending       3.0 s  waits for api",
            ]
        );
        assert!(text(&all, Frame { tick: 1, ..FRAME })[1].starts_with('⠙'));
        assert!(text(&all, Frame { width: 20, ..FRAME }).iter().all(|line| line.chars().count() <= 20));
    }

    #[test]
    fn a_small_terminal_shows_what_is_not_done() {
        let mut all: Vec<ServiceView> = (0..9).map(|n| view(&format!("s{n}"), "ready")).collect();
        all.push(view("slow", "starting"));
        let block = text(&all, Frame { height: 5, ..FRAME });
        assert_eq!(block.len(), 3);
        assert!(block[0].contains("slow"), "{block:?}");
        assert_eq!(block[2], "… and 8 services more (9 of 10 ready)");
    }
}
