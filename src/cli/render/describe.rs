//! `tspm describe`: everything about one service.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::ps;
use super::state::{exit, shown, took};
use super::units::{between, bytes, span, uptime};
use super::why;
use crate::api::wire::Detail;
use crate::cli::term::Paint;

/// Pairs of label and value, then lists.
pub(crate) fn text(detail: &Detail, now_ms: i64, zone: &TimeZone, paint: Paint) -> String {
    let view = &detail.view;
    let mut text = String::new();
    let mut pair = |label: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let _ = writeln!(text, "{} {value}", paint.dim(&format!("{label:<12}")));
        }
    };
    pair("name", Some(paint.service(&view.name, &view.name)));
    pair("about", view.description.clone());
    pair("type", Some(view.kind.clone()));
    pair("state", Some(shown(view, now_ms).text(paint)));
    pair("since", view.since_ms.map(|since| format!("{} ago", span(between(since, now_ms)))));
    pair("health", view.health.clone());
    pair("ready after", took(view));
    pair("pid", view.pid.map(|pid| pid.to_string()));
    pair("uptime", view.pid.and(view.started_ms).map(|started| uptime(between(started, now_ms))));
    pair("last exit", view.exit.map(exit));
    pair("restarts", Some(view.restarts.to_string()));
    pair("ports", (!view.ports.is_empty()).then(|| ps::ports(&view.ports)));
    pair("cpu", view.cpu_percent.map(|percent| format!("{percent:.1}%")));
    pair("memory", view.memory_bytes.map(bytes));
    pair("command", Some(detail.command.clone()));
    pair("folder", Some(detail.cwd.clone()));
    pair("needs", Some(view.depends_on.join(", ")));
    pair("needed by", Some(detail.needed_by.join(", ")));
    pair("groups", Some(view.groups.join(", ")));
    let labels: Vec<String> = view.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pair("labels", Some(labels.join(", ")));
    pair("restart", Some(detail.restart.clone()));
    pair("stop", Some(detail.stop.clone()));
    for (which, what) in &detail.probe_specs {
        pair(which, Some(what.clone()));
    }
    pair("log", view.log_file.clone());
    if !detail.env.is_empty() {
        text += "environment (values: `tspm env`):\n";
        for (name, origin) in &detail.env {
            let _ = writeln!(text, "  {name} {}", paint.dim(&format!("from {origin}")));
        }
    }
    if !detail.processes.is_empty() {
        text += "processes:\n";
        for process in &detail.processes {
            let _ = writeln!(text, "  {} {} {}", process.pid, process.state, process.command);
        }
    }
    text + &why::probes(&detail.probes, zone, paint) + &why::restarts(&detail.restart_history, zone, paint)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::api::wire::{PortView, ProcessView, SCHEMA_VERSION};
    use crate::cli::render::testing::{NOW, view};

    /// A detail with nothing to tell but the state.
    pub(crate) fn detail(name: &str, state: &str) -> Detail {
        Detail {
            schema_version: SCHEMA_VERSION,
            view: view(name, state),
            command: "node server.js".into(),
            cwd: "/src/shop".into(),
            env: Vec::new(),
            restart: "on-failure".into(),
            stop: "SIGTERM, 10 s".into(),
            probe_specs: Vec::new(),
            needed_by: Vec::new(),
            probes: Vec::new(),
            restart_history: Vec::new(),
            stops_after: Vec::new(),
            processes: Vec::new(),
            explanation: Vec::new(),
        }
    }

    #[test]
    fn what_is_not_known_is_not_shown() {
        let mut api = detail("api", "ready");
        api.view.pid = Some(7);
        api.view.started_ms = Some(NOW - 3_500);
        api.view.time_to_ready_ms = Some(412);
        api.view.ports = vec![PortView { name: None, port: 8080, auto: false }];
        api.env = vec![("PORT".into(), "tspm.yaml:12".into())];
        api.probe_specs = vec![("readiness".into(), "http http://127.0.0.1:8080/health every 10s".into())];
        api.processes = vec![ProcessView {
            pid: 7,
            parent: 6,
            command: "node server.js".into(),
            state: "S".into(),
            service: None,
            why: None,
        }];
        assert_eq!(
            text(&api, NOW, &TimeZone::UTC, Paint::PLAIN),
            "\
name         api
type         service
state        ready
since        3.0 s ago
ready after  412 ms
pid          7
uptime       3s
restarts     0
ports        8080
command      node server.js
folder       /src/shop
restart      on-failure
stop         SIGTERM, 10 s
readiness    http http://127.0.0.1:8080/health every 10s
environment (values: `tspm env`):
  PORT from tspm.yaml:12
processes:
  7 S node server.js
"
        );
    }
}
