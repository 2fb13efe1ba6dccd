//! Reads single values off the tree: strings, numbers, durations, words of a choice. Every refusal says what
//! was found and what was wanted, and goes to the list of issues; the caller just gets none.
//!
//! Strings are interpolated here, so nothing that a variable holds can become a key, a list or a map.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use super::interpolate::{self, Lookup, Mode};
use super::issues::{Issue, Issues};
use super::keys::Keys;
use super::source::Span;
use super::tree::{Entry, Kind, Map, Node, Scalar, Style, Value};
use super::units;

/// What all interpolated values of one load may add up to: far beyond any project, far below any memory.
const MAX_EXPANDED: usize = 64 << 20;

/// What the readers of one load have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) issues: Issues,
    /// The folder that relative paths start from.
    pub(super) dir: PathBuf,
    /// Set when a lookup met an `auto` port that has no number yet.
    pub(super) pending: Cell<bool>,
    expanded: Cell<usize>,
}

impl Shared {
    pub(super) fn new(issues: Issues, dir: &Path) -> Self {
        Self { issues, dir: dir.to_owned(), pending: Cell::new(false), expanded: Cell::new(0) }
    }
}

/// A text after interpolation.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) text: String,
    /// Whether an `auto` port without a number is part of it.
    pub(super) pending: bool,
}

/// Reads values as seen from one place: a project, or one of its services.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) shared: &'a Shared,
    pub(super) scope: &'a dyn Lookup,
}

