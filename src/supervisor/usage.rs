//! What process trees use, looked at when somebody asks. Nothing is sampled while nobody does.

use std::collections::HashMap;

use crate::model::{Moment, RunId};
use crate::sys::tree;

use super::TreeUsage;

/// Remembers the processor time of each run at the last look, so that the next one can say «percent».
#[derive(Debug, Default)]
pub(super) struct UsageMeter {
    last: HashMap<RunId, (Moment, u64)>,
}

impl UsageMeter {
    /// What the tree below `shim` uses now.
    pub(super) fn look(&mut self, now: Moment, run: RunId, shim: u32) -> TreeUsage {
        let mut ticks = 0;
        let mut pages = 0;
        let mut processes = 0;
        for stat in tree::descendant_stats(shim) {
            ticks += stat.utime + stat.stime;
            pages += stat.rss_pages;
            processes += 1;
        }
        let before = self.last.insert(run, (now, ticks));
        let cpu_percent =
            before.and_then(|(at, old)| percent(ticks.saturating_sub(old), now.since(at).as_secs_f64()));
        let memory = pages * rustix::param::page_size() as u64;
        TreeUsage { cpu_percent, memory, processes }
    }

    /// Forgets a run that is over.
    pub(super) fn forget(&mut self, run: RunId) {
        self.last.remove(&run);
    }
}

/// A tenth of a second is ten clock ticks: less says nothing.
const SHORTEST: f64 = 0.1;

fn percent(ticks: u64, seconds: f64) -> Option<f64> {
    let per_second = rustix::param::clock_ticks_per_second();
    #[expect(clippy::cast_precision_loss, reason = "a percentage needs no 53 bits")]
    (seconds >= SHORTEST).then(|| (ticks as f64 / per_second as f64 / seconds * 1000.0).round() / 10.0)
}
