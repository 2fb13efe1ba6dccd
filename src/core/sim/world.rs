//! The world of a walk: runs with leaders, children, hooks and probes, some of them hostile. It obeys actions and
//! offers the facts that could happen next, in any order the real world could produce.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::core::{Action, Exit, Fact, HookOutcome, Leftover, PortHolder, ProbeOutcome, ProbeWhich, SpawnFailure};
use crate::model::{HookKind, InstanceId, RunId, Signal};

use super::dice::Dice;

/// Everything outside the core.
#[derive(Default)]
pub(super) struct World {
    /// Lives between `Begin` and `End`.
    pub(super) runs: BTreeMap<RunId, Life>,
    /// Lives that are over: facts about them are stale.
    pub(super) over: Vec<RunId>,
    pub(super) quiescent: u32,
}

/// One run, as it really is.
#[expect(clippy::struct_excessive_bools, reason = "independent facts about the world, no state machine")]
pub(super) struct Life {
    pub(super) instance: InstanceId,
    pub(super) spawn: Spawn,
    pub(super) leader: Leader,
    children: u64,
    kill: Kill,
    pub(super) emptied: bool,
    hook: Option<(HookKind, usize)>,
    stop_command: bool,
    probes: [bool; 2],
    drain: bool,
    pub(super) drained: bool,
    ports: bool,
    /// Log and notify probes report by themselves.
    pub(super) pushes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spawn {
    NotAsked,
    Asked,
    Silent,
    Failed,
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leader {
    None,
    Alive,
    /// It will end; the fact is on its way.
    Dying,
    Dead,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kill {
    No,
    Works,
    Fails,
    Silent,
}

/// Something that can happen next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Move {
    Spawn,
    Hook,
    StopCommand,
    Probe(ProbeWhich),
    Push,
    LeaderEnds,
    LeaderCrashes,
    ChildrenEnd,
    Empty,
    Survive,
    Drain,
    Ports,
}

impl World {
    /// Obeys, or not, as hostile programs do.
    pub(super) fn act(&mut self, dice: &mut Dice, action: &Action, pushes: bool) {
        match action {
            Action::Begin { run, instance } => {
                let other = self.runs.values().find(|life| life.instance == *instance);
                assert!(other.is_none(), "two live runs of {instance}");
                self.runs.insert(*run, Life::new(instance.clone(), pushes));
            }
            Action::Spawn { run } => {
                let life = self.life(*run);
                assert!(life.spawn == Spawn::NotAsked, "{run} is spawned twice");
                life.spawn = if dice.one_in(40) { Spawn::Silent } else { Spawn::Asked };
            }
            Action::RunHook { run, kind, index } => {
                let silent = dice.one_in(30);
                let life = self.life(*run);
                assert!(life.hook.is_none(), "{run} runs two hooks at once");
                life.hook = (!silent).then_some((*kind, *index));
            }
            Action::RunStopCommand { run } => self.life(*run).stop_command = true,
            Action::CancelHelpers { run } => {
                let life = self.life(*run);
                (life.hook, life.stop_command, life.probes) = (None, false, [false; 2]);
            }
            Action::Signal { run, .. } => {
                let (obeys, children_obey) = (!dice.one_in(3), !dice.one_in(3));
                self.life(*run).is_asked_to_end(obeys, children_obey);
            }
            Action::Kill { run } => {
                let kill = match dice.below(12) {
                    0 => Kill::Fails,
                    1 => Kill::Silent,
                    _ => Kill::Works,
                };
                let life = self.life(*run);
                // What a kill did not end, the next does not either; it may still end by itself.
                let kill = if matches!(life.kill, Kill::Fails | Kill::Silent) { Kill::Silent } else { kill };
                life.kill = kill;
                if kill == Kill::Works {
                    life.is_asked_to_end(true, true);
                }
            }
            Action::Probe { run, which } => {
                let silent = dice.one_in(30);
                self.life(*run).probes[*which as usize] = !silent;
            }
            Action::Drain { run } => {
                let silent = dice.one_in(30);
                let life = self.life(*run);
                (life.drain, life.drained) = (!silent, true);
            }
            Action::AwaitPorts { run } => self.life(*run).ports = !dice.one_in(30),
            Action::End { run } => {
                let life = self.runs.remove(run).expect("only what began can end");
                let empty = life.spawn != Spawn::Done || (life.emptied && life.drained);
                assert!(empty, "{run} ended with processes left, or with its output not captured");
                self.over.push(*run);
            }
            Action::Quiescent => self.quiescent += 1,
        }
    }

    /// Whether some answer is due at once: to a spawn, a kill, an end, a hook.
    pub(super) fn is_about_to_answer(&self) -> bool {
        self.runs.values().any(|life| {
            let ending = matches!(life.leader, Leader::Dying | Leader::Dead) && !life.emptied;
            let killed = life.kill == Kill::Works && life.leader != Leader::None && !life.emptied;
            ending && life.children == 0
                || killed
                || life.spawn == Spawn::Asked
                || life.hook.is_some()
                || life.drain
        })
    }

    fn life(&mut self, run: RunId) -> &mut Life {
        self.runs.get_mut(&run).expect("actions are about runs that have begun and not ended")
    }

    /// What can happen next without anybody's doing.
    pub(super) fn moves(&self) -> Vec<(RunId, Move)> {
        let mut moves = Vec::new();
        for (run, life) in &self.runs {
            life.moves(&mut |one| moves.push((*run, one)));
        }
        moves
    }

    /// Lets `one` happen to `run`; the fact that reports it.
    pub(super) fn happen(&mut self, dice: &mut Dice, run: RunId, one: Move) -> Option<Fact> {
        self.life(run).happen(dice, run, one)
    }
}

impl Life {
    const fn new(instance: InstanceId, pushes: bool) -> Self {
        Self {
            instance,
            spawn: Spawn::NotAsked,
            leader: Leader::None,
            children: 0,
            kill: Kill::No,
            emptied: false,
            hook: None,
            stop_command: false,
            probes: [false; 2],
            drain: false,
            drained: false,
            ports: false,
            pushes,
        }
    }

    fn is_asked_to_end(&mut self, obeys: bool, children_obey: bool) {
        if obeys && self.leader == Leader::Alive {
            self.leader = Leader::Dying;
        }
        if children_obey {
            self.children = 0;
        }
    }

    fn moves(&self, offer: &mut impl FnMut(Move)) {
        if self.spawn == Spawn::Asked {
            offer(Move::Spawn);
        }
        if self.hook.is_some() {
            offer(Move::Hook);
        }
        if self.stop_command {
            offer(Move::StopCommand);
        }
        for which in [ProbeWhich::Readiness, ProbeWhich::Liveness] {
            if self.probes[which as usize] {
                offer(Move::Probe(which));
            }
        }
        match self.leader {
            Leader::Alive => {
                offer(Move::LeaderCrashes);
                if self.pushes {
                    offer(Move::Push);
                }
            }
            Leader::Dying => offer(Move::LeaderEnds),
            Leader::Dead if self.children > 0 => offer(Move::ChildrenEnd),
            Leader::Dead if !self.emptied => offer(Move::Empty),
            Leader::None | Leader::Dead => {}
        }
        if self.kill == Kill::Fails && !self.emptied {
            offer(Move::Survive);
        }
        if self.drain {
            offer(Move::Drain);
        }
        if self.ports {
            offer(Move::Ports);
        }
    }

    fn happen(&mut self, dice: &mut Dice, run: RunId, one: Move) -> Option<Fact> {
        match one {
            Move::Spawn if dice.one_in(8) => {
                self.spawn = Spawn::Failed;
                let failure = if dice.one_in(2) {
                    SpawnFailure::NotFound(String::new())
                } else {
                    SpawnFailure::PortTaken(vec![holder()])
                };
                Some(Fact::SpawnFailed { run, failure })
            }
            Move::Spawn => {
                (self.spawn, self.leader, self.children) = (Spawn::Done, Leader::Alive, dice.below(3));
                if self.kill == Kill::Works {
                    self.kill = Kill::No;
                }
                Some(Fact::Spawned { run, pid: 1 })
            }
            Move::Hook => {
                let (kind, index) = self.hook.take()?;
                Some(Fact::HookDone { run, kind, index, outcome: hook_outcome(dice) })
            }
            Move::StopCommand => {
                self.stop_command = false;
                self.is_asked_to_end(!dice.one_in(3), dice.one_in(2));
                Some(Fact::StopCommandDone { run, outcome: hook_outcome(dice) })
            }
            Move::Probe(which) => {
                self.probes[which as usize] = false;
                Some(Fact::Probed { run, which, outcome: probe_outcome(dice) })
            }
            Move::Push => Some(Fact::Probed {
                run,
                which: ProbeWhich::Readiness,
                outcome: ProbeOutcome::Good { note: None },
            }),
            // Most walks want most services to live for a while.
            Move::LeaderCrashes if !dice.one_in(40) => None,
            Move::LeaderEnds | Move::LeaderCrashes => {
                self.leader = Leader::Dead;
                let code = i32::try_from(dice.below(2)).ok()?;
                let exit =
                    dice.pick(&[Exit::Code(code), Exit::Code(0), Exit::Signal(Signal::KILL), Exit::Unknown]);
                Some(Fact::Exited { run, exit })
            }
            Move::ChildrenEnd => {
                self.children = 0;
                None
            }
            Move::Empty => {
                self.emptied = true;
                let released = if dice.one_in(8) { vec![leftover()] } else { Vec::new() };
                Some(Fact::Emptied { run, released })
            }
            Move::Survive => {
                self.kill = Kill::Silent;
                Some(Fact::Survived { run, left: vec![leftover()] })
            }
            Move::Drain => {
                self.drain = false;
                Some(Fact::Drained { run })
            }
            Move::Ports => {
                self.ports = false;
                let held = if dice.one_in(4) { vec![holder()] } else { Vec::new() };
                Some(Fact::PortsSettled { run, held })
            }
        }
    }
}

fn hook_outcome(dice: &mut Dice) -> HookOutcome {
    match dice.below(6) {
        0 => HookOutcome::Skipped,
        1 => HookOutcome::Failed { how: "exit 1".to_owned(), output: String::new() },
        2 => HookOutcome::TimedOut(Duration::from_secs(30)),
        _ => HookOutcome::Done,
    }
}

fn probe_outcome(dice: &mut Dice) -> ProbeOutcome {
    match dice.below(4) {
        0 => ProbeOutcome::Bad { output: "refused".to_owned() },
        1 => ProbeOutcome::Foreign { holder: holder() },
        _ => ProbeOutcome::Good { note: None },
    }
}

/// A process somewhere.
pub(super) fn leftover() -> Leftover {
    Leftover { pid: 9, command: "left".to_owned(), why: "state D".to_owned() }
}

const fn holder() -> PortHolder {
    PortHolder { port: 80, pid: None, command: None, owner: None }
}
