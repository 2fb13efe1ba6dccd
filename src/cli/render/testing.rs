//! Made-up services for the tests of rendering.

use std::collections::BTreeMap;

use crate::api::wire::{SCHEMA_VERSION, ServiceView, State};

/// The time at which all of it is true.
pub(crate) const NOW: i64 = 1_795_176_000_000;

/// A service in a state, with nothing else to say.
pub(crate) fn view(name: &str, state: &str) -> ServiceView {
    let settled = matches!(state, "ready" | "completed" | "failed" | "skipped" | "stopped" | "disabled");
    ServiceView {
        id: 0,
        name: name.to_owned(),
        service: name.to_owned(),
        instance: 0,
        kind: "service".to_owned(),
        description: None,
        state: state.to_owned(),
        since_ms: Some(NOW - 3_000),
        reason: None,
        late: false,
        health: None,
        wanted: state != "stopped" && state != "disabled",
        settled,
        pid: None,
        ports: Vec::new(),
        waiting_for: Vec::new(),
        restarts: 0,
        exit: None,
        started_ms: None,
        time_to_ready_ms: None,
        next_start_ms: None,
        cpu_percent: None,
        memory_bytes: None,
        processes: None,
        groups: Vec::new(),
        depends_on: Vec::new(),
        log_file: None,
        labels: BTreeMap::new(),
    }
}

/// A project of these services, numbered in order.
pub(crate) fn state(services: Vec<ServiceView>) -> State {
    let mut services = services;
    for (id, view) in (0..).zip(&mut services) {
        view.id = id;
    }
    State {
        schema_version: SCHEMA_VERSION,
        project: "shop".to_owned(),
        dir: "/src/shop".to_owned(),
        supervisor_pid: 11,
        keeper_pid: 10,
        owner_pid: None,
        containment: "shim".to_owned(),
        generation: 1,
        shutting_down: false,
        now_ms: NOW,
        services,
    }
}
