//! From what the supervisor sees to what clients see: words, wall-clock milliseconds, flat fields.

use crate::core::{Exit, Health, Leftover, Phase, Step, StepVerb, Waiting};
use crate::model::ServiceType;
use crate::supervisor::{Scene, Sight, Told};
use crate::sys::clock;

use super::wire::{EventView, ExitView, PortView, ProcessView, SCHEMA_VERSION, ServiceView, State, WaitingView};
use super::words;

/// The whole scene.
pub(super) fn state(scene: &Scene) -> State {
    State {
        schema_version: SCHEMA_VERSION,
        project: scene.project.name.clone(),
        dir: scene.project.dir.display().to_string(),
        supervisor_pid: std::process::id(),
        keeper_pid: scene.keeper,
        owner_pid: scene.owner,
        containment: "shim".to_owned(),
        generation: scene.generation,
        shutting_down: scene.shutting_down,
        now_ms: clock::wall_ms(clock::now()),
        services: scene.sights.iter().map(service).collect(),
    }
}

/// One instance.
pub(super) fn service(sight: &Sight) -> ServiceView {
    let view = &sight.view;
    let spec = &sight.service;
    let phase = &view.phase;
    ServiceView {
        id: view.number,
        name: view.instance.to_string(),
        service: view.instance.service.to_string(),
        instance: view.instance.index,
        kind: match spec.kind {
            ServiceType::Service => "service",
            ServiceType::Oneshot => "oneshot",
        }
        .to_owned(),
        description: spec.description.clone(),
        state: phase.name().to_string(),
        since_ms: phase.since().map(clock::wall_ms),
        reason: words::reason(&view.phase, view, spec),
        late: words::is_late(phase),
        health: health(phase).map(str::to_owned),
        wanted: view.wanted,
        settled: is_settled(phase),
        pid: sight.pid.filter(|_| phase.is_live()),
        ports: ports(sight),
        waiting_for: view.waiting_for.iter().map(waiting).collect(),
        restarts: view.restarts,
        exit: view.last_exit.map(exit),
        started_ms: view.spawned_at.map(clock::wall_ms),
        time_to_ready_ms: view.time_to_ready.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        next_start_ms: match phase {
            Phase::Backoff { until, .. } => Some(clock::wall_ms(*until)),
            Phase::Stopped { .. }
            | Phase::Pending { .. }
            | Phase::Starting { .. }
            | Phase::Ready { .. }
            | Phase::Stopping { .. }
            | Phase::Completed { .. }
            | Phase::Failed { .. }
            | Phase::Skipped { .. }
            | Phase::Disabled => None,
        },
        cpu_percent: sight.usage.and_then(|usage| usage.cpu_percent),
        memory_bytes: sight.usage.map(|usage| usage.memory),
        processes: sight.usage.map(|usage| usage.processes),
        groups: spec.groups.iter().map(ToString::to_string).collect(),
        depends_on: spec.depends_on.iter().map(|edge| edge.on.to_string()).collect(),
        log_file: sight.log.as_ref().map(|path| path.display().to_string()),
        labels: spec.labels.clone(),
    }
}

/// An event as the journal has it; the streams add the instance.
pub(super) fn event(told: &Told) -> EventView {
    let (event, message) = words::event(told);
    EventView {
        schema_version: SCHEMA_VERSION,
        at_ms: clock::wall_ms(told.event.at),
        generation: told.generation,
        service: told.event.instance.as_ref().map(ToString::to_string),
        event: event.to_owned(),
        message,
        view: None,
    }
}

/// A line of a plan.
pub(super) fn step(step: &Step) -> super::wire::Step {
    let verb = match step.verb {
        StepVerb::Keep => "keep",
        StepVerb::Start => "start",
        StepVerb::Stop => "stop",
        StepVerb::Restart => "restart",
    };
    super::wire::Step { service: step.service.to_string(), verb: verb.to_owned(), why: words::step_why(&step.why) }
}

/// A process that is left.
pub(super) fn process(left: &Leftover) -> ProcessView {
    ProcessView {
        pid: left.pid,
        parent: 0,
        command: left.command.clone(),
        state: String::new(),
        service: None,
        why: Some(left.why.clone()),
    }
}

/// How a process ended.
pub(super) const fn exit(exit: Exit) -> ExitView {
    match exit {
        Exit::Code(code) => ExitView { code: Some(code), signal: None },
        Exit::Signal(signal) => ExitView { code: None, signal: Some(signal.number()) },
        Exit::Unknown => ExitView { code: None, signal: None },
    }
}

fn ports(sight: &Sight) -> Vec<PortView> {
    let known = sight.service.ports.iter().filter_map(|port| Some((port, port.number.get()?)));
    let view = |(port, number): (&crate::model::Port, u16)| PortView {
        name: port.name.clone(),
        port: number,
        auto: matches!(port.number, crate::model::PortNumber::Allocated(_)),
    };
    known.map(view).collect()
}

fn waiting(waiting: &Waiting) -> WaitingView {
    WaitingView {
        service: waiting.on.to_string(),
        condition: words::condition(waiting.condition).to_owned(),
        state: waiting.now.to_string(),
    }
}

const fn health(phase: &Phase) -> Option<&'static str> {
    match phase {
        Phase::Ready { health: Health::Healthy, .. } => Some("healthy"),
        Phase::Ready { health: Health::Unhealthy, .. } => Some("unhealthy"),
        Phase::Ready { health: Health::Unknown, .. }
        | Phase::Stopped { .. }
        | Phase::Pending { .. }
        | Phase::Starting { .. }
        | Phase::Stopping { .. }
        | Phase::Backoff { .. }
        | Phase::Completed { .. }
        | Phase::Failed { .. }
        | Phase::Skipped { .. }
        | Phase::Disabled => None,
    }
}

/// Whether nothing more will happen to it by itself.
const fn is_settled(phase: &Phase) -> bool {
    match phase {
        Phase::Ready { .. }
        | Phase::Completed { .. }
        | Phase::Failed { .. }
        | Phase::Skipped { .. }
        | Phase::Stopped { .. }
        | Phase::Disabled => true,
        Phase::Pending { .. } | Phase::Starting { .. } | Phase::Stopping { .. } | Phase::Backoff { .. } => false,
    }
}
