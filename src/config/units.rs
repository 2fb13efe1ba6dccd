//! Durations and sizes as people write them: `500ms`, `1m30s`, `512MiB`.
//!
//! A number without a unit is refused: `timeout: 10` means seconds in one tool and milliseconds in the
//! next. Each quantity has one spelling: units are exact, in descending order, without spaces or signs.

use std::time::Duration;

/// Nanoseconds per unit, the largest first.
const TIME: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Bytes per unit.
const SIZE: [(&str, u64); 10] = [
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// A duration: one or more of number and unit (`d`, `h`, `m`, `s`, `ms`, `us`, `ns`), `1m30s`, `1.5s`.
///
/// `Err` says what is wrong and what to write instead.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    const EXAMPLES: &str = "write for instance `500ms`, `10s`, `1m30s`";
    let wrong = || format!("`{text}` is no duration: {EXAMPLES}");
    let mut rest = text;
    let mut next_unit = 0;
    let mut nanos = 0_u64;
    while !rest.is_empty() || next_unit == 0 {
        let (number, unit, tail) = split(rest).ok_or_else(wrong)?;
        if unit.is_empty() {
            return Err(format!("`{text}` has no unit: write `{text}s` or `{text}ms`"));
        }
        let Some(index) = TIME.iter().position(|(name, _)| *name == unit) else {
            return Err(format!(
                "`{unit}` in `{text}` is no unit of time: `d`, `h`, `m`, `s`, `ms`, `us`, `ns` are"
            ));
        };
        if index < next_unit {
            return Err(format!("`{text}` is no duration: its units must go from the largest to the smallest"));
        }
        next_unit = index + 1;
        let too_long = || format!("`{text}` is too long: the most is 500 years");
        nanos = scale(number, TIME[index].1)
            .and_then(|part| nanos.checked_add(part))
            .filter(|nanos| *nanos <= MAX_NANOS)
            .ok_or_else(too_long)?;
        rest = tail;
    }
    Ok(Duration::from_nanos(nanos))
}

/// 500 years: what fits into the 64 bits of nanoseconds that a `Moment` has.
const MAX_NANOS: u64 = 500 * 365 * 86_400 * 1_000_000_000;

/// A size in bytes: a number and a unit (`B`, `KB`, `MB`, `GB`, `TB`, `KiB`, `MiB`, `GiB`, `TiB`).
///
/// A fraction is rounded down to whole bytes. `Err` says what is wrong and what to write instead.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size: write for instance `512MiB`, `1GB`");
    let (number, unit, tail) = split(text).ok_or_else(wrong)?;
    if !tail.is_empty() {
        return Err(wrong());
    }
    if unit.is_empty() {
        return Err(format!("`{text}` has no unit: write `{text}B` for bytes, or `MiB`, `GB`"));
    }
    let Some((_, bytes)) = SIZE.iter().find(|(name, _)| *name == unit) else {
        let close = SIZE.iter().rev().find(|(name, _)| {
            name.eq_ignore_ascii_case(unit) || name.replace("iB", "").eq_ignore_ascii_case(unit)
        });
        let hint = match close {
            Some((name, _)) => format!("write `{number}{name}`"),
            None => "`B`, `KB`, `MB`, `GB`, `TB`, `KiB`, `MiB`, `GiB`, `TiB` are".to_owned(),
        };
        return Err(format!("`{unit}` in `{text}` is no unit of size: {hint}"));
    };
    scale(number, *bytes).ok_or_else(|| format!("`{text}` is too large"))
}

/// The leading number (digits, at most one point between digits), the letters after it, and the rest.
fn split(text: &str) -> Option<(&str, &str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (unit, tail) = rest.split_at(end);
    (!unit.is_empty() || tail.is_empty()).then_some((number, unit, tail))
}

/// `number` (as [`split`] gives it) times `unit`, rounded down. None: too large.
fn scale(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().ok()?;
    // Twelve digits of a terabyte are a byte; more of them change nothing, and would overflow.
    let fraction = &fraction[..fraction.len().min(18)];
    let denominator = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let numerator: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let part = u64::try_from(numerator * u128::from(unit) / denominator).ok()?;
    whole.checked_mul(unit)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("0s", 0),
            ("500ms", 500),
            ("10s", 10_000),
            ("1m30s", 90_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
            ("1.5s", 1_500),
            ("0.25s", 250),
            ("1h0m0.5s", 3_600_500),
            ("1s500ms", 1_500),
            ("007s", 7_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(duration("3us7ns"), Ok(Duration::from_nanos(3_007)));
        assert_eq!(duration("500d").map(|d| d.as_secs()), Ok(500 * 86_400));
    }

    #[test]
    fn what_is_no_duration() {
        for (text, says) in [
            ("10", "`10` has no unit: write `10s` or `10ms`"),
            ("1.5", "`1.5` has no unit"),
            ("0", "`0` has no unit"),
            ("1m30", "`1m30` has no unit"),
            ("", "`` is no duration"),
            ("s", "is no duration"),
            ("-1s", "is no duration"),
            ("+1s", "is no duration"),
            ("1 s", "is no duration"),
            ("1m 30s", "is no duration"),
            (" 1s", "is no duration"),
            ("1.s", "is no duration"),
            (".5s", "is no duration"),
            ("1.2.3s", "is no duration"),
            ("1e3s", "no unit of time"),
            ("10S", "`S` in `10S` is no unit of time"),
            ("10sec", "`sec` in `10sec` is no unit of time"),
            ("1w", "no unit of time"),
            ("30s1m", "from the largest to the smallest"),
            ("1s1s", "from the largest to the smallest"),
            ("99999999999999999999s", "too long"),
            ("9999999d", "too long"),
            ("infinity", "is no duration"),
            ("٣s", "is no duration"),
        ] {
            let message = duration(text).expect_err(text);
            assert!(message.contains(says), "{text}: {message}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0B", 0),
            ("512B", 512),
            ("1kB", 1_000),
            ("1KB", 1_000),
            ("1GB", 1_000_000_000),
            ("512MiB", 512 << 20),
            ("1.5GiB", 3 << 29),
            ("0.1KiB", 102),
            ("2TiB", 2 << 40),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size() {
        for (text, says) in [
            ("512", "`512` has no unit: write `512B`"),
            ("", "is no size"),
            ("MiB", "is no size"),
            ("-1MB", "is no size"),
            ("1 MB", "is no size"),
            ("1MB2KB", "is no size"),
            ("512M", "write `512MiB`"),
            ("512mb", "write `512MB`"),
            ("64k", "write `64KiB`"),
            ("1PB", "no unit of size"),
            ("99999999TiB", "too large"),
            ("99999999999999999999999B", "too large"),
        ] {
            let message = size(text).expect_err(text);
            assert!(message.contains(says), "{text}: {message}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]
        #[test]
        fn nothing_panics(text in "[0-9.]{0,25}[a-zA-Zµ ]{0,4}[0-9.]{0,4}[a-z]{0,3}") {
            drop((duration(&text), size(&text)));
        }

        #[test]
        fn whole_milliseconds_come_back(hours in 0_u64..100, seconds in 0_u64..100, millis in 0_u64..100_000) {
            let text = format!("{hours}h{seconds}s{millis}ms");
            let expected = Duration::from_millis(hours * 3_600_000 + seconds * 1_000 + millis);
            proptest::prop_assert_eq!(duration(&text), Ok(expected));
        }
    }
}
