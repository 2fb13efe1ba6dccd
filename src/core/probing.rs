//! When a probe is asked, and what its answers add up to.
//!
//! Readiness is asked at once and then quickly ([`quick_gap`]) until it has been good often enough, and never
//! again in that life. Liveness is asked every `interval`, the first time one interval after `ready`. Log and
//! notify readiness is never asked: it reports by itself.

use std::time::Duration;

use crate::model::{Moment, Probe, ProbeKind};

use super::out::Out;
use super::slot::{NEVER, Process, Slot};
use super::start::SLACK;
use super::{
    Action, EventKind, Health, Phase, PhaseName, PortHolder, ProbeOutcome, ProbeWhich, StartStage, StopReason,
};

/// The shortest gap between two questions: for this machine's loopback an answer takes well under that.
const QUICK_GAP: Duration = Duration::from_millis(2);

/// The shortest gap for commands: each question is a process tree.
const QUICK_EXEC_GAP: Duration = Duration::from_millis(25);

/// The longest gap before the first success, reached 5 s after the spawn.
const SLOW_GAP: Duration = Duration::from_millis(250);

/// The gap grows with the wait: it never adds more than a twentieth to it. That is 2 ms up to 40 ms after the
/// spawn, 5 ms at 100 ms, 50 ms at 1 s.
const GAP_SHARE: u32 = 20;

/// One probe of one life.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch {
    asking: Asking,
    good: u32,
    bad: u32,
    last: Option<ProbeOutcome>,
}

/// Whether a question is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Asking {
    /// Nothing is asked.
    #[default]
    No,
    /// It will be asked then.
    At(Moment),
    /// It was asked; its silence counts as a bad answer at `guard`.
    Asked { since: Moment, guard: Moment },
}

impl Watch {
    /// Whether an answer is owed.
    pub(super) const fn is_asked(&self) -> bool {
        matches!(self.asking, Asking::Asked { .. })
    }

    /// Nothing more is asked, and answers count no more.
    pub(super) const fn forget(&mut self) {
        self.asking = Asking::No;
    }

    /// When something is due.
    pub(super) const fn due(&self) -> Moment {
        match self.asking {
            Asking::No => NEVER,
            Asking::At(at) => at,
            Asking::Asked { guard, .. } => guard,
        }
    }

    /// What the last answer said, if it was not good.
    pub(super) fn last_text(&self) -> Option<String> {
        match self.last.as_ref()? {
            ProbeOutcome::Good { .. } => None,
            ProbeOutcome::Bad { output } => Some(output.clone()),
            ProbeOutcome::Foreign { holder } => Some(holder.to_string()),
        }
    }

    /// Who answered in its place, if the last answer was somebody else's.
    pub(super) const fn foreign(&self) -> Option<&PortHolder> {
        if let Some(ProbeOutcome::Foreign { holder }) = &self.last { Some(holder) } else { None }
    }

    fn count(&mut self, outcome: &ProbeOutcome) {
        match outcome {
            ProbeOutcome::Good { .. } => {
                self.good = self.good.saturating_add(1);
                self.bad = 0;
            }
            ProbeOutcome::Bad { .. } | ProbeOutcome::Foreign { .. } => {
                self.good = 0;
                self.bad = self.bad.saturating_add(1);
            }
        }
    }
}

/// Whether readiness of this kind is asked; the others report by themselves.
pub(super) const fn is_asked(probe: &Probe) -> bool {
    match probe.kind {
        ProbeKind::Tcp(_) | ProbeKind::Unix(_) | ProbeKind::Http(_) | ProbeKind::Exec(_) => true,
        ProbeKind::Log(_) | ProbeKind::Notify => false,
    }
}

/// How long after an answer readiness is asked again, `elapsed` after the spawn.
pub(super) fn quick_gap(probe: &Probe, elapsed: Duration) -> Duration {
    let least = if matches!(probe.kind, ProbeKind::Exec(_)) { QUICK_EXEC_GAP } else { QUICK_GAP };
    let gap = (elapsed / GAP_SHARE).clamp(least, SLOW_GAP);
    // An interval that is shorter still is what the file asks for.
    if probe.interval.is_zero() { gap } else { gap.min(probe.interval) }
}

impl Slot {
    /// Asks now.
    pub(super) fn ask(&mut self, now: Moment, which: ProbeWhich, out: &mut Out) {
        let life = self.life();
        let (probe, watch) = match which {
            ProbeWhich::Readiness => (&life.service.readiness, &mut life.readiness),
            ProbeWhich::Liveness => (&life.service.liveness, &mut life.liveness),
        };
        if let Some(probe) = probe {
            watch.asking = Asking::Asked { since: now, guard: now + probe.timeout + SLACK };
            out.act(Action::Probe { run: life.run, which });
        }
    }

    /// Its question is due, or its answer is overdue.
    pub(super) fn watch_due(&mut self, now: Moment, which: ProbeWhich, out: &mut Out) {
        let life = self.life();
        let watch = match which {
            ProbeWhich::Readiness => &life.readiness,
            ProbeWhich::Liveness => &life.liveness,
        };
        if watch.is_asked() {
            self.probed(now, which, ProbeOutcome::Bad { output: "the probe gave no answer".to_owned() }, out);
        } else {
            self.ask(now, which, out);
        }
    }

