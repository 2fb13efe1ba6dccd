//! How a service is restarted, stopped and logged.

use std::path::Path;
use std::time::Duration;

use super::command::Commands;
use crate::config::issues::Issue;
use crate::config::keys::{BACKOFF, LOGS, PROJECT_LOGS, STOP};
use crate::config::reader::{Fields, Reader};
use crate::config::tree::{Node, Value};
use crate::model::{Backoff, LogFormat, Logs, RestartMode, RestartPolicy, ServiceType, Signal, SignalScope, Stop};

/// Reads `restart`, `max_restarts`, `backoff`, `success_exit_codes` of a service.
pub(super) fn restart(reader: &Reader<'_>, fields: &Fields<'_>, kind: ServiceType) -> RestartPolicy {
    const MODES: &[(&str, RestartMode)] = &[
        ("no", RestartMode::No),
        ("on-failure", RestartMode::OnFailure),
        ("always", RestartMode::Always),
        ("unless-stopped", RestartMode::UnlessStopped),
    ];
    let default = match kind {
        ServiceType::Service => RestartMode::OnFailure,
        ServiceType::Oneshot => RestartMode::No,
    };
    let mode = fields.get("restart").and_then(|node| {
        let mode = reader.word(node, MODES)?;
        if kind == ServiceType::Oneshot && matches!(mode, RestartMode::Always | RestartMode::UnlessStopped) {
            let issue = Issue::error("conflict", node.span, "a oneshot that is always restarted never completes");
            reader.issue(issue.help("write `no` or `on-failure`, or make it a service"));
        }
        Some(mode)
    });
    let mut codes = fields.get("success_exit_codes").map(|node| exit_codes(reader, node)).unwrap_or_default();
    codes.push(0);
    codes.sort_unstable();
    codes.dedup();
    RestartPolicy {
        mode: mode.unwrap_or(default),
        max_restarts: fields
            .get("max_restarts")
            .and_then(|node| reader.integer(node, 0..=u32::MAX))
            .unwrap_or(RestartPolicy::DEFAULT_MAX_RESTARTS),
        backoff: fields.get("backoff").map_or_else(Backoff::default, |node| backoff(reader, node)),
        success_exit_codes: codes,
    }
}

fn exit_codes(reader: &Reader<'_>, node: &Node) -> Vec<i32> {
    let items = reader.list(node, "a list of exit codes").unwrap_or_default();
    items.iter().filter_map(|item| reader.integer(item, 0..=255)).collect()
}

fn backoff(reader: &Reader<'_>, node: &Node) -> Backoff {
    let default = Backoff::default();
    let Some(fields) = reader.fields(node, &BACKOFF) else { return default };
    let duration = |key: &str| fields.get(key).and_then(|node| reader.duration(node));
    let initial = fields.get("initial").and_then(|node| reader.some_duration(node));
    let max = fields.get("max").and_then(|node| reader.some_duration(node));
    let factor = fields.get("factor").and_then(|node| {
        let text = reader.number(node, "a number from 1 to 100")?.text;
        let factor = text.parse::<f64>().ok().filter(|factor| (1.0..=100.0).contains(factor));
        if factor.is_none() {
            let message = format!("expected a number from 1 to 100, found `{}`", text.escape_debug());
            reader.issue(Issue::error("bad-value", node.span, message));
        }
        factor
    });
    let backoff = Backoff {
        initial: initial.unwrap_or(default.initial.min(max.unwrap_or(default.max))),
        factor: factor.unwrap_or(default.factor),
        max: max.unwrap_or(default.max.max(initial.unwrap_or(default.initial))),
        reset_after: duration("reset_after").unwrap_or(default.reset_after),
    };
    if backoff.initial > backoff.max {
        let message = "`initial` is longer than `max`, and would never be waited for";
        reader.issue(Issue::error("conflict", node.span, message));
    }
    backoff
}

