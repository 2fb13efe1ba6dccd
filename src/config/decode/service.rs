//! One service: its body, its environment, its hash.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::command::{self, Commands};
use super::depends::{self, Edge};
use super::probe::Probes;
use super::{groups, hooks, policy};
use crate::config::env_file::{EnvFile, EnvFiles};
use crate::config::environment::{self, By, CALLER, OWN};
use crate::config::hash;
use crate::config::issues::Issue;
use crate::config::lazies::{Lazies, Resolved};
use crate::config::reader::{self, Fields, Reader};
use crate::config::scope::{Globals, Outline, ServiceEntry, ServiceScope, origin};
use crate::config::tree::{Node, Value};
use crate::config::{Color, keys};
use crate::model::{Environment, GroupName, Hooks, Logs, Port, Service, ServiceName, ServiceType, Stdin};

/// What services take from the project.
pub(super) struct Context<'a> {
    pub(super) globals: &'a Globals<'a>,
    pub(super) files: &'a EnvFiles<'a>,
    pub(super) color: Color,
    pub(super) kinds: BTreeMap<ServiceName, ServiceType>,
    /// Every layer below the services' own, and the names in it whose values wait for a port.
    pub(super) env: (Environment, BTreeSet<String>),
    pub(super) logs: Logs,
    pub(super) stop_timeout: Duration,
}

/// A service, its edges with their places, and its own groups.
pub(super) struct Draft {
    /// None: it could not be read; that has been reported.
    pub(super) service: Option<Service>,
    pub(super) edges: Vec<Edge>,
    pub(super) groups: Vec<GroupName>,
}

/// `type`, asked before all else: conditions of dependents default by it.
pub(super) fn kind(reader: &Reader<'_>, body: &Node) -> ServiceType {
    const KINDS: &[(&str, ServiceType)] = &[("service", ServiceType::Service), ("oneshot", ServiceType::Oneshot)];
    let Value::Map(map) = &body.value else { return ServiceType::Service };
    let Some(entry) = map.get("type").filter(|entry| !entry.value.is_null()) else { return ServiceType::Service };
    if let Value::Scalar(scalar) = &entry.value.value
        && &*scalar.text == "daemon"
    {
        let message = "`type: daemon` is not yet supported by this version";
        reader.issue(Issue::error("not-yet", entry.value.span, message));
        return ServiceType::Service;
    }
    reader.word(&entry.value, KINDS).unwrap_or(ServiceType::Service)
}

/// Reads the service `name`.
pub(super) fn service(cx: &Context<'_>, name: &ServiceName, outline: &Outline) -> Draft {
    let nothing = Draft { service: None, edges: Vec::new(), groups: Vec::new() };
    let body = &outline.body;
    if body.is_null() {
        let issue = Issue::error("missing-key", outline.key_span, format!("service `{name}` has no `command`"));
        cx.globals.reader().issue(issue);
        return nothing;
    }
    let Some(fields) = cx.globals.reader().fields(body, &keys::SERVICE) else { return nothing };
    let ports = cx.globals.ports_of(name.as_str()).map(|declared| declared.ports.clone()).unwrap_or_default();
    let (mut env, pending) = final_environment(cx, name, &fields, &ports);
    if cx.files.exhausted() {
        // All that is missing now would be reported as not set.
        return nothing;
    }
    let scope = ServiceScope { globals: cx.globals, env: &env, pending: &pending, used: RefCell::default() };
    let reader = Reader { shared: cx.globals.shared, scope: &scope };
    let (draft, has_service) = read(cx, name, outline, reader, &fields, ports);
    let used = scope.used.into_inner();
    mark_used(&mut env, &used);
    let service = has_service.then(|| {
        let mut service = Service { env, ..draft.0 };
        service.spawn_hash = hash::spawn(&service);
        service
    });
    Draft { service, edges: draft.1, groups: draft.2 }
}

type Parts = (Service, Vec<Edge>, Vec<GroupName>);