    /// A probe answered.
    pub(super) fn probed(&mut self, now: Moment, which: ProbeWhich, outcome: ProbeOutcome, out: &mut Out) {
        match which {
            ProbeWhich::Readiness => self.readiness_answered(now, outcome, out),
            ProbeWhich::Liveness => self.liveness_answered(now, outcome, out),
        }
    }

    fn readiness_answered(&mut self, now: Moment, outcome: ProbeOutcome, out: &mut Out) {
        if !matches!(self.start_stage(), Some(StartStage::Running { .. })) {
            return;
        }
        let life = self.life();
        let Process::Spawned { at: spawned_at, .. } = life.process else { return };
        let Some(probe) = life.service.readiness.as_ref() else { return };
        let asked = is_asked(probe);
        if asked && !life.readiness.is_asked() {
            return;
        }
        let gap = quick_gap(probe, now.since(spawned_at));
        let enough = probe.success.max(1);
        // A start begins with bad answers; only somebody else's answer is news.
        let news = matches!(outcome, ProbeOutcome::Foreign { .. }) && life.readiness.foreign().is_none();
        life.readiness.count(&outcome);
        life.readiness.last = Some(outcome.clone());
        life.readiness.asking = if asked { Asking::At(now + gap) } else { Asking::No };
        let succeeded = life.readiness.good >= enough;
        if succeeded {
            life.readiness.forget();
        }
        self.history.probed(now, ProbeWhich::Readiness, outcome.clone());
        if news {
            out.tell(now, Some(&self.instance), EventKind::Probe { which: ProbeWhich::Readiness, outcome });
        }
        if succeeded {
            self.probe_succeeded(now, out);
        }
    }

    /// Liveness begins one interval after `ready`.
    pub(super) fn schedule_liveness(&mut self, now: Moment) {
        let life = self.life();
        if let Some(probe) = &life.service.liveness {
            life.liveness.asking = Asking::At(now + probe.interval.max(QUICK_GAP));
        }
    }

    fn liveness_answered(&mut self, now: Moment, outcome: ProbeOutcome, out: &mut Out) {
        let Phase::Ready { health: before, .. } = self.phase else { return };
        let life = self.life();
        let Process::Spawned { at: spawned_at, .. } = life.process else { return };
        let Some(probe) = life.service.liveness.as_ref() else { return };
        let Asking::Asked { since, .. } = life.liveness.asking else { return };
        let next = (since + probe.interval).max(now + QUICK_GAP);
        let good = matches!(outcome, ProbeOutcome::Good { .. });
        let young = now < spawned_at + probe.start_period;
        let (retries, enough) = (probe.retries.max(1), probe.success.max(1));
        let was_good = life.liveness.last.as_ref().is_none_or(|last| matches!(last, ProbeOutcome::Good { .. }));
        life.liveness.asking = Asking::At(next);
        if good || !young {
            life.liveness.count(&outcome);
        }
        let health = match (good, life.liveness.good >= enough, young) {
            (true, true, _) => Health::Healthy,
            (true, false, _) | (false, _, true) => before,
            (false, _, false) => Health::Unhealthy,
        };
        let given_up = !good && life.liveness.bad >= retries;
        life.liveness.last = Some(outcome.clone());
        let text = life.liveness.last_text();
        self.history.probed(now, ProbeWhich::Liveness, outcome.clone());
        if was_good != good {
            out.tell(now, Some(&self.instance), EventKind::Probe { which: ProbeWhich::Liveness, outcome });
        }
        if let Phase::Ready { health: now_is, .. } = &mut self.phase
            && *now_is != health
        {
            *now_is = health;
            self.tell_phase(now, PhaseName::Ready, out);
        }
        // With a stop decided already, that one takes its turn.
        if given_up && self.intent.is_none() {
            self.leave(now, StopReason::Unhealthy(text.unwrap_or_default()), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kit;

    #[test]
    fn gaps_grow_with_the_wait() {
        // Kind, interval, milliseconds since the spawn: milliseconds to the next question.
        let table = [
            ("tcp", 10_000, 0, 2),
            ("tcp", 10_000, 40, 2),
            ("tcp", 10_000, 100, 5),
            ("tcp", 10_000, 1_000, 50),
            ("tcp", 10_000, 5_000, 250),
            ("tcp", 10_000, 60_000, 250),
            ("tcp", 1, 60_000, 1),
            ("tcp", 0, 1_000, 50),
            ("exec", 10_000, 0, 25),
            ("exec", 10_000, 1_000, 50),
            ("exec", 10_000, 60_000, 250),
        ];
        for (kind, interval, elapsed, gap) in table {
            let mut probe = kit::probe(kind);
            probe.interval = Duration::from_millis(interval);
            let got = quick_gap(&probe, Duration::from_millis(elapsed));
            assert_eq!(got, Duration::from_millis(gap), "{kind} every {interval} ms after {elapsed} ms");
        }
    }
}
