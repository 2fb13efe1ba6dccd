//! YAML 1.2 to the tree, over `granit-parser`'s events. The only file that knows that parser.
//!
//! Anchors, aliases and `<<` work; what a file may grow by them is limited. Stops at the first mistake in
//! syntax, as everything behind it would be guessed; all else is left to those who read the tree.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Tag};

use super::builder::{self, Built, Key, MAX_DEPTH, MAX_NODES};
use super::issues::{Issue, Issues};
use super::source::Span;
use super::tree::{Node, Scalar, Style, Value};

/// Reads `text`, which has the number `file` in `issues`. None: it was refused, and `issues` says why.
pub(super) fn parse(text: &str, file: u32, issues: &Issues) -> Option<Rc<Node>> {
    // One more than allowed, so that the refusal is ours, with words of ours.
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
    };
    let mut reader =
        Reader { text, file, issues, open: Vec::new(), anchors: HashMap::new(), total: 0, root: None };
    let mut documents = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                issues.add(reader.syntax(&error));
                return None;
            }
        };
        let span = Span::new(file, span.byte_range().unwrap_or_default());
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            if documents > 1 {
                let issue = Issue::error("syntax", span, "a second document begins here");
                issues.add(issue.help("a project is one document: take the `---` out"));
                return None;
            }
        }
        if let Err(issue) = reader.event(event, span) {
            issues.add(*issue);
            return None;
        }
    }
    reader.root.or_else(|| {
        // Nothing but comments.
        let value = Value::Scalar(Scalar { text: "".into(), style: Style::Plain });
        Some(Rc::new(Node { span: Span::new(file, 0..0), value }))
    })
}

/// A list or a map that has not ended yet.
struct Open {
    span: Span,
    anchor: usize,
    size: usize,
    depth: usize,
    inside: Inside,
}

enum Inside {
    List(Vec<Rc<Node>>),
    Map { pairs: Vec<(Key, Rc<Node>)>, key: Option<Key> },
}

struct Reader<'a> {
    text: &'a str,
    file: u32,
    issues: &'a Issues,
    open: Vec<Open>,
    anchors: HashMap<usize, Built>,
    total: usize,
    root: Option<Rc<Node>>,
}

