//! The fuzz target `ops`: bytes as requests, facts and passing time for a `core::Fleet`.
//!
//! Facts are of any kind, about any run that was ever begun, in any order: worse than the world can be. What
//! must hold even then is asserted after every step; at the end everything is shut down, and must come to rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::config::{self, Bundle, Ports};
use crate::core::{
    Action, Apply, Exit, Fact, Fleet, HookOutcome, Leftover, PortHolder, ProbeOutcome, ProbeWhich, Recreate,
    Request, ShutdownMode, SpawnFailure, Wanted, WithDeps,
};
use crate::model::{HookKind, InstanceId, Moment, Project, RunId, ServiceName, Signal};

/// Versions of one project, to be applied over each other.
const PROJECTS: [&str; 3] = [
    "services: {db: {command: x, readiness: {tcp: 1}, ports: [1], liveness: {tcp: 1}},
  migrate: {command: x, type: oneshot, depends_on: [db], restart: on-failure},
  api: {command: x, depends_on: [db, migrate], readiness: {log: up}, ready_timeout: 2s, start_timeout: 5s,
    hooks: {pre_start: a, post_start: b, pre_stop: c, post_stop: d}, stop: {command: s}},
  web: {command: x, depends_on: {api: {condition: started, restart: true}, off: {required: false}}, restart: always},
  off: {command: x, disabled: true}, late: {command: x, autostart: false, stop: {signal_to: leader, timeout: 0s}}}",
    "services: {db: {command: y, readiness: {tcp: 1}, ports: [1]}, api: {command: x, depends_on: [db]},
  web: {command: x, depends_on: [api], restart: no, max_restarts: 1}, extra: {command: x, depends_on: [web]}}",
    "stop: {order: parallel}
services: {web: {command: x}, db: {command: x, depends_on: [web]}, api: {command: x, disabled: true}}",
];

static LOADED: LazyLock<Vec<Arc<Project>>> = LazyLock::new(|| {
    let load = |text: &str| {
        let bundle = Bundle {
            sources: vec![("/p/tspm.yaml".into(), text.as_bytes().to_vec())],
            env_files: Vec::new(),
            env: Vec::new(),
            dir: "/p".into(),
            profiles: Vec::new(),
            color: false,
        };
        let loaded = config::load(&bundle, &Ports::new()).unwrap_or_else(|report| panic!("{report}"));
        Arc::new(loaded.project)
    };
    PROJECTS.into_iter().map(load).collect()
});

/// The target.
pub(super) fn run(data: &[u8]) {
    let mut bytes = data.iter().copied();
    let project = Arc::clone(pick(&LOADED, bytes.next().unwrap_or_default()));
    let mut world = World {
        fleet: Fleet::new(project, u64::from(bytes.next().unwrap_or_default())),
        now: Moment::from_nanos(1),
        live: BTreeMap::new(),
        helpers: BTreeMap::new(),
        killed: BTreeSet::new(),
        begun: 0,
        down: false,
        quiescent: false,
    };
    // More than this shows nothing new, and each step costs a turn.
    for _ in 0..2_000 {
        let Some(op) = bytes.next() else { break };
        world.step(op, &mut bytes);
        world.collect();
    }
    world.end();
}

fn pick<T>(all: &[T], byte: u8) -> &T {
    &all[usize::from(byte) % all.len()]
}

struct World {
    fleet: Fleet,
    now: Moment,
    /// Runs that were begun and have not ended.
    live: BTreeMap<RunId, InstanceId>,
    /// The hook that each run waits for.
    helpers: BTreeMap<RunId, (HookKind, usize)>,
    /// Runs that were to be killed: if that fails, nothing waits for them any more.
    killed: BTreeSet<RunId>,
    /// The last run.
    begun: u64,
    down: bool,
    quiescent: bool,
}

