//! `tspm why`: the explanation, and the facts it is made from.

use jiff::tz::TimeZone;

use super::state::{colour, shown, symbol};
use crate::api::wire::{Detail, ProbeView, RestartView};
use crate::cli::term::Paint;
use crate::cli::when;

/// Everything that explains why one service is what it is.
pub(crate) fn text(detail: &Detail, now_ms: i64, log: &[String], zone: &TimeZone, paint: Paint) -> String {
    let view = &detail.view;
    let shown = shown(view, now_ms);
    let mark = colour(shown.word, symbol(shown.word), paint);
    let mut text = format!("{mark} {}: {}\n", paint.service(&view.name, &view.name), shown.text(paint));
    for sentence in &detail.explanation {
        text += &format!("  {sentence}\n");
    }
    if !view.waiting_for.is_empty() {
        text += "waits for:\n";
        for edge in &view.waiting_for {
            text += &format!("  {} to be {} (now {})\n", edge.service, edge.condition, edge.state);
        }
    }
    if !detail.stops_after.is_empty() {
        text += &format!("stops after: {}\n", detail.stops_after.join(", "));
    }
    text += &probes(&detail.probes, zone, paint);
    text += &restarts(&detail.restart_history, zone, paint);
    if !log.is_empty() {
        text += "last lines of its log:\n";
        for line in log {
            text += &format!("  {} {line}\n", paint.dim("|"));
        }
    }
    text
}

/// The probe answers, oldest first; nothing if there are none.
pub(crate) fn probes(probes: &[ProbeView], zone: &TimeZone, paint: Paint) -> String {
    let mut text = String::new();
    for probe in probes {
        let mark = if probe.ok { paint.good("✔") } else { paint.bad("✘") };
        let output = probe.output.trim().replace('\n', " ⏎ ");
        text += &format!("  {} {} {mark} {output}", clock(probe.at_ms, zone, paint), probe.probe)
            .trim_end()
            .to_owned();
        text.push('\n');
    }
    if text.is_empty() { text } else { format!("last probes:\n{text}") }
}

/// The restarts, oldest first; nothing if there are none.
pub(crate) fn restarts(restarts: &[RestartView], zone: &TimeZone, paint: Paint) -> String {
    let mut text = String::new();
    for restart in restarts {
        text += &format!("  {} {}\n", clock(restart.at_ms, zone, paint), restart.reason);
    }
    if text.is_empty() { text } else { format!("restarts:\n{text}") }
}

fn clock(ms: i64, zone: &TimeZone, paint: Paint) -> String {
    paint.dim(&when::local(ms.saturating_mul(1_000_000), zone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::wire::WaitingView;
    use crate::cli::render::describe::tests::detail;
    use crate::cli::render::testing::NOW;

    #[test]
    fn sentences_first_then_facts() {
        let mut detail = detail("api", "pending");
        detail.view.reason = Some("waits for db (ready)".into());
        detail.view.waiting_for =
            vec![WaitingView { service: "db".into(), condition: "ready".into(), state: "starting".into() }];
        detail.explanation = vec!["It waits for db to be ready.".into(), "db has been starting for 3 s.".into()];
        detail.probes =
            vec![ProbeView { at_ms: NOW, probe: "readiness".into(), ok: false, output: "HTTP 503\n".into() }];
        detail.restart_history = vec![RestartView { at_ms: NOW, reason: "exit 1".into() }];
        assert_eq!(
            text(&detail, NOW, &["boom".to_owned()], &TimeZone::UTC, Paint::PLAIN),
            "\
· api: pending (waits for db (ready))
  It waits for db to be ready.
  db has been starting for 3 s.
waits for:
  db to be ready (now starting)
last probes:
  2026-11-20 12:00:00.000 readiness ✘ HTTP 503
restarts:
  2026-11-20 12:00:00.000 exit 1
last lines of its log:
  | boom
"
        );
    }
}
