//! A loaded project as a project file again: everything resolved, every default written out.
//!
//! The result means the same when it is read: dollars of values are doubled, as they would be interpolated.
//! Of the environment only what files set is in it: the caller's is the caller's.

use std::ffi::OsStr;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Loaded;
use super::environment::CALLER;
use crate::model::{
    Command, Condition, Guard, Hook, HookFailure, Hooks, HttpProbe, LogFormat, Logs, Port, PortNumber, Probe,
    ProbeKind, ProbeOwner, ProbeTarget, Requirement, RestartMode, Service, ServiceType, SignalScope, Stdin,
    StopOrder, TcpTarget, WhenReplaced,
};

/// The project as a value that can be written as YAML or JSON.
pub fn resolved(loaded: &Loaded) -> Value {
    let project = &loaded.project;
    let services: Map<String, Value> =
        project.services.iter().map(|(name, service)| (name.to_string(), body(service))).collect();
    let groups: Map<String, Value> = project
        .groups
        .iter()
        .map(|(name, members)| (name.to_string(), members.iter().map(ToString::to_string).collect()))
        .collect();
    let order = match project.stop.order {
        StopOrder::Reverse => "reverse",
        StopOrder::Parallel => "parallel",
    };
    let mut file =
        json!({"name": text(&project.name), "stop": {"order": order}, "env_file": [], "services": services});
    if !groups.is_empty() {
        file["groups"] = groups.into();
    }
    file
}

/// A value that is interpolated when it is read.
fn text(value: &str) -> Value {
    value.replace('$', "$$").into()
}

fn path(value: &std::path::Path) -> Value {
    text(&value.display().to_string())
}

fn texts<'a>(values: impl IntoIterator<Item = &'a String>) -> Value {
    values.into_iter().map(|value| text(value)).collect()
}

/// The units of `units::duration`, the largest first.
fn duration(value: Duration) -> Value {
    let (seconds, nanos) = (value.as_secs(), value.subsec_nanos());
    let parts = [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
        (u64::from(nanos / 1_000_000), "ms"),
        (u64::from(nanos / 1_000 % 1_000), "us"),
        (u64::from(nanos % 1_000), "ns"),
    ];
    let some = parts.iter().filter(|(count, _)| *count > 0);
    let shown: Vec<String> = some.map(|(count, unit)| format!("{count}{unit}")).collect();
    if shown.is_empty() { "0s".into() } else { shown.concat().into() }
}

/// The largest unit that keeps it whole.
fn size(bytes: u64) -> Value {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let fits = units.into_iter().find(|(shift, _)| bytes > 0 && bytes.trailing_zeros() >= *shift);
    fits.map_or_else(|| format!("{bytes}B"), |(shift, unit)| format!("{}{unit}", bytes >> shift)).into()
}

fn body(service: &Service) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| {
        let empty = match &value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(entries) => entries.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        };
        if !empty {
            out.insert(key.to_owned(), value);
        }
    };
    put("description", service.description.as_deref().map_or(Value::Null, text));
    put("type", kind(service.kind).into());
    put("command", command(&service.command));
    if let Command::Shell { shell, .. } = &service.command {
        put("shell", texts(shell));
    }
    put("cwd", path(&service.cwd));
    put("labels", service.labels.iter().map(|(key, value)| (key.clone(), text(value))).collect());
    put("env", env(service));
    put("depends_on", depends_on(service));
    put("profiles", texts(&service.profiles));
    put("autostart", service.autostart.into());
    put("disabled", service.disabled.into());
    put("ports", service.ports.iter().map(port).collect());
    put("readiness", service.readiness.as_ref().map_or(Value::Null, probe));
    put("liveness", service.liveness.as_ref().map_or(Value::Null, probe));
    put("ready_timeout", duration(service.ready_timeout));
    put("start_timeout", service.start_timeout.map_or("off".into(), duration));
    put("release", texts(&service.release));
    put("stdin", if service.stdin == Stdin::Null { "null" } else { "pipe" }.into());
    put("restart", restart(service.restart.mode).into());
    put("max_restarts", service.restart.max_restarts.into());
    let backoff = service.restart.backoff;
    put(
        "backoff",
        json!({
            "initial": duration(backoff.initial),
            "factor": backoff.factor,
            "max": duration(backoff.max),
            "reset_after": duration(backoff.reset_after),
        }),
    );
    put("success_exit_codes", json!(service.restart.success_exit_codes));
    put("stop", stop(service));
    put("hooks", hooks(&service.hooks));
    put("logs", logs(&service.logs));
    out.into()
}

const fn kind(kind: ServiceType) -> &'static str {
    match kind {
        ServiceType::Service => "service",
        ServiceType::Oneshot => "oneshot",
    }
}

const fn restart(mode: RestartMode) -> &'static str {
    match mode {
        RestartMode::No => "no",
        RestartMode::OnFailure => "on-failure",
        RestartMode::Always => "always",
        RestartMode::UnlessStopped => "unless-stopped",
    }
}

fn command(command: &Command) -> Value {
    match command {
        // As it stands: only dotted names are replaced in a script, and there are none left.
        Command::Shell { script, .. } => script.clone().into(),
        Command::Argv(words) => texts(words),
    }
}