fn read(
    cx: &Context<'_>,
    name: &ServiceName,
    outline: &Outline,
    reader: Reader<'_>,
    fields: &Fields<'_>,
    ports: Vec<Port>,
) -> (Parts, bool) {
    let kind = cx.kinds.get(name).copied().unwrap_or(ServiceType::Service);
    let shell = fields.get("shell").and_then(|node| shell(&reader, node)).unwrap_or_else(command::default_shell);
    let commands = Commands { reader, shell: &shell };
    let dir = &reader.shared.dir;
    let cwd = fields.get("cwd").and_then(|node| reader.path(node, dir)).unwrap_or_else(|| dir.clone());
    let command = match fields.get("command") {
        Some(node) => commands.read(node),
        None if fields.misspells("command") || fields.is_elsewhere() => None,
        None => {
            let issue =
                Issue::error("missing-key", outline.key_span, format!("service `{name}` has no `command`"));
            reader.issue(issue);
            None
        }
    };
    let probes = Probes { commands, ports: &ports, cwd: &cwd };
    let probe = |key: &str| fields.get(key).and_then(|node| probes.read(node));
    let (readiness, liveness) = (probe("readiness"), probe("liveness"));
    let flag = |key: &str| fields.get(key).and_then(|node| reader.boolean(node));
    let strings = |key: &str| fields.get(key).and_then(|node| reader.strings(node)).unwrap_or_default();
    let edges = fields.get("depends_on").map(|node| depends::depends_on(&reader, node, &cx.kinds));
    let edges = edges.unwrap_or_default();
    let own_groups: Vec<GroupName> = fields
        .get("groups")
        .and_then(|node| reader.list(node, "a list of groups"))
        .unwrap_or_default()
        .iter()
        .filter_map(|item| groups::name(&reader, &reader.string(item)?, item.span))
        .collect();
    let hooks = fields.get("hooks").map_or_else(Hooks::default, |node| hooks::hooks(&commands, node, &cwd));
    let has_command = command.is_some();
    let command = command.unwrap_or(crate::model::Command::Argv(Vec::new()));
    let service = Service {
        name: name.clone(),
        kind,
        description: fields.get("description").and_then(|node| Some(reader.text(node, "a string")?.text)),
        labels: fields.get("labels").map(|node| reader::pairs(&reader, node)).unwrap_or_default(),
        command,
        env: Environment::new(),
        depends_on: edges.iter().map(|edge| edge.dependency.clone()).collect(),
        groups: Vec::new(),
        profiles: strings("profiles"),
        autostart: flag("autostart").unwrap_or(true),
        disabled: flag("disabled").unwrap_or(false),
        readiness,
        liveness,
        ready_timeout: fields
            .get("ready_timeout")
            .and_then(|node| reader.some_duration(node))
            .unwrap_or(Service::DEFAULT_READY_TIMEOUT),
        start_timeout: fields.get("start_timeout").and_then(|node| start_timeout(&reader, node)),
        release: fields.get("release").map(|node| policy::programs(&reader, node)).unwrap_or_default(),
        stdin: fields.raw_entry("stdin").and_then(|entry| stdin(&reader, &entry.value)).unwrap_or(match kind {
            ServiceType::Service => Stdin::Pipe,
            ServiceType::Oneshot => Stdin::Null,
        }),
        restart: policy::restart(&reader, fields, kind),
        stop: policy::stop(&commands, fields.get("stop").map(|node| &**node), cx.stop_timeout),
        hooks,
        logs: policy::logs(&reader, fields.get("logs").map(|node| &**node), &cx.logs),
        spawn_hash: 0,
        cwd,
        ports,
    };
    ((service, edges, own_groups), has_command)
}

fn shell(reader: &Reader<'_>, node: &Node) -> Option<Vec<String>> {
    let shell = reader.strings(node)?;
    if shell.is_empty() {
        reader.issue(Issue::error("bad-value", node.span, "a shell cannot be empty"));
        return None;
    }
    Some(shell)
}

/// A duration, or `off`.
fn start_timeout(reader: &Reader<'_>, node: &Node) -> Option<Duration> {
    match &node.value {
        Value::Scalar(scalar) if &*scalar.text == "off" => None,
        Value::Scalar(_) | Value::List(_) | Value::Map(_) => reader.some_duration(node),
    }
}

/// The one key whose null is a value: who writes `stdin: null` means `/dev/null`.
fn stdin(reader: &Reader<'_>, node: &Node) -> Option<Stdin> {
    if node.is_null() {
        return Some(Stdin::Null);
    }
    if let Value::Scalar(scalar) = &node.value
        && &*scalar.text == "tty"
    {
        reader.issue(Issue::error("not-yet", node.span, "`stdin: tty` is not yet supported by this version"));
        return None;
    }
    reader.word(node, &[("null", Stdin::Null), ("pipe", Stdin::Pipe)])
}

