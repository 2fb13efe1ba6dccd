//! Whether an edge holds: one dependency, one condition, one answer.
//!
//! It never looks further than the dependency's own phase; chains come about by visiting services in start order.

use crate::model::{Condition, Requirement, ServiceType};

use super::slot::{Edge, Reach, Slot};
use super::{Failure, Phase, Readiness, RestartReason, SkipCause, StartStage, Waiting};

/// What an edge says about its dependent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// It may start.
    Satisfied,
    /// Not yet.
    Waiting,
    /// Not unless a person does something, or a late dependency gets ready after all.
    Hopeless,
}

/// What `edge` says, given its dependency. An optional edge is waited for while there is hope, no longer.
pub(super) fn judge(edge: &Edge, dependency: &Slot) -> Verdict {
    match (condition_holds(edge.condition, dependency), edge.requirement) {
        (Verdict::Hopeless, Requirement::Optional) => Verdict::Satisfied,
        (verdict, Requirement::Required | Requirement::Optional) => verdict,
    }
}

/// What all edges of `slots[index]` say together; the worst one decides.
pub(super) fn support(slots: &[Slot], index: usize) -> Verdict {
    let slot = &slots[index];
    if is_open(slot) {
        return Verdict::Satisfied;
    }
    let verdicts = slot.edges.iter().map(|edge| judge(edge, &slots[edge.on]));
    verdicts.max().unwrap_or(Verdict::Satisfied)
}

/// Whether its edges are taken as satisfied (`--no-deps`).
fn is_open(slot: &Slot) -> bool {
    match slot.root.reach() {
        Some(Reach::Ungated | Reach::Alone) => true,
        Some(Reach::Deps) | None => false,
    }
}

/// The chain of causes that makes `slots[index]` hopeless, nearest first.
pub(super) fn chain(slots: &[Slot], index: usize) -> Vec<SkipCause> {
    let hopeless = |edge: &&Edge| judge(edge, &slots[edge.on]) == Verdict::Hopeless;
    let Some(edge) = slots[index].edges.iter().find(hopeless) else { return Vec::new() };
    let culprit = &slots[edge.on];
    let mut cause =
        SkipCause { service: culprit.instance.service.clone(), phase: culprit.phase.name(), failure: None };
    if let Phase::Failed { why, .. } = &culprit.phase {
        cause.failure = Some(why.clone());
    }
    let mut causes = vec![cause];
    if let Phase::Skipped { because, .. } = &culprit.phase {
        causes.extend(because.iter().cloned());
    }
    causes
}

/// The edges of `slots[index]` that do not hold.
pub(super) fn waiting(slots: &[Slot], index: usize) -> Vec<Waiting> {
    if is_open(&slots[index]) {
        return Vec::new();
    }
    let open = slots[index].edges.iter().filter(|edge| judge(edge, &slots[edge.on]) != Verdict::Satisfied);
    let say = |edge: &Edge| {
        let on = &slots[edge.on];
        Waiting { on: on.instance.service.clone(), condition: edge.condition, now: on.phase.name() }
    };
    open.map(say).collect()
}

fn condition_holds(condition: Condition, dependency: &Slot) -> Verdict {
    // What is about to be replaced, or to go, is not there to start upon.
    if dependency.intent.is_some() {
        return Verdict::Waiting;
    }
    match &dependency.phase {
        // Whoever is wanted is `pending` by now: this one is not.
        Phase::Stopped { .. } | Phase::Disabled | Phase::Skipped { .. } => Verdict::Hopeless,
        Phase::Pending { .. } | Phase::Backoff { .. } | Phase::Stopping { .. } => Verdict::Waiting,
        Phase::Starting { stage, .. } => while_starting(condition, stage, dependency),
        Phase::Ready { .. } => match condition {
            Condition::Started | Condition::Ready => Verdict::Satisfied,
            Condition::Completed | Condition::Succeeded => Verdict::Waiting,
        },
        Phase::Completed { .. } => match condition {
            Condition::Started | Condition::Completed | Condition::Succeeded => Verdict::Satisfied,
            Condition::Ready if stays_good(dependency) => Verdict::Satisfied,
            Condition::Ready => Verdict::Hopeless,
        },
        Phase::Failed { why, .. } => match condition {
            Condition::Completed if has_ended(why) => Verdict::Satisfied,
            Condition::Completed | Condition::Started | Condition::Ready | Condition::Succeeded => {
                Verdict::Hopeless
            }
        },
    }
}

fn while_starting(condition: Condition, stage: &StartStage, dependency: &Slot) -> Verdict {
    let (runs, late) = match stage {
        StartStage::PreStart(_) | StartStage::Spawning => (false, false),
        StartStage::Running { readiness: Readiness::Awaited { .. }, .. } | StartStage::PostStart { .. } => {
            (true, false)
        }
        StartStage::Running { readiness: Readiness::Late { .. }, .. } => (true, true),
    };
    match condition {
        Condition::Started if runs => Verdict::Satisfied,
        // Without a probe «ready» means «started»; a oneshot without one is never in `ready`.
        Condition::Ready if runs && never_ready(dependency) => Verdict::Satisfied,
        Condition::Ready if late => Verdict::Hopeless,
        Condition::Started | Condition::Ready | Condition::Completed | Condition::Succeeded => Verdict::Waiting,
    }
}

