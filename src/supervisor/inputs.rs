//! What the driver hears, turned into facts and orders carried out.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::config::{self, Ports};
use crate::core::{Apply, Denied, Exit, Fact, Leftover, Request, ShutdownMode, SpawnFailure, Wanted};
use crate::keeper::protocol::{FromKeeper, Process, SpawnStep, Target, ToKeeper};
use crate::logs::{CaptureFact, Source};
use crate::model::{InstanceId, Moment, ProbeKind, RunId, Service, ServiceName, Signal};
use crate::sys::tree;

use super::driver::{Driver, Observer, Stage};
use super::effects::{ALIVE_TAG, READY_TAG};
use super::handle::{Attach, Examination, Order, Outcome, Refusal, Rehearsal, Signalled, UpOrder};
use super::helper::{Helpers, OUTPUT_KEPT};
use super::news::{Heard, News};
use super::owner::Owner;
use super::run::{Heartbeat, log_file};
use super::{Scene, Sight, ports};

impl<O: Observer> Driver<O> {
    pub(super) fn obey(&mut self, now: Moment, order: Order) {
        // A client that went away while it waited does not want the answer: the results of `send` are dropped.
        match order {
            Order::Up(up, reply) => drop(reply.send(self.up(now, *up))),
            Order::Do(request, reply) => {
                let result = self.fleet.request(now, request).map_err(Refusal::from);
                let result = result.map(|accepted| self.outcome(accepted.steps));
                drop(reply.send(result));
            }
            Order::Signal(services, signal, reply) => drop(reply.send(self.signal(now, &services, signal))),
            Order::Down(mode, listener) => {
                self.follow_down(listener);
                self.shut_down(now, mode);
            }
            Order::Look(reply) => drop(reply.send(self.look(now))),
            Order::Examine(instance, reply) => drop(reply.send(self.examine(now, &instance).map(Box::new))),
        }
    }

    fn up(&mut self, now: Moment, order: UpOrder) -> Result<Outcome, Refusal> {
        if self.is_ending() {
            return Err(Denied::ShuttingDown.into());
        }
        let mut ports = self.ports.clone();
        let mut loaded = config::load(&order.bundle, &ports).map_err(Refusal::BadProject)?;
        if order.rehearsal == Rehearsal::Perform && is_any_missing(&loaded.auto_ports, &ports) {
            ports::allocate(&mut ports, &loaded.project, &loaded.auto_ports).map_err(Refusal::NoPort)?;
            loaded = config::load(&order.bundle, &ports).map_err(Refusal::BadProject)?;
        }
        let wanted = match order.services {
            services if services.is_empty() => Wanted::Default,
            services => Wanted::Only(services.into_iter().collect()),
        };
        let project = Arc::new(loaded.project);
        let request = Request::Apply(Apply { project, wanted, deps: order.deps, recreate: order.recreate });
        let accepted = match order.rehearsal {
            Rehearsal::Plan => return Ok(self.outcome(self.fleet.plan(&request)?.steps)),
            Rehearsal::Perform => self.fleet.request(now, request)?,
        };
        self.ports = ports;
        let owner = match order.attach {
            Attach::Own(pid) if self.stage == Stage::New => Some(Owner::watch(pid)),
            Attach::Own(_) | Attach::View => None,
            Attach::Detach => {
                self.owner = None;
                None
            }
        };
        self.applied();
        let owned = owner.is_some();
        match owner {
            Some(Ok(owner)) => self.owner = Some(owner),
            // The owner has ended already, so everything ends.
            Some(Err(_)) => self.shut_down(now, ShutdownMode::Graceful { timeout: None }),
            None => {}
        }
        Ok(Outcome { owner: owned, ..self.outcome(accepted.steps) })
    }

    fn outcome(&self, steps: Vec<crate::core::Step>) -> Outcome {
        Outcome { steps, generation: self.fleet.generation(), owner: false }
    }

    fn signal(&mut self, now: Moment, services: &[ServiceName], signal: Signal) -> Result<Signalled, Refusal> {
        let known = |name: &&ServiceName| self.fleet.project().services.contains_key(name.as_str());
        if let Some(unknown) = services.iter().find(|name| !known(name)) {
            return Err(Denied::UnknownService(unknown.clone()).into());
        }
        let mut result = Signalled::default();
        for name in services {
            let instance = InstanceId::first(name.clone());
            let view = self.fleet.view(now, &instance);
            match view.and_then(|view| view.phase.run().filter(|_| view.phase.is_live())) {
                Some(run) => {
                    let message = ToKeeper::Signal { run: run.0, signal: signal.number(), to: Target::Group };
                    self.effects.keeper.send(&message);
                    result.reached.push(instance);
                }
                None => result.idle.push(instance),
            }
        }
        Ok(result)
    }

