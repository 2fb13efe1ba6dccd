//! `defaults` under a service: maps merge, lists replace, scalars override.
//!
//! Spellings that mean the same merge the same: `env` as a list of `K=V` is a map, the short form of a probe
//! is a probe. And what excludes each other is not mixed: a service that says how it is probed does not also
//! get the way that `defaults` have.

use std::rc::Rc;

use crate::model::ServiceName;

use super::environment;
use super::issues::{Issue, Issues};
use super::keys::PROBE_KINDS;
use super::source::Span;
use super::tree::{Entry, Kind, Map, Node, Style, Value};

/// The key under which a probe's short form is kept beside what `defaults` give it. No file can have it: a key
/// with a NUL is refused as unknown.
pub(super) const SHORT_FORM: &str = "\0short";

/// The service `name` on top of `defaults`.
pub(super) fn body(name: &ServiceName, defaults: &Rc<Node>, service: &Rc<Node>) -> Rc<Node> {
    let defaults = &without_self(name, defaults);
    if service.is_null() {
        return Rc::clone(defaults);
    }
    let (Value::Map(below), Value::Map(above)) = (&defaults.value, &service.value) else {
        return Rc::clone(service);
    };
    let merged = both(below, above, |key, below, above| match key {
        "readiness" | "liveness" => probe(below, above),
        "stop" => stop(below, above),
        _ => deep(below, above),
    });
    Rc::new(Node { span: service.span, value: Value::Map(merged) })
}

/// `defaults` for `name`: what all depend on does not depend on itself.
fn without_self(name: &ServiceName, defaults: &Rc<Node>) -> Rc<Node> {
    let Value::Map(map) = &defaults.value else { return Rc::clone(defaults) };
    let Some(edges) = map.get("depends_on").map(|entry| &entry.value) else { return Rc::clone(defaults) };
    let is_self = |node: &Node| matches!(&node.value, Value::Scalar(scalar) if *scalar.text == *name.as_str());
    let value = match &edges.value {
        Value::List(items) if items.iter().any(|item| is_self(item)) => {
            Value::List(items.iter().filter(|item| !is_self(item)).cloned().collect())
        }
        Value::Map(edges) if edges.get(name.as_str()).is_some() => {
            let others = edges.entries.iter().filter(|edge| *edge.key != *name.as_str());
            Value::Map(Map { entries: others.cloned().collect() })
        }
        Value::List(_) | Value::Map(_) | Value::Scalar(_) => return Rc::clone(defaults),
    };
    let edges = Rc::new(Node { span: edges.span, value });
    let fix = |entry: &Entry| match &*entry.key {
        "depends_on" => Entry { value: Rc::clone(&edges), ..entry.clone() },
        _ => entry.clone(),
    };
    let entries = map.entries.iter().map(fix).collect();
    Rc::new(Node { span: defaults.span, value: Value::Map(Map { entries }) })
}

fn both(below: &Map, above: &Map, join: impl Fn(&str, &Rc<Node>, &Rc<Node>) -> Rc<Node>) -> Map {
    let kept = below.entries.iter().map(|entry| match above.get(&entry.key) {
        None => entry.clone(),
        Some(upper) => Entry { value: join(&entry.key, &entry.value, &upper.value), ..upper.clone() },
    });
    let added = above.entries.iter().filter(|entry| below.get(&entry.key).is_none()).cloned();
    Map { entries: kept.chain(added).collect() }
}

fn deep(below: &Rc<Node>, above: &Rc<Node>) -> Rc<Node> {
    let (Value::Map(lower), Value::Map(upper)) = (&below.value, &above.value) else {
        return Rc::clone(above);
    };
    let merged = both(lower, upper, |_, below, above| deep(below, above));
    Rc::new(Node { span: above.span, value: Value::Map(merged) })
}