type Step = Result<(), Box<Issue>>;

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Step {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let style = if style == ScalarStyle::Plain { Style::Plain } else { Style::Quoted };
                let style = if self.is_string(tag.as_ref(), span) { Style::Quoted } else { style };
                let value = Value::Scalar(Scalar { text: text.into(), style });
                self.charge(1, span)?;
                self.close(anchor, Built { node: Rc::new(Node { span, value }), size: 1, depth: 1 })
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.is_string(tag.as_ref(), span);
                self.begin(span, anchor, Inside::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.is_string(tag.as_ref(), span);
                self.begin(span, anchor, Inside::Map { pairs: Vec::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(id) => {
                let built = self.anchors.get(&id).cloned().ok_or_else(|| {
                    Box::new(Issue::error("syntax", span, "this alias stands inside what it stands for"))
                })?;
                self.charge(built.size, span)?;
                self.close(0, Built { node: self.at_alias(&built.node, span), ..built })
            }
            // Only emitted when asked for, or no content.
            _ => Ok(()),
        }
    }

    /// A key is shown where it stands, not where its text was written first.
    fn at_alias(&self, node: &Rc<Node>, span: Span) -> Rc<Node> {
        let is_key = matches!(self.open.last(), Some(Open { inside: Inside::Map { key: None, .. }, .. }));
        if is_key { Rc::new(Node { span, value: node.value.clone() }) } else { Rc::clone(node) }
    }

    /// `!!str` makes a string of anything; other tags of the core schema say what is true anyway.
    fn is_string(&self, tag: Option<&Cow<'_, Tag>>, span: Span) -> bool {
        let Some(tag) = tag else { return false };
        if tag.is_yaml_core_schema() {
            return tag.is_yaml_core_schema_tag("str");
        }
        let name = tag.original();
        let issue = match tag.suffix() {
            "reset" | "append" => {
                Issue::error("not-yet", span, format!("the tag `{name}` is not yet supported by this version"))
            }
            _ => Issue::error("syntax", span, format!("the tag `{name}` means nothing here")),
        };
        // Said, and read on: a tag changes nothing about the structure.
        self.issues.add(issue);
        false
    }

    fn begin(&mut self, span: Span, anchor: usize, inside: Inside) -> Step {
        if self.open.len() >= MAX_DEPTH {
            return Err(Box::new(builder::too_deep(span)));
        }
        self.charge(1, span)?;
        self.open.push(Open { span, anchor, size: 1, depth: 1, inside });
        Ok(())
    }

    fn end(&mut self, at: Span) -> Step {
        let open = self.open.pop().expect("the parser ends only what it began");
        // A block collection ends where the next token begins: lines below it.
        let content = self.text.get(..at.start as usize).map_or(0, |before| before.trim_end().len());
        let is_flow = open.span.end > open.span.start;
        let end = if is_flow { at.end as usize } else { content.max(open.span.end as usize) };
        let span = Span::new(self.file, open.span.start as usize..end);
        let value = match open.inside {
            Inside::List(items) => Value::List(items),
            Inside::Map { pairs, .. } => Value::Map(builder::map(pairs, self.issues)),
        };
        self.close(open.anchor, Built { node: Rc::new(Node { span, value }), size: open.size, depth: open.depth })
    }

    /// Counts `size` more nodes.
    fn charge(&mut self, size: usize, span: Span) -> Step {
        self.total += size;
        if self.total <= MAX_NODES {
            return Ok(());
        }
        Err(Box::new(builder::too_many(span)))
    }

    /// Puts a finished node where it belongs.
    fn close(&mut self, anchor: usize, built: Built) -> Step {
        let span = built.node.span;
        if self.open.len() + built.depth > MAX_DEPTH {
            return Err(Box::new(builder::too_deep(span)));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, built.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(built.node);
            return Ok(());
        };
        open.size += built.size;
        open.depth = open.depth.max(built.depth + 1);
        match &mut open.inside {
            Inside::List(items) => items.push(built.node),
            Inside::Map { pairs, key } => match key.take() {
                Some(key) => pairs.push((key, built.node)),
                None => *key = Some(as_key(&built.node)?),
            },
        }
        Ok(())
    }

    fn syntax(&self, error: &ScanError) -> Issue {
        let at = error.marker().byte_offset().unwrap_or_else(|| {
            self.text.char_indices().nth(error.marker().index()).map_or(self.text.len(), |(at, _)| at)
        });
        let rest = self.text.get(at..).unwrap_or_default();
        let length = rest.chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
        let span = Span::new(self.file, at..at + length);
        match error.kind() {
            ErrorKind::RecursionLimitExceeded => builder::too_deep(span),
            ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation | ErrorKind::TabNotAllowed => {
                Issue::error("syntax", span, "a tab stands where YAML wants spaces").help("indent with spaces")
            }
            ErrorKind::UnknownAnchor => Issue::error("syntax", span, "this alias has no anchor")
                .help("an anchor (`&name`) comes before its aliases"),
            ErrorKind::InvalidQuotedScalarIndent | ErrorKind::UnclosedQuotedScalar => {
                Issue::error("syntax", span, error.info()).help("is a quote above not closed?")
            }
            _ if rest.starts_with('{') && self.text[..at.min(self.text.len())].ends_with('$') => {
                let help = "inside `[…]` and `{…}`, a value with `${…}` needs quotes";
                Issue::error("syntax", span, error.info()).help(help)
            }
            _ => Issue::error("syntax", span, error.info()),
        }
    }
}

fn as_key(node: &Rc<Node>) -> Result<Key, Box<Issue>> {
    let Value::Scalar(scalar) = &node.value else {
        let message = format!("a key is a word, and this is {}", node.describe());
        return Err(Box::new(Issue::error("syntax", node.span, message)));
    };
    let merges = scalar.style == Style::Plain && &*scalar.text == "<<";
    Ok(Key { text: Rc::from(&*scalar.text), span: node.span, merges })
}
