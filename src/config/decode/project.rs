//! The whole file: in the order in which its parts need each other.
//!
//! ```text
//! .env ─► name ─► env_file ─► env, vars, ports (as they are asked for) ─► services ─► groups, edges
//! ```

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use super::service::{self, Context, Draft, env_entries};
use super::{groups, policy};
use crate::config::env_file::{EnvFile, EnvFiles};
use crate::config::environment;
use crate::config::files::Files;
use crate::config::issues::Issue;
use crate::config::keys::{PROJECT, PROJECT_STOP, SERVICE};
use crate::config::lazies::{Lazies, State};
use crate::config::reader::{Fields, Reader, Shared};
use crate::config::scope::{Below, Early, Globals, Outline};
use crate::config::tree::{Entry, Node, Value};
use crate::config::{Color, NAME_VARIABLE, Ports, check, merge};
use crate::model::{Environment, GroupName, Project, ProjectStop, Service, ServiceName, Stop, StopOrder};

/// A machine that runs more than this is no developer's; the limit is there for what grows by services.
const MAX_SERVICES: usize = 4_096;

/// Services times what each of them gets from above: environment, defaults.
const MAX_SHARED: usize = 2_000_000;

/// What a load has besides the parsed file.
pub(in crate::config) struct Input<'a> {
    pub(in crate::config) env: &'a [(std::ffi::OsString, std::ffi::OsString)],
    pub(in crate::config) profiles: &'a [String],
    pub(in crate::config) color: Color,
    pub(in crate::config) ports: &'a Ports,
    pub(in crate::config) files: &'a dyn Files,
}

/// The project in `root`, and its `auto` ports. None: `shared` says why not.
pub(in crate::config) fn project(
    shared: &Shared,
    root: &Rc<Node>,
    input: &Input<'_>,
) -> Option<(Project, Vec<(ServiceName, usize)>)> {
    let nothing = Environment::new();
    let mut globals = Globals::new(shared, input.ports, nothing, Lazies::default());
    if root.is_null() {
        globals.reader().issue(Issue::error("missing-key", root.span, "the file is empty").help(EXAMPLE));
        return None;
    }
    let fields = globals.reader().fields(root, &PROJECT)?;
    globals.vars = vars(&globals.reader(), &fields);
    let files = EnvFiles::new(input.files, MAX_SHARED);
    let mut below = environment::caller(input.env);
    if !matches!(fields.get("env_file").map(|node| &node.value), Some(Value::List(items)) if items.is_empty()) {
        EnvFile::beside(&shared.dir).apply(&mut below, shared, &files, &Early { globals: &globals });
    }
    globals.below = below;
    let early = Below { globals: &globals };
    let early = Reader { shared, scope: &early };
    let name = name(&early, &fields, input, &shared.dir);
    globals.name.set(name.clone()).expect("the name is set once");
    globals.base.set(base(&globals, &early, &fields, &files)).expect("the base is set once");
    let reader = globals.reader();
    let env = fields.get("env").map(|node| merge::env_map(node, &shared.issues));
    let env = env.and_then(|node| env_entries(&reader, &node)).unwrap_or_default();
    globals.env.set(Lazies::new(env.into_iter())).expect("the env is set once");
    let outlines = outlines(&reader, &fields);
    globals.services.set(outlines).expect("the services are set once");
    let outlines = globals.services.get().expect("they were set a line above");
    version(&reader, &fields);

    let (stop, stop_timeout) = stop(&reader, &fields);
    let env = globals.project_env();
    let too_many = "so many variables for so many services do not fit into memory";
    let too_many = || reader.issue(Issue::error("limit", root.span, too_many));
    files.take(outlines.len().saturating_mul(env.0.len()));
    if files.exhausted() {
        too_many();
        return None;
    }
    let context = Context {
        globals: &globals,
        files: &files,
        color: input.color,
        kinds: outlines
            .iter()
            .map(|(name, outline)| (name.clone(), service::kind(&reader, &outline.body)))
            .collect(),
        env,
        logs: policy::project_logs(&reader, fields.get("logs").map(|node| &**node)),
        stop_timeout,
    };
    let drafts: BTreeMap<ServiceName, Draft> =
        outlines.iter().map(|(name, outline)| (name.clone(), service::service(&context, name, outline))).collect();
    if files.exhausted() {
        too_many();
        return None;
    }
    let names: BTreeSet<ServiceName> = outlines.keys().cloned().collect();
    let own: Vec<(ServiceName, GroupName)> = drafts
        .iter()
        .flat_map(|(name, draft)| draft.groups.iter().map(move |group| (name.clone(), group.clone())))
        .collect();
    let groups = groups::groups(&reader, fields.get("groups").map(|node| &**node), &names, &own);
    // `vars` that nobody asked for are checked all the same.
    globals.check_vars();
    let auto = outlines
        .keys()
        .flat_map(|name| {
            let auto = globals.ports_of(name.as_str()).map(|declared| declared.auto.clone()).unwrap_or_default();
            auto.into_iter().map(move |index| (name.clone(), index))
        })
        .collect();
    check::edges(&shared.issues, &drafts_edges(&drafts));
    if shared.issues.failed() {
        return None;
    }
    let services = finish(drafts, &groups);
    let ports_at = |name: &ServiceName| ports_span(outlines.get(name)?);
    check::services(&shared.issues, &services, input.profiles, &ports_at);
    let profiles = input.profiles.iter().cloned().collect();
    Some((Project { name, dir: shared.dir.clone(), services, groups, profiles, stop }, auto))
}

