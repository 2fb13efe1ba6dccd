//! Captured lines as `logs` and `up` show them. Bytes in, bytes out: what a service wrote need not be UTF-8.

use console::{Alignment, pad_str};
use jiff::tz::TimeZone;

use crate::api::wire::SCHEMA_VERSION;
use crate::cli::term::Paint;
use crate::cli::when;
use crate::logs::{Line, Stream, strip_ansi};

/// How lines look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Style {
    /// For people.
    Text {
        /// The width of the longest name; none: no names.
        names: Option<usize>,
        /// The zone of the times; none: no times.
        times: Option<TimeZone>,
    },
    /// One JSON object per line.
    Json,
}

/// One line with its newline.
pub(crate) fn line(line: &Line, style: &Style, paint: Paint) -> Vec<u8> {
    match style {
        Style::Json => json(line),
        Style::Text { names, times } => {
            let mut out = Vec::with_capacity(line.text.len() + 48);
            if let Some(zone) = times {
                out.extend_from_slice(paint.dim(&when::local(line.time_ns, zone)).as_bytes());
                out.push(b' ');
            }
            if let Some(width) = names {
                let name = pad_str(&line.name, *width, Alignment::Left, None);
                out.extend_from_slice(paint.service(&line.name, &name).as_bytes());
                out.extend_from_slice(paint.dim(" | ").as_bytes());
            }
            let text = line.text.strip_suffix(b"\r").unwrap_or(&line.text);
            if paint.is_on() {
                out.extend_from_slice(text);
                // A service that does not end its colours must not colour its neighbours.
                if text.contains(&0x1b) {
                    out.extend_from_slice(b"\x1b[0m");
                }
            } else {
                out.extend_from_slice(&strip_ansi(text));
            }
            out.push(b'\n');
            out
        }
    }
}

fn json(line: &Line) -> Vec<u8> {
    let value = serde_json::json!({
        "schema_version": SCHEMA_VERSION,
        "time": (line.time_ns != 0).then(|| when::utc(line.time_ns)),
        "service": line.name.as_ref(),
        "stream": match line.stream {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        },
        "message": String::from_utf8_lossy(&line.text),
        "partial": line.partial,
    });
    let mut out = value.to_string().into_bytes();
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::render::testing::NOW;

    fn made(text: &[u8]) -> Line {
        Line {
            name: Arc::from("api"),
            time_ns: NOW * 1_000_000 + 5,
            stream: Stream::Stderr,
            text: text.to_vec(),
            partial: false,
        }
    }

    fn text(line: &Line, names: Option<usize>, times: Option<TimeZone>) -> Vec<u8> {
        super::line(line, &Style::Text { names, times }, Paint::PLAIN)
    }

    #[test]
    fn a_line_has_as_much_in_front_as_was_asked_for() {
        let hello = made(b"hello\r");
        assert_eq!(text(&hello, None, None), b"hello\n");
        assert_eq!(text(&hello, Some(5), None), b"api   | hello\n");
        assert_eq!(text(&hello, Some(3), Some(TimeZone::UTC)), b"2026-11-20 12:00:00.000 api | hello\n");
    }

    #[test]
    fn bytes_stay_and_colours_go_where_nobody_sees_them() {
        assert_eq!(text(&made(b"\xff\x1b[31mred\x1b[0m"), None, None), b"\xffred\n");
    }

    #[test]
    fn json_is_one_object_per_line() {
        let line = super::line(&made(b"a\"b"), &Style::Json, Paint::PLAIN);
        assert_eq!(
            String::from_utf8(line).unwrap(),
            "{\"schema_version\":1,\"time\":\"2026-11-20T12:00:00.000000005Z\",\"service\":\"api\",\"stream\":\"stderr\",\
             \"message\":\"a\\\"b\",\"partial\":false}\n"
        );
    }
}
