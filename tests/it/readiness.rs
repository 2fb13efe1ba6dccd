//! When a service counts as ready or healthy: every kind of probe, and whose listener may answer.

use std::time::Duration;

use crate::support::{Project, free_port};

#[test]
fn every_kind_of_readiness() {
    let (tcp, http) = (free_port(), free_port());
    let project = Project::new(&format!(
        "services:\n  \
           tcp: {{command: [./hostile, listen, \"{tcp}\", \"100\"], readiness: {tcp}}}\n  \
           http: {{command: [./hostile, http, \"{http}\", \"100\"], ports: [{http}], readiness: /health}}\n  \
           unix: {{command: [./hostile, unix, here.sock], readiness: {{unix: here.sock}}}}\n  \
           exec: {{command: 'sleep 0.1; touch done; exec sleep 1000', readiness: {{exec: 'test -e done'}}}}\n  \
           log: {{command: 'sleep 0.1; echo listening on 80; exec sleep 1000', readiness: {{log: 'listening on \\d+'}}}}\n  \
           notify: {{command: [./hostile, notify], readiness: {{notify: true}}}}\n"
    ));
    let ran = project.up();
    let took = ran.took;
    for service in ["tcp", "http", "unix", "exec", "log", "notify"] {
        assert_eq!(project.view(service)["state"], "ready", "{service}");
    }
    // The default interval is 10 s: until the first success nobody waits for it.
    assert!(took < Duration::from_secs(5), "quick probing took {took:?}");
    assert!(!project.read("facts").contains("failed"));
}

#[test]
fn http_wants_a_good_status() {
    let port = free_port();
    let project = Project::new(&format!(
        "services:\n  api: {{command: [./hostile, http, \"{port}\"], readiness: 'http://127.0.0.1:{port}/health'}}\n"
    ));
    project.write("status", "503 Service Unavailable");
    let up = project.spawn("up -d");
    project.wait_fact("up");
    let port_is_open =
        project.watch().until("api", "starting with a pid", |v| v["state"] == "starting" && v["pid"].is_u64());
    assert!(port_is_open["pid"].is_u64());
    project.write("status", "200 OK");
    up.wait().ok();
}

#[test]
fn a_listener_of_somebody_else_is_a_conflict_that_names_its_owner() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let port = listener.local_addr().expect("it is bound").port();
    // Undeclared: the service starts, but somebody else answers its probe.
    let project = Project::new(&format!(
        "services:\n  api: {{command: sleep 1000, readiness: {port}, ready_timeout: 500ms}}\n"
    ));
    let me = std::process::id().to_string();
    project.tspm("up -d").code(1).says(&["api", &port.to_string(), &me]);
    project.tspm("why api").ok().says(&[&port.to_string(), &me]);
    assert_ne!(project.view("api")["state"], "ready");
}

#[test]
fn any_owner_will_do_if_the_file_says_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let port = listener.local_addr().expect("it is bound").port();
    let project = Project::new(&format!(
        "services:\n  api: {{command: sleep 1000, readiness: {{tcp: {port}, owner: any}}, ready_timeout: 20s}}\n"
    ));
    project.up();
    assert_eq!(project.view("api")["state"], "ready");
}

#[test]
fn a_child_may_be_the_one_that_listens() {
    let port = free_port();
    let project = Project::new(&format!(
        "services:\n  api: {{command: './hostile listen {port} & wait', readiness: {port}, ready_timeout: 20s}}\n"
    ));
    project.up();
}

#[test]
fn readiness_never_kills() {
    let project = Project::new(
        "services:\n  \
           late: {command: sleep 1000, readiness: {exec: 'echo not yet; test -e go'}, ready_timeout: 300ms}\n  \
           after: {command: [./hostile, named, after], depends_on: [late]}\n",
    );
    project.tspm("up -d").code(1).says(&["late", "not yet"]);
    let view = project.view("late");
    assert_eq!((&view["state"], &view["late"]), (&"starting".into(), &true.into()));
    assert!(view["pid"].is_u64());
    project.tspm("why late").ok().says(&["not yet"]);
    project.write("go", "");
    let ready = project.wait_state("late", "ready");
    assert_eq!(ready["pid"], view["pid"], "it was never restarted");
}

#[test]
fn start_timeout_kills() {
    let project = Project::new(
        "services:\n  stuck: {command: 'echo started >>facts; exec sleep 1000', readiness: {exec: 'false'}, \
         start_timeout: 200ms, restart: on-failure, max_restarts: 1, backoff: {initial: 10ms}}\n",
    );
    project.tspm("up -d").code(1).says(&["stuck"]);
    project.wait_state("stuck", "failed");
    assert_eq!(project.facts(), ["started", "started"]);
    project.assert_nothing_left();
}

#[test]
fn liveness_restarts() {
    let port = free_port();
    let project = Project::new(&format!(
        "services:\n  api:\n    command: [./hostile, http, \"{port}\"]\n    ports: [{port}]\n    readiness: /\n    \
         liveness: {{http: /, interval: 50ms, retries: 2}}\n    backoff: {{initial: 10ms}}\n"
    ));
    project.up();
    let before = project.pid("api");
    let mut watch = project.watch();
    project.write("status", "500 Internal Server Error");
    watch.until("api", "restarted for its liveness", |view| view["restarts"].as_u64().is_some_and(|n| n > 0));
    project.write("status", "200 OK");
    let after =
        watch.until("api", "ready again", |v| v["state"] == "ready" && v["pid"].as_u64() != Some(before.into()));
    assert!(after["restarts"].as_u64().is_some_and(|n| n > 0));
    project.tspm("why api").ok().says(&["liveness", "500"]);
}

#[test]
fn health_is_shown() {
    let project =
        Project::new("services:\n  api: {command: sleep 1000, liveness: {exec: 'true', interval: 50ms}}\n");
    project.up();
    project.watch().until("api", "healthy", |view| view["health"] == "healthy");
    assert_eq!(project.view("api")["state"], "ready");
}

#[test]
fn an_exec_probe_is_killed_whole_when_its_time_is_over() {
    let project = Project::new(
        "services:\n  api: {command: sleep 1000, readiness: {exec: './hostile daemon', timeout: 200ms}, ready_timeout: 1s}\n",
    );
    project.tspm("up -d").code(1).says(&["api"]);
    project.wait_fact("up");
    project.down();
}

#[test]
fn a_restart_within_a_log_probe_waits_for_a_new_match() {
    let project = Project::new(
        "services:\n  api:\n    command: 'echo run >>facts; while [ ! -e go ]; do sleep 0.01; done; echo ready now; exec sleep 1000'\n    \
         readiness: {log: ready now}\n",
    );
    project.write("go", "");
    project.up();
    std::fs::remove_file(project.path("go")).expect("it was written");
    let restart = project.spawn("restart api");
    project.wait_facts("run", 2);
    let view = project.wait_state("api", "starting");
    assert_eq!(view["state"], "starting", "the old match does not count");
    project.write("go", "");
    project.wait_state("api", "ready");
    restart.wait().ok();
}
