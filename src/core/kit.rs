//! For tests only: projects written in a few words, and actions, events and phases as one line of text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::{
    Backoff, Command, Condition, Dependency, Hook, HookFailure, HookKind, Hooks, Logs, Moment, Port, PortNumber,
    Probe, ProbeKind, ProbeOwner, Project, ProjectStop, Requirement, RestartMode, RestartPolicy, Service,
    ServiceName, ServiceType, SignalScope, Stdin, Stop, StopOrder, WhenReplaced,
};

use super::{Action, Event, EventKind, Phase, ProbeOutcome, SignalTo};

/// A name that is one.
pub(super) fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

/// `"a b"` as a set.
pub(super) fn names<'a>(words: impl IntoIterator<Item = &'a str>) -> BTreeSet<ServiceName> {
    words.into_iter().map(name).collect()
}

/// Milliseconds.
pub(super) fn ms(text: &str) -> Duration {
    Duration::from_millis(text.parse().unwrap())
}

/// A project of these services.
pub(super) fn project(services: impl IntoIterator<Item = Service>) -> Project {
    Project {
        name: "test".to_owned(),
        dir: PathBuf::from("/test"),
        services: services.into_iter().map(|service| (service.name.clone(), service.into())).collect(),
        groups: BTreeMap::new(),
        profiles: BTreeSet::new(),
        stop: ProjectStop { order: StopOrder::Reverse },
    }
}

/// `api needs=db,cache:started?,m:succeeded! ready=tcp live=exec restart=always max=3 grace=2000 port=80 hash=2
/// hooks=pre_start/post_stop~ oneshot disabled`: `?` optional, `!` restart, `~` failure ignored. Times in ms.
pub(super) fn service(text: &str) -> Service {
    let mut words = text.split_whitespace();
    let mut service = plain(name(words.next().unwrap()));
    let words: Vec<&str> = words.collect();
    if words.contains(&"oneshot") {
        (service.kind, service.restart.mode) = (ServiceType::Oneshot, RestartMode::No);
    }
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        match key {
            "oneshot" => {}
            "needs" => service.depends_on = value.split(',').map(dependency).collect(),
            "ready" => service.readiness = Some(probe(value)),
            "live" => service.liveness = Some(probe(value)),
            "success" => service.readiness.as_mut().unwrap().success = value.parse().unwrap(),
            "restart" => service.restart.mode = restart(value),
            "max" => service.restart.max_restarts = value.parse().unwrap(),
            "codes" => service.restart.success_exit_codes = value.split('/').map(|c| c.parse().unwrap()).collect(),
            "grace" => service.stop.timeout = ms(value),
            "scope" => service.stop.scope = SignalScope::Leader,
            "stopcmd" => service.stop.command = Some(service.command.clone()),
            "port" => {
                service.ports.push(Port { name: None, number: PortNumber::Fixed(value.parse().unwrap()) });
            }
            "auto" => service.autostart = false,
            "disabled" => service.disabled = true,
            "profile" => service.profiles.push(value.to_owned()),
            "hash" => service.spawn_hash = value.parse().unwrap(),
            "ready_timeout" => service.ready_timeout = ms(value),
            "start_timeout" => service.start_timeout = Some(ms(value)),
            "hooks" => value.split('/').for_each(|text| add_hook(&mut service.hooks, text)),
            _ => panic!("no such word: {word}"),
        }
    }
    service
}

