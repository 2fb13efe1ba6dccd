//! What is wrong with a project, as values: every mistake with its place, nothing printed.
//!
//! A report holds all problems of one load, never the first alone. Codes are stable: scripts and editors
//! match on them. How a report looks is `render`'s business.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Whether a problem stops the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing is started from such a project.
    Error,
    /// Worth knowing; the project works.
    Warning,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A piece of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, `-` for standard input.
    pub file: PathBuf,
    /// The first line, from 1.
    pub line: usize,
    /// The first character in that line, from 1.
    pub column: usize,
    /// The piece, in bytes of `source`.
    pub range: Range<usize>,
    /// The whole text of the file.
    pub source: Arc<str>,
}

impl fmt::Debug for Place {
    /// Without the text: it may hold secrets, and is long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// One mistake, or one thing worth knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether it stops the load.
    pub level: Level,
    /// What kind of problem it is: stable, lower-case, with hyphens.
    pub code: &'static str,
    /// What is wrong, names in backticks.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// Other places that belong to it, and what they are (`first written here`).
    pub also: Vec<(Place, String)>,
    /// More facts.
    pub notes: Vec<String>,
    /// The next step.
    pub help: Option<String>,
}

impl Problem {
    /// An error that has no place in a file.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            code,
            message: message.into(),
            place: None,
            also: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// The same with a next step.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// All problems of one load, by file and place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The problems.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Whether anything in it stops the load.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.level == Level::Error)
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }
}

impl From<Problem> for Report {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl fmt::Display for Report {
    /// Plain, for logs and errors that pass through: as [`Report::render`] without colour.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}
