//! What an instance remembers of its past: the material of `tspm why`. Bounded, whatever happens.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::Moment;

use super::{Exit, ProbeOutcome, ProbeRecord, ProbeWhich, RestartReason, RestartRecord};

/// How many probe answers and restarts are kept for `why` (`lifecycle.md` 8).
const KEPT: usize = 10;

/// How far back `restarts_last_minute` looks.
const MINUTE: Duration = Duration::from_secs(60);

/// The most restarts that are counted within a minute: with no delay at all there could be thousands.
const COUNTED: usize = 1_000;

/// The past of one instance.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    /// Restarts in a row without health; decides the next delay and when to give up.
    pub(super) attempts: u32,
    /// Restarts since a person last started it.
    pub(super) restarts: u32,
    pub(super) last_exit: Option<Exit>,
    pub(super) time_to_ready: Option<Duration>,
    pub(super) probes: VecDeque<ProbeRecord>,
    pub(super) records: VecDeque<RestartRecord>,
    recent: VecDeque<Moment>,
}

impl History {
    /// A person started it: counts begin anew.
    pub(super) const fn forgive(&mut self) {
        self.attempts = 0;
        self.restarts = 0;
    }

    /// A probe answered.
    pub(super) fn probed(&mut self, at: Moment, which: ProbeWhich, outcome: ProbeOutcome) {
        if self.probes.len() == KEPT {
            self.probes.pop_front();
        }
        self.probes.push_back(ProbeRecord { at, which, outcome });
    }

    /// A restart was scheduled.
    pub(super) fn restarted(&mut self, at: Moment, reason: RestartReason) {
        self.restarts += 1;
        if self.records.len() == KEPT {
            self.records.pop_front();
        }
        self.records.push_back(RestartRecord { at, reason });
        while self.recent.len() == COUNTED || self.recent.front().is_some_and(|&old| at.since(old) >= MINUTE) {
            self.recent.pop_front();
        }
        self.recent.push_back(at);
    }

    /// How many restarts there were in the minute before `now`.
    pub(super) fn restarts_last_minute(&self, now: Moment) -> u32 {
        let count = self.recent.iter().filter(|&&at| now.since(at) < MINUTE).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_ten_records_and_counts_the_last_minute() {
        let mut history = History::default();
        for second in 0..70 {
            history.restarted(Moment::default() + Duration::from_secs(second), RestartReason::Changed);
        }
        let now = Moment::default() + Duration::from_secs(69);
        assert_eq!((history.restarts, history.records.len()), (70, 10));
        assert_eq!(history.restarts_last_minute(now), 60);
        assert_eq!(history.restarts_last_minute(now + Duration::from_secs(30)), 30);
        assert_eq!(history.restarts_last_minute(now + MINUTE), 0);
    }

    #[test]
    fn stays_bounded_without_any_delay() {
        let mut history = History::default();
        for _ in 0..5_000 {
            history.restarted(Moment::default(), RestartReason::Asked);
            history.probed(Moment::default(), ProbeWhich::Liveness, ProbeOutcome::Good { note: None });
        }
        assert_eq!((history.recent.len(), history.probes.len()), (COUNTED, KEPT));
    }
}
