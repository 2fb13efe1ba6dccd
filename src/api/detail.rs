//! `describe` and `why`: everything about one instance, with the explanation in sentences.

use crate::core::Phase;
use crate::model::{Command, Probe, ProbeKind, ProbeTarget, RestartMode, Service, SignalScope};
use crate::supervisor::Examination;
use crate::sys::{clock, tree};

use super::time_text::duration;
use super::wire::{Detail, ProbeView, ProcessView, RestartView, SCHEMA_VERSION};
use super::{view, words};

/// Everything about one instance.
pub(super) fn detail(seen: &Examination) -> Detail {
    let service = &seen.service;
    let explain = &seen.explain;
    Detail {
        schema_version: SCHEMA_VERSION,
        view: view::service(&seen.sight),
        command: command_text(&service.command),
        cwd: service.cwd.display().to_string(),
        env: declared_names(service),
        restart: restart_text(service),
        stop: stop_text(service),
        probe_specs: probe_specs(service),
        needed_by: explain.needed_by.iter().map(ToString::to_string).collect(),
        probes: explain
            .probes
            .iter()
            .map(|record| ProbeView {
                at_ms: clock::wall_ms(record.at),
                probe: words::probe_which(record.which).to_owned(),
                ok: matches!(record.outcome, crate::core::ProbeOutcome::Good { .. }),
                output: words::probe_outcome(&record.outcome),
            })
            .collect(),
        restart_history: explain
            .restarts
            .iter()
            .map(|record| RestartView {
                at_ms: clock::wall_ms(record.at),
                reason: words::restart_reason(&record.reason),
            })
            .collect(),
        stops_after: explain.stops_after.iter().map(ToString::to_string).collect(),
        processes: seen
            .pids
            .iter()
            .filter_map(|pid| process(*pid, &seen.sight.view.instance.to_string()))
            .collect(),
        explanation: explanation(seen),
    }
}

fn process(pid: u32, service: &str) -> Option<ProcessView> {
    let stat = tree::stat(pid).ok()?;
    Some(ProcessView {
        pid,
        parent: stat.ppid,
        command: tree::command_line(pid),
        state: stat.state.to_string(),
        service: Some(service.to_owned()),
        why: None,
    })
}

/// Why it is what it is, the most important sentence first.
fn explanation(seen: &Examination) -> Vec<String> {
    let view = &seen.explain.view;
    let name = &view.instance;
    let ago = |since: Option<crate::model::Moment>| {
        since.map_or_else(String::new, |since| format!(" for {}", duration(clock::now().since(since))))
    };
    let mut lines = vec![format!("{name} is {}{}", view.phase.name(), ago(view.phase.since()))];
    if let Some(reason) = words::reason(&view.phase, view, &seen.service) {
        lines.push(reason);
    }
    match &view.phase {
        Phase::Backoff { until, .. } => {
            lines.push(format!("it will be started again in {}", duration(until.since(clock::now()))));
        }
        Phase::Stopped { .. } if !view.wanted => lines.push(format!("nobody wants it: tspm start {name}")),
        Phase::Failed { .. } => {
            lines
                .push(format!("nothing will start it again by itself: correct the cause, then tspm start {name}"));
        }
        Phase::Disabled => {
            lines.push("`disabled: true` in the project file keeps it from being started".to_owned());
        }
        Phase::Stopped { .. }
        | Phase::Pending { .. }
        | Phase::Starting { .. }
        | Phase::Ready { .. }
        | Phase::Stopping { .. }
        | Phase::Completed { .. }
        | Phase::Skipped { .. } => {}
    }
    if !seen.explain.stops_after.is_empty() {
        let names: Vec<String> = seen.explain.stops_after.iter().map(ToString::to_string).collect();
        lines.push(format!("it will be stopped once these are gone: {}", names.join(", ")));
    }
    if let Some(exit) = view.last_exit {
        lines.push(format!("its last life ended with {exit}"));
    }
    if view.restarts > 0 {
        let times = if view.restarts == 1 { "once".to_owned() } else { format!("{} times", view.restarts) };
        lines.push(format!("it was restarted {times} since it was last started by a person"));
    }
    if !seen.explain.needed_by.is_empty() {
        let names: Vec<String> = seen.explain.needed_by.iter().map(ToString::to_string).collect();
        lines.push(format!("it is needed by {}", names.join(", ")));
    }
    lines
}

/// Names of declared variables and where each came from. Values may be secret.
fn declared_names(service: &Service) -> Vec<(String, String)> {
    let declared = service.env.iter().filter(|(_, var)| var.declared);
    declared.map(|(name, var)| (name.to_string_lossy().into_owned(), var.origin.to_string())).collect()
}

fn command_text(command: &Command) -> String {
    match command {
        Command::Shell { shell, script } => format!("{} {}", shell_words::join(shell), shell_words::quote(script)),
        Command::Argv(argv) => shell_words::join(argv),
    }
}

fn restart_text(service: &Service) -> String {
    let policy = &service.restart;
    let mode = match policy.mode {
        RestartMode::No => return "no".to_owned(),
        RestartMode::OnFailure => "on-failure",
        RestartMode::Always => "always",
        RestartMode::UnlessStopped => "unless-stopped",
    };
    let backoff = &policy.backoff;
    let limit = match policy.max_restarts {
        0 => "never given up".to_owned(),
        most => format!("given up after {most} restarts without {} of health", duration(backoff.reset_after)),
    };
    format!(
        "{mode}, after {} (×{} up to {}), {limit}",
        duration(backoff.initial),
        backoff.factor,
        duration(backoff.max)
    )
}

fn stop_text(service: &Service) -> String {
    let stop = &service.stop;
    let how = match &stop.command {
        Some(command) => command_text(command),
        None => stop.signal.to_string(),
    };
    let to = match stop.scope {
        SignalScope::Group => "its process group",
        SignalScope::Leader => "its leader only",
    };
    format!("{how} to {to}, SIGKILL after {}", duration(stop.timeout))
}

fn probe_specs(service: &Service) -> Vec<(String, String)> {
    let named = [("readiness", &service.readiness), ("liveness", &service.liveness)];
    named.into_iter().filter_map(|(name, probe)| Some((name.to_owned(), probe_text(probe.as_ref()?)))).collect()
}

fn probe_text(probe: &Probe) -> String {
    let what = match &probe.kind {
        ProbeKind::Tcp(target) => format!("tcp {}:{}", target.host, target.port),
        ProbeKind::Unix(path) => format!("unix {}", path.display()),
        ProbeKind::Http(http) => {
            let scheme = match &http.target {
                ProbeTarget::Plain(_) => "http",
                ProbeTarget::Tls(_) | ProbeTarget::TlsUnchecked(_) => "https",
            };
            let target = http.target.tcp();
            format!("{} {scheme}://{}:{}{}", http.method, target.host, target.port, http.path)
        }
        ProbeKind::Exec(command) => format!("exec {}", command_text(command)),
        ProbeKind::Log(pattern) => format!("log /{pattern}/"),
        ProbeKind::Notify => "notify".to_owned(),
    };
    format!("{what}, every {}, timeout {}", duration(probe.interval), duration(probe.timeout))
}