impl Reader<'_> {
    pub(super) fn issue(&self, issue: Issue) {
        self.shared.issues.add(issue);
    }

    /// Reports that `node` is something else than `wanted`.
    pub(super) fn wrong_type(&self, node: &Node, wanted: &str) {
        let issue = Issue::error("wrong-type", node.span, format!("expected {wanted}, found {}", node.describe()));
        self.issue(match &node.value {
            Value::Scalar(scalar) if wanted.starts_with("a string") && scalar.kind() != Kind::Null => {
                issue.help(format!("write it in quotes: \"{}\"", scalar.text.escape_default()))
            }
            Value::Scalar(Scalar { style: Style::Quoted, .. })
                if wanted.starts_with("a number") || wanted.starts_with("true or") =>
            {
                issue.help("write it without quotes")
            }
            _ => issue,
        });
    }

    fn scalar<'n>(&self, node: &'n Node, wanted: &str) -> Option<&'n Scalar> {
        match &node.value {
            Value::Scalar(scalar) if scalar.kind() != Kind::Null => Some(scalar),
            Value::Scalar(_) | Value::List(_) | Value::Map(_) => {
                self.wrong_type(node, wanted);
                None
            }
        }
    }

    /// Any scalar but null, as text, interpolated: environment, labels. What it looks like does not matter.
    pub(super) fn any_text(&self, node: &Node, wanted: &str) -> Option<Text> {
        let scalar = self.scalar(node, wanted)?;
        self.expand(node, &scalar.text, Mode::Full)
    }

    /// A string, interpolated.
    pub(super) fn text(&self, node: &Node, wanted: &str) -> Option<Text> {
        self.text_in(node, wanted, Mode::Full)
    }

    /// A string, interpolated as `mode` says.
    pub(super) fn text_in(&self, node: &Node, wanted: &str, mode: Mode) -> Option<Text> {
        let scalar = self.scalar(node, wanted)?;
        if scalar.kind() != Kind::Text {
            self.wrong_type(node, wanted);
            return None;
        }
        self.expand(node, &scalar.text, mode)
    }

    /// A string that is not empty, interpolated.
    pub(super) fn string(&self, node: &Node) -> Option<String> {
        let text = self.text(node, "a string")?.text;
        if text.is_empty() {
            self.issue(Issue::error("bad-value", node.span, "this cannot be empty"));
            return None;
        }
        Some(text)
    }

    fn expand(&self, node: &Node, text: &str, mode: Mode) -> Option<Text> {
        if text.contains('\0') {
            self.issue(Issue::error("bad-value", node.span, "a NUL byte cannot be passed to a program"));
            return None;
        }
        if !text.contains('$') {
            return Some(Text { text: text.to_owned(), pending: false });
        }
        let outer = self.shared.pending.replace(false);
        let result = interpolate::expand(text, mode, self.scope);
        let pending = self.shared.pending.replace(outer);
        match result {
            Ok(expanded) => {
                let total = self.shared.expanded.get().saturating_add(expanded.len());
                self.shared.expanded.set(total);
                if total > MAX_EXPANDED {
                    let message = "with its variables replaced, the project is larger than 64 MiB";
                    self.issue(Issue::error("limit", node.span, message));
                    return None;
                }
                Some(Text { text: expanded, pending })
            }
            Err(faults) => {
                for fault in faults {
                    let span = self.inside(node.span, text, fault.range);
                    self.issue(Issue::error("interpolation", span, fault.message).maybe_help(fault.help));
                }
                None
            }
        }
    }

    /// Where `range` of the value `text` stands in the file. The whole value where escapes or folding hide it.
    pub(super) fn inside(&self, span: Span, text: &str, range: std::ops::Range<usize>) -> Span {
        self.shared.issues.with_slice(span, |source| {
            let at = |offset: usize| {
                let start = span.start as usize + offset;
                Span::new(span.file, start..start + range.len())
            };
            for quote in [0, 1] {
                if source.get(quote..quote + text.len()) == Some(text) {
                    return at(quote + range.start);
                }
            }
            let part = text.get(range.clone()).unwrap_or_default();
            let mut found = source.match_indices(part);
            match (part.len() > 1, found.next(), found.next()) {
                (true, Some((offset, _)), None) => at(offset),
                _ => span,
            }
        })
    }

    /// One of `words`.
    pub(super) fn word<T: Copy>(&self, node: &Node, words: &[(&str, T)]) -> Option<T> {
        let names: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let wanted = names.join(", ");
        // Not «a string»: whoever wrote `restart: false` is better served with the words there are.
        let text = self.text(node, &format!("one of {wanted}"))?.text;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let mut issue = Issue::error("bad-value", node.span, format!("`{text}` is none of {wanted}"));
        if let Some(near) = self.shared.issues.nearest(&text, words.iter().map(|(word, _)| *word)) {
            issue = issue.help(format!("did you mean `{near}`?"));
        }
        self.issue(issue);
        None
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self, node: &Node) -> Option<bool> {
        const WANTED: &str = "true or false";
        let scalar = self.scalar(node, WANTED)?;
        if let Kind::Bool(value) = scalar.kind() {
            return Some(value);
        }
        let text =
            if scalar.text.contains('$') { self.any_text(node, WANTED)? } else { return self.not(node, WANTED) };
        match text.text.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            other => {
                self.issue(Issue::error("wrong-type", node.span, format!("expected {WANTED}, found `{other}`")));
                None
            }
        }
    }

    fn not<T>(&self, node: &Node, wanted: &str) -> Option<T> {
        self.wrong_type(node, wanted);
        None
    }

    /// The digits of a number: bare, or from a variable.
    pub(super) fn number(&self, node: &Node, wanted: &str) -> Option<Text> {
        let scalar = self.scalar(node, wanted)?;
        match scalar.kind() {
            Kind::Number => self.any_text(node, wanted),
            Kind::Text if scalar.text.contains('$') => self.any_text(node, wanted),
            Kind::Text | Kind::Bool(_) | Kind::Null => self.not(node, wanted),
        }
    }

    /// A whole number from `range`.
    pub(super) fn integer<T>(&self, node: &Node, range: std::ops::RangeInclusive<T>) -> Option<T>
    where
        T: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let wanted = format!("a number from {} to {}", range.start(), range.end());
        let text = self.number(node, &wanted)?.text;
        // YAML and JSON read `010` as ten, other tools as eight: nobody should have to know.
        let octal = text.len() > 1 && text.starts_with('0');
        match text.parse::<T>() {
            Ok(number) if range.contains(&number) && !octal => Some(number),
            Ok(_) | Err(_) => {
                self.issue(Issue::error("bad-value", node.span, format!("expected {wanted}, found `{text}`")));
                None
            }
        }
    }

    /// A duration with a unit.
    pub(super) fn duration(&self, node: &Node) -> Option<Duration> {
        let text = self.any_text(node, "a duration, such as `10s`")?.text;
        units::duration(&text).map_err(|why| self.issue(Issue::error("bad-duration", node.span, why))).ok()
    }

    /// A duration that is not zero.
    pub(super) fn some_duration(&self, node: &Node) -> Option<Duration> {
        let duration = self.duration(node)?;
        if duration.is_zero() {
            self.issue(Issue::error("bad-value", node.span, "this cannot be zero"));
            return None;
        }
        Some(duration)
    }

    /// A size with a unit, in bytes.
    pub(super) fn size(&self, node: &Node) -> Option<u64> {
        let text = self.any_text(node, "a size, such as `10MiB`")?.text;
        units::size(&text).map_err(|why| self.issue(Issue::error("bad-size", node.span, why))).ok()
    }

    /// A path, relative ones from `base`, without `.` in it.
    pub(super) fn path(&self, node: &Node, base: &Path) -> Option<PathBuf> {
        let text = self.string(node)?;
        Some(base.join(text).components().collect())
    }

    /// The items of a list.
    pub(super) fn list<'n>(&self, node: &'n Node, wanted: &str) -> Option<&'n [Rc<Node>]> {
        match &node.value {
            Value::List(items) => Some(items),
            Value::Scalar(_) | Value::Map(_) => self.not(node, wanted),
        }
    }

    /// A list of strings, each interpolated and none empty.
    pub(super) fn strings(&self, node: &Node) -> Option<Vec<String>> {
        let items = self.list(node, "a list of strings")?;
        Some(items.iter().filter_map(|item| self.string(item)).collect())
    }

    /// The entries of a map whose keys are names, without the free `x-` ones.
    pub(super) fn names<'n>(
        &self,
        node: &'n Node,
        wanted: &str,
    ) -> Option<impl Iterator<Item = &'n Entry> + use<'n>> {
        match &node.value {
            Value::Map(map) => Some(map.entries.iter().filter(|entry| !entry.key.starts_with("x-"))),
            Value::Scalar(_) | Value::List(_) => self.not(node, wanted),
        }
    }

    /// The map `node` with the keys `keys`; reports every other key.
    pub(super) fn fields<'n>(&self, node: &'n Node, keys: &'static Keys) -> Option<Fields<'n>> {
        let Value::Map(map) = &node.value else {
            return self.not(node, &format!("a map with the keys of {}", keys.what));
        };
        for entry in &map.entries {
            self.check_key(entry, keys);
        }
        Some(Fields { map, keys, span: node.span })
    }

    /// Reports `entry` if its key is not among `keys`.
    pub(super) fn check_key(&self, entry: &Entry, keys: &Keys) {
        let key = &*entry.key;
        if keys.now.contains(&key) || key.starts_with("x-") {
            return;
        }
        if keys.later.contains(&key) {
            let message = format!("`{key}` is not yet supported by this version");
            self.issue(Issue::error("not-yet", entry.key_span, message));
            return;
        }
        let message = format!("`{}` is no key of {}", key.escape_debug(), keys.what);
        let mut issue = Issue::error("unknown-key", entry.key_span, message);
        issue = match keys.suggest(key) {
            Some(meant) => issue.help(format!("did you mean `{meant}`?")),
            None => issue.help(format!("its keys are {}", list_of(keys.now))),
        };
        if let Some(at) = entry.merged_at {
            issue = issue.also(at, "merged here");
        }
        self.issue(issue);
    }
}

