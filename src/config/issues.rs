//! Where the steps of a load put what they find: all of it, each thing once, in the order of the files.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::keys::nearest;
use super::problem::{Level, Problem, Report};
use super::source::{Source, Sources, Span};

/// More problems than this are not read by anybody; the report says how many there were.
const MAX_PROBLEMS: usize = 200;

/// A problem before its places are looked up.
#[derive(Debug, Clone)]
pub(super) struct Issue {
    level: Level,
    code: &'static str,
    message: String,
    span: Option<Span>,
    also: Vec<(Span, String)>,
    notes: Vec<String>,
    help: Option<String>,
}

impl Issue {
    /// An error at `span`.
    pub(super) fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            code,
            message: message.into(),
            span: Some(span),
            also: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// A warning at `span`.
    pub(super) fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::error(code, span, message) }
    }

    /// A warning about something that stands in no file.
    pub(super) fn general_warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { span: None, ..Self::warning(code, Span::new(0, 0..0), message) }
    }

    /// An error about something that stands in no file.
    pub(super) fn general_error(code: &'static str, message: impl Into<String>) -> Self {
        Self { span: None, ..Self::error(code, Span::new(0, 0..0), message) }
    }

    /// With a next step.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With a next step, if there is one.
    pub(super) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    /// With another fact.
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// With another place.
    pub(super) fn also(mut self, span: Span, what: impl Into<String>) -> Self {
        self.also.push((span, what.into()));
        self
    }
}

/// The texts of a load and what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Issues {
    sources: RefCell<Sources>,
    found: RefCell<Vec<Issue>>,
    /// What has been said already: a mistake in `defaults` would be found once per service.
    said: RefCell<HashSet<(Option<Span>, String)>>,
    failed: Cell<bool>,
}

impl Issues {
    /// Takes `issue` down, unless the same was said of the same place.
    pub(super) fn add(&self, issue: Issue) {
        if issue.level == Level::Error {
            self.failed.set(true);
        }
        if self.said.borrow_mut().insert((issue.span, issue.message.clone())) {
            self.found.borrow_mut().push(issue);
        }
    }

    /// Whether there was an error so far.
    pub(super) fn failed(&self) -> bool {
        self.failed.get()
    }

    /// Keeps a text and gives it a number.
    pub(super) fn add_source(&self, path: &Path, text: Arc<str>) -> u32 {
        self.sources.borrow_mut().add(path, text)
    }

    /// [`nearest`], as long as somebody will read the suggestion: each looks at all candidates.
    pub(super) fn nearest<'a>(&self, wrong: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
        if self.found.borrow().len() < MAX_PROBLEMS { nearest(wrong, candidates) } else { None }
    }

    /// Lends the text of `span`.
    pub(super) fn with_slice<T>(&self, span: Span, use_it: impl FnOnce(&str) -> T) -> T {
        use_it(self.sources.borrow().slice(span))
    }

    /// Lends the text with that number.
    pub(super) fn with_source<T>(&self, file: u32, use_it: impl FnOnce(&Source) -> T) -> T {
        use_it(self.sources.borrow().get(file))
    }

    /// The line on which `span` begins, from 1.
    pub(super) fn line(&self, span: Span) -> usize {
        self.sources.borrow().line(span)
    }

    /// Everything found, by place; what has none comes first.
    pub(super) fn into_report(self) -> Report {
        let mut found = self.found.into_inner();
        let sources = self.sources.into_inner();
        found.sort_by_key(|issue| issue.span);
        let more = found.len().saturating_sub(MAX_PROBLEMS);
        // Errors first: a warning must not push out what stops the load.
        let errors = found.iter().filter(|issue| issue.level == Level::Error).count();
        let mut left = [MAX_PROBLEMS, MAX_PROBLEMS.saturating_sub(errors)];
        found.retain(|issue| {
            let left = &mut left[usize::from(issue.level == Level::Warning)];
            let kept = *left > 0;
            *left = left.saturating_sub(1);
            kept
        });
        let level = if errors > MAX_PROBLEMS { Level::Error } else { Level::Warning };
        let show = |issue: Issue| Problem {
            level: issue.level,
            code: issue.code,
            message: issue.message,
            place: issue.span.map(|span| sources.place(span)),
            also: issue.also.into_iter().map(|(span, what)| (sources.place(span), what)).collect(),
            notes: issue.notes,
            help: issue.help,
        };
        let mut problems: Vec<Problem> = found.into_iter().map(show).collect();
        if more > 0 {
            problems
                .push(Problem { level, ..Problem::error("more", format!("{more} more problems are not shown")) });
        }
        Report { problems }
    }
}