    fn look(&mut self, now: Moment) -> Scene {
        let snapshot = self.fleet.snapshot(now);
        let mut sights: Vec<_> = snapshot.instances.into_iter().filter_map(|view| self.sight(view)).collect();
        for sight in &mut sights {
            self.weigh(now, sight);
        }
        Scene {
            project: Arc::clone(self.fleet.project()),
            generation: snapshot.generation,
            shutting_down: snapshot.shutting_down || self.is_ending(),
            owner: self.owner.as_ref().map(Owner::pid),
            keeper: self.keeper,
            sights,
        }
    }

    /// Adds what the instance's tree uses, and gives back the shim that it hangs below; none: there is no tree.
    fn weigh(&mut self, now: Moment, sight: &mut Sight) -> Option<u32> {
        let id = sight.view.phase.run()?;
        let shim = self.effects.runs.get(&id)?.shim?;
        sight.usage = Some(self.effects.meter.look(now, id, shim));
        Some(shim)
    }

    fn examine(&mut self, now: Moment, instance: &InstanceId) -> Option<Examination> {
        let explain = self.fleet.explain(now, instance)?;
        let mut sight = self.sight(explain.view.clone())?;
        let pids = self.weigh(now, &mut sight).map(tree::descendants).unwrap_or_default();
        let service = Arc::clone(&sight.service);
        Some(Examination { sight, explain, service, pids })
    }

    pub(super) fn keeper_said(&mut self, now: Moment, message: FromKeeper, fds: Vec<OwnedFd>) {
        match message {
            FromKeeper::Spawned { run, pid, .. } => self.spawned(now, run, pid, fds),
            FromKeeper::SpawnFailed { run, step, errno } => self.spawn_failed(now, run, step, errno),
            FromKeeper::Exited { run, status, .. } => {
                let exit = status.map_or(Exit::Unknown, exit_of);
                if Helpers::is_helper(run) {
                    self.effects.helpers.exited(run, exit);
                    // What a hook or probe leaves behind is killed.
                    self.effects.keeper.send(&ToKeeper::Kill { run });
                } else {
                    self.fleet.fact(now, Fact::Exited { run: RunId(run), exit });
                }
            }
            FromKeeper::Emptied { run, released } => {
                if Helpers::is_helper(run) {
                    self.effects.capture.drain(RunId(run));
                } else {
                    let released = released.into_iter().map(leftover).collect();
                    self.fleet.fact(now, Fact::Emptied { run: RunId(run), released });
                }
            }
            FromKeeper::Survived { run, left } => {
                if Helpers::is_helper(run) {
                    self.effects.capture.drain(RunId(run));
                } else {
                    let left = left.into_iter().map(leftover).collect();
                    self.fleet.fact(now, Fact::Survived { run: RunId(run), left });
                }
            }
            FromKeeper::Receipt { left, swept } => {
                let all = |processes: Vec<Process>| processes.into_iter().map(leftover).collect();
                self.receipt(all(left), all(swept));
            }
            FromKeeper::Terminate => self.shut_down(now, ShutdownMode::Graceful { timeout: None }),
            FromKeeper::Hello(_) => tracing::error!("the keeper greeted twice"),
        }
    }

    fn spawned(&mut self, now: Moment, number: u64, pid: u32, fds: Vec<OwnedFd>) {
        let mut fds = fds.into_iter().rev();
        let (Some(stderr), Some(stdout)) = (fds.next(), fds.next()) else {
            tracing::error!(number, "the keeper passed no pipes");
            return;
        };
        let id = RunId(number);
        if Helpers::is_helper(number) {
            let file = self.effects.helper_log(number);
            let source = Source {
                run: id,
                stdout,
                stderr,
                file,
                tail: OUTPUT_KEPT,
                patterns: Vec::new(),
                marks_run: false,
            };
            self.effects.capture.add(source);
            return;
        }
        let logs = self.effects.place.logs();
        if let Some(run) = self.effects.runs.get_mut(&id) {
            run.pid = Some(pid);
            run.shim = tree::stat(pid).ok().map(|stat| stat.ppid);
            run.stdin = fds.next();
            let file = log_file(&run.service, &run.instance, &logs);
            let patterns = patterns(&run.service);
            self.effects.capture.add(Source { run: id, stdout, stderr, file, tail: 0, patterns, marks_run: true });
        }
        self.fleet.fact(now, Fact::Spawned { run: id, pid });
        let early = self.effects.runs.get_mut(&id).map(|run| std::mem::take(&mut run.early));
        for (sender, heard) in early.unwrap_or_default() {
            self.notified(now, id, sender, heard);
        }
    }

