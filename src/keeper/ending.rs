//! How the keeper ends things by itself: the last sweep that every `down` ends with, the hunt for orphans
//! of a killed shim, and, where the supervisor cannot be brought back, the wills.
//!
//! Each is a small machine that is turned by the loop and returns at once. All are bounded in time.

use std::time::Duration;

use crate::model::Moment;
use crate::sys::{clock, process, token, tree};

use super::hunt;
use super::keeper::{Keeper, Phase};
use super::main::log;
use super::protocol::{FromKeeper, Process, Run, SpawnStep, Target, Usage};
use super::report::Command;
use super::run::{Live, Stopping};
use super::shim::KILL;

/// Beyond a kill's own time, for its answer.
const SLACK: Duration = Duration::from_secs(1);
/// The supervisor passes the receipt on and ends, within this. It may hang (a resolver's thread, a log on a file
/// system that is gone), and `down` waits for the keeper.
const FAREWELL: Duration = Duration::from_secs(3);
/// The shortest and the longest pause between two blows, two scans, two tries.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));

/// A pause that doubles.
#[derive(Debug)]
struct Pace {
    next: Moment,
    pause: Duration,
}

impl Pace {
    fn from(now: Moment) -> Self {
        Self { next: now, pause: PAUSES.0 }
    }

    fn is_due(&mut self, now: Moment) -> bool {
        let due = now >= self.next;
        if due {
            self.next = now + self.pause;
            self.pause = (self.pause * 2).min(PAUSES.1);
        }
        due
    }
}

/// The hunt for what a killed shim held: it became the keeper's.
#[derive(Debug)]
pub(super) struct Hunt {
    pace: Pace,
    /// When those who wait are told what survives; the hunt goes on.
    report: Option<Moment>,
}

impl Hunt {
    pub(super) fn new(now: Moment) -> Self {
        Self { pace: Pace::from(now), report: Some(now + KILL) }
    }
}

/// The last sweep.
#[derive(Debug)]
pub(super) struct Finish {
    until: Moment,
    step: Step,
    /// What was struck by its token, as it was found.
    swept: Vec<Process>,
}

#[derive(Debug)]
enum Step {
    /// Shims kill what they hold, the keeper what it adopted.
    Emptying,
    /// Processes with the project's run token are searched for and killed.
    Sweeping { pace: Pace, seen: Seen },
}

/// What the last search for tokens found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// There was none yet.
    Unknown,
    /// It struck some: what was born meanwhile may have been missed.
    Some,
    /// Nothing.
    Nothing,
}

impl Keeper {
    /// When `turn` has something to do at the latest, if nothing happens before.
    pub(super) fn next_turn(&self, now: Moment) -> Option<Moment> {
        let phase = match &self.phase {
            Phase::Alone => self.runs.values().filter_map(|live| live.stopping.until()).min(),
            Phase::Finishing(Finish { step: Step::Emptying, until, .. }) | Phase::Told { until, .. } => {
                Some(*until)
            }
            Phase::Finishing(Finish { step: Step::Sweeping { pace, .. }, .. }) => Some(pace.next),
            Phase::Serving | Phase::Over { .. } => None,
        };
        let hunt = self.hunt.as_ref().map(|hunt| hunt.pace.next);
        let stuck = self.is_stuck().then(|| now + PAUSES.1);
        [phase, hunt, stuck, self.watchdog].into_iter().flatten().min()
    }

    /// Does what is due.
    pub(super) fn turn(&mut self, now: Moment) {
        if self.watchdog.is_some_and(|then| then <= now) {
            self.watch(now);
        }
        self.hunt(now);
        match &self.phase {
            Phase::Alone => self.carry_out_wills(now),
            Phase::Finishing(_) => self.go_on_finishing(now),
            Phase::Told { clean, until } if *until <= now => {
                let clean = *clean;
                self.phase = Phase::Told { clean, until: now + FAREWELL };
                if let Some(pid) = self.overseer.pid {
                    log(format_args!("the supervisor does not end and is killed"));
                    process::signal_child(pid, libc::SIGKILL);
                }
            }
            Phase::Serving | Phase::Told { .. } | Phase::Over { .. } => {}
        }
    }

