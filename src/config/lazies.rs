//! Values that may refer to each other: each is worked out when it is first asked for, and once.
//!
//! It knows nothing of what values mean: whoever asks says how one is worked out.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::interpolate::{self, Mode};
use super::reader::Text;
use super::source::Span;
use super::tree::{Node, Value};

/// A value that is worked out when it is first needed.
#[derive(Debug, Clone)]
pub(super) enum State<T> {
    Waiting,
    Busy,
    Done(T),
    /// It could not be; that has been reported.
    Failed,
}

/// Named texts that may refer to each other.
#[derive(Debug, Default)]
pub(super) struct Lazies {
    all: BTreeMap<Rc<str>, Lazy>,
}

type Lazy = (Rc<Node>, RefCell<State<Text>>);

/// What a name turned out to be.
pub(super) enum Resolved {
    Unknown,
    /// It is being worked out: it refers to itself.
    Circle(Span),
    Failed,
    Value(Text),
}

impl Lazies {
    pub(super) fn new(entries: impl Iterator<Item = (Rc<str>, Rc<Node>)>) -> Self {
        Self { all: entries.map(|(key, node)| (key, (node, RefCell::new(State::Waiting)))).collect() }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(|key| &**key)
    }

    /// Names, and what is written there.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.all.iter().map(|(key, (node, _))| (&**key, &**node))
    }

    /// What is written under `name`.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.all.get(name).map(|(node, _)| &**node)
    }

    /// Whether `name` refers to nothing but others of these and the project's folder, as far as can be followed.
    pub(super) fn is_constant(&self, name: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![name.to_owned()];
        while let Some(name) = open.pop() {
            let Some(Node { value: Value::Scalar(scalar), .. }) = self.get(&name) else { continue };
            if !seen.insert(name) {
                continue;
            }
            for reference in interpolate::references(&scalar.text, Mode::Full) {
                match reference.strip_prefix("vars.") {
                    Some(other) => open.push(other.to_owned()),
                    None if reference == "project.dir" => {}
                    None => return false,
                }
            }
        }
        true
    }

    /// The value of `name`, worked out by `work` if need be.
    pub(super) fn resolve(&self, name: &str, work: impl FnOnce(&Node) -> Option<Text>) -> Resolved {
        let Some((node, state)) = self.all.get(name) else { return Resolved::Unknown };
        let before = state.replace(State::Busy);
        let after = match before {
            State::Waiting => work(node).map_or(State::Failed, State::Done),
            State::Busy => return Resolved::Circle(node.span),
            State::Done(_) | State::Failed => before,
        };
        state.replace(after.clone());
        match after {
            State::Done(text) => Resolved::Value(text),
            State::Waiting | State::Busy | State::Failed => Resolved::Failed,
        }
    }
}
