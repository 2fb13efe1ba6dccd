//! What process trees use, looked at when somebody asks. Nothing is sampled while nobody does.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::{Moment, RunId};
use crate::sys::tree;

use super::TreeUsage;

/// Remembers the last look at each run: so that the next one can say «percent», and so that many who ask within a
/// second cost one look.
#[derive(Debug, Default)]
pub(super) struct UsageMeter {
    last: HashMap<RunId, Look>,
}

#[derive(Debug, Clone, Copy)]
struct Look {
    at: Moment,
    /// Processor time until then, in clock ticks.
    ticks: u64,
    usage: TreeUsage,
}

/// `quality.md`: usage is sampled each second at the most.
const FRESH: Duration = Duration::from_secs(1);

impl UsageMeter {
    /// What the tree below `shim` uses now, or did less than a second ago.
    pub(super) fn look(&mut self, now: Moment, run: RunId, shim: u32) -> TreeUsage {
        let before = self.last.get(&run).copied();
        if let Some(before) = before
            && now.since(before.at) < FRESH
        {
            return before.usage;
        }
        let mut ticks = 0;
        let mut pages = 0;
        let mut processes = 0;
        for stat in tree::descendant_stats(shim) {
            ticks += stat.utime + stat.stime;
            pages += stat.rss_pages;
            processes += 1;
        }
        let cpu_percent = before.map(|before| percent(ticks.saturating_sub(before.ticks), now.since(before.at)));
        let memory = pages * rustix::param::page_size() as u64;
        let usage = TreeUsage { cpu_percent, memory, processes };
        self.last.insert(run, Look { at: now, ticks, usage });
        usage
    }

    /// Forgets a run that is over.
    pub(super) fn forget(&mut self, run: RunId) {
        self.last.remove(&run);
    }
}

fn percent(ticks: u64, time: Duration) -> f64 {
    let per_second = rustix::param::clock_ticks_per_second();
    #[expect(clippy::cast_precision_loss, reason = "a percentage needs no 53 bits")]
    let percent = ticks as f64 / per_second as f64 / time.as_secs_f64() * 1000.0;
    percent.round() / 10.0
}
