//! The lines of one read, rendered in a file's format and ready to be written at once.
//!
//! Knows where the file may be cut for rotation: after a record, and never between the pieces of one line.

use std::ops::Range;

use memchr::{memchr, memrchr};

use super::splitter::End;
use super::{Stream, stamp};
use crate::model::LogFormat;

/// Bytes before the text of a CRI record: `<stamp> stdout F `.
const PREFIX: usize = stamp::LEN + 10;

/// How the records of one read of one stream begin (and end): rendered once, used for each line.
#[derive(Debug)]
pub(super) enum Style {
    /// `<stamp> stdout F text`
    Cri {
        full: [u8; PREFIX],
        part: [u8; PREFIX],
    },
    /// `{"log":"text\n","stream":"stdout","time":"<stamp>"}`
    Json {
        tail: Vec<u8>,
    },
    Plain,
}

impl Style {
    pub(super) fn new(format: LogFormat, stream: Stream, now_ns: i64) -> Self {
        let stamp = stamp::render(now_ns);
        match format {
            LogFormat::Cri => {
                let mut full = [b' '; PREFIX];
                full[..stamp::LEN].copy_from_slice(&stamp);
                full[stamp::LEN + 1..stamp::LEN + 7].copy_from_slice(stream.as_str().as_bytes());
                let mut part = full;
                full[PREFIX - 2] = b'F';
                part[PREFIX - 2] = b'P';
                Self::Cri { full, part }
            }
            LogFormat::Json => {
                let stamp = String::from_utf8_lossy(&stamp);
                Self::Json {
                    tail: format!(",\"stream\":\"{}\",\"time\":\"{stamp}\"}}\n", stream.as_str()).into_bytes(),
                }
            }
            LogFormat::Plain => Self::Plain,
        }
    }
}

/// Rendered records of one stream. Reused for every read.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// Where pieces of one line are together: no cut at these offsets.
    holds: Vec<Range<usize>>,
    /// Whether the stream was inside a line before this batch.
    continued: bool,
    /// Whether it is after it.
    continues: bool,
}

impl Batch {
    /// Empty again; `continued`: the stream is inside a line of which earlier batches held pieces.
    pub(super) fn begin(&mut self, continued: bool) {
        self.bytes.clear();
        self.holds.clear();
        if continued {
            self.holds.push(0..usize::MAX);
        }
        self.continued = continued;
        self.continues = continued;
    }

    /// Adds a piece.
    #[inline]
    pub(super) fn push(&mut self, style: &Style, text: &[u8], end: End) {
        let start = self.bytes.len();
        match style {
            Style::Cri { full, part } => {
                self.bytes.extend_from_slice(match end {
                    End::Full => full,
                    End::Part => part,
                });
                self.bytes.extend_from_slice(text);
                self.bytes.push(b'\n');
            }
            Style::Json { tail } => self.push_json(tail, text, end),
            Style::Plain => {
                self.bytes.extend_from_slice(text);
                if end == End::Full {
                    self.bytes.push(b'\n');
                }
            }
        }
        match end {
            End::Full if self.continues => {
                if let Some(hold) = self.holds.last_mut() {
                    hold.end = self.bytes.len();
                }
                self.continues = false;
            }
            End::Part if !self.continues => {
                self.holds.push(start + 1..usize::MAX);
                self.continues = true;
            }
            End::Full | End::Part => {}
        }
    }

    #[cold]
    fn push_json(&mut self, tail: &[u8], text: &[u8], end: End) {
        let mut text = String::from_utf8_lossy(text).into_owned();
        if end == End::Full {
            text.push('\n');
        }
        self.bytes.extend_from_slice(b"{\"log\":");
        serde_json::to_writer(&mut self.bytes, &text).expect("a string into memory cannot fail");
        self.bytes.extend_from_slice(tail);
    }

    /// What there is to write.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the stream was inside a line before this batch.
    pub(super) const fn continued(&self) -> bool {
        self.continued
    }

    /// Whether the stream is inside a line after it.
    pub(super) const fn continues(&self) -> bool {
        self.continues
    }

