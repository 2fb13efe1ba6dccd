//! Records of a log file back into lines: each record by its own format, pieces joined.

use std::borrow::Cow;

use memchr::memchr;

use super::splitter::End;
use super::{Stream, stamp};

/// Pieces are joined up to this size; a longer line is handed out in parts.
const MAX_JOINED: usize = 1 << 20;

/// One record. Plain text has no time (0) and counts as standard output.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) time_ns: i64,
    pub(super) stream: Stream,
    pub(super) text: Cow<'a, [u8]>,
    pub(super) end: End,
    /// Whether it had a form of its own, with time and stream.
    pub(super) framed: Framed,
}

/// Whether a record had a form of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framed {
    /// CRI or JSON.
    Yes,
    /// Plain text.
    No,
}

/// Decodes records; the format is told from each one, since a file may hold several (the setting was changed).
#[derive(Debug, Default)]
pub(super) struct Decoder {
    stamps: stamp::Parser,
}

impl Decoder {
    /// `line` is without its newline.
    pub(super) fn decode<'a>(&mut self, line: &'a [u8]) -> Record<'a> {
        let framed = match line.first() {
            Some(b'{') => self.json(line),
            Some(byte) if byte.is_ascii_digit() => self.cri(line),
            Some(_) | None => None,
        };
        framed.unwrap_or(Record {
            time_ns: 0,
            stream: Stream::Stdout,
            text: Cow::Borrowed(line),
            end: End::Full,
            framed: Framed::No,
        })
    }

    fn cri<'a>(&mut self, line: &'a [u8]) -> Option<Record<'a>> {
        let (stamp, rest) = word(line);
        let (stream, rest) = word(rest);
        let (tags, text) = word(rest);
        let end = match tags.first()? {
            b'F' => End::Full,
            b'P' => End::Part,
            _ => return None,
        };
        let stream = Stream::from_bytes(stream)?;
        let time_ns = self.stamps.parse(stamp)?;
        Some(Record { time_ns, stream, text: Cow::Borrowed(text), end, framed: Framed::Yes })
    }

    fn json<'a>(&mut self, line: &[u8]) -> Option<Record<'a>> {
        let value: serde_json::Value = serde_json::from_slice(line).ok()?;
        let field = |name| value.get(name).and_then(serde_json::Value::as_str);
        let time_ns = self.stamps.parse(field("time")?.as_bytes())?;
        let stream = Stream::from_bytes(field("stream")?.as_bytes())?;
        let text = field("log")?;
        let (text, end) = text.strip_suffix('\n').map_or((text, End::Part), |text| (text, End::Full));
        Some(Record { time_ns, stream, text: Cow::Owned(text.as_bytes().to_vec()), end, framed: Framed::Yes })
    }
}

/// Up to the first space, and what comes after it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    memchr(b' ', text).map_or((text, &[]), |at| (&text[..at], &text[at + 1..]))
}

/// A line whose pieces are joined.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Joined<'a> {
    /// Of its first piece.
    pub(super) time_ns: i64,
    pub(super) stream: Stream,
    pub(super) text: Cow<'a, [u8]>,
    /// `Part`: its end is not here.
    pub(super) end: End,
}

/// Joins the pieces of each stream's lines.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    pending: [Option<(i64, Vec<u8>)>; 2],
}

