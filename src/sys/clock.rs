//! Where time enters. Nobody else asks a clock; everybody else is passed a `Moment`.

use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::model::Moment;

/// The present moment, counted through suspend (`CLOCK_BOOTTIME`).
pub fn now() -> Moment {
    Moment::from_nanos(u64::try_from(nanos(clock_gettime(ClockId::Boottime))).unwrap_or(0))
}

/// The wall clock's time at `moment`, in milliseconds since 1970, if the clock was not set since.
pub fn wall_ms(moment: Moment) -> i64 {
    let ago = i128::from(now().as_nanos()) - i128::from(moment.as_nanos());
    i64::try_from((i128::from(wall_now_ns()) - ago) / 1_000_000).unwrap_or(i64::MAX)
}

/// The wall clock, in nanoseconds since 1970.
pub fn wall_now_ns() -> i64 {
    nanos(clock_gettime(ClockId::Realtime))
}

fn nanos(time: Timespec) -> i64 {
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_maps_to_the_wall_clock() {
        let before = wall_now_ns() / 1_000_000;
        let mapped = wall_ms(now());
        let after = wall_now_ns() / 1_000_000;
        assert!((before - 1..=after + 1).contains(&mapped), "{before} {mapped} {after}");
    }
}