const EXAMPLE: &str = "the smallest project is `services: {hello: {command: echo hello; sleep 100}}`";

fn vars(reader: &Reader<'_>, fields: &Fields<'_>) -> Lazies {
    let Some(node) = fields.get("vars") else { return Lazies::default() };
    let Value::Map(map) = &node.value else {
        reader.wrong_type(node, "a map of names and values");
        return Lazies::default();
    };
    // A free key may be anything.
    let free = |entry: &&Entry| entry.key.starts_with("x-") && !matches!(entry.value.value, Value::Scalar(_));
    let entries = map.entries.iter().filter(|entry| !free(entry));
    Lazies::new(entries.map(|entry| (Rc::clone(&entry.key), Rc::clone(&entry.value))))
}

fn name(reader: &Reader<'_>, fields: &Fields<'_>, input: &Input<'_>, dir: &Path) -> String {
    let given = input.env.iter().find(|(key, _)| key == NAME_VARIABLE).map(|(_, value)| value.to_string_lossy());
    let written = fields.get("name").and_then(|node| Some((reader.string(node)?, node.span)));
    let folder = || dir.file_name().map_or_else(|| "root".to_owned(), |name| name.to_string_lossy().into_owned());
    let bad =
        |name: &str| name.is_empty() || name.len() > 100 || name.contains(|c: char| c == '/' || c.is_control());
    if let Some((name, span)) = &written
        && bad(name)
    {
        let issue =
            Issue::error("bad-name", *span, format!("`{}` cannot be the name of a project", name.escape_debug()));
        reader.issue(issue.help("at most 100 characters, no `/`, nothing that cannot be printed"));
    }
    if let Some(name) = given {
        if bad(&name) {
            let message =
                format!("`{}` (`--name`, `{NAME_VARIABLE}`) cannot be the name of a project", name.escape_debug());
            reader.issue(Issue::general_error("bad-name", message));
        }
        return name.into_owned();
    }
    written.map_or_else(folder, |(name, _)| name)
}

/// The caller's environment, `.env`, and the project's `env_file`.
fn base(globals: &Globals<'_>, early: &Reader<'_>, fields: &Fields<'_>, files: &EnvFiles<'_>) -> Environment {
    let mut base = globals.below.clone();
    let Some(node) = fields.get("env_file") else { return base };
    for file in EnvFile::read(early, node) {
        file.apply(&mut base, early.shared, files, globals);
    }
    base
}