/// All layers. With the names whose values wait for a port.
fn final_environment(
    cx: &Context<'_>,
    name: &ServiceName,
    fields: &Fields<'_>,
    ports: &[Port],
) -> (Environment, BTreeSet<String>) {
    let (globals, shared) = (cx.globals, cx.globals.shared);
    let (mut env, mut pending) = cx.env.clone();
    let project = globals.name.get().map_or("", String::as_str);
    let own = environment::own(project, name, ports);
    if let Some(node) = fields.get("env_file") {
        for file in EnvFile::read(&globals.reader(), node) {
            file.apply(&mut env, shared, cx.files, globals);
        }
    }
    let entries = fields.get("env").and_then(|node| env_entries(&globals.reader(), node)).unwrap_or_default();
    let lazies = Lazies::new(entries.iter().map(|(key, node)| (Rc::clone(key), Rc::clone(node))));
    // All are worked out before the first is set: each sees the layers below, not what is half done.
    let values: Vec<_> = entries
        .iter()
        .map(|(key, _)| {
            let scope = ServiceEntry {
                globals,
                own: &own,
                own_pending: environment::any_pending(ports),
                entries: &lazies,
                below: &env,
                below_pending: &cx.env.1,
                current: key,
            };
            scope.resolve()
        })
        .collect();
    for ((key, node), value) in entries.iter().zip(values) {
        let Resolved::Value(text) = value else { continue };
        environment::set(&mut env, key, &text.text, origin(shared, node.span), By::File);
        if text.pending {
            pending.insert(key.to_string());
        } else {
            pending.remove(&**key);
        }
    }
    warn_of_own_port(&globals.reader(), fields, &own);
    if cx.color == Color::Yes {
        environment::add_colors(&mut env);
    }
    let origin = Arc::<str>::from(OWN);
    for (key, value) in own {
        if value == environment::PENDING {
            pending.insert(key.clone());
        }
        environment::set(&mut env, &key, &value, Arc::clone(&origin), By::Tspm);
    }
    (env, pending)
}

/// The entries of an `env` map (a list has become one), names checked.
pub(super) fn env_entries(reader: &Reader<'_>, node: &Rc<Node>) -> Option<Vec<(Rc<str>, Rc<Node>)>> {
    let Value::Map(map) = &node.value else {
        reader.wrong_type(node, "a map, or a list of `NAME=value`");
        return None;
    };
    let mut entries = Vec::with_capacity(map.entries.len());
    for entry in &map.entries {
        if !environment::is_name(&entry.key) {
            let message = format!("`{}` cannot be the name of a variable", entry.key.escape_debug());
            let issue = Issue::error("bad-name", entry.key_span, message);
            let bare = entry.key.trim_start_matches('$').trim_matches(['{', '}']);
            reader.issue(if entry.key.contains('$') && environment::is_name(bare) {
                issue.help(format!("write `{bare}`: names are not interpolated"))
            } else {
                issue
            });
        } else if entry.value.is_null() {
            let issue = Issue::error("wrong-type", entry.key_span, format!("`{}` has no value", entry.key));
            reader.issue(issue.help("write `\"\"` for an empty one; what the caller has is passed on anyway"));
        } else {
            entries.push((Rc::clone(&entry.key), Rc::clone(&entry.value)));
        }
    }
    Some(entries)
}

fn warn_of_own_port(reader: &Reader<'_>, fields: &Fields<'_>, own: &[(String, String)]) {
    let Some(Value::Map(map)) = fields.get("env").map(|node| &node.value) else { return };
    for (key, value) in own {
        if let Some(entry) = map.get(key)
            && !matches!(&entry.value.value, Value::Scalar(scalar) if *scalar.text == **value)
        {
            let message = format!("`{key}` is tspm's own here, and will be `{value}`");
            reader.issue(Issue::warning("own-variable", entry.key_span, message));
        }
    }
}

/// What the caller's environment has counts as declared where the service refers to it by name.
fn mark_used(env: &mut Environment, used: &BTreeSet<String>) {
    for name in used {
        if let Some(var) = env.get_mut(OsStr::new(name))
            && *var.origin == *CALLER
        {
            var.declared = true;
        }
    }
}
