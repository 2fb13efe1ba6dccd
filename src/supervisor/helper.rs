//! Short commands beside a service: hooks, guards, exec probes, stop commands.
//!
//! Each runs as a run of its own at the keeper, in a containment of its own, has a deadline, and is over only
//! when its whole tree is gone: what it leaves behind is killed (as systemd does with `ExecStartPre`).
//!
//! ```text
//!  Running ─(exits)─► Ending ─(emptied, drained)─► End
//!     └─(deadline)─► Ending(TimedOut) ──────────────┘      └─(cancelled)─► forgotten
//! ```

use std::collections::BTreeMap;

use crate::core::{Exit, ProbeWhich};
use crate::model::{HookKind, InstanceId, Moment, RunId};

/// Keeper run numbers from here on are helpers'; the fleet counts its lives from 1. Twice it still fits a `u64`:
/// capture gives each of a run's two pipes a number of its own.
const FIRST: u64 = 1 << 62;

/// How much of a helper's output is kept, in bytes: enough for a stack trace's end.
pub(super) const OUTPUT_KEPT: usize = 4096;

/// What a helper is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A hook, at this step of it; all its steps end at one deadline.
    Hook { run: RunId, kind: HookKind, index: usize, step: HookStep, deadline: Moment },
    /// An exec probe.
    Probe { run: RunId, which: ProbeWhich },
    /// `stop.command`.
    StopCommand { run: RunId },
}

impl Purpose {
    /// The life it belongs to.
    pub(super) const fn run(self) -> RunId {
        match self {
            Self::Hook { run, .. } | Self::Probe { run, .. } | Self::StopCommand { run } => run,
        }
    }
}

/// Where a hook with an `unless` guard is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HookStep {
    /// Is there anything to do?
    Guard,
    /// Doing it.
    Main,
    /// Did it help?
    Recheck,
}

/// How a helper ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HelperResult {
    /// By itself.
    Exited(Exit),
    /// Never began; why.
    NotSpawned(String),
    /// Killed at its deadline.
    TimedOut,
}

/// A helper that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) purpose: Purpose,
    pub(super) result: HelperResult,
    pub(super) output: String,
}

/// The helpers that live.
#[derive(Debug, Default)]
pub(super) struct Helpers {
    live: BTreeMap<u64, Helper>,
    begun: u64,
}

#[derive(Debug)]
struct Helper {
    purpose: Purpose,
    instance: InstanceId,
    state: State,
}

#[derive(Debug)]
enum State {
    Running { deadline: Moment },
    Ending(HelperResult),
    Cancelled,
}

impl Helpers {
    /// Registers a helper and gives it its keeper run number.
    pub(super) fn begin(&mut self, purpose: Purpose, instance: InstanceId, deadline: Moment) -> u64 {
        let number = FIRST + self.begun;
        self.begun += 1;
        self.live.insert(number, Helper { purpose, instance, state: State::Running { deadline } });
        number
    }

    /// Whether a keeper run number is a helper's.
    pub(super) const fn is_helper(number: u64) -> bool {
        number >= FIRST
    }

    /// What a live helper is for.
    pub(super) fn purpose(&self, number: u64) -> Option<Purpose> {
        self.live.get(&number).map(|helper| helper.purpose)
    }

    /// The keeper said that it could not be spawned.
    pub(super) fn not_spawned(&mut self, number: u64, why: String) -> Option<End> {
        let helper = self.live.remove(&number)?;
        match helper.state {
            State::Running { .. } | State::Ending(_) => {
                Some(End { purpose: helper.purpose, result: HelperResult::NotSpawned(why), output: String::new() })
            }
            State::Cancelled => None,
        }
    }

    /// Its leader ended; what is left of it is to be killed.
    pub(super) fn exited(&mut self, number: u64, exit: Exit) {
        if let Some(helper) = self.live.get_mut(&number)
            && let State::Running { .. } = helper.state
        {
            helper.state = State::Ending(HelperResult::Exited(exit));
        }
    }