impl World {
    fn step(&mut self, op: u8, bytes: &mut impl Iterator<Item = u8>) {
        let mut next = || bytes.next().unwrap_or_default();
        match op % 16 {
            0 | 1 => self.timeout(),
            2 => {
                self.now = self.now + Duration::from_millis(u64::from(next()) * 10);
                self.fleet.handle_timeout(self.now);
            }
            3 => {
                let (project, wanted, flags) = (Arc::clone(pick(&LOADED, next())), next(), next());
                let wanted = if wanted == 0 { Wanted::Default } else { Wanted::Only(some(&project, wanted)) };
                let recreate = if flags & 2 == 0 { Recreate::Changed } else { Recreate::All };
                self.request(Request::Apply(Apply { project, wanted, deps: deps(flags), recreate }));
            }
            4 => {
                let services = some(self.fleet.project(), next());
                self.request(Request::Start { services, deps: deps(next()) });
            }
            5 => {
                let services = some(self.fleet.project(), next());
                self.request(Request::Stop { services, timeout: timeout(next()) });
            }
            6 => {
                let services = some(self.fleet.project(), next());
                self.request(Request::Restart { services, timeout: timeout(next()) });
            }
            7 => match next() {
                // Rare, or nothing else would ever be seen.
                0 => self.request(Request::Shutdown(ShutdownMode::Force)),
                byte @ 1..16 => {
                    self.request(Request::Shutdown(ShutdownMode::Graceful { timeout: timeout(byte) }));
                }
                16.. => {}
            },
            8 => self.stale(next()),
            _ => {
                let live: Vec<RunId> = self.live.keys().copied().collect();
                if !live.is_empty() {
                    let fact = self.any_fact(*pick(&live, next()), next(), next());
                    self.fleet.fact(self.now, fact);
                }
            }
        }
    }

    fn timeout(&mut self) {
        if let Some(next) = self.fleet.poll_timeout() {
            self.now = self.now.max(next);
            self.fleet.handle_timeout(self.now);
            assert!(self.fleet.poll_timeout().is_none_or(|later| later > self.now), "the timeout stays due");
        }
    }

    fn request(&mut self, request: Request) {
        let planned = self.fleet.plan(&request);
        let down = matches!(request, Request::Shutdown(_));
        let answer = self.fleet.request(self.now, request);
        assert_eq!(planned, answer, "the plan was another one");
        assert!(down || !self.down || answer.is_err(), "accepted while shutting down");
        self.down |= down;
        assert_eq!(self.fleet.is_shutting_down(), self.down);
    }

    /// A fact of a run that is over, or never was, changes nothing.
    fn stale(&mut self, byte: u8) {
        let run = RunId(u64::from(byte));
        if !self.live.contains_key(&run) {
            let before = self.fleet.snapshot(self.now);
            let fact = self.any_fact(run, byte, byte);
            self.fleet.fact(self.now, fact);
            assert_eq!(self.fleet.snapshot(self.now), before, "a stale fact changed something");
            assert_eq!(self.fleet.poll_action(), None);
        }
    }

    fn any_fact(&self, run: RunId, kind: u8, detail: u8) -> Fact {
        let left = || if detail & 1 == 0 { Vec::new() } else { vec![leftover()] };
        let which = if detail & 64 == 0 { ProbeWhich::Readiness } else { ProbeWhich::Liveness };
        match kind % 16 {
            0..=2 => Fact::Spawned { run, pid: u32::from(detail) + 2 },
            3 if detail & 1 == 0 => Fact::SpawnFailed { run, failure: SpawnFailure::NotFound(String::new()) },
            3 => Fact::SpawnFailed { run, failure: SpawnFailure::PortTaken(vec![holder()]) },
            4 => Fact::Exited { run, exit: Exit::Code(i32::from(detail & 3)) },
            5 if detail & 1 == 0 => Fact::Exited { run, exit: Exit::Signal(Signal::TERM) },
            5 => Fact::Exited { run, exit: Exit::Unknown },
            6 | 7 => Fact::Emptied { run, released: left() },
            8 => Fact::Survived { run, left: left() },
            9 => Fact::Drained { run },
            10 => Fact::PortsSettled { run, held: if detail & 1 == 0 { Vec::new() } else { vec![holder()] } },
            11 | 12 => Fact::Probed { run, which, outcome: ProbeOutcome::Good { note: None } },
            13 if detail & 1 == 0 => {
                Fact::Probed { run, which, outcome: ProbeOutcome::Bad { output: String::new() } }
            }
            13 => Fact::Probed { run, which, outcome: ProbeOutcome::Foreign { holder: holder() } },
            14 => {
                // Mostly the one that is waited for.
                let (kind, index) = match self.helpers.get(&run) {
                    Some(waited) if detail < 224 => *waited,
                    Some(_) | None => (HookKind::PreStop, usize::from(detail & 1)),
                };
                Fact::HookDone { run, kind, index, outcome: outcome(detail) }
            }
            _ => Fact::StopCommandDone { run, outcome: outcome(detail) },
        }
    }