fn list_of(keys: &[&str]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    keys.join(", ")
}

/// A map whose keys have been checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'n> {
    map: &'n Map,
    keys: &'static Keys,
    span: Span,
}

impl<'n> Fields<'n> {
    /// The value of `key`. A null counts as none: it takes away what `defaults` say.
    pub(super) fn get(&self, key: &str) -> Option<&'n Rc<Node>> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of `key`, also if it is null.
    pub(super) fn raw_entry(&self, key: &str) -> Option<&'n Entry> {
        self.map.get(key)
    }

    /// Whether somebody who wanted to write `key` wrote something else.
    pub(super) fn misspells(&self, key: &str) -> bool {
        let unknown = |entry: &&Entry| !self.keys.now.contains(&&*entry.key) && !entry.key.starts_with("x-");
        self.map.entries.iter().filter(unknown).any(|entry| self.keys.suggest(&entry.key) == Some(key))
    }

    /// Whether it has a key that is not built yet and would stand for a command.
    pub(super) fn is_elsewhere(&self) -> bool {
        ["image", "build", "compose", "extends"].iter().any(|key| self.map.get(key).is_some())
    }

    /// Where the map begins.
    pub(super) fn start(&self) -> Span {
        Span { end: self.span.start, ..self.span }
    }

    /// The entry of `key`, unless it is null.
    pub(super) fn entry(&self, key: &str) -> Option<&'n Entry> {
        debug_assert!(self.keys.now.contains(&key) || self.keys.later.contains(&key), "`{key}` is in the table");
        self.map.get(key).filter(|entry| !entry.value.is_null())
    }
}

/// Text pairs: labels.
pub(super) fn pairs(reader: &Reader<'_>, node: &Node) -> BTreeMap<String, String> {
    let Value::Map(map) = &node.value else {
        reader.wrong_type(node, "a map");
        return BTreeMap::new();
    };
    let pair = |entry: &Entry| Some((entry.key.to_string(), reader.any_text(&entry.value, "a string")?.text));
    map.entries.iter().filter_map(pair).collect()
}
