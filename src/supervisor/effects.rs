//! Actions become work: keeper messages, probe tasks, capture commands. Nothing here decides what to do next;
//! answers go back to the fleet as facts.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsStr;
use std::io;
use std::rc::Rc;

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use crate::core::{Action, Fact, Fleet, HookOutcome, ProbeWhich, SignalTo, SpawnFailure};
use crate::keeper::protocol::{Stdin, Target, ToKeeper};
use crate::logs::Capture;
use crate::model::{Command, HookKind, InstanceId, Moment, ProbeKind, RunId, Service, ServiceName};
use crate::probe::NotifySocket;
use crate::sys::Place;

use super::helper::{End, Helpers, Purpose};
use super::hooks::{self, Next};
use super::link::KeeperLine;
use super::news::News;
use super::owners::ListenerTable;
use super::run::{Run, log_file};
use super::spawn::{Blueprint, stdin_of, will};
use super::usage::UsageMeter;
use super::{ports, probing};

/// The supervisor's hands.
pub(super) struct Effects {
    pub(super) place: Place,
    pub(super) keeper: KeeperLine,
    pub(super) capture: Capture,
    pub(super) runs: BTreeMap<RunId, Run>,
    pub(super) helpers: Helpers,
    pub(super) meter: UsageMeter,
    /// Facts that needed no waiting; the driver feeds them back before it sleeps.
    pub(super) facts: VecDeque<Fact>,
    pub(super) news: UnboundedSender<News>,
    /// Starts that wait until a cancelled hook of the life before is gone: two migrations of one service must not
    /// run side by side.
    held: Vec<Action>,
    ranks: BTreeMap<ServiceName, u32>,
    tasks: JoinSet<()>,
    listeners: Rc<ListenerTable>,
}

/// Tags of patterns at the capture.
pub(super) const READY_TAG: u8 = 0;
pub(super) const ALIVE_TAG: u8 = 1;

impl Effects {
    pub(super) fn new(place: Place, keeper: KeeperLine, capture: Capture, news: UnboundedSender<News>) -> Self {
        Self {
            place,
            keeper,
            capture,
            runs: BTreeMap::new(),
            helpers: Helpers::default(),
            meter: UsageMeter::default(),
            facts: VecDeque::new(),
            news,
            held: Vec::new(),
            ranks: BTreeMap::new(),
            tasks: JoinSet::new(),
            listeners: Rc::default(),
        }
    }

    /// Carries out one action.
    pub(super) fn perform(&mut self, now: Moment, action: Action, fleet: &Fleet) {
        if let Action::Spawn { run } | Action::RunHook { run, .. } = action
            && self.runs.get(&run).is_some_and(|run| self.helpers.is_clearing(&run.instance))
        {
            self.held.push(action);
            return;
        }
        match action {
            Action::Begin { run, instance } => self.begin(run, instance, fleet),
            Action::Spawn { run } => self.spawn(run),
            Action::RunHook { run, kind, index } => self.first_hook_step(now, run, kind, index),
            Action::RunStopCommand { run } => self.stop_command(now, run),
            Action::CancelHelpers { run } => self.cancel_helpers(run),
            Action::Signal { run, signal, to } => {
                let to = match to {
                    SignalTo::Group => Target::Group,
                    SignalTo::Leader => Target::Leader,
                    SignalTo::Rest => Target::Rest,
                };
                self.keeper.send(&ToKeeper::Signal { run: run.0, signal: signal.number(), to });
            }
            Action::Kill { run } => self.keeper.send(&ToKeeper::Kill { run: run.0 }),
            Action::Probe { run, which } => self.probe(now, run, which),
            Action::Drain { run } => self.drain(run),
            Action::AwaitPorts { run } => self.await_ports(run),
            Action::End { run } => self.end(run),
            // The driver's own: teardown goes on to its next phase.
            Action::Quiescent => {}
        }
    }

    /// A helper is gone: what waited for it may begin, or wait for the next.
    pub(super) fn resume(&mut self, now: Moment, fleet: &Fleet) {
        for action in std::mem::take(&mut self.held) {
            self.perform(now, action, fleet);
        }
    }

    /// The stop order changed: live runs get new wills.
    pub(super) fn set_ranks(&mut self, ranks: BTreeMap<ServiceName, u32>) {
        self.ranks = ranks;
        for (id, run) in &self.runs {
            if run.pid.is_some() {
                let will = will(&run.service, self.ranks.get(&run.service.name).copied().unwrap_or(0));
                self.keeper.send(&ToKeeper::Will { run: id.0, will });
            }
        }
    }

