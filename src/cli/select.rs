//! Selection, the same in every command: `api`, `api.0`, `web-*`, `@backend`, `/^web/`, `3`; nothing means all.
//!
//! Works on a catalog of names, wherever they come from. Never guesses: an unknown name is an error with a
//! suggestion.

use std::collections::BTreeSet;

use regex::Regex;

use super::error::{CliError, Trouble};
use super::exit::Exit;
use crate::api::wire;
use crate::model::Project;

/// Something that can be selected: one instance of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// As people see it: `api`, `api.1`.
    pub(crate) name: String,
    /// `api`.
    pub(crate) service: String,
    /// Its number, where the project runs.
    pub(crate) id: Option<u32>,
    /// Its groups.
    pub(crate) groups: Vec<String>,
}

/// Everything that can be selected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Catalog {
    entries: Vec<Entry>,
}

impl Catalog {
    /// Of a running project.
    pub(crate) fn of_state(state: &wire::State) -> Self {
        let entries = state.services.iter().map(|view| Entry {
            name: view.name.clone(),
            service: view.service.clone(),
            id: Some(view.id),
            groups: view.groups.clone(),
        });
        Self { entries: entries.collect() }
    }

    /// Of a project file.
    pub(crate) fn of_project(project: &Project) -> Self {
        let entries = project.services.keys().map(|name| Entry {
            name: name.to_string(),
            service: name.to_string(),
            id: None,
            groups: project
                .groups
                .iter()
                .filter(|(_, of)| of.contains(name))
                .map(|(g, _)| g.to_string())
                .collect(),
        });
        Self { entries: entries.collect() }
    }

    /// Of bare names (log files).
    pub(crate) fn of_names(names: impl IntoIterator<Item = String>) -> Self {
        let entry = |name: String| {
            let service = name.split('.').next().unwrap_or(&name).to_owned();
            Entry { name, service, id: None, groups: Vec::new() }
        };
        Self { entries: names.into_iter().map(entry).collect() }
    }

    /// With these beside what is there (logs of services that are no more).
    pub(crate) fn with_names<'a>(mut self, names: impl IntoIterator<Item = &'a String>) -> Self {
        for entry in Self::of_names(names.into_iter().cloned()).entries {
            if self.entries.iter().all(|known| known.name != entry.name) {
                self.entries.push(entry);
            }
        }
        self
    }

    /// Takes over the numbers that the running project gave.
    pub(crate) fn with_ids(mut self, state: &wire::State) -> Self {
        for entry in &mut self.entries {
            entry.id = state.services.iter().find(|view| view.name == entry.name).map(|view| view.id);
        }
        self
    }

    /// All of it.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What `terms` select, in the catalog's order, nothing twice. No terms: everything.
    pub(crate) fn select(&self, terms: &[String]) -> Result<Vec<&Entry>, SelectError> {
        if terms.is_empty() {
            return Ok(self.entries.iter().collect());
        }
        let mut chosen = BTreeSet::new();
        for term in terms {
            let found = self.matches(term)?;
            if found.is_empty() {
                return Err(self.unknown(term));
            }
            chosen.extend(found);
        }
        Ok(chosen.into_iter().map(|index| &self.entries[index]).collect())
    }

    /// Names of the services that `terms` select.
    pub(crate) fn services(&self, terms: &[String]) -> Result<Vec<String>, SelectError> {
        let mut names: Vec<String> = self.select(terms)?.into_iter().map(|entry| entry.service.clone()).collect();
        names.dedup();
        Ok(names)
    }

    fn matches(&self, term: &str) -> Result<Vec<usize>, SelectError> {
        let all = |test: &dyn Fn(&Entry) -> bool| {
            self.entries.iter().enumerate().filter(|(_, entry)| test(entry)).map(|(index, _)| index).collect()
        };
        if let Some(group) = term.strip_prefix('@') {
            return Ok(all(&|entry| entry.groups.iter().any(|g| g == group)));
        }
        if let Some(pattern) = term.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
            let regex = Regex::new(pattern)
                .map_err(|error| SelectError::BadPattern { term: term.to_owned(), why: error.to_string() })?;
            return Ok(all(&|entry| regex.is_match(&entry.name)));
        }
        // `api.0` is `api`: the first instance is shown without its number.
        let plain = term.strip_suffix(".0").unwrap_or(term);
        let exact: Vec<usize> = all(&|entry| entry.name == plain || (entry.service == term));
        if !exact.is_empty() {
            return Ok(exact);
        }
        if term.contains(['*', '?', '[']) {
            let regex = glob(term)
                .map_err(|why| SelectError::BadPattern { term: term.to_owned(), why: why.to_string() })?;
            return Ok(all(&|entry| regex.is_match(&entry.name)));
        }
        let id = term.parse::<u32>().ok();
        Ok(all(&|entry| id.is_some() && entry.id == id))
    }

    fn unknown(&self, term: &str) -> SelectError {
        let term = term.to_owned();
        if let Some(group) = term.strip_prefix('@') {
            let known: BTreeSet<&String> = self.entries.iter().flat_map(|entry| &entry.groups).collect();
            let like = similar(group, known.iter().map(|name| name.as_str())).map(|name| format!("@{name}"));
            return SelectError::UnknownGroup { like, known: known.into_iter().cloned().collect(), term };
        }
        if term.contains(['*', '?', '[', '/']) {
            return SelectError::NoMatch { known: self.names(), term };
        }
        if term.parse::<u32>().is_ok() && self.entries.iter().all(|entry| entry.id.is_none()) {
            return SelectError::NoIds { term };
        }
        let like = similar(&term, self.entries.iter().map(|entry| entry.name.as_str())).map(str::to_owned);
        SelectError::Unknown { like, known: self.names(), term }
    }

    fn names(&self) -> Vec<String> {
        self.entries.iter().map(|entry| entry.name.clone()).collect()
    }
}