fn plain(name: ServiceName) -> Service {
    Service {
        name,
        kind: ServiceType::Service,
        description: None,
        labels: BTreeMap::new(),
        command: Command::Argv(vec!["program".to_owned()]),
        cwd: PathBuf::from("/test"),
        env: BTreeMap::new(),
        depends_on: Vec::new(),
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

fn dependency(text: &str) -> Dependency {
    let bare = text.trim_end_matches(['?', '!']);
    let (on, condition) = bare.split_once(':').unwrap_or((bare, "ready"));
    let condition = match condition {
        "started" => Condition::Started,
        "ready" => Condition::Ready,
        "completed" => Condition::Completed,
        "succeeded" => Condition::Succeeded,
        _ => panic!("no such condition: {condition}"),
    };
    Dependency {
        on: name(on),
        condition,
        requirement: if text.contains('?') { Requirement::Optional } else { Requirement::Required },
        when_replaced: if text.contains('!') { WhenReplaced::Restart } else { WhenReplaced::Keep },
    }
}

fn restart(text: &str) -> RestartMode {
    match text {
        "no" => RestartMode::No,
        "on-failure" => RestartMode::OnFailure,
        "always" => RestartMode::Always,
        "unless-stopped" => RestartMode::UnlessStopped,
        _ => panic!("no such mode: {text}"),
    }
}

/// A probe of a kind; what it asks does not matter to core.
pub(super) fn probe(kind: &str) -> Probe {
    let kind = match kind {
        "tcp" => ProbeKind::Unix(PathBuf::from("/test/socket")),
        "exec" => ProbeKind::Exec(Command::Argv(vec!["check".to_owned()])),
        "log" => ProbeKind::Log("listening".to_owned()),
        "notify" => ProbeKind::Notify,
        _ => panic!("no such probe: {kind}"),
    };
    Probe {
        kind,
        interval: Probe::DEFAULT_INTERVAL,
        timeout: Probe::DEFAULT_TIMEOUT,
        retries: Probe::DEFAULT_RETRIES,
        success: 1,
        start_period: Duration::ZERO,
        owner: ProbeOwner::Service,
    }
}

fn add_hook(hooks: &mut Hooks, text: &str) {
    let hook = Hook {
        command: Command::Argv(vec!["hook".to_owned()]),
        timeout: Duration::from_secs(30),
        on_failure: if text.ends_with('~') { HookFailure::Ignore } else { HookFailure::Fail },
        guard: None,
    };
    match hook_kind(text.trim_end_matches('~')) {
        HookKind::PreStart => hooks.pre_start.push(hook),
        HookKind::PostStart => hooks.post_start.push(hook),
        HookKind::PreStop => hooks.pre_stop.push(hook),
        HookKind::PostStop => hooks.post_stop.push(hook),
    }
}

/// `pre_start` …
pub(super) fn hook_kind(text: &str) -> HookKind {
    match text {
        "pre_start" => HookKind::PreStart,
        "post_start" => HookKind::PostStart,
        "pre_stop" => HookKind::PreStop,
        "post_stop" => HookKind::PostStop,
        _ => panic!("no such hook: {text}"),
    }
}

/// An action in a line.
pub(super) fn action(action: &Action) -> String {
    match action {
        Action::Begin { run, instance } => format!("{run} begin {instance}"),
        Action::Spawn { run } => format!("{run} spawn"),
        Action::RunHook { run, kind, index } => format!("{run} hook {kind:?} {index}"),
        Action::RunStopCommand { run } => format!("{run} stop command"),
        Action::CancelHelpers { run } => format!("{run} cancel helpers"),
        Action::Signal { run, signal, to } => {
            let to = match to {
                SignalTo::Group => "group",
                SignalTo::Leader => "leader",
                SignalTo::Rest => "rest",
            };
            format!("{run} {signal} to {to}")
        }
        Action::Kill { run } => format!("{run} kill"),
        Action::Probe { run, which } => format!("{run} probe {which:?}"),
        Action::Drain { run } => format!("{run} drain"),
        Action::AwaitPorts { run } => format!("{run} await ports"),
        Action::End { run } => format!("{run} end"),
        Action::Quiescent => "quiescent".to_owned(),
    }
}

/// An event in a line.
pub(super) fn event(event: &Event) -> String {
    let mut line = event.instance.as_ref().map_or_else(|| "project".to_owned(), ToString::to_string);
    match &event.kind {
        EventKind::Phase { from, to } => write!(line, ": {from} > {}", phase(to, event.at)),
        EventKind::Exited { exit } => write!(line, ": {exit}"),
        EventKind::Probe { which, outcome } => write!(line, ": {which:?} {}", probe_outcome(outcome)),
        EventKind::Hook { kind, outcome } => write!(line, ": {kind:?} {outcome:?}"),
        EventKind::Signalled { signal } => write!(line, ": {signal} sent"),
        EventKind::Killed => write!(line, ": killed"),
        EventKind::Survived { left } => write!(line, ": {} survived", left.len()),
        EventKind::Released { left } => write!(line, ": {} released", left.len()),
        EventKind::PortsHeld { held } => write!(line, ": {} ports held", held.len()),
        EventKind::Applied => write!(line, ": applied"),
        EventKind::ShuttingDown => write!(line, ": shutting down"),
        EventKind::Down => write!(line, ": down"),
    }
    .unwrap();
    line
}

fn probe_outcome(outcome: &ProbeOutcome) -> String {
    match outcome {
        ProbeOutcome::Good { .. } => "good".to_owned(),
        ProbeOutcome::Bad { output } => format!("bad ({output})"),
        ProbeOutcome::Foreign { holder } => format!("foreign ({holder})"),
    }
}

/// A phase in a few words, with the facts that matter.
pub(super) fn phase(phase: &Phase, now: Moment) -> String {
    let word = phase.name();
    match phase {
        Phase::Stopped { by, .. } => format!("{word} by {by:?}"),
        Phase::Pending { .. } | Phase::Disabled => word.to_string(),
        Phase::Starting { run, stage, .. } => {
            let stage = format!("{stage:?}");
            let stage = stage.split_once(" { pid").map_or(stage.as_str(), |(word, _)| word);
            let late = if format!("{phase:?}").contains("Late") { ", late" } else { "" };
            format!("{word} {run} ({stage}{late})")
        }
        Phase::Ready { run, health, .. } => format!("{word} {run} ({health:?})"),
        Phase::Stopping { run, reason, .. } => format!("{word} {run} ({reason:?})"),
        Phase::Backoff { until, attempt, reason, .. } => {
            format!("{word} {attempt} for {} ms ({reason:?})", until.since(now).as_millis())
        }
        Phase::Completed { exit, .. } => format!("{word} ({exit})"),
        Phase::Failed { why, .. } => format!("{word} ({why:?})"),
        Phase::Skipped { because, .. } => {
            let chain: Vec<String> =
                because.iter().map(|cause| format!("{} {}", cause.service, cause.phase)).collect();
            format!("{word} ({})", chain.join(" < "))
        }
    }
}