    /// Kills all that is left and begins the last sweep.
    pub(super) fn finish(&mut self) {
        let now = clock::now();
        for run in self.runs.keys().copied().collect::<Vec<_>>() {
            self.kill(run);
        }
        self.hunt.get_or_insert_with(|| Hunt::new(now));
        self.phase =
            Phase::Finishing(Finish { until: now + KILL + SLACK, step: Step::Emptying, swept: Vec::new() });
    }

    fn go_on_finishing(&mut self, now: Moment) {
        let empty = self.runs.is_empty() && self.hunt.is_none();
        let Phase::Finishing(Finish { until, step, .. }) = &mut self.phase else { return };
        let late = now >= *until;
        match step {
            Step::Emptying if empty || late => {
                *step = Step::Sweeping { pace: Pace::from(now), seen: Seen::Unknown }
            }
            Step::Emptying => return,
            Step::Sweeping { .. } => {}
        }
        let Step::Sweeping { pace, seen } = step else { return };
        if !pace.is_due(now) {
            return;
        }
        let before = *seen;
        let found = self.with_token();
        // What was killed needs its time to die; once it is struck in any case.
        let enough = if found.is_empty() { before != Seen::Some } else { late && before != Seen::Unknown };
        if enough {
            return self.give_receipt(found);
        }
        let struck = hunt::census(&found);
        if !found.is_empty() {
            hunt::strike(|| self.with_token(), |stat, _| token::is_on(stat.pid, &self.prefix()));
        }
        if let Phase::Finishing(Finish { step: Step::Sweeping { seen, .. }, swept, .. }) = &mut self.phase {
            *seen = if found.is_empty() { Seen::Nothing } else { Seen::Some };
            let known = |process: &Process| swept.iter().any(|one| one.pid == process.pid);
            let fresh: Vec<Process> = struck.into_iter().filter(|process| !known(process)).collect();
            swept.extend(fresh.into_iter().map(|process| Process { why: "killed".to_owned(), ..process }));
        }
    }

    fn give_receipt(&mut self, found: Vec<u32>) {
        let left = self.left(found);
        for Process { pid, command, why, label } in &left {
            log(format_args!(
                "left: pid {pid} ({command}), {why}, of {}",
                label.as_deref().unwrap_or("nobody knows")
            ));
        }
        let clean = left.is_empty();
        let swept = match &mut self.phase {
            Phase::Finishing(finish) => std::mem::take(&mut finish.swept),
            Phase::Serving | Phase::Alone | Phase::Told { .. } | Phase::Over { .. } => Vec::new(),
        };
        self.tell(&FromKeeper::Receipt { left, swept });
        self.phase = match self.overseer.pid {
            Some(_) => Phase::Told { clean, until: clock::now() + FAREWELL },
            None => Phase::Over { clean },
        };
    }

    /// Whatever of this project lives, below the keeper or not.
    fn left(&self, found: Vec<u32>) -> Vec<Process> {
        let below = |pid: u32| hunt::census(&tree::descendants_except(pid, |pid| self.spares(pid)));
        let held = self.runs.values().filter(|live| !live.shim.gone);
        let mut left: Vec<Process> =
            held.flat_map(|live| hunt::labelled(below(live.shim.pid), &live.label)).collect();
        left.extend(below(self.me));
        let tokens: Vec<u32> =
            found.into_iter().filter(|pid| left.iter().all(|process| process.pid != *pid)).collect();
        left.extend(hunt::census(&tokens));
        left
    }

    /// Processes with this project's run token that must not live on: not the keeper, not those above it (a
    /// keeper may be started by a service), not what was left on purpose and what that has started.
    fn with_token(&self) -> Vec<u32> {
        let mut found = token::scan(&self.prefix());
        let above = |pid: u32| {
            std::iter::successors(Some(pid), |&pid| {
                tree::stat(pid).ok().map(|stat| stat.ppid).filter(|&pid| pid > 1)
            })
        };
        let ours: Vec<u32> = above(self.me).collect();
        found.retain(|&pid| !ours.contains(&pid) && !above(pid).any(|pid| pid != self.me && self.spares(pid)));
        found
    }