    fn begin(&mut self, id: RunId, instance: InstanceId, fleet: &Fleet) {
        // A run may be over before this is carried out: begun and abandoned within one turn.
        let Some(service) = fleet.service_of(id) else { return };
        self.runs.insert(id, Run::new(instance, service.clone()));
    }

    fn spawn(&mut self, id: RunId) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        let service = run.service.clone();
        let taken = ports::holders(&service.port_numbers().collect::<Vec<_>>());
        if !taken.is_empty() {
            self.facts.push_back(Fact::SpawnFailed { run: id, failure: SpawnFailure::PortTaken(taken) });
            return;
        }
        let notify = match open_notify(&service) {
            Ok(None) => None,
            Ok(Some(socket)) => {
                let address = socket.address().to_owned();
                run.notify = Some(self.tasks.spawn_local(probing::listen(id, socket, self.news.clone())));
                Some(address)
            }
            Err(error) => {
                let failure = SpawnFailure::Other(format!("its notify socket could not be made: {error}"));
                self.facts.push_back(Fact::SpawnFailed { run: id, failure });
                return;
            }
        };
        let blueprint = Blueprint {
            run: id.0,
            label: run.instance.to_string(),
            service: &service,
            instance: &run.instance,
            command: &service.command,
            stdin: stdin_of(&service),
            project_id: &self.place.project_id,
            notify: notify.as_deref().map(OsStr::new),
            rank: self.ranks.get(&service.name).copied().unwrap_or(0),
        };
        match blueprint.build() {
            Ok(spawn) => self.keeper.send(&ToKeeper::Spawn(Box::new(spawn))),
            Err(failure) => self.facts.push_back(Fact::SpawnFailed { run: id, failure }),
        }
    }

    fn first_hook_step(&mut self, now: Moment, id: RunId, kind: HookKind, index: usize) {
        let Some(run) = self.runs.get(&id) else { return };
        let service = run.service.clone();
        let hook = &service.hooks.at(kind)[index];
        self.go_on_with_hook(now, (id, kind, index), hooks::first(hook), now + hook.timeout);
    }

    fn go_on_with_hook(
        &mut self,
        now: Moment,
        (run, kind, index): (RunId, HookKind, usize),
        next: Next<'_>,
        deadline: Moment,
    ) {
        match next {
            Next::Over(outcome) => self.facts.push_back(Fact::HookDone { run, kind, index, outcome }),
            Next::Run(command, step) => {
                self.help(now, Purpose::Hook { run, kind, index, step, deadline }, command, deadline);
            }
        }
    }

    fn stop_command(&mut self, now: Moment, id: RunId) {
        let Some(run) = self.runs.get(&id) else { return };
        let service = run.service.clone();
        match &service.stop.command {
            Some(command) => self.help(now, Purpose::StopCommand { run: id }, command, now + service.stop.timeout),
            None => self.facts.push_back(Fact::StopCommandDone { run: id, outcome: HookOutcome::Skipped }),
        }
    }

    /// Starts a helper: a short command beside a service.
    fn help(&mut self, now: Moment, purpose: Purpose, command: &Command, deadline: Moment) {
        let Some(run) = self.runs.get(&purpose.run()) else { return };
        let what = match purpose {
            Purpose::Hook { kind: HookKind::PreStart, .. } => "hook pre_start",
            Purpose::Hook { kind: HookKind::PostStart, .. } => "hook post_start",
            Purpose::Hook { kind: HookKind::PreStop, .. } => "hook pre_stop",
            Purpose::Hook { kind: HookKind::PostStop, .. } => "hook post_stop",
            Purpose::Probe { which: ProbeWhich::Readiness, .. } => "readiness",
            Purpose::Probe { which: ProbeWhich::Liveness, .. } => "liveness",
            Purpose::StopCommand { .. } => "stop command",
        };
        let number = self.helpers.begin(purpose, run.instance.clone(), deadline);
        let blueprint = Blueprint {
            run: number,
            label: format!("{} {what}", run.instance),
            service: &run.service,
            instance: &run.instance,
            command,
            stdin: Stdin::Null,
            project_id: &self.place.project_id,
            notify: None,
            rank: u32::MAX,
        };
        match blueprint.build() {
            Ok(spawn) => self.keeper.send(&ToKeeper::Spawn(Box::new(spawn))),
            Err(failure) => {
                if let Some(end) = self.helpers.not_spawned(number, failure_text(failure)) {
                    self.helper_ended(now, end);
                }
            }
        }
    }

    /// Turns a helper's end into the fact it was run for, or into its next step.
    pub(super) fn helper_ended(&mut self, now: Moment, end: End) {
        let End { purpose, result, output } = end;
        let Some(run) = self.runs.get(&purpose.run()) else { return };
        let service = run.service.clone();
        match purpose {
            Purpose::Hook { run, kind, index, step, deadline } => {
                let hook = &service.hooks.at(kind)[index];
                let next = hooks::after(hook, step, result, output);
                self.go_on_with_hook(now, (run, kind, index), next, deadline);
            }
            Purpose::Probe { run, which } => {
                if let Some(probe) = probing::probe_of(&service, which) {
                    let outcome = probing::exec_outcome(result, &output, probe);
                    self.facts.push_back(Fact::Probed { run, which, outcome });
                }
            }
            Purpose::StopCommand { run } => {
                let outcome = hooks::outcome(result, output, service.stop.timeout);
                self.facts.push_back(Fact::StopCommandDone { run, outcome });
            }
        }
    }

    fn cancel_helpers(&mut self, id: RunId) {
        if let Some(run) = self.runs.get_mut(&id) {
            run.abort_probes();
        }
        for number in self.helpers.cancel(id) {
            self.keeper.send(&ToKeeper::Kill { run: number });
        }
    }

    /// Kills helpers whose time is up.
    pub(super) fn kill_overdue(&mut self, now: Moment) {
        for number in self.helpers.overdue(now) {
            self.keeper.send(&ToKeeper::Kill { run: number });
        }
    }

    fn probe(&mut self, now: Moment, id: RunId, which: ProbeWhich) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        let service = run.service.clone();
        let Some(probe) = probing::probe_of(&service, which) else { return };
        match &probe.kind {
            ProbeKind::Tcp(_) | ProbeKind::Unix(_) | ProbeKind::Http(_) => {
                let Some(shim) = run.shim else { return };
                let table = Rc::clone(&self.listeners);
                let asking = probing::ask_once(id, which, probe.clone(), shim, table, self.news.clone());
                let task = self.tasks.spawn_local(asking);
                run.probes.retain(|task| !task.is_finished());
                run.probes.push(task);
            }
            ProbeKind::Exec(command) => {
                self.help(now, Purpose::Probe { run: id, which }, command, now + probe.timeout);
            }
            ProbeKind::Log(_) | ProbeKind::Notify => {
                let outcome = run.take_heartbeat(probe);
                self.facts.push_back(Fact::Probed { run: id, which, outcome });
            }
        }
    }

    fn drain(&mut self, id: RunId) {
        match self.runs.get(&id) {
            Some(run) if run.pid.is_some() => self.capture.drain(id),
            Some(_) | None => self.facts.push_back(Fact::Drained { run: id }),
        }
    }

    fn await_ports(&mut self, id: RunId) {
        let Some(run) = self.runs.get(&id) else { return };
        let ports: Vec<u16> = run.service.port_numbers().collect();
        if ports.is_empty() || run.pid.is_none() {
            self.facts.push_back(Fact::PortsSettled { run: id, held: Vec::new() });
        } else {
            self.tasks.spawn_local(ports::await_free(id, ports, self.news.clone()));
        }
    }

    fn end(&mut self, id: RunId) {
        if let Some(mut run) = self.runs.remove(&id) {
            run.abort_probes();
            run.abort_notify();
        }
        self.meter.forget(id);
    }

    /// Reaps finished tasks, so that their handles do not pile up.
    pub(super) fn reap_tasks(&mut self) {
        while self.tasks.try_join_next().is_some() {}
    }

    /// The log file of a helper's service.
    pub(super) fn helper_log(&self, number: u64) -> Option<crate::logs::LogFile> {
        let purpose = self.helpers.purpose(number)?;
        let run = self.runs.get(&purpose.run())?;
        match purpose {
            Purpose::Hook { .. } | Purpose::StopCommand { .. } => {
                log_file(&run.service, &run.instance, &self.place.logs())
            }
            // A probe runs every few seconds: its output is kept for `why`, not in the log.
            Purpose::Probe { .. } => None,
        }
    }
}

fn open_notify(service: &Service) -> io::Result<Option<NotifySocket>> {
    let kinds = [&service.readiness, &service.liveness];
    let wanted = kinds.into_iter().flatten().any(|probe| probe.kind == ProbeKind::Notify);
    if wanted { NotifySocket::new().map(Some) } else { Ok(None) }
}

/// The text of a failure to spawn a helper. Helpers declare no ports.
pub(super) fn failure_text(failure: SpawnFailure) -> String {
    match failure {
        SpawnFailure::NotFound(text)
        | SpawnFailure::Cwd(text)
        | SpawnFailure::NotExecutable(text)
        | SpawnFailure::Other(text) => text,
        SpawnFailure::PortTaken(holders) => holders.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}