    /// The last offset in `from..=to` at which the file may be cut.
    pub(super) fn cut_before(&self, from: usize, to: usize, cuts: Cuts) -> Option<usize> {
        let mut to = to.min(self.bytes.len());
        loop {
            let at = memrchr(b'\n', &self.bytes[from..to]).map_or(from, |at| from + at + 1);
            match self.holds.iter().find(|hold| cuts == Cuts::BetweenLines && hold.contains(&at)) {
                None => return Some(at),
                Some(hold) if hold.start > from => to = hold.start - 1,
                Some(_) => return None,
            }
        }
    }

    /// The first offset after `from` at which it may be cut, or the end.
    pub(super) fn cut_after(&self, from: usize, cuts: Cuts) -> usize {
        let mut at = from;
        while let Some(newline) = memchr(b'\n', &self.bytes[at..]) {
            at += newline + 1;
            if cuts == Cuts::BetweenRecords || !self.holds.iter().any(|hold| hold.contains(&at)) {
                return at;
            }
        }
        self.bytes.len()
    }
}

/// Where a file may be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cuts {
    /// The rule.
    BetweenLines,
    /// For a line without end.
    BetweenRecords,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_168_800_123_456_789;

    fn rendered(format: LogFormat, pieces: &[(&[u8], End)]) -> Batch {
        let style = Style::new(format, Stream::Stderr, NOW);
        let mut batch = Batch::default();
        batch.begin(false);
        for (text, end) in pieces {
            batch.push(&style, text, *end);
        }
        batch
    }

    #[test]
    fn formats() {
        let pieces = [(&b"a\xff\0\r"[..], End::Part), (b"\"b\x1b[0m\"", End::Full)];
        assert_eq!(
            rendered(LogFormat::Cri, &pieces).bytes(),
            b"2026-11-20T10:00:00.123456789Z stderr P a\xff\0\r\n2026-11-20T10:00:00.123456789Z stderr F \"b\x1b[0m\"\n"
        );
        assert_eq!(rendered(LogFormat::Plain, &pieces).bytes(), b"a\xff\0\r\"b\x1b[0m\"\n");
        let tail = ",\"stream\":\"stderr\",\"time\":\"2026-11-20T10:00:00.123456789Z\"}\n";
        let json = format!("{{\"log\":\"a\u{fffd}\\u0000\\r\"{tail}{{\"log\":\"\\\"b\\u001b[0m\\\"\\n\"{tail}");
        assert_eq!(String::from_utf8_lossy(rendered(LogFormat::Json, &pieces).bytes()), json);
    }

    #[test]
    fn cuts_never_split_a_line() {
        let record = PREFIX + 2;
        let batch = rendered(
            LogFormat::Cri,
            &[(b"1", End::Full), (b"2", End::Part), (b"2", End::Part), (b"2", End::Full), (b"3", End::Full)],
        );
        let before = |to| batch.cut_before(0, to, Cuts::BetweenLines);
        assert_eq!(before(record - 1), Some(0));
        for to in record..4 * record {
            assert_eq!(before(to), Some(record), "{to}");
        }
        assert_eq!(before(4 * record), Some(4 * record));
        assert_eq!(batch.cut_before(0, 3 * record, Cuts::BetweenRecords), Some(3 * record));
        assert_eq!(batch.cut_after(record, Cuts::BetweenLines), 4 * record);
        assert_eq!(batch.cut_after(record, Cuts::BetweenRecords), 2 * record);
        assert!(!batch.continues());
    }

    #[test]
    fn a_line_that_goes_on_holds_from_the_start() {
        let style = Style::new(LogFormat::Cri, Stream::Stdout, NOW);
        let mut batch = Batch::default();
        batch.begin(true);
        batch.push(&style, b"end", End::Full);
        let end = batch.bytes().len();
        batch.push(&style, b"next", End::Part);
        assert_eq!(batch.cut_before(0, end - 1, Cuts::BetweenLines), None);
        assert_eq!(batch.cut_before(0, end + 5, Cuts::BetweenLines), Some(end));
        assert_eq!(batch.cut_after(end, Cuts::BetweenLines), batch.bytes().len());
        assert!(batch.continued() && batch.continues());
    }
}
