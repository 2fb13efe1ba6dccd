//! What the YAML and the JSON reader share: limits, duplicate keys, merge keys.
//!
//! Limits are counted while the tree is built, so that a hostile file is refused before it has grown:
//! an alias counts as much as what it stands for.

use std::collections::HashMap;
use std::rc::Rc;

use super::issues::{Issue, Issues};
use super::source::Span;
use super::tree::{Entry, Map, Node, Value};

/// A file of 1,000 services is about 0.5 MiB.
pub(super) const MAX_BYTES: usize = 2 << 20;

/// People nest about 8 levels. The limit is there for the stack, here and in what walks the tree.
pub(super) const MAX_DEPTH: usize = 64;

/// A service has about 50 nodes. 200,000 nodes take some 20 MiB.
pub(super) const MAX_NODES: usize = 200_000;

/// The refusal of a file that is nested too deep.
pub(super) fn too_deep(span: Span) -> Issue {
    Issue::error("limit", span, format!("nested more than {MAX_DEPTH} levels deep"))
}

/// The refusal of a file that has too many values.
pub(super) fn too_many(span: Span) -> Issue {
    Issue::error("limit", span, format!("the file has more than {MAX_NODES} values, its aliases counted in full"))
}

/// A finished node, and how much it weighs.
#[derive(Debug, Clone)]
pub(super) struct Built {
    pub(super) node: Rc<Node>,
    /// Itself and everything below it, aliases counted in full.
    pub(super) size: usize,
    /// How many levels it has.
    pub(super) depth: usize,
}

/// A key as it was written.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) text: Rc<str>,
    pub(super) span: Span,
    /// Whether it is YAML's merge key: `<<`, bare.
    pub(super) merges: bool,
}

/// Makes a map of `pairs`: merges are carried out, keys written twice reported.
pub(super) fn map(pairs: Vec<(Key, Rc<Node>)>, issues: &Issues) -> Map {
    let mut entries: Vec<Entry> = Vec::with_capacity(pairs.len());
    let mut known: HashMap<Rc<str>, usize> = HashMap::with_capacity(pairs.len());
    let mut merges = Vec::new();
    for (key, value) in pairs {
        if key.merges {
            merges.push((key, value));
            continue;
        }
        if let Some(first) = known.get(&key.text) {
            issues.add(
                Issue::error("duplicate-key", key.span, format!("`{}` is written twice", key.text))
                    .also(entries[*first].key_span, "first written here"),
            );
            continue;
        }
        known.insert(Rc::clone(&key.text), entries.len());
        entries.push(Entry { key: key.text, key_span: key.span, value, merged_at: None });
    }
    if let [(first, _), (second, _), ..] = merges.as_slice() {
        issues.add(
            Issue::error("duplicate-key", second.span, "`<<` is written twice")
                .also(first.span, "first written here")
                .help("merge several maps with a list: `<<: [*one, *two]`"),
        );
    }
    for (key, value) in merges {
        merge(&mut entries, &mut known, key.span, &value, issues);
    }
    Map { entries }
}

/// Takes over what `value` (a map, or a list of maps of which the first wins) has and `entries` do not.
fn merge(
    entries: &mut Vec<Entry>,
    known: &mut HashMap<Rc<str>, usize>,
    at: Span,
    value: &Rc<Node>,
    issues: &Issues,
) {
    let parts: &[Rc<Node>] = match &value.value {
        Value::List(parts) => parts,
        Value::Map(_) | Value::Scalar(_) => std::slice::from_ref(value),
    };
    for part in parts {
        let Value::Map(from) = &part.value else {
            let message = format!("`<<` merges maps, and this is {}", part.describe());
            issues.add(Issue::error("wrong-type", part.span, message).also(at, "merged here"));
            continue;
        };
        for entry in &from.entries {
            if !known.contains_key(&entry.key) {
                known.insert(Rc::clone(&entry.key), entries.len());
                entries.push(Entry { merged_at: Some(at), ..entry.clone() });
            }
        }
    }
}
