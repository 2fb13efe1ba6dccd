//! The table of `tspm ps`.

use console::truncate_str;

use super::state::shown;
use super::table::{Lean, Table};
use super::units::{between, bytes, uptime};
use crate::api::wire::{PortView, ServiceView, State};
use crate::cli::term::Paint;

/// A longer reason would push the other columns off the screen; `tspm why` has all of it.
const STATE_WIDTH: usize = 48;

/// One row per service.
pub(crate) fn table(state: &State, services: &[&ServiceView], paint: Paint, width: Option<usize>) -> String {
    let mut table = Table::new(&[
        ("ID", Lean::Right),
        ("NAME", Lean::Left),
        ("STATE", Lean::Left),
        ("HEALTH", Lean::Left),
        ("PID", Lean::Right),
        ("PORTS", Lean::Left),
        ("RESTARTS", Lean::Right),
        ("UPTIME", Lean::Right),
        ("CPU", Lean::Right),
        ("MEMORY", Lean::Right),
    ]);
    for view in services {
        let nothing = || "-".to_owned();
        let up = view.pid.and(view.started_ms).map(|started| uptime(between(started, state.now_ms)));
        table.row(vec![
            view.id.to_string(),
            paint.service(&view.name, &view.name),
            truncate_str(&shown(view, state.now_ms).text(paint), STATE_WIDTH, "…").into_owned(),
            health(view, paint),
            view.pid.map_or_else(nothing, |pid| pid.to_string()),
            ports(&view.ports),
            view.restarts.to_string(),
            up.unwrap_or_else(nothing),
            view.cpu_percent.map_or_else(nothing, |percent| format!("{percent:.1}%")),
            view.memory_bytes.map_or_else(nothing, bytes),
        ]);
    }
    table.render(paint, width)
}

/// `http:8080, 9000`; `-` if none are declared.
pub(crate) fn ports(ports: &[PortView]) -> String {
    let one = |port: &PortView| match &port.name {
        Some(name) => format!("{name}:{}", port.port),
        None => port.port.to_string(),
    };
    match ports {
        [] => "-".to_owned(),
        ports => ports.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}

fn health(view: &ServiceView, paint: Paint) -> String {
    match view.health.as_deref() {
        Some("healthy") => paint.good("healthy"),
        Some("unhealthy") => paint.bad("unhealthy"),
        Some(other) => other.to_owned(),
        None => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::wire::ExitView;
    use crate::cli::render::testing::{NOW, state, view};

    #[test]
    fn the_table_is_aligned_and_says_what_is_known() {
        let mut db = view("db", "ready");
        db.pid = Some(4711);
        db.started_ms = Some(NOW - 65_000);
        db.health = Some("healthy".into());
        db.cpu_percent = Some(0.25);
        db.memory_bytes = Some(12_900_000);
        db.ports = vec![
            PortView { name: None, port: 5433, auto: false },
            PortView { name: Some("admin".into()), port: 40_001, auto: true },
        ];
        let mut api = view("api", "backoff");
        api.restarts = 12;
        api.exit = Some(ExitView { code: Some(1), signal: None });
        let state = state(vec![db, api]);
        let all: Vec<&ServiceView> = state.services.iter().collect();
        let text = table(&state, &all, Paint::PLAIN, None);
        assert_eq!(
            text,
            "\
ID  NAME  STATE                          HEALTH    PID  PORTS              RESTARTS  UPTIME   CPU    MEMORY
 0  db    ready                          healthy  4711  5433, admin:40001         0    1m5s  0.2%  12.3 MiB
 1  api   backoff (12 restarts, exit 1)  -           -  -                        12       -     -         -
"
        );
    }

    #[test]
    fn a_long_reason_does_not_break_the_table() {
        let mut api = view("api", "failed");
        api.reason = Some("x".repeat(200));
        let state = state(vec![api]);
        let text = table(&state, &[&state.services[0]], Paint::PLAIN, Some(60));
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    }
}