/// Why a selection was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SelectError {
    /// No service has that name.
    #[error("no service is called `{term}`")]
    Unknown {
        /// What was asked for.
        term: String,
        /// What may have been meant.
        like: Option<String>,
        /// What there is.
        known: Vec<String>,
    },
    /// No group has that name.
    #[error("no group is called `{}`", term.trim_start_matches('@'))]
    UnknownGroup {
        /// What was asked for.
        term: String,
        /// What may have been meant.
        like: Option<String>,
        /// What there is.
        known: Vec<String>,
    },
    /// A pattern that nothing matches.
    #[error("no service matches `{term}`")]
    NoMatch {
        /// The pattern.
        term: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A number, and the project does not run.
    #[error("`{term}` would be a number that `tspm ps` shows, but the project is not running")]
    NoIds {
        /// The number.
        term: String,
    },
    /// A pattern that is none.
    #[error("`{term}` is not a valid pattern: {why}")]
    BadPattern {
        /// The pattern.
        term: String,
        /// What is wrong with it.
        why: String,
    },
}

impl From<SelectError> for CliError {
    fn from(error: SelectError) -> Self {
        let trouble = Trouble::new(Exit::Usage, error.to_string());
        match error {
            SelectError::Unknown { like: Some(like), .. } | SelectError::UnknownGroup { like: Some(like), .. } => {
                trouble.hint(format!("did you mean `{like}`?")).into()
            }
            SelectError::Unknown { known, .. } | SelectError::NoMatch { known, .. } => {
                trouble.hint(there_are("services", &known)).into()
            }
            SelectError::UnknownGroup { known, .. } => trouble.hint(there_are("groups", &known)).into(),
            SelectError::NoIds { .. } => trouble.hint("use the service's name").into(),
            SelectError::BadPattern { .. } => trouble.into(),
        }
    }
}

fn there_are(what: &str, known: &[String]) -> String {
    match known {
        [] => format!("this project has no {what}"),
        known if known.len() > 12 => {
            format!("the {what} are {}, … ({} in all)", known[..12].join(", "), known.len())
        }
        known => format!("the {what} are {}", known.join(", ")),
    }
}

/// The name most like `term`, if one is like it at all: at most a third of its letters differ.
pub(crate) fn similar<'a>(term: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (term.chars().count() / 3).max(1);
    let distance = |name: &str| strsim::damerau_levenshtein(&term.to_lowercase(), &name.to_lowercase());
    names.map(|name| (distance(name), name)).filter(|(d, _)| *d <= limit).min().map(|(_, name)| name)
}

/// A shell pattern as a regular expression: `*`, `?`, `[a-c]`, `[!a-c]`.
fn glob(pattern: &str) -> Result<Regex, regex::Error> {
    let mut text = String::from("^");
    let mut inside = false;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ']' if inside => inside = false,
            '*' if !inside => {
                text.push_str(".*");
                continue;
            }
            '?' if !inside => {
                text.push('.');
                continue;
            }
            '[' if !inside => {
                inside = true;
                text.push('[');
                if chars.next_if_eq(&'!').is_some() {
                    text.push('^');
                }
                continue;
            }
            _ if inside && c != '\\' => {}
            _ => {
                text.push_str(&regex::escape(&c.to_string()));
                continue;
            }
        }
        text.push(c);
    }
    text.push('$');
    Regex::new(&text)
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
