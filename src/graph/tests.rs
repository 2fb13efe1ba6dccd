//! Projects for the tests of this room, written in one line, and a look at how long a large one takes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;

use super::{closure, cycle, dependents, ranks, start_order};

use crate::model::{
    Backoff, Command, Condition, Dependency, Hooks, Logs, Project, ProjectStop, Requirement, RestartMode,
    RestartPolicy, Service, ServiceName, ServiceType, Stdin, Stop, StopOrder, WhenReplaced,
};

/// A name that is one.
pub(super) fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

/// `"a b"` as a set.
pub(super) fn names(text: &str) -> BTreeSet<ServiceName> {
    text.split_whitespace().map(name).collect()
}

/// `"api: db ?cache, db, !cache"`: `api` depends on `db` and, optionally, on `cache`, which is disabled.
pub(super) fn project(text: &str) -> Project {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    project_of(entries.map(|entry| {
        let (head, needs) = entry.split_once(':').unwrap_or((entry, ""));
        let needs = needs.split_whitespace().map(|need| match need.strip_prefix('?') {
            Some(need) => dependency(name(need), Requirement::Optional),
            None => dependency(name(need), Requirement::Required),
        });
        let mut service = service(name(head.trim_start_matches('!')), needs.collect());
        service.disabled = head.starts_with('!');
        service
    }))
}

/// Up to 12 services without a cycle; the order of names says nothing about the order of edges.
pub(super) fn random_project() -> impl Strategy<Value = Project> {
    let edges = proptest::collection::vec((0_usize..12, 0_usize..12, any::<bool>()), 0..40);
    let order = Just((0..12).collect::<Vec<usize>>()).prop_shuffle();
    (1_usize..13, edges, order).prop_map(|(count, edges, order)| {
        project_of((0..count).map(|at| {
            let needs = edges.iter().filter(|(from, to, _)| *from == at && *to < count && order[*to] < order[at]);
            let needs = needs.map(|(_, to, required)| {
                let requirement = if *required { Requirement::Required } else { Requirement::Optional };
                dependency(name(&format!("s{to}")), requirement)
            });
            service(name(&format!("s{at}")), needs.collect())
        }))
    })
}

/// `services` as a project.
pub(super) fn project_of(services: impl IntoIterator<Item = Service>) -> Project {
    Project {
        name: "test".to_owned(),
        dir: PathBuf::from("/"),
        services: services.into_iter().map(|service| (service.name.clone(), Arc::new(service))).collect(),
        groups: BTreeMap::new(),
        profiles: BTreeSet::new(),
        stop: ProjectStop { order: StopOrder::Reverse },
    }
}

/// An edge.
pub(super) fn dependency(on: ServiceName, requirement: Requirement) -> Dependency {
    Dependency { on, condition: Condition::Ready, requirement, when_replaced: WhenReplaced::Keep }
}

/// A service that has nothing but a name and edges.
pub(super) fn service(name: ServiceName, depends_on: Vec<Dependency>) -> Service {
    Service {
        name,
        kind: ServiceType::Service,
        description: None,
        labels: BTreeMap::new(),
        command: Command::Argv(vec!["true".to_owned()]),
        cwd: PathBuf::from("/"),
        env: BTreeMap::new(),
        depends_on,
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
        stdin: Stdin::Null,
        restart: RestartPolicy {
            mode: RestartMode::No,
            max_restarts: 0,
            backoff: Backoff::default(),
            success_exit_codes: vec![0],
        },
        stop: Stop::default(),
        hooks: Hooks::default(),
        logs: Logs::default(),
        spawn_hash: 0,
    }
}

/// Prints, asserts nothing about time: `cargo test --lib graph::tests -- --nocapture`.
#[test]
#[expect(clippy::disallowed_methods, reason = "a look at the clock for people, no decision")]
fn a_thousand_services() {
    let project = project_of((0..1_000_usize).map(|at| {
        let needs = [at / 2, at / 3, at.saturating_sub(1)].into_iter().filter(|need| *need < at);
        let needs = needs.map(|need| dependency(name(&format!("s{need}")), Requirement::Required));
        service(name(&format!("s{at}")), needs.collect())
    }));
    let bottom = BTreeSet::from([name("s0")]);
    let top = BTreeSet::from([name("s999")]);
    let time = |what: &str, run: &dyn Fn() -> usize| {
        let count = run();
        let began = std::time::Instant::now();
        for _ in 0..10 {
            assert_eq!(run(), count);
        }
        println!("{what:<12} {count:>5} {:>8.1?}", began.elapsed() / 10);
    };
    let services = &project.services;
    let edges = || services.values().flat_map(|s| s.depends_on.iter().map(|edge| (&s.name, &edge.on)));
    time("cycle", &|| usize::from(cycle(edges()).is_some()));
    time("start_order", &|| start_order(&project).len());
    time("ranks", &|| ranks(&project).len());
    time("closure", &|| closure(&project, &top).len());
    time("dependents", &|| dependents(&project, &bottom).len());
}
