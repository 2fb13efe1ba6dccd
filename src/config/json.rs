//! JSON, with comments and trailing commas, to the tree. The only file that knows `jsonc-parser`.

use std::rc::Rc;

use jsonc_parser::ast::{ObjectPropName, Value as Json};
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::builder::{self, Key, MAX_DEPTH, MAX_NODES};
use super::issues::{Issue, Issues};
use super::source::Span;
use super::tree::{Node, Scalar, Style, Value};

/// Reads `text`, which has the number `file` in `issues`. None: it was refused, and `issues` says why.
pub(super) fn parse(text: &str, file: u32, issues: &Issues) -> Option<Rc<Node>> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    match parse_to_ast(text, &CollectOptions::default(), &options) {
        Ok(result) => result.value.map_or_else(
            || {
                let value = Value::Scalar(Scalar { text: "".into(), style: Style::Plain });
                Some(Rc::new(Node { span: Span::new(file, 0..0), value }))
            },
            |value| node(&value, file, 1, &mut { MAX_NODES }, issues),
        ),
        Err(error) => {
            let range = error.range();
            let span = Span::new(file, range.start..range.end);
            let message = match error.kind() {
                ParseErrorKind::NestingDepthExceeded => {
                    issues.add(builder::too_deep(span));
                    return None;
                }
                kind => kind.to_string(),
            };
            let mut chars = message.chars();
            let lower: String = chars.next().into_iter().flat_map(char::to_lowercase).chain(chars).collect();
            issues.add(Issue::error("syntax", span, lower));
            None
        }
    }
}

fn node(json: &Json<'_>, file: u32, depth: usize, left: &mut usize, issues: &Issues) -> Option<Rc<Node>> {
    let range = json.range();
    let span = Span::new(file, range.start..range.end);
    if depth > MAX_DEPTH {
        issues.add(builder::too_deep(span));
        return None;
    }
    let Some(fewer) = left.checked_sub(1) else {
        issues.add(builder::too_many(span));
        return None;
    };
    *left = fewer;
    let scalar = |text: &str, style| Value::Scalar(Scalar { text: text.into(), style });
    let value = match json {
        Json::StringLit(string) => scalar(&string.value, Style::Quoted),
        Json::NumberLit(number) => scalar(number.value, Style::Plain),
        Json::BooleanLit(boolean) => scalar(if boolean.value { "true" } else { "false" }, Style::Plain),
        Json::NullKeyword(_) => scalar("null", Style::Plain),
        Json::Array(array) => {
            let items: Option<Vec<_>> =
                array.elements.iter().map(|item| node(item, file, depth + 1, left, issues)).collect();
            Value::List(items?)
        }
        Json::Object(object) => {
            let mut pairs = Vec::with_capacity(object.properties.len());
            for property in &object.properties {
                let (text, range) = match &property.name {
                    ObjectPropName::String(string) => (&*string.value, string.range),
                    ObjectPropName::Word(word) => (word.value, word.range),
                };
                let key =
                    Key { text: Rc::from(text), span: Span::new(file, range.start..range.end), merges: false };
                pairs.push((key, node(&property.value, file, depth + 1, left, issues)?));
            }
            Value::Map(builder::map(pairs, issues))
        }
    };
    Some(Rc::new(Node { span, value }))
}