fn outlines(reader: &Reader<'_>, fields: &Fields<'_>) -> BTreeMap<ServiceName, Outline> {
    let mut outlines = BTreeMap::new();
    let issues = &reader.shared.issues;
    let defaults = fields.get("defaults").map(|node| merge::with_env_map(node, issues));
    let defaults = defaults.filter(|node| reader.fields(node, &SERVICE).is_some());
    let Some(services) = fields.get("services") else {
        let issue = match fields.raw_entry("services") {
            Some(entry) => Issue::error("missing-key", entry.key_span, "`services` has nothing in it"),
            None => Issue::error("missing-key", fields.start(), "there are no `services`"),
        };
        reader.issue(issue.help(EXAMPLE));
        return outlines;
    };
    refuse_free(reader, services);
    let Some(entries) = reader.names(services, "a map of services") else { return outlines };
    let entries: Vec<_> = entries.collect();
    if entries.is_empty() {
        reader.issue(Issue::error("missing-key", services.span, "`services` has nothing in it").help(EXAMPLE));
    }
    let weight = defaults.as_ref().map_or(0, |node| node.weight());
    if entries.len() > MAX_SERVICES || entries.len().saturating_mul(weight) > MAX_SHARED {
        let message = format!("more than {MAX_SERVICES} services, or `defaults` too large for so many");
        reader.issue(Issue::error("limit", services.span, message));
        return outlines;
    }
    for entry in entries {
        let is_body = entry.value.is_null() || matches!(entry.value.value, Value::Map(_));
        if !is_body && SERVICE.now.contains(&&*entry.key) {
            let message = format!("`{}` stands where the name of a service should", entry.key);
            reader.issue(Issue::error("wrong-type", entry.key_span, message).help("indent it below its service"));
            continue;
        }
        match ServiceName::new(&entry.key) {
            Ok(name) => {
                let body = merge::with_env_map(&entry.value, issues);
                let body = match &defaults {
                    Some(defaults) => merge::body(&name, defaults, &body),
                    None => body,
                };
                let ports = RefCell::new(State::Waiting);
                outlines.insert(name, Outline { key_span: entry.key_span, body, ports });
            }
            Err(bad) => reader.issue(Issue::error("bad-name", entry.key_span, bad.to_string())),
        }
    }
    outlines
}

/// A service that is called like a free key would never be started, and nobody would be told.
fn refuse_free(reader: &Reader<'_>, services: &Node) {
    let Value::Map(map) = &services.value else { return };
    for entry in map.entries.iter().filter(|entry| entry.key.starts_with("x-")) {
        if let Value::Map(body) = &entry.value.value
            && body.get("command").is_some()
        {
            let issue = Issue::error("bad-name", entry.key_span, "a service's name cannot begin with `x-`");
            let help = "`x-` keys are free and never started: rename it, or move it out of `services`";
            reader.issue(issue.help(help));
        }
    }
}

fn version(reader: &Reader<'_>, fields: &Fields<'_>) {
    let Some(node) = fields.get("version") else { return };
    let is_one = matches!(&node.value, Value::Scalar(scalar) if &*scalar.text == "1");
    if !is_one {
        let issue = Issue::error("bad-value", node.span, "`version` is 1 for now");
        reader.issue(issue.help("leave it out"));
    }
}

fn stop(reader: &Reader<'_>, fields: &Fields<'_>) -> (ProjectStop, std::time::Duration) {
    const ORDERS: &[(&str, StopOrder)] = &[("reverse", StopOrder::Reverse), ("parallel", StopOrder::Parallel)];
    let fields = fields.get("stop").and_then(|node| reader.fields(node, &PROJECT_STOP));
    let get = |key: &str| fields.as_ref().and_then(|fields| fields.get(key));
    let order = get("order").and_then(|node| reader.word(node, ORDERS)).unwrap_or(StopOrder::Reverse);
    let timeout = get("timeout").and_then(|node| reader.duration(node)).unwrap_or(Stop::DEFAULT_TIMEOUT);
    (ProjectStop { order }, timeout)
}

fn drafts_edges(drafts: &BTreeMap<ServiceName, Draft>) -> Vec<check::Edge<'_>> {
    let edges = drafts.iter().flat_map(|(from, draft)| draft.edges.iter().map(move |edge| (from, draft, edge)));
    edges
        .map(|(from, _, edge)| check::Edge {
            from,
            dependency: &edge.dependency,
            span: edge.span,
            target: drafts.get(&edge.dependency.on).and_then(|draft| draft.service.as_ref()),
        })
        .collect()
}

fn finish(drafts: BTreeMap<ServiceName, Draft>, groups: &groups::Groups) -> BTreeMap<ServiceName, Arc<Service>> {
    let complete = drafts.into_iter().filter_map(|(name, draft)| Some((name, draft.service?)));
    complete
        .map(|(name, mut service)| {
            let member = groups.iter().filter(|(_, members)| members.contains(&name));
            service.groups = member.map(|(group, _)| group.clone()).collect();
            (name, Arc::new(service))
        })
        .collect()
}

fn ports_span(outline: &Outline) -> Option<crate::config::source::Span> {
    match &outline.body.value {
        Value::Map(map) => map.get("ports").map(|entry| entry.value.span),
        Value::Scalar(_) | Value::List(_) => None,
    }
}
