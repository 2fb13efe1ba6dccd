//! A parsed file: scalars, lists and maps, each with its place. The same tree for YAML and JSON.
//!
//! A scalar keeps the text that stands in the file: nothing here is ever turned into a number and back,
//! so that `0755`, `1e3` and `NO` stay what they are. Aliases and merges share nodes; how much a file may
//! grow by them is limited where the tree is built.

use std::rc::Rc;

use super::source::Span;

/// One value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) value: Value,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Scalar(Scalar),
    List(Vec<Rc<Node>>),
    Map(Map),
}

/// A text, as it stands in the file once quotes and escapes are resolved.
#[derive(Debug, Clone)]
pub(super) struct Scalar {
    pub(super) text: Box<str>,
    pub(super) style: Style,
}

/// Whether a scalar can be anything but a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Bare: `null`, `true` and `12` mean null, true and twelve.
    Plain,
    /// In quotes, or a YAML block: always a string.
    Quoted,
}

/// Keys and values in the order of the file. No key twice.
#[derive(Debug, Clone, Default)]
pub(super) struct Map {
    pub(super) entries: Vec<Entry>,
}

/// One key and its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: Rc<str>,
    pub(super) key_span: Span,
    pub(super) value: Rc<Node>,
    /// Where a `<<` brought it in, if one did; `key_span` is where it was written.
    pub(super) merged_at: Option<Span>,
}

impl Map {
    /// The entry with that key.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| &*entry.key == key)
    }
}

impl Node {
    /// Whether it is nothing at all: `null`, `~` or an empty value.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.kind() == Kind::Null)
    }

    /// How many nodes it has, itself included. No recursion deeper than the tree, which is limited.
    pub(super) fn weight(&self) -> usize {
        1 + match &self.value {
            Value::Scalar(_) => 0,
            Value::List(items) => items.iter().map(|item| item.weight()).sum::<usize>(),
            Value::Map(map) => map.entries.iter().map(|entry| entry.value.weight()).sum(),
        }
    }

    /// What it is, for people.
    pub(super) fn describe(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Scalar(scalar) => match scalar.kind() {
                Kind::Null => "nothing",
                Kind::Bool(_) => "a boolean",
                Kind::Number => "a number",
                Kind::Text => "a string",
            },
        }
    }
}

/// What YAML 1.2's core schema makes of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number,
    Text,
}

impl Scalar {
    /// What it is. `yes`, `no`, `on` and `off` are strings.
    pub(super) fn kind(&self) -> Kind {
        if self.style == Style::Quoted {
            return Kind::Text;
        }
        match &*self.text {
            "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
            "true" | "True" | "TRUE" => Kind::Bool(true),
            "false" | "False" | "FALSE" => Kind::Bool(false),
            text if is_number(text) => Kind::Number,
            _ => Kind::Text,
        }
    }
}

/// The core schema's integers and floats (YAML 1.2.2, 10.3.2).
fn is_number(text: &str) -> bool {
    if let Some(hex) = text.strip_prefix("0x") {
        return !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit());
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return !octal.is_empty() && octal.bytes().all(|b| (b'0'..=b'7').contains(&b));
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let looks_right = unsigned.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    looks_right
        && unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_follow_the_core_schema_of_yaml_1_2() {
        let table = [
            ("", Kind::Null),
            ("~", Kind::Null),
            ("null", Kind::Null),
            ("true", Kind::Bool(true)),
            ("False", Kind::Bool(false)),
            ("no", Kind::Text),
            ("NO", Kind::Text),
            ("on", Kind::Text),
            ("yes", Kind::Text),
            ("12", Kind::Number),
            ("0755", Kind::Number),
            ("1e3", Kind::Number),
            ("-1.5", Kind::Number),
            ("0x1F", Kind::Number),
            (".5", Kind::Number),
            (".inf", Kind::Number),
            ("0x", Kind::Text),
            ("1.2.3", Kind::Text),
            ("10s", Kind::Text),
            ("12:30", Kind::Text),
            ("-", Kind::Text),
            (".", Kind::Text),
            ("e3", Kind::Text),
            ("inf", Kind::Text),
            ("nan", Kind::Text),
        ];
        for (text, kind) in table {
            assert_eq!(Scalar { text: text.into(), style: Style::Plain }.kind(), kind, "{text}");
            assert_eq!(Scalar { text: text.into(), style: Style::Quoted }.kind(), Kind::Text, "{text}");
        }
    }
}
