//! The pure core: what one input costs with 1,000 services of 3 dependencies each, actions and events included. There
//! is no floor; the promise is an absolute one.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use support::{report_absolute, time};
use tspm::core::{
    Action, Apply, Exit, Fact, Fleet, HookOutcome, ProbeOutcome, Recreate, Request, Wanted, WithDeps,
};
use tspm::model::{
    Backoff, Command, Condition, Dependency, Hooks, Logs, Moment, Project, ProjectStop, Requirement, RestartMode,
    RestartPolicy, RunId, Service, ServiceName, ServiceType, Stdin, Stop, StopOrder, WhenReplaced,
};

const SERVICES: usize = 1000;

fn main() {
    let mut world = World { fleet: Fleet::new(project(), 1), clock: 1, inputs: 0, live: BTreeSet::new() };
    let apply = Request::Apply(Apply {
        project: project(),
        wanted: Wanted::Default,
        deps: WithDeps::With,
        recreate: Recreate::Changed,
    });
    let took = time(|| {
        let now = world.now();
        world.fleet.request(now, apply).expect("the project is new");
        world.obey();
    });
    report("start of 1,000 services, per input", took, world.inputs);

    let before = world.inputs;
    let took = time(|| {
        for run in world.live.clone() {
            let now = world.now();
            world.fleet.fact(now, Fact::Exited { run, exit: Exit::Code(1) });
            world.obey();
            world.tell(Fact::Emptied { run, released: Vec::new() });
            world.obey();
        }
    });
    report("reconcile, 1,000 services with 3 dependencies each", took, world.inputs - before + SERVICES);
}

fn report(name: &str, took: Duration, inputs: usize) {
    let inputs = u32::try_from(inputs).expect("few inputs");
    let each = took.as_secs_f64() * 1e6 / f64::from(inputs);
    report_absolute(&format!("{name} ({inputs} inputs)"), each, 50.0, "µs");
}

/// A world in which everything that is asked for happens at once.
struct World {
    fleet: Fleet,
    clock: u64,
    inputs: usize,
    live: BTreeSet<RunId>,
}

impl World {
    fn now(&mut self) -> Moment {
        self.clock += 1_000_000;
        Moment::from_nanos(self.clock)
    }

    fn tell(&mut self, fact: Fact) {
        let now = self.now();
        self.inputs += 1;
        self.fleet.fact(now, fact);
    }

    fn obey(&mut self) {
        while let Some(action) = self.fleet.poll_action() {
            self.answer(&action);
        }
        while self.fleet.poll_event().is_some() {}
        self.fleet.poll_timeout();
    }

    fn answer(&mut self, action: &Action) {
        match *action {
            Action::Spawn { run } => {
                self.live.insert(run);
                self.tell(Fact::Spawned { run, pid: u32::try_from(run.0).expect("few runs") });
            }
            Action::RunHook { run, kind, index } => {
                self.tell(Fact::HookDone { run, kind, index, outcome: HookOutcome::Done });
            }
            Action::Probe { run, which } => {
                self.tell(Fact::Probed { run, which, outcome: ProbeOutcome::Good { note: None } });
            }
            Action::Drain { run } => self.tell(Fact::Drained { run }),
            Action::AwaitPorts { run } => self.tell(Fact::PortsSettled { run, held: Vec::new() }),
            Action::End { run } => {
                self.live.remove(&run);
            }
            Action::Begin { .. }
            | Action::RunStopCommand { .. }
            | Action::CancelHelpers { .. }
            | Action::Signal { .. }
            | Action::Kill { .. }
            | Action::Quiescent => (),
        }
    }
}

fn name(n: usize) -> ServiceName {
    ServiceName::new(&format!("s{n:04}")).expect("a good name")
}

fn project() -> Arc<Project> {
    let services: BTreeMap<ServiceName, Arc<Service>> =
        (0..SERVICES).map(|n| (name(n), Arc::new(service(n)))).collect();
    Arc::new(Project {
        name: "bench".to_owned(),
        dir: PathBuf::from("/tmp"),
        services,
        groups: BTreeMap::new(),
        profiles: BTreeSet::new(),
        stop: ProjectStop { order: StopOrder::Reverse },
    })
}

/// Depends on three earlier ones (or as many as there are): near, further, far.
fn service(n: usize) -> Service {
    let earlier: BTreeSet<usize> = [1, 7, 31].into_iter().filter_map(|back| n.checked_sub(back)).collect();
    let edge = |on: usize| Dependency {
        on: name(on),
        condition: Condition::Ready,
        requirement: Requirement::Required,
        when_replaced: WhenReplaced::Keep,
    };
    Service {
        name: name(n),
        kind: ServiceType::Service,
        description: None,
        labels: BTreeMap::new(),
        command: Command::Argv(vec!["true".to_owned()]),
        cwd: PathBuf::from("/tmp"),
        env: BTreeMap::new(),
        depends_on: earlier.into_iter().map(edge).collect(),
        groups: Vec::new(),
        profiles: Vec::new(),
        autostart: true,
        disabled: false,
        ports: Vec::new(),
        readiness: None,
        liveness: None,
        ready_timeout: Service::DEFAULT_READY_TIMEOUT,
        start_timeout: None,
        release: Vec::new(),
        stdin: Stdin::Pipe,
        restart: RestartPolicy {
            mode: RestartMode::OnFailure,
            max_restarts: RestartPolicy::DEFAULT_MAX_RESTARTS,
            backoff: Backoff::default(),
            success_exit_codes: vec![0],
        },
        stop: Stop::default(),
        hooks: Hooks::default(),
        logs: Logs::default(),
        spawn_hash: 1,
    }
}