/// Reads `stop` of a service; `timeout` is the project's.
pub(super) fn stop(commands: &Commands<'_>, node: Option<&Node>, timeout: Duration) -> Stop {
    const SCOPES: &[(&str, SignalScope)] = &[("group", SignalScope::Group), ("leader", SignalScope::Leader)];
    let default = Stop { timeout, ..Stop::default() };
    let reader = commands.reader;
    let Some(fields) = node.and_then(|node| reader.fields(node, &STOP)) else { return default };
    if let (Some(signal), Some(command)) = (fields.entry("signal"), fields.entry("command")) {
        let issue = Issue::error("conflict", command.key_span, "`command` replaces `signal`: give one of them");
        reader.issue(issue.also(signal.key_span, "the other one"));
    }
    Stop {
        signal: fields.get("signal").and_then(|node| signal(&reader, node)).unwrap_or(default.signal),
        timeout: fields.get("timeout").and_then(|node| reader.duration(node)).unwrap_or(timeout),
        command: fields.get("command").and_then(|node| commands.read(node)),
        scope: fields.get("signal_to").and_then(|node| reader.word(node, SCOPES)).unwrap_or(default.scope),
    }
}

fn signal(reader: &Reader<'_>, node: &Node) -> Option<Signal> {
    let text = reader.any_text(node, "a signal, such as `SIGTERM`")?.text;
    match text.parse::<Signal>() {
        Ok(signal) => Some(signal),
        Err(bad) => {
            reader.issue(Issue::error("bad-signal", node.span, bad.to_string()));
            None
        }
    }
}

/// Reads top-level `logs`.
pub(super) fn project_logs(reader: &Reader<'_>, node: Option<&Node>) -> Logs {
    let fields = node.and_then(|node| reader.fields(node, &PROJECT_LOGS));
    fields.map_or_else(Logs::default, |fields| common_logs(reader, &fields, &Logs::default()))
}

/// Reads `logs` of a service, on top of the project's.
pub(super) fn logs(reader: &Reader<'_>, node: Option<&Node>, project: &Logs) -> Logs {
    let Some(fields) = node.and_then(|node| reader.fields(node, &LOGS)) else { return project.clone() };
    let mut logs = common_logs(reader, &fields, project);
    if let Some(disabled) = fields.get("disable").and_then(|node| reader.boolean(node)) {
        logs.disabled = disabled;
    }
    logs
}

fn common_logs(reader: &Reader<'_>, fields: &Fields<'_>, below: &Logs) -> Logs {
    const FORMATS: &[(&str, LogFormat)] =
        &[("cri", LogFormat::Cri), ("json", LogFormat::Json), ("plain", LogFormat::Plain)];
    let mut logs = below.clone();
    if let Some(dir) = fields.get("dir").and_then(|node| reader.path(node, &reader.shared.dir)) {
        logs.dir = Some(dir);
    }
    if let Some(node) = fields.get("max_size")
        && let Some(size) = reader.size(node)
    {
        if size == 0 {
            reader.issue(Issue::error("bad-value", node.span, "this cannot be zero"));
        }
        logs.max_size = size;
    }
    if let Some(files) = fields.get("max_files").and_then(|node| reader.integer(node, 1..=10_000)) {
        logs.max_files = files;
    }
    if let Some(format) = fields.get("format").and_then(|node| reader.word(node, FORMATS)) {
        logs.format = format;
    }
    logs
}

/// A file name of a program, as `release` has them.
pub(super) fn programs(reader: &Reader<'_>, node: &Node) -> Vec<String> {
    let Value::List(items) = &node.value else {
        reader.wrong_type(node, "a list of program names");
        return Vec::new();
    };
    let name = |item: &Node| {
        let name = reader.string(item)?;
        if name.contains('/') {
            let issue =
                Issue::error("bad-value", item.span, "a program is released by its name, without a folder");
            let base = Path::new(&name).file_name().unwrap_or_default().to_string_lossy();
            reader.issue(issue.help(format!("write `{base}`")));
        }
        Some(name)
    };
    items.iter().filter_map(|item| name(item)).collect()
}
