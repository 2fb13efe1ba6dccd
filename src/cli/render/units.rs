//! Times and sizes for people.

/// A short time, as precise as people want it: `412 ms`, `3.4 s`, `1 min 12 s`, `2 h 5 min`, `3 d 4 h`.
pub(crate) fn span(ms: u64) -> String {
    let (secs, mins, hours, days) = (ms / 1000, ms / 60_000, ms / 3_600_000, ms / 86_400_000);
    match () {
        () if ms < 1000 => format!("{ms} ms"),
        () if secs < 60 => format!("{}.{} s", secs, ms % 1000 / 100),
        () if mins < 60 => two(mins, "min", secs % 60, "s"),
        () if hours < 24 => two(hours, "h", mins % 60, "min"),
        () => two(days, "d", hours % 24, "h"),
    }
}

fn two(big: u64, big_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 { format!("{big} {big_unit}") } else { format!("{big} {big_unit} {small} {small_unit}") }
}

/// The time from `from_ms` to `to_ms`, both since 1970; a clock that was set back counts as none.
pub(crate) fn between(from_ms: i64, to_ms: i64) -> u64 {
    u64::try_from(to_ms.saturating_sub(from_ms)).unwrap_or(0)
}

/// An uptime in a table: `3s`, `2m`, `1h5m`, `3d4h`.
pub(crate) fn uptime(ms: u64) -> String {
    let (secs, mins, hours, days) = (ms / 1000, ms / 60_000, ms / 3_600_000, ms / 86_400_000);
    match () {
        () if secs < 60 => format!("{secs}s"),
        () if mins < 60 => format!("{mins}m{}s", secs % 60),
        () if hours < 24 => format!("{hours}h{}m", mins % 60),
        () => format!("{days}d{}h", hours % 24),
    }
}

/// Bytes: `812 B`, `12.3 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut unit = 0;
    // Tenths, so that integers suffice.
    let mut tenths = count.saturating_mul(10) / 1024;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    if tenths >= 1000 {
        format!("{} {}", tenths / 10, UNITS[unit])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

/// `1 service`, `3 services`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let many = if noun.ends_with('s') { "es" } else { "s" };
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}{many}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_as_precise_as_people_want() {
        let table = [
            (0, "0 ms"),
            (999, "999 ms"),
            (1000, "1.0 s"),
            (3449, "3.4 s"),
            (59_999, "59.9 s"),
            (60_000, "1 min"),
            (72_500, "1 min 12 s"),
            (7_500_000, "2 h 5 min"),
            (273_600_000, "3 d 4 h"),
        ];
        for (ms, text) in table {
            assert_eq!(span(ms), text, "{ms}");
        }
        assert_eq!(between(10, 5), 0);
    }

    #[test]
    fn uptimes_and_sizes_are_short() {
        assert_eq!(
            [uptime(3_100), uptime(125_000), uptime(3_900_000), uptime(273_600_000)],
            ["3s", "2m5s", "1h5m", "3d4h"]
        );
        assert_eq!(
            [bytes(812), bytes(1536), bytes(12_900_000), bytes(200 << 20), bytes(3 << 30)],
            ["812 B", "1.5 KiB", "12.3 MiB", "200 MiB", "3.0 GiB"]
        );
        assert_eq!(
            [count(0, "service"), count(1, "process"), count(3, "process")],
            ["0 services", "1 process", "3 processes"]
        );
    }
}
