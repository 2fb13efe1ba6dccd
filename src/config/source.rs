//! The texts that a load reads, and places in them.
//!
//! A [`Span`] is small and `Copy`, so that every node of the tree can carry one; it becomes a [`Place`], with
//! line, column and text, only when somebody is told about it.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::problem::Place;

/// Bytes `start..end` of the text with number `file`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Span {
    pub(super) file: u32,
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    /// A span of `range` in `file`. Texts are limited to a few MiB, so offsets fit.
    pub(super) fn new(file: u32, range: Range<usize>) -> Self {
        let fit = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { file, start: fit(range.start), end: fit(range.end) }
    }

    /// The bytes.
    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One text.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) text: Arc<str>,
    /// Byte offsets at which lines begin.
    lines: Vec<u32>,
}

impl Source {
    fn new(path: &Path, text: Arc<str>) -> Self {
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes());
        let lines = std::iter::once(0).chain(breaks.map(|at| u32::try_from(at + 1).unwrap_or(u32::MAX))).collect();
        Self { path: path.to_owned(), text, lines }
    }

    /// The line that holds byte `offset`, from 1.
    fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start as usize <= offset)
    }

    /// The byte at which `line` (from 1) begins.
    pub(super) fn line_start(&self, line: usize) -> usize {
        self.lines.get(line.saturating_sub(1)).map_or(self.text.len(), |start| *start as usize)
    }
}

/// Every text of one load, numbered in order of reading.
#[derive(Debug, Default)]
pub(super) struct Sources {
    all: Vec<Source>,
}

impl Sources {
    /// Keeps `text` and gives it a number.
    pub(super) fn add(&mut self, path: &Path, text: Arc<str>) -> u32 {
        let file = u32::try_from(self.all.len()).expect("a load reads fewer than 2^32 files");
        self.all.push(Source::new(path, text));
        file
    }

    /// The text with that number.
    pub(super) fn get(&self, file: u32) -> &Source {
        &self.all[file as usize]
    }

    /// The line on which `span` begins, from 1.
    pub(super) fn line(&self, span: Span) -> usize {
        self.get(span.file).line(span.start as usize)
    }

    /// The text of `span`; empty if it does not lie on characters.
    pub(super) fn slice(&self, span: Span) -> &str {
        self.get(span.file).text.get(span.range()).unwrap_or_default()
    }

    /// `span` as a place that can be shown.
    pub(super) fn place(&self, span: Span) -> Place {
        let source = self.get(span.file);
        let start = floor(&source.text, span.start as usize);
        let end = floor(&source.text, span.end as usize).max(start);
        let line = source.line(start);
        let column = source.text[source.line_start(line)..start].chars().count() + 1;
        Place { file: source.path.clone(), line, column, range: start..end, source: Arc::clone(&source.text) }
    }
}

/// The nearest character boundary at or before `offset`.
fn floor(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let mut sources = Sources::default();
        let file = sources.add(Path::new("a"), Arc::from("ab\nçé=x\n"));
        let place = sources.place(Span::new(file, 7..8));
        assert_eq!((place.line, place.column), (2, 3));
        assert_eq!(sources.slice(Span::new(file, 0..2)), "ab");
        let end = sources.place(Span::new(file, 99..100));
        assert_eq!((end.line, end.column, end.range), (3, 1, 10..10));
    }

    #[test]
    fn a_span_inside_a_character_is_moved_to_its_start() {
        let mut sources = Sources::default();
        let file = sources.add(Path::new("a"), Arc::from("é"));
        assert_eq!(sources.place(Span::new(file, 1..2)).range, 0..2);
    }
}
