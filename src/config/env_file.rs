//! `.env` and `env_file`: which there are, and what they put on top of an environment.
//!
//! A file is read once, and parsed once for each meaning it has: what it asked for is remembered with the
//! answers, and where they are the same its values are shared. `defaults` give one file to every service.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use crate::model::Environment;

use super::dotenv::{self, Fault, Raw};
use super::environment::{self, By, Key};
use super::files::{Files, MAX_ENV_FILE};
use super::interpolate::Lookup;
use super::issues::{Issue, Issues};
use super::keys::ENV_FILE;
use super::reader::{Reader, Shared};
use super::source::Span;
use super::tree::{Node, Value};

/// So many meanings of one file are kept; a further one is worked out again.
const MAX_MEANINGS: usize = 8;

/// What may be parsed, and come of it, in bytes: a file that means something else to each of many services.
const MAX_PARSED: usize = 64 << 20;

/// One entry of `env_file`.
#[derive(Debug, Clone)]
pub(super) struct EnvFile {
    path: PathBuf,
    required: bool,
    raw: Raw,
    span: Option<Span>,
}

/// All env files of one load.
pub(super) struct EnvFiles<'a> {
    files: &'a dyn Files,
    known: RefCell<HashMap<PathBuf, Rc<Known>>>,
    /// How many variables environments may still get.
    room: Cell<usize>,
    /// How many bytes have been parsed, or have come of it.
    parsed: Cell<usize>,
    exhausted: Cell<bool>,
}

/// A file that was looked for.
struct Known {
    content: Content,
    /// Its number among the sources, if anything is wrong in it.
    source: Cell<Option<u32>>,
    meanings: RefCell<Vec<Rc<Meaning>>>,
}

enum Content {
    Missing,
    /// Why, in words, from behind the file's name.
    Unusable(String),
    Text(Arc<str>),
}

/// What a file comes to where its questions have these answers.
struct Meaning {
    raw: Raw,
    asked: Vec<Question>,
    vars: Vec<Var>,
}

/// What a file asked for, and the answer.
#[derive(PartialEq, Eq)]
enum Question {
    Var(String, Option<String>),
    Dotted(String, Result<String, String>),
}

struct Var {
    key: Arc<OsStr>,
    value: Arc<OsStr>,
    origin: Arc<str>,
}

impl<'a> EnvFiles<'a> {
    /// Env files from `files`, for environments that together may have `room` variables.
    pub(super) fn new(files: &'a dyn Files, room: usize) -> Self {
        let (known, parsed, exhausted) = (RefCell::default(), Cell::new(0), Cell::new(false));
        Self { files, known, room: Cell::new(room), parsed, exhausted }
    }

    /// Takes `variables` off what there is room for.
    pub(super) fn take(&self, variables: usize) {
        match self.room.get().checked_sub(variables) {
            Some(left) => self.room.set(left),
            None => self.exhausted.set(true),
        }
    }

    /// Whether there was more than there is room for: what was asked for last is not complete.
    pub(super) fn exhausted(&self) -> bool {
        self.exhausted.get()
    }

    fn known(&self, path: &Path) -> Rc<Known> {
        if let Some(known) = self.known.borrow().get(path) {
            return Rc::clone(known);
        }
        let content = match self.files.read(path) {
            Ok(None) => Content::Missing,
            Err(why) => Content::Unusable(format!("cannot be read: {why}")),
            Ok(Some(bytes)) if bytes.len() > MAX_ENV_FILE => Content::Unusable("is larger than 1 MiB".to_owned()),
            Ok(Some(bytes)) => match String::from_utf8(bytes) {
                Ok(text) => Content::Text(text.into()),
                Err(_) => Content::Unusable("is not UTF-8".to_owned()),
            },
        };
        let known = Rc::new(Known { content, source: Cell::new(None), meanings: RefCell::default() });
        self.known.borrow_mut().insert(path.to_owned(), Rc::clone(&known));
        known
    }

    /// What `text` of `file`, shown as `shown`, means to `scope`. Its faults are reported.
    fn meaning(
        &self,
        known: &Known,
        text: &Arc<str>,
        file: &EnvFile,
        shown: &str,
        scope: &Scope<'_>,
        issues: &Issues,
    ) -> Rc<Meaning> {
        let same = |meaning: &&Rc<Meaning>| {
            meaning.raw == file.raw && meaning.asked.iter().all(|asked| scope.agrees(asked))
        };
        if let Some(meaning) = known.meanings.borrow().iter().find(same) {
            return Rc::clone(meaning);
        }
        let (entries, faults) = dotenv::parse_all(text, file.raw, scope);
        let values: usize = entries.iter().map(|entry| entry.value.len()).sum();
        self.parsed.set(self.parsed.get().saturating_add(text.len() + values));
        if self.parsed.get() > MAX_PARSED {
            self.exhausted.set(true);
        }
        if !faults.is_empty() {
            let number = known.source.get().unwrap_or_else(|| issues.add_source(&file.path, Arc::clone(text)));
            known.source.set(Some(number));
            report(faults, number, issues);
        }
        let vars = entries.into_iter().map(|entry| Var {
            key: Arc::from(OsStr::new(&entry.key)),
            value: Arc::from(OsStr::new(&entry.value)),
            origin: Arc::from(format!("{shown}:{}", entry.line)),
        });
        let meaning = Rc::new(Meaning { raw: file.raw, vars: vars.collect(), asked: scope.asked.take() });
        let mut meanings = known.meanings.borrow_mut();
        if meanings.len() < MAX_MEANINGS {
            meanings.push(Rc::clone(&meaning));
        }
        meaning
    }
}

