//! Points in time as people write them: `10m` (ago), `14:30`, `2026-11-20 14:30`, `2026-11-20T13:30:00Z`.
//!
//! Never reads a clock: what is relative stays so until [`When::nanos`] is given the time.

use std::time::Duration;

use jiff::civil;
use jiff::tz::TimeZone;

use crate::config::units;

/// A parsed point in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum When {
    /// This long ago.
    Ago(Duration),
    /// Then.
    At(jiff::Timestamp),
    /// At this local time of the current day.
    Today(civil::Time),
}

impl When {
    /// Nanoseconds since 1970, given that it is `now` (the same unit).
    pub(crate) fn nanos(&self, now: i64, zone: &TimeZone) -> i64 {
        match self {
            Self::Ago(span) => now.saturating_sub(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)),
            Self::At(timestamp) => nanos(*timestamp),
            Self::Today(time) => jiff::Timestamp::from_nanosecond(i128::from(now))
                .ok()
                .map(|now| now.to_zoned(zone.clone()).date().to_datetime(*time))
                .and_then(|at| zone.to_timestamp(at).ok())
                .map_or(now, nanos),
        }
    }
}

fn nanos(timestamp: jiff::Timestamp) -> i64 {
    i64::try_from(timestamp.as_nanosecond()).unwrap_or(i64::MAX)
}

/// Reads one. A date and time without an offset is local.
pub(crate) fn parse(text: &str) -> Result<When, String> {
    if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        return Ok(When::At(timestamp));
    }
    if text.contains('-')
        && let Ok(local) = text.parse::<civil::DateTime>()
    {
        let at = TimeZone::system().to_timestamp(local).map_err(|error| error.to_string())?;
        return Ok(When::At(at));
    }
    if text.contains(':')
        && let Ok(time) = text.parse::<civil::Time>()
    {
        return Ok(When::Today(time));
    }
    units::duration(text).map(When::Ago).map_err(|why| {
        format!("{why}; a time is written `10m` (ago), `14:30`, `2026-11-20 14:30` or `2026-11-20T13:30:00Z`")
    })
}

/// Nanoseconds since 1970 as a local time with milliseconds: `2026-11-20 14:30:00.123`.
pub(crate) fn local(ns: i64, zone: &TimeZone) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(ns)) {
        Ok(timestamp) => timestamp.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        Err(_) => ns.to_string(),
    }
}

/// Nanoseconds since 1970 in UTC, to the nanosecond: `2026-11-20T13:30:00.123456789Z`.
pub(crate) fn utc(ns: i64) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(ns)) {
        Ok(timestamp) => format!("{timestamp:.9}"),
        Err(_) => ns.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_176_000_000_000_000; // 2026-11-20T12:00:00Z

    #[test]
    fn every_form_is_read() {
        let at = |text: &str| utc(parse(text).unwrap().nanos(NOON, &TimeZone::UTC));
        assert_eq!(at("10m"), "2026-11-20T11:50:00.000000000Z");
        assert_eq!(at("11:30"), "2026-11-20T11:30:00.000000000Z");
        assert_eq!(at("2026-11-20T13:30:00.5+01:00"), "2026-11-20T12:30:00.500000000Z");
        assert!(matches!(parse("2026-11-20 14:30"), Ok(When::At(_))));
        assert!(matches!(parse("2026-11-20"), Ok(When::At(_))));
    }

    #[test]
    fn the_rest_is_refused_with_the_forms() {
        for text in ["", "soon", "10", "25:00"] {
            let why = parse(text).unwrap_err();
            assert!(why.ends_with("or `2026-11-20T13:30:00Z`"), "{text}: {why}");
        }
    }

    #[test]
    fn times_are_shown_locally() {
        assert_eq!(local(NOON + 1_500_000, &TimeZone::UTC), "2026-11-20 12:00:00.001");
    }
}