    fn spawn_failed(&mut self, now: Moment, number: u64, step: SpawnStep, errno: i32) {
        let error = std::io::Error::from_raw_os_error(errno);
        let failure = match step {
            SpawnStep::Cwd => SpawnFailure::Cwd(format!("its working directory cannot be entered: {error}")),
            // The program itself was found before the spawn.
            SpawnStep::Exec if errno == libc::ENOENT => SpawnFailure::NotExecutable(
                "it cannot be executed: the interpreter that its first line names (a script's `#!`) does not exist"
                    .to_owned(),
            ),
            SpawnStep::Exec => SpawnFailure::NotExecutable(format!("it cannot be executed: {error}")),
            SpawnStep::Fork => SpawnFailure::Other(format!("no process could be made: {error}")),
            SpawnStep::Setup => SpawnFailure::Other(format!("its process could not be set up: {error}")),
        };
        if Helpers::is_helper(number) {
            let text = super::effects::failure_text(failure);
            if let Some(end) = self.effects.helpers.not_spawned(number, text) {
                self.effects.helper_ended(now, end);
            }
            self.effects.resume(now, &self.fleet);
        } else {
            self.fleet.fact(now, Fact::SpawnFailed { run: RunId(number), failure });
        }
    }

    pub(super) fn hear(&mut self, now: Moment, news: News) {
        match news {
            News::Fact(fact) => self.fleet.fact(now, fact),
            News::Capture(CaptureFact::Matched { run, tag: READY_TAG }) => {
                self.effects.capture.unwatch(run, READY_TAG);
                self.fleet.fact(now, Fact::ready(run));
            }
            News::Capture(CaptureFact::Matched { run, .. }) => self.heartbeat(run),
            News::Capture(CaptureFact::Drained { run, tail }) => {
                if Helpers::is_helper(run.0) {
                    if let Some(end) = self.effects.helpers.drained(run.0, &tail) {
                        self.effects.helper_ended(now, end);
                    }
                    self.effects.resume(now, &self.fleet);
                } else {
                    self.fleet.fact(now, Fact::Drained { run });
                }
            }
            News::Capture(CaptureFact::Trouble { run, message }) => {
                tracing::error!(%run, message, "output could not be captured");
            }
            News::Notified { run, pid, heard } => self.notified(now, run, pid, heard),
        }
    }

    /// A message counts only from the run's own tree; from a process that has ended since, its unguessable
    /// address has to do (`lifecycle.md` 8).
    fn notified(&mut self, now: Moment, id: RunId, pid: u32, heard: Heard) {
        let Some(run) = self.effects.runs.get_mut(&id) else { return };
        if run.pid.is_none() {
            run.early.push((pid, heard));
            return;
        }
        let Some(shim) = run.shim else { return };
        if tree::stat(pid).is_ok() && !tree::descendants(shim).contains(&pid) {
            tracing::warn!(%id, pid, "a process of another run wrote to its notify socket");
            return;
        }
        match heard {
            Heard::Ready => self.fleet.fact(now, Fact::ready(id)),
            Heard::Alive => self.heartbeat(id),
        }
    }

    fn heartbeat(&mut self, id: RunId) {
        if let Some(run) = self.effects.runs.get_mut(&id) {
            run.heartbeat = Heartbeat::Heard;
        }
    }
}

fn is_any_missing(wanted: &[(ServiceName, usize)], ports: &Ports) -> bool {
    wanted.iter().any(|key| !ports.contains_key(key))
}

fn patterns(service: &Service) -> Vec<(u8, regex::bytes::Regex)> {
    let probes = [(READY_TAG, &service.readiness), (ALIVE_TAG, &service.liveness)];
    let mut patterns = Vec::new();
    for (tag, probe) in probes {
        if let Some(ProbeKind::Log(pattern)) = probe.as_ref().map(|probe| &probe.kind) {
            let regex = regex::bytes::Regex::new(pattern).expect("config has compiled this expression before");
            patterns.push((tag, regex));
        }
    }
    patterns
}

/// A `wait4` status in words of the fleet.
fn exit_of(status: i32) -> Exit {
    if libc::WIFEXITED(status) {
        Exit::Code(libc::WEXITSTATUS(status))
    } else if libc::WIFSIGNALED(status) {
        Signal::from_number(libc::WTERMSIG(status)).map_or(Exit::Unknown, Exit::Signal)
    } else {
        Exit::Unknown
    }
}

fn leftover(process: Process) -> Leftover {
    Leftover { pid: process.pid, command: process.command, why: process.why }
}