    fn prefix(&self) -> String {
        format!("{}.", self.home.place.project_id)
    }

    /// A blow at what shims left behind that were killed, if there is such and it is time.
    fn hunt(&mut self, now: Moment) {
        let Some(hunt) = &mut self.hunt else { return };
        if !hunt.pace.is_due(now) {
            return;
        }
        let report = hunt.report.take_if(|then| *then <= now).is_some();
        let strays = || tree::descendants_except(self.me, |pid| self.spares(pid));
        let orphaned: Vec<Run> =
            self.runs.iter().filter(|(_, live)| live.shim.gone).map(|(&run, _)| run).collect();
        // Until they are reaped: then they are dead beyond doubt.
        if !strays().is_empty() {
            hunt::strike_below(self.me, |pid| self.spares(pid));
            if report {
                let left = hunt::census(&strays());
                for run in orphaned {
                    self.tell(&FromKeeper::Survived { run, left: left.clone() });
                }
            }
            return;
        }
        self.hunt = None;
        for run in orphaned {
            let Some(live) = self.runs.get(&run) else { continue };
            match (live.leader, live.exited) {
                (None, _) => {
                    self.runs.remove(&run);
                    self.tell(&FromKeeper::SpawnFailed { run, step: SpawnStep::Fork, errno: libc::ECANCELED });
                    continue;
                }
                (Some(_), None) => self.exited(run, None, Usage::default()),
                (Some(_), Some(_)) => {}
            }
            self.emptied(run, Vec::new());
        }
    }

    /// Kills shims that do not answer: what they hold becomes the keeper's.
    fn watch(&mut self, now: Moment) {
        for live in
            self.runs.values_mut().filter(|live| !live.shim.gone && live.kill_by.is_some_and(|by| by <= now))
        {
            log(format_args!("the shim of `{}` does not answer and is killed", live.label));
            live.kill_by = None;
            process::signal_child(live.shim.pid, libc::SIGKILL);
        }
        self.watchdog = self.runs.values().filter_map(|live| live.kill_by).min();
    }

    /// The wills, the highest rank first, each rank at once; the next when nothing of it is left.
    fn carry_out_wills(&mut self, now: Moment) {
        let waits = |live: &&Live| live.stopping != Stopping::GivenUp;
        let Some(rank) = self.runs.values().filter(waits).map(|live| live.will.rank).max() else {
            return self.finish();
        };
        for run in self.runs.keys().copied().collect::<Vec<_>>() {
            let Some(live) = self.runs.get_mut(&run).filter(|live| live.will.rank == rank) else { continue };
            let will = live.will;
            let grace = Duration::from_millis(will.timeout_ms.into());
            match live.stopping {
                Stopping::No => {
                    log(format_args!("stopping `{}`", live.label));
                    live.stopping = Stopping::Asked(now + grace);
                    self.command(run, Command::Signal { signal: will.signal, to: will.to });
                }
                Stopping::Asked(until) | Stopping::Rest(until) if until <= now => {
                    live.stopping = Stopping::Killed(now + KILL + SLACK * 2);
                    self.kill(run);
                }
                Stopping::Asked(until) if live.exited.is_some() => {
                    live.stopping = Stopping::Rest(until);
                    self.command(run, Command::Signal { signal: will.signal, to: Target::Rest });
                }
                Stopping::Killed(until) if until <= now => live.stopping = Stopping::GivenUp,
                Stopping::Asked(_) | Stopping::Rest(_) | Stopping::Killed(_) | Stopping::GivenUp => {}
            }
        }
    }
}

impl Stopping {
    fn until(self) -> Option<Moment> {
        match self {
            Self::No | Self::GivenUp => None,
            Self::Asked(until) | Self::Rest(until) | Self::Killed(until) => Some(until),
        }
    }
}
