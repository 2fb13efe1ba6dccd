//! What the value of a line in a `.env` file can refer to.

use std::cell::Cell;

use super::Parser;
use crate::config::interpolate::Lookup;

/// The names above a line, then the caller's.
pub(super) struct Names<'p, 'a> {
    parser: &'p Parser<'a>,
    used: Cell<bool>,
}

impl<'p, 'a> Names<'p, 'a> {
    /// The names known to `parser` so far.
    pub(super) const fn of(parser: &'p Parser<'a>) -> Self {
        Self { parser, used: Cell::new(false) }
    }

    /// Whether anybody asked.
    pub(super) fn were_used(&self) -> bool {
        self.used.get()
    }
}

impl Lookup for Names<'_, '_> {
    fn var(&self, name: &str) -> Option<String> {
        self.used.set(true);
        match self.parser.known.get(name) {
            Some(index) => Some(self.parser.entries[*index].value.clone()),
            None => self.parser.lookup.var(name),
        }
    }

    fn dotted(&self, path: &str) -> Result<String, String> {
        self.used.set(true);
        self.parser.lookup.dotted(path)
    }

    fn hint(&self, name: &str) -> Option<String> {
        self.parser.lookup.hint(name)
    }
}