fn env(service: &Service) -> Value {
    let lossy = |value: &OsStr| value.to_string_lossy().into_owned();
    let declared = service.env.iter().filter(|(_, var)| var.declared && *var.origin != *CALLER);
    declared.map(|(key, var)| (lossy(key), text(&lossy(&var.value)))).collect()
}

fn depends_on(service: &Service) -> Value {
    let edge = |edge: &crate::model::Dependency| {
        let condition = match edge.condition {
            Condition::Started => "started",
            Condition::Ready => "ready",
            Condition::Completed => "completed",
            Condition::Succeeded => "succeeded",
        };
        let body = json!({
            "condition": condition,
            "required": edge.requirement == Requirement::Required,
            "restart": edge.when_replaced == WhenReplaced::Restart,
        });
        (edge.on.to_string(), body)
    };
    service.depends_on.iter().map(edge).collect()
}

fn port(port: &Port) -> Value {
    let number = match port.number {
        PortNumber::Fixed(number) => number.into(),
        PortNumber::Allocated(_) | PortNumber::Pending => "auto".into(),
    };
    match &port.name {
        Some(name) => Value::Object(Map::from_iter([(name.clone(), number)])),
        None => number,
    }
}

fn probe(probe: &Probe) -> Value {
    let mut out = match &probe.kind {
        ProbeKind::Tcp(target) => json!({"tcp": address(target)}),
        ProbeKind::Unix(socket) => json!({"unix": path(socket)}),
        ProbeKind::Http(request) => json!({"http": http(request)}),
        ProbeKind::Exec(exec) => json!({"exec": command(exec)}),
        ProbeKind::Log(pattern) => json!({"log": text(pattern)}),
        ProbeKind::Notify => json!({"notify": true}),
    };
    out["interval"] = duration(probe.interval);
    out["timeout"] = duration(probe.timeout);
    out["retries"] = probe.retries.into();
    out["success"] = probe.success.into();
    out["start_period"] = duration(probe.start_period);
    out["owner"] = match probe.owner {
        ProbeOwner::Service => "service".into(),
        ProbeOwner::Any => "any".into(),
    };
    out
}

fn address(target: &TcpTarget) -> String {
    let port = if target.port == 0 { "auto".to_owned() } else { target.port.to_string() };
    if target.host.contains(':') { format!("[{}]:{port}", target.host) } else { format!("{}:{port}", target.host) }
}

fn http(request: &HttpProbe) -> Value {
    let (scheme, insecure) = match request.target {
        ProbeTarget::Plain(_) => ("http", false),
        ProbeTarget::Tls(_) => ("https", false),
        ProbeTarget::TlsUnchecked(_) => ("https", true),
    };
    let status: Vec<String> = request.status.iter().map(|(from, to)| format!("{from}-{to}")).collect();
    let mut out = json!({
        "url": text(&format!("{scheme}://{}{}", address(request.target.tcp()), request.path)),
        "method": request.method,
        "status": status,
    });
    if !request.headers.is_empty() {
        let headers = request.headers.iter().map(|(name, value)| (name.clone(), text(value)));
        out["headers"] = headers.collect::<Map<String, Value>>().into();
    }
    if let Some(body) = &request.body {
        out["body"] = text(body);
    }
    if insecure {
        out["insecure"] = true.into();
    }
    out
}

fn stop(service: &Service) -> Value {
    let stop = &service.stop;
    let scope = match stop.scope {
        SignalScope::Group => "group",
        SignalScope::Leader => "leader",
    };
    let mut out = json!({"timeout": duration(stop.timeout), "signal_to": scope});
    if let Some(instead) = &stop.command {
        out["command"] = command(instead);
    } else {
        let name = stop.signal.to_string();
        // Real-time signals have no name.
        out["signal"] = if name.starts_with("SIG") { name.into() } else { stop.signal.number().into() };
    }
    out
}

fn hooks(hooks: &Hooks) -> Value {
    let lists = [
        ("pre_start", &hooks.pre_start),
        ("post_start", &hooks.post_start),
        ("pre_stop", &hooks.pre_stop),
        ("post_stop", &hooks.post_stop),
    ];
    let some = lists.into_iter().filter(|(_, list)| !list.is_empty());
    some.map(|(key, list)| (key.to_owned(), list.iter().map(hook).collect::<Value>())).collect()
}

fn hook(hook: &Hook) -> Value {
    let on_failure = match hook.on_failure {
        HookFailure::Fail => "fail",
        HookFailure::Ignore => "ignore",
    };
    let mut out =
        json!({"command": command(&hook.command), "timeout": duration(hook.timeout), "on_failure": on_failure});
    match &hook.guard {
        Some(Guard::Unless(unless)) => out["unless"] = command(unless),
        Some(Guard::Creates(created)) => out["creates"] = path(created),
        None => {}
    }
    out
}

fn logs(logs: &Logs) -> Value {
    let format = match logs.format {
        LogFormat::Cri => "cri",
        LogFormat::Json => "json",
        LogFormat::Plain => "plain",
    };
    let mut out = json!({
        "max_size": size(logs.max_size),
        "max_files": logs.max_files,
        "format": format,
        "disable": logs.disabled,
    });
    if let Some(dir) = &logs.dir {
        out["dir"] = path(dir);
    }
    out
}