impl Joiner {
    /// The line that `record` completes, if it does.
    pub(super) fn push<'a>(&mut self, record: Record<'a>) -> Option<Joined<'a>> {
        let Record { time_ns, stream, text, end, framed: _ } = record;
        let pending = &mut self.pending[stream.index()];
        match (pending.take(), end) {
            (None, End::Full) => Some(Joined { time_ns, stream, text, end }),
            (None, End::Part) => {
                *pending = Some((time_ns, text.into_owned()));
                None
            }
            (Some((time_ns, mut joined)), end) => {
                joined.extend_from_slice(&text);
                if end == End::Full || joined.len() >= MAX_JOINED {
                    return Some(Joined { time_ns, stream, text: Cow::Owned(joined), end });
                }
                *pending = Some((time_ns, joined));
                None
            }
        }
    }

    /// A line that was begun and whose end never came.
    pub(super) fn left(&mut self) -> Option<Joined<'static>> {
        [Stream::Stdout, Stream::Stderr].into_iter().find_map(|stream| {
            let (time_ns, text) = self.pending[stream.index()].take()?;
            Some(Joined { time_ns, stream, text: Cow::Owned(text), end: End::Part })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: &str = "2026-11-20T10:00:00.123456789Z";

    #[test]
    fn every_format_is_told_by_itself() {
        let mut decoder = Decoder::default();
        let time_ns = 1_795_168_800_123_456_789;
        for (line, stream, text, end) in [
            (format!("{STAMP} stdout F  two  words\r"), Stream::Stdout, &b" two  words\r"[..], End::Full),
            (format!("{STAMP} stderr P:x a"), Stream::Stderr, b"a", End::Part),
            (format!("{STAMP} stdout F "), Stream::Stdout, b"", End::Full),
            (format!("{STAMP} stdout F"), Stream::Stdout, b"", End::Full),
            (
                format!(r#"{{"log":"a\u0000\n","stream":"stderr","time":"{STAMP}"}}"#),
                Stream::Stderr,
                b"a\0",
                End::Full,
            ),
            (format!(r#"{{"log":"a","stream":"stdout","time":"{STAMP}"}}"#), Stream::Stdout, b"a", End::Part),
        ] {
            let record = decoder.decode(line.as_bytes());
            assert_eq!(
                (record.time_ns, record.stream, &*record.text, record.end),
                (time_ns, stream, text, end),
                "{line}"
            );
            assert_eq!(record.framed, Framed::Yes);
        }
        for plain in ["", "hello", "{\"log\":1}", "2026 is a year", "2026-11-20T10:00:00Z stdin F x", "{"] {
            let record = decoder.decode(plain.as_bytes());
            assert_eq!((record.time_ns, &*record.text, record.framed), (0, plain.as_bytes(), Framed::No));
        }
    }

    #[test]
    fn joins_by_stream() {
        let record = |stream, text: &'static [u8], end, time_ns| Record {
            time_ns,
            stream,
            text: Cow::Borrowed(text),
            end,
            framed: Framed::Yes,
        };
        let mut joiner = Joiner::default();
        assert_eq!(joiner.push(record(Stream::Stdout, b"a", End::Part, 1)), None);
        assert_eq!(joiner.push(record(Stream::Stderr, b"x", End::Full, 2)).unwrap().text, &b"x"[..]);
        assert_eq!(joiner.push(record(Stream::Stdout, b"b", End::Part, 3)), None);
        let line = joiner.push(record(Stream::Stdout, b"c", End::Full, 4)).unwrap();
        assert_eq!((line.time_ns, &*line.text, line.end), (1, &b"abc"[..], End::Full));
        assert_eq!(joiner.push(record(Stream::Stderr, b"y", End::Part, 5)), None);
        let line = joiner.left().unwrap();
        assert_eq!((line.time_ns, &*line.text, line.end), (5, &b"y"[..], End::Part));
        assert_eq!(joiner.left(), None);
    }

    #[test]
    fn a_line_without_end_is_handed_out_in_parts() {
        let mut joiner = Joiner::default();
        let piece = || Record {
            time_ns: 0,
            stream: Stream::Stdout,
            text: Cow::Owned(vec![b'x'; 16 << 10]),
            end: End::Part,
            framed: Framed::Yes,
        };
        let parts = (0..200).filter_map(|_| joiner.push(piece())).inspect(|part| assert_eq!(part.end, End::Part));
        assert_eq!(parts.count(), 3);
    }
}