fn probe(below: &Rc<Node>, above: &Rc<Node>) -> Rc<Node> {
    let Value::Map(lower) = &below.value else { return Rc::clone(above) };
    let kept = |map: &Map| Map {
        entries: map.entries.iter().filter(|entry| !PROBE_KINDS.contains(&&*entry.key)).cloned().collect(),
    };
    let value = match &above.value {
        Value::Scalar(_) if !above.is_null() => {
            let mut merged = kept(lower);
            let key = Rc::from(SHORT_FORM);
            let entry = Entry { key, key_span: above.span, value: Rc::clone(above), merged_at: None };
            merged.entries.push(entry);
            merged
        }
        Value::Map(upper) => {
            let kind = upper.entries.iter().find(|entry| PROBE_KINDS.contains(&&*entry.key));
            // The same kind merges (`http: {url}` below, `http: {status}` above); another one replaces.
            let same = kind.is_none_or(|kind| lower.get(&kind.key).is_some());
            let lower = if same { lower.clone() } else { kept(lower) };
            both(&lower, upper, |_, below, above| deep(below, above))
        }
        Value::Scalar(_) | Value::List(_) => return Rc::clone(above),
    };
    Rc::new(Node { span: above.span, value: Value::Map(value) })
}

fn stop(below: &Rc<Node>, above: &Rc<Node>) -> Rc<Node> {
    let (Value::Map(lower), Value::Map(upper)) = (&below.value, &above.value) else {
        return Rc::clone(above);
    };
    // `command` replaces the signal: a service that names a signal does not mean the command of `defaults`.
    let signal_only = upper.get("signal").is_some() && upper.get("command").is_none();
    let entries = lower.entries.iter().filter(|entry| !(signal_only && &*entry.key == "command")).cloned();
    let merged = both(&Map { entries: entries.collect() }, upper, |_, below, above| deep(below, above));
    Rc::new(Node { span: above.span, value: Value::Map(merged) })
}

/// `body` with `env` as a map, also where it is written as a list of `K=V`.
pub(super) fn with_env_map(body: &Rc<Node>, issues: &Issues) -> Rc<Node> {
    let Value::Map(map) = &body.value else { return Rc::clone(body) };
    if !map.get("env").is_some_and(|entry| matches!(entry.value.value, Value::List(_))) {
        return Rc::clone(body);
    }
    let fix = |entry: &Entry| match &*entry.key {
        "env" => Entry { value: env_map(&entry.value, issues), ..entry.clone() },
        _ => entry.clone(),
    };
    let entries = map.entries.iter().map(fix).collect();
    Rc::new(Node { span: body.span, value: Value::Map(Map { entries }) })
}

/// A list of `K=V` as a map; anything else as it is.
pub(super) fn env_map(node: &Rc<Node>, issues: &Issues) -> Rc<Node> {
    let Value::List(items) = &node.value else { return Rc::clone(node) };
    let mut entries: Vec<Entry> = Vec::with_capacity(items.len());
    for item in items {
        let pair = match &item.value {
            Value::Scalar(scalar) if scalar.kind() == Kind::Text => scalar.text.split_once('='),
            Value::Scalar(_) | Value::List(_) | Value::Map(_) => None,
        };
        let Some((key, value)) = pair else {
            let message = format!("expected `NAME=value`, found {}", item.describe());
            let bare = match &item.value {
                Value::Scalar(scalar) if environment::is_name(&scalar.text) => Some(&scalar.text),
                Value::Scalar(_) | Value::List(_) | Value::Map(_) => None,
            };
            let help = bare.map(|name| format!("write `{name}=value`; what the caller has is passed on anyway"));
            issues.add(Issue::error("wrong-type", item.span, message).maybe_help(help));
            continue;
        };
        if let Some(first) = entries.iter().find(|entry| &*entry.key == key) {
            let issue = Issue::error("duplicate-key", item.span, format!("`{key}` is written twice"));
            issues.add(issue.also(first.key_span, "first written here"));
            continue;
        }
        // Where the source shows the text as it is, the value has a place of its own.
        let start =
            issues.with_slice(item.span, |source| source.find(&*format!("{key}=")).map(|at| at + key.len() + 1));
        let value_span = start.map_or(item.span, |at| {
            Span::new(item.span.file, item.span.start as usize + at..item.span.end as usize)
        });
        let scalar = super::tree::Scalar { text: value.into(), style: Style::Quoted };
        let value = Rc::new(Node { span: value_span, value: Value::Scalar(scalar) });
        entries.push(Entry { key: Rc::from(key), key_span: item.span, value, merged_at: None });
    }
    Rc::new(Node { span: node.span, value: Value::Map(Map { entries }) })
}
