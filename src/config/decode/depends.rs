//! `depends_on`: names, or a map of names to conditions.

use std::collections::BTreeMap;

use crate::config::issues::Issue;
use crate::config::keys::DEPENDENCY;
use crate::config::reader::Reader;
use crate::config::source::Span;
use crate::config::tree::{Node, Value};
use crate::model::{Condition, Dependency, Requirement, ServiceName, ServiceType, WhenReplaced};

/// An edge and where it is written.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub(super) dependency: Dependency,
    pub(super) span: Span,
}

/// Reads `depends_on`. Names must be among `kinds`.
pub(super) fn depends_on(
    reader: &Reader<'_>,
    node: &Node,
    kinds: &BTreeMap<ServiceName, ServiceType>,
) -> Vec<Edge> {
    let mut edges: Vec<Edge> = Vec::new();
    let mut add = |edge: Edge| match edges.iter().find(|known| known.dependency.on == edge.dependency.on) {
        Some(first) => {
            let issue =
                Issue::error("duplicate-key", edge.span, format!("`{}` is named twice", edge.dependency.on));
            reader.issue(issue.also(first.span, "first named here"));
        }
        None => edges.push(edge),
    };
    match &node.value {
        Value::List(items) => {
            for item in items {
                let Some(name) = reader.string(item) else { continue };
                if let Some((on, kind)) = known(reader, &name, item.span, kinds) {
                    add(Edge { dependency: simple(on, kind), span: item.span });
                }
            }
        }
        Value::Map(map) => {
            for entry in map.entries.iter().filter(|entry| !entry.key.starts_with("x-")) {
                let found = known(reader, &entry.key, entry.key_span, kinds);
                let body = if entry.value.is_null() { None } else { Some(&*entry.value) };
                if let Some(Value::Scalar(scalar)) = body.map(|body| &body.value) {
                    let message = format!("expected a map, found {}", entry.value.describe());
                    let issue = Issue::error("wrong-type", entry.value.span, message);
                    reader.issue(issue.help(format!("write `{}: {{condition: {}}}`", entry.key, scalar.text)));
                    continue;
                }
                let Some((on, kind)) = found else {
                    body.and_then(|body| reader.fields(body, &DEPENDENCY));
                    continue;
                };
                let edge = body.map_or_else(
                    || Some(Edge { dependency: simple(on.clone(), kind), span: entry.key_span }),
                    |body| full(reader, body, entry.key_span, on.clone(), kind),
                );
                edge.into_iter().for_each(&mut add);
            }
        }
        Value::Scalar(_) => reader.wrong_type(node, "a list of services, or a map"),
    }
    edges
}

fn known(
    reader: &Reader<'_>,
    name: &str,
    span: Span,
    kinds: &BTreeMap<ServiceName, ServiceType>,
) -> Option<(ServiceName, ServiceType)> {
    if let Some((name, kind)) = kinds.get_key_value(name) {
        return Some((name.clone(), *kind));
    }
    let issue = Issue::error("unknown-service", span, format!("there is no service `{}`", name.escape_debug()));
    reader.issue(match reader.shared.issues.nearest(name, kinds.keys().map(ServiceName::as_str)) {
        Some(near) => issue.help(format!("did you mean `{near}`?")),
        None => issue,
    });
    None
}

fn simple(on: ServiceName, kind: ServiceType) -> Dependency {
    let condition = match kind {
        ServiceType::Service => Condition::Ready,
        ServiceType::Oneshot => Condition::Succeeded,
    };
    Dependency { on, condition, requirement: Requirement::Required, when_replaced: WhenReplaced::Keep }
}

fn full(reader: &Reader<'_>, node: &Node, span: Span, on: ServiceName, kind: ServiceType) -> Option<Edge> {
    const CONDITIONS: &[(&str, Condition)] = &[
        ("started", Condition::Started),
        ("ready", Condition::Ready),
        ("completed", Condition::Completed),
        ("succeeded", Condition::Succeeded),
    ];
    let fields = reader.fields(node, &DEPENDENCY)?;
    let mut dependency = simple(on, kind);
    if let Some(entry) = fields.entry("condition") {
        dependency.condition = compose_condition(reader, &entry.value, CONDITIONS)?;
        let ends = matches!(dependency.condition, Condition::Completed | Condition::Succeeded);
        if ends && kind == ServiceType::Service {
            let message = format!("`{}` is a service and is not expected to end", dependency.on);
            let issue = Issue::warning("bad-condition", entry.value.span, message);
            reader.issue(issue.help("wait for `ready` or `started`, or give it `type: oneshot`"));
        }
    }
    if let Some(required) = fields.get("required").and_then(|node| reader.boolean(node)) {
        dependency.requirement = if required { Requirement::Required } else { Requirement::Optional };
    }
    if let Some(restart) = fields.get("restart").and_then(|node| reader.boolean(node)) {
        dependency.when_replaced = if restart { WhenReplaced::Restart } else { WhenReplaced::Keep };
    }
    Some(Edge { dependency, span })
}

/// A condition; for compose's and process-compose's words, ours is named.
fn compose_condition(reader: &Reader<'_>, node: &Node, words: &[(&str, Condition)]) -> Option<Condition> {
    let theirs = match &node.value {
        Value::Scalar(scalar) => match &*scalar.text {
            "service_started" | "process_started" => Some("started"),
            "service_healthy" | "process_healthy" | "process_log_ready" | "healthy" => Some("ready"),
            "service_completed_successfully" | "process_completed_successfully" => Some("succeeded"),
            "process_completed" => Some("completed"),
            _ => None,
        },
        Value::List(_) | Value::Map(_) => None,
    };
    let Some(ours) = theirs else { return reader.word(node, words) };
    let issue = Issue::error("bad-value", node.span, "this is another tool's word for a condition");
    reader.issue(issue.help(format!("write `{ours}`")));
    None
}
