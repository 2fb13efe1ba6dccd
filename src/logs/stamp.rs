//! Time stamps of log lines, as text and as nanoseconds since 1970. Owns the only clock of `logs`.

use rustix::time::{ClockId, clock_gettime};

/// Bytes of a rendered stamp: `2026-11-20T10:00:00.123456789Z`.
pub(super) const LEN: usize = 30;

/// Up to the seconds: `2026-11-20T10:00:00`.
const SECONDS_LEN: usize = 19;

const NANOS: i64 = 1_000_000_000;

/// Nanoseconds since 1970, now, on the wall clock.
pub(super) fn now_ns() -> i64 {
    let now = clock_gettime(ClockId::Realtime);
    now.tv_sec.saturating_mul(NANOS).saturating_add(now.tv_nsec)
}

/// `ns` in RFC 3339, UTC, nine digits of fraction.
pub(super) fn render(ns: i64) -> [u8; LEN] {
    let stamp =
        jiff::Timestamp::from_nanosecond(i128::from(ns)).expect("every i64 of nanoseconds is in jiff's range");
    let text = format!("{stamp:.9}");
    text.as_bytes().try_into().expect("a four-digit year gives 30 bytes")
}

/// Reads stamps. Neighbouring lines mostly share their second, so that one is remembered.
#[derive(Debug, Default)]
pub(super) struct Parser {
    second: Option<([u8; SECONDS_LEN], i64)>,
}

impl Parser {
    /// Nanoseconds since 1970 of an RFC 3339 stamp.
    pub(super) fn parse(&mut self, text: &[u8]) -> Option<i64> {
        if text.len() == LEN && text[SECONDS_LEN] == b'.' && text[LEN - 1] == b'Z' {
            if let Some((second, base)) = &self.second
                && text[..SECONDS_LEN] == *second
            {
                return Some(base + fraction(&text[SECONDS_LEN + 1..LEN - 1])?);
            }
            let ns = slow(text)?;
            let second = text[..SECONDS_LEN].try_into().expect("sliced to its length");
            self.second = Some((second, ns - ns.rem_euclid(NANOS)));
            return Some(ns);
        }
        slow(text)
    }
}

/// Nine digits.
fn fraction(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

fn slow(text: &[u8]) -> Option<i64> {
    let stamp: jiff::Timestamp = std::str::from_utf8(text).ok()?.parse().ok()?;
    i64::try_from(stamp.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rendered_is_read_back() {
        let mut parser = Parser::default();
        for ns in [0, 1, 999_999_999, NANOS, 1_795_168_800_123_456_789, 1_795_168_800_999_999_999, i64::MAX] {
            let text = render(ns);
            assert_eq!(parser.parse(&text), Some(ns));
            assert_eq!(parser.parse(&text), Some(ns), "from memory");
        }
        assert_eq!(&render(1_795_168_800_123_456_789), b"2026-11-20T10:00:00.123456789Z");
    }

    #[test]
    fn other_forms_and_nonsense() {
        let mut parser = Parser::default();
        assert_eq!(parser.parse(b"1970-01-01T01:00:01+01:00"), Some(NANOS));
        assert_eq!(parser.parse(b"1970-01-01T00:00:00.5Z"), Some(NANOS / 2));
        for text in [&b""[..], b"hello", b"2026-11-20", b"2026-11-20T10:00:00.12345678xZ", b"\xff\xff"] {
            assert_eq!(parser.parse(text), None, "{text:?}");
        }
        parser.parse(b"2026-11-20T10:00:00.123456789Z");
        assert_eq!(parser.parse(b"2026-11-20T10:00:00.12345678xZ"), None);
    }
}
