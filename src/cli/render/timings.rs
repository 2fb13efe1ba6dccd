//! `up --timings`: how long each service took, and the chain that set the pace.

use std::collections::BTreeMap;

use super::table::{Lean, Table};
use super::units::{between, span};
use crate::api::wire::ServiceView;
use crate::cli::term::Paint;

/// When a service was spawned and when it was ready (or completed), in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Times {
    started: i64,
    ready: i64,
}

fn times(view: &ServiceView) -> Option<Times> {
    let started = view.started_ms?;
    let ready = match view.state.as_str() {
        "completed" => view.since_ms?,
        _ => started.checked_add(i64::try_from(view.time_to_ready_ms?).ok()?)?,
    };
    Some(Times { started, ready })
}

/// Table and critical path; empty if nothing has become ready.
pub(crate) fn text(services: &[&ServiceView], paint: Paint) -> String {
    let known: BTreeMap<&str, (&ServiceView, Times)> =
        services.iter().filter_map(|view| Some((view.service.as_str(), (*view, times(view)?)))).collect();
    let Some(begin) = known.values().map(|(_, times)| times.started).min() else { return String::new() };
    let mut rows: Vec<_> = known.values().collect();
    rows.sort_by_key(|(view, times)| (times.ready, view.name.clone()));
    let mut table = Table::new(&[
        ("SERVICE", Lean::Left),
        ("STARTED", Lean::Right),
        ("READY", Lean::Right),
        ("TOOK", Lean::Right),
    ]);
    for (view, times) in rows {
        table.row(vec![
            paint.service(&view.name, &view.name),
            format!("+{}", span(between(begin, times.started))),
            format!("+{}", span(between(begin, times.ready))),
            span(between(times.started, times.ready)),
        ]);
    }
    table.render(paint, None) + &critical_path(&known, begin, paint)
}

/// From the last to be ready back along the dependency that was ready last.
fn critical_path(known: &BTreeMap<&str, (&ServiceView, Times)>, begin: i64, paint: Paint) -> String {
    let Some((last, end)) = known.values().max_by_key(|(_, times)| times.ready).copied() else {
        return String::new();
    };
    let mut path = vec![(last, end)];
    let mut current = last;
    // The graph has no cycles; the bound is for a server that says otherwise.
    while path.len() <= known.len() {
        let before = current.depends_on.iter().filter_map(|name| known.get(name.as_str()));
        let Some(slowest) = before.max_by_key(|(_, times)| times.ready) else { break };
        path.push(*slowest);
        current = slowest.0;
    }
    let steps: Vec<String> = path
        .iter()
        .rev()
        .map(|(view, times)| {
            format!("{} {}", paint.service(&view.name, &view.name), span(between(times.started, times.ready)))
        })
        .collect();
    format!("critical path: {} = {}\n", steps.join(" → "), span(between(begin, end.ready)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::testing::{NOW, view};

    #[test]
    fn the_slowest_chain_is_found() {
        let ready = |name: &str, started: i64, took: u64, needs: &[&str]| {
            let mut view = view(name, "ready");
            view.started_ms = Some(NOW + started);
            view.time_to_ready_ms = Some(took);
            view.depends_on = needs.iter().map(|n| (*n).to_owned()).collect();
            view
        };
        let mut migrate = ready("migrate", 412, 0, &["db"]);
        migrate.state = "completed".into();
        migrate.time_to_ready_ms = None;
        migrate.since_ms = Some(NOW + 600);
        let all = [
            ready("db", 0, 400, &[]),
            ready("cache", 0, 30, &[]),
            migrate,
            ready("api", 601, 99, &["cache", "migrate"]),
            view("web", "pending"),
        ];
        assert_eq!(
            text(&all.iter().collect::<Vec<_>>(), Paint::PLAIN),
            "\
SERVICE  STARTED    READY    TOOK
cache      +0 ms   +30 ms   30 ms
db         +0 ms  +400 ms  400 ms
migrate  +412 ms  +600 ms  188 ms
api      +601 ms  +700 ms   99 ms
critical path: db 400 ms → migrate 188 ms → api 99 ms = 700 ms
"
        );
    }

    #[test]
    fn nothing_ready_is_nothing_to_say() {
        assert_eq!(text(&[&view("a", "failed")], Paint::PLAIN), "");
    }
}