impl EnvFile {
    /// The `.env` beside the project file.
    pub(super) fn beside(dir: &Path) -> Self {
        Self { path: dir.join(".env"), required: false, raw: Raw::Expand, span: None }
    }

    /// Reads `env_file`: a path, a map, or a list of both.
    pub(super) fn read(reader: &Reader<'_>, node: &Node) -> Vec<Self> {
        match &node.value {
            Value::List(items) => items.iter().filter_map(|item| Self::one(reader, item)).collect(),
            Value::Scalar(_) | Value::Map(_) => Self::one(reader, node).into_iter().collect(),
        }
    }

    fn one(reader: &Reader<'_>, node: &Node) -> Option<Self> {
        let dir = &reader.shared.dir;
        let Value::Map(_) = &node.value else {
            let path = reader.path(node, dir)?;
            return Some(Self { path, required: true, raw: Raw::Expand, span: Some(node.span) });
        };
        let fields = reader.fields(node, &ENV_FILE)?;
        let required = fields.get("required").and_then(|node| reader.boolean(node)).unwrap_or(true);
        let raw = fields.get("raw").and_then(|node| reader.boolean(node)).unwrap_or(false);
        let Some(path) = fields.get("path") else {
            reader.issue(Issue::error("missing-key", node.span, "an `env_file` needs a `path`"));
            return None;
        };
        let raw = if raw { Raw::Literal } else { Raw::Expand };
        Some(Self { path: reader.path(path, dir)?, required, raw, span: Some(path.span) })
    }

    /// Puts what the file sets on top of `env`. Its references see `env` as it was, and the dotted names of
    /// `names`.
    pub(super) fn apply(&self, env: &mut Environment, shared: &Shared, files: &EnvFiles<'_>, names: &dyn Lookup) {
        if files.exhausted() {
            return;
        }
        // Nobody named the `.env` beside the project file.
        let error = |message: String| match self.span {
            Some(span) => Issue::error("env-file", span, message),
            None => Issue::general_error("env-file", message),
        };
        let shown = self.path.strip_prefix(&shared.dir).unwrap_or(&self.path).display().to_string();
        let known = files.known(&self.path);
        let text = match &known.content {
            Content::Text(text) => text,
            Content::Missing if self.required => {
                let issue = error(format!("`{shown}` does not exist"));
                let help = format!("create it, or write `{{path: {shown}, required: false}}`");
                return shared.issues.add(issue.note(format!("looked for {}", self.path.display())).help(help));
            }
            Content::Missing => return,
            Content::Unusable(why) => return shared.issues.add(error(format!("`{shown}` {why}"))),
        };
        let meaning = {
            let scope = Scope { below: env, names, asked: RefCell::default() };
            files.meaning(&known, text, self, &shown, &scope, &shared.issues)
        };
        files.take(meaning.vars.len());
        if files.exhausted() {
            return;
        }
        for Var { key, value, origin } in &meaning.vars {
            environment::put(env, Key::Shared(key), Arc::clone(value), Arc::clone(origin), By::File);
        }
    }
}

/// What a file sees. Remembers what was asked.
struct Scope<'a> {
    below: &'a Environment,
    names: &'a dyn Lookup,
    asked: RefCell<Vec<Question>>,
}

impl Scope<'_> {
    /// Whether the answer is the same here. Asks again, so that whatever asking does is done here, too.
    fn agrees(&self, asked: &Question) -> bool {
        match asked {
            Question::Var(name, answer) => environment::text(self.below, name) == *answer,
            Question::Dotted(path, answer) => self.names.dotted(path) == *answer,
        }
    }
}

impl Lookup for Scope<'_> {
    fn var(&self, name: &str) -> Option<String> {
        let answer = environment::text(self.below, name);
        self.asked.borrow_mut().push(Question::Var(name.to_owned(), answer.clone()));
        answer
    }

    fn dotted(&self, path: &str) -> Result<String, String> {
        let answer = self.names.dotted(path);
        self.asked.borrow_mut().push(Question::Dotted(path.to_owned(), answer.clone()));
        answer
    }

    fn hint(&self, name: &str) -> Option<String> {
        self.names.hint(name)
    }
}

fn report(faults: Vec<Fault>, file: u32, issues: &Issues) {
    for fault in faults {
        let span = issues.with_source(file, |source| {
            let start = source.line_start(fault.line);
            let line = source.text[start..].lines().next().unwrap_or_default();
            let at = line.char_indices().nth(fault.column.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
            let end = start + at + usize::from(at < line.len());
            Span::new(file, start + at..end)
        });
        issues.add(Issue::error("env-file", span, fault.message).maybe_help(fault.help));
    }
}