    /// Takes what is to be done, and checks it.
    fn collect(&mut self) {
        while let Some(action) = self.fleet.poll_action() {
            match action {
                Action::Begin { run, instance } => {
                    assert!(!self.down, "{instance} begins although everything goes down");
                    assert!(run.0 > self.begun, "{run} was used before");
                    assert!(!self.live.values().any(|other| *other == instance), "{instance} has a live run");
                    self.begun = run.0;
                    self.live.insert(run, instance);
                }
                Action::Spawn { run } => {
                    assert!(!self.down, "spawned although everything goes down");
                    self.alive(run);
                }
                Action::RunHook { run, kind, index } => {
                    self.alive(run);
                    self.helpers.insert(run, (kind, index));
                }
                Action::RunStopCommand { run }
                | Action::CancelHelpers { run }
                | Action::Signal { run, .. }
                | Action::Probe { run, .. }
                | Action::Drain { run }
                | Action::AwaitPorts { run } => self.alive(run),
                Action::Kill { run } => {
                    self.alive(run);
                    self.killed.insert(run);
                }
                Action::End { run } => {
                    self.alive(run);
                    self.live.remove(&run);
                    self.helpers.remove(&run);
                }
                Action::Quiescent => {
                    let rest = self.live.keys().all(|run| self.killed.contains(run));
                    assert!(self.down && !self.quiescent && rest, "not at rest: {:?}", self.live);
                    self.quiescent = true;
                }
            }
        }
        while self.fleet.poll_event().is_some() {}
        let snapshot = self.fleet.snapshot(self.now);
        let names: BTreeSet<_> = snapshot.instances.iter().map(|view| &view.instance).collect();
        assert_eq!(names.len(), snapshot.instances.len(), "an instance twice");
        for view in &snapshot.instances {
            assert!(self.fleet.explain(self.now, &view.instance).is_some(), "no answer to why {}", view.instance);
        }
        assert!(self.live.keys().all(|run| self.fleet.service_of(*run).is_some()), "a live run has no definition");
    }

    fn alive(&self, run: RunId) {
        assert!(self.live.contains_key(&run), "{run} is over, or never was");
    }

    /// Everything is killed and ends: the fleet comes to rest.
    fn end(&mut self) {
        self.request(Request::Shutdown(ShutdownMode::Force));
        self.collect();
        for _ in 0..100 {
            for run in self.live.keys().copied().collect::<Vec<_>>() {
                // As a keeper does: the leader's end, the tree's, the rest.
                for fact in [
                    Fact::SpawnFailed { run, failure: SpawnFailure::Other(String::new()) },
                    Fact::Exited { run, exit: Exit::Unknown },
                    Fact::Emptied { run, released: Vec::new() },
                    Fact::Drained { run },
                    Fact::PortsSettled { run, held: Vec::new() },
                ] {
                    self.fleet.fact(self.now, fact);
                    self.collect();
                }
            }
            if self.quiescent {
                assert_eq!(self.fleet.poll_timeout(), None, "something is due although everything is at rest");
                return;
            }
            self.timeout();
            self.collect();
        }
        panic!("never at rest: {:?}", self.live);
    }
}

fn some(project: &Project, mask: u8) -> BTreeSet<ServiceName> {
    let named = project.services.keys().enumerate().filter(|(at, _)| mask & (1 << (at % 8)) != 0);
    let mut names: BTreeSet<_> = named.map(|(_, name)| name.clone()).collect();
    if mask == 255 {
        names.insert(ServiceName::new("nobody").expect("a good name"));
    }
    names
}

const fn deps(flags: u8) -> WithDeps {
    if flags & 1 == 0 { WithDeps::With } else { WithDeps::Without }
}

fn timeout(byte: u8) -> Option<Duration> {
    (byte >= 8).then(|| Duration::from_millis(u64::from(byte - 8) * 20))
}

fn outcome(detail: u8) -> HookOutcome {
    match detail % 8 {
        0..=3 => HookOutcome::Done,
        4 => HookOutcome::Skipped,
        5 | 6 => HookOutcome::Failed { how: "exit 1".to_owned(), output: String::new() },
        _ => HookOutcome::TimedOut(Duration::from_secs(1)),
    }
}

fn leftover() -> Leftover {
    Leftover { pid: 9, command: "zombie".to_owned(), why: "state D".to_owned() }
}

fn holder() -> PortHolder {
    PortHolder { port: 1, pid: Some(7), command: Some("old".to_owned()), owner: None }
}