fn never_ready(slot: &Slot) -> bool {
    slot.service.kind == ServiceType::Oneshot && slot.service.readiness.is_none()
}

/// Whether having completed is as good as being ready: for a oneshot, and where ready means started.
fn stays_good(slot: &Slot) -> bool {
    slot.service.kind == ServiceType::Oneshot || slot.service.readiness.is_none()
}

/// Whether a failed one ran and ended, as opposed to never having run or still being there.
const fn has_ended(why: &Failure) -> bool {
    match why {
        Failure::Ended(_) | Failure::NotReady(_) | Failure::Unhealthy(_) => true,
        Failure::CrashLoop { last, .. } => match last {
            RestartReason::Ended(_) | RestartReason::NotReady(_) | RestartReason::Unhealthy(_) => true,
            RestartReason::NotSpawned(_)
            | RestartReason::HookFailed(..)
            | RestartReason::Asked
            | RestartReason::Changed
            | RestartReason::DependencyReplaced(_) => false,
        },
        Failure::NotSpawned(_) | Failure::HookFailed(..) | Failure::Survived(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kit;
    use crate::core::{Exit, Health, SpawnFailure, StopReason, StopStage, StoppedBy};
    use crate::model::{Moment, RunId, WhenReplaced};

    /// A slot of the kind `words` say, in `phase`.
    fn slot(words: &str, phase: Phase) -> Slot {
        let mut slot = Slot::new(kit::service(&format!("db {words}")).into(), 0, Moment::default());
        slot.phase = phase;
        slot
    }

    #[test]
    fn conditions_by_phase() {
        use Condition::{Completed, Ready, Started, Succeeded};
        let (run, since, pid) = (RunId(1), Moment::default(), 1);
        let starting = |stage| Phase::Starting { run, since, stage };
        let running = |readiness| starting(StartStage::Running { pid, readiness });
        let failed = |why| Phase::Failed { since, why };
        let stage = StopStage::Draining;
        let stopping = Phase::Stopping { run, since, reason: StopReason::Ended, stage, exit: None };
        let in_time = || Readiness::Awaited { deadline: since };
        let ready = Phase::Ready { run, since, pid, health: Health::Unknown };
        let completed = Phase::Completed { since, exit: Exit::Code(0) };
        let reason = || RestartReason::Ended(Exit::Code(1));
        let loops = |last| failed(Failure::CrashLoop { attempts: 5, last });
        // What the service is like, its phase, and the answers for started, ready, completed, succeeded.
        let table = [
            ("", Phase::Stopped { since, by: StoppedBy::Person, exit: None }, "hhhh"),
            ("", Phase::Disabled, "hhhh"),
            ("", Phase::Skipped { since, because: Vec::new() }, "hhhh"),
            ("", Phase::Pending { since }, "wwww"),
            ("", Phase::Backoff { since, until: since, attempt: 1, reason: reason() }, "wwww"),
            ("", stopping, "wwww"),
            ("ready=tcp", starting(StartStage::Spawning), "wwww"),
            ("ready=tcp", starting(StartStage::PreStart(0)), "wwww"),
            ("ready=tcp", running(in_time()), "swww"),
            ("ready=tcp", starting(StartStage::PostStart { pid, index: 0 }), "swww"),
            ("ready=tcp", running(Readiness::Late { last: None }), "shww"),
            ("ready=tcp oneshot", running(in_time()), "swww"),
            ("oneshot", running(in_time()), "ssww"),
            ("", ready, "ssww"),
            ("", completed.clone(), "ssss"),
            ("ready=tcp", completed.clone(), "shss"),
            ("ready=tcp oneshot", completed, "ssss"),
            ("", failed(Failure::Ended(Exit::Code(1))), "hhsh"),
            ("", failed(Failure::Unhealthy(String::new())), "hhsh"),
            ("", loops(reason()), "hhsh"),
            ("", loops(RestartReason::NotSpawned(SpawnFailure::Other(String::new()))), "hhhh"),
            ("", failed(Failure::NotSpawned(SpawnFailure::NotFound(String::new()))), "hhhh"),
            ("", failed(Failure::Survived(Vec::new())), "hhhh"),
        ];
        for (words, phase, expected) in table {
            let slot = slot(words, phase);
            let judged = |requirement| -> String {
                let edge = |condition| Edge { on: 0, condition, requirement, when_replaced: WhenReplaced::Keep };
                let letter = |condition| match judge(&edge(condition), &slot) {
                    Verdict::Satisfied => 's',
                    Verdict::Waiting => 'w',
                    Verdict::Hopeless => 'h',
                };
                [Started, Ready, Completed, Succeeded].map(letter).iter().collect()
            };
            assert_eq!(judged(Requirement::Required), expected, "{words} {:?}", slot.phase);
            assert_eq!(judged(Requirement::Optional), expected.replace('h', "s"), "{words} {:?}", slot.phase);
        }
    }
}