    /// Its tree is gone and its output is here.
    pub(super) fn drained(&mut self, number: u64, tail: &[u8]) -> Option<End> {
        let helper = self.live.remove(&number)?;
        let result = match helper.state {
            State::Ending(result) => result,
            State::Running { .. } => HelperResult::Exited(Exit::Unknown),
            State::Cancelled => return None,
        };
        let output = String::from_utf8_lossy(tail).trim_end().to_owned();
        Some(End { purpose: helper.purpose, result, output })
    }

    /// Those of `run` are to be killed and never heard of again: their numbers.
    pub(super) fn cancel(&mut self, run: RunId) -> Vec<u64> {
        let of_run = self.live.iter_mut().filter(|(_, helper)| helper.purpose.run() == run);
        of_run
            .map(|(number, helper)| {
                helper.state = State::Cancelled;
                *number
            })
            .collect()
    }

    /// Whether a cancelled hook of `instance` is still dying: the next one must not run beside it.
    pub(super) fn is_clearing(&self, instance: &InstanceId) -> bool {
        self.live.values().any(|helper| {
            let is_hook = match helper.purpose {
                Purpose::Hook { .. } | Purpose::StopCommand { .. } => true,
                Purpose::Probe { .. } => false,
            };
            is_hook && matches!(helper.state, State::Cancelled) && helper.instance == *instance
        })
    }

    /// Those whose deadline has passed are to be killed: their numbers.
    pub(super) fn overdue(&mut self, now: Moment) -> Vec<u64> {
        let mut overdue = Vec::new();
        for (number, helper) in &mut self.live {
            if let State::Running { deadline } = helper.state
                && deadline <= now
            {
                helper.state = State::Ending(HelperResult::TimedOut);
                overdue.push(*number);
            }
        }
        overdue
    }

    /// The next deadline.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        let deadlines = self.live.values().filter_map(|helper| match helper.state {
            State::Running { deadline } => Some(deadline),
            State::Ending(_) | State::Cancelled => None,
        });
        deadlines.min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServiceName;

    const PROBE: Purpose = Purpose::Probe { run: RunId(1), which: ProbeWhich::Readiness };

    fn instance() -> InstanceId {
        InstanceId::first(ServiceName::new("api").unwrap())
    }

    #[test]
    fn a_cancelled_hook_is_waited_for_and_a_cancelled_probe_is_not() {
        let mut helpers = Helpers::default();
        let hook = Purpose::StopCommand { run: RunId(1) };
        let number = helpers.begin(hook, instance(), Moment::from_nanos(10));
        helpers.begin(PROBE, instance(), Moment::from_nanos(10));
        assert!(!helpers.is_clearing(&instance()));
        helpers.cancel(RunId(1));
        assert!(helpers.is_clearing(&instance()));
        assert_eq!(helpers.drained(number, b""), None);
        assert!(!helpers.is_clearing(&instance()));
    }

    #[test]
    fn a_helper_past_its_deadline_ends_as_timed_out_once_its_tree_is_gone() {
        let mut helpers = Helpers::default();
        let number = helpers.begin(PROBE, instance(), Moment::from_nanos(10));
        assert!(helpers.overdue(Moment::from_nanos(9)).is_empty());
        assert_eq!(helpers.overdue(Moment::from_nanos(10)), [number]);
        assert!(helpers.overdue(Moment::from_nanos(11)).is_empty());
        helpers.exited(number, Exit::Code(0));
        let end = helpers.drained(number, b"half\n").unwrap();
        assert_eq!(end, End { purpose: PROBE, result: HelperResult::TimedOut, output: "half".to_owned() });
    }

    #[test]
    fn a_cancelled_helper_is_never_heard_of_again() {
        let mut helpers = Helpers::default();
        let number = helpers.begin(PROBE, instance(), Moment::from_nanos(10));
        assert!(helpers.cancel(RunId(2)).is_empty());
        assert_eq!(helpers.cancel(RunId(1)), [number]);
        helpers.exited(number, Exit::Code(0));
        assert_eq!(helpers.drained(number, b""), None);
        assert_eq!(helpers.next_deadline(), None);
    }
}
