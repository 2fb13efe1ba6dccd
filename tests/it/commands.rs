//! Every command does something sensible, prints what it promises, and exits as `cli.md` says.

use crate::support::{Project, Signal, free_port};

const SHOP: &str = "name: shop\nservices:\n  \
    db: {command: [./hostile, named, db], description: the store, groups: [back]}\n  \
    api: {command: [./hostile, named, api], depends_on: [db], env: {TOKEN: secret}}\n";

fn shop() -> Project {
    let project = Project::new(SHOP);
    project.up();
    project.wait_fact("api up");
    project.wait_fact("db up");
    project
}

#[test]
fn ps_in_words_and_in_json() {
    let project = shop();
    let ran = project.tspm("ps").ok().says(&["db", "api", "ready"]);
    assert!(ran.stdout.contains(&project.pid("db").to_string()), "{ran}");
    let all = project.tspm("ps --json").ok().json();
    assert_eq!(all["schema_version"], 1);
    assert_eq!(all["project"], "shop");
    let names: Vec<&str> =
        all["services"].as_array().expect("a list").iter().filter_map(|v| v["name"].as_str()).collect();
    assert_eq!(names, ["api", "db"]);
    for alias in ["list", "ls"] {
        project.tspm(alias).ok().says(&["db", "api"]);
    }
    project.down();
}

#[test]
fn without_a_supervisor() {
    let project = Project::new(SHOP);
    for command in ["ps", "why db", "describe db", "stop db", "restart db", "signal db HUP", "wait db"] {
        project.tspm(command).code(4).says(&["tspm up"]);
    }
    project.tspm("down").ok();
    assert_eq!(project.processes(), []);
}

#[test]
fn bad_usage() {
    let project = Project::new(SHOP);
    project.tspm("").code(2);
    project.tspm("upp").code(2).says(&["up"]);
    project.tspm("up --detatch").code(2).says(&["--detach"]);
    project.tspm("--help").ok().says(&["up", "down", "logs"]);
    project.tspm("--version").ok().says(&[env!("CARGO_PKG_VERSION")]);
    assert_eq!(project.processes(), []);
}

#[test]
fn why_and_describe() {
    let project = shop();
    project.tspm("why api").ok().says(&["api", "ready"]);
    project.tspm("describe api").ok().says(&["api", "named", "TOKEN"]).never_says(&["secret"]);
    project.tspm("info db").ok().says(&["the store"]);
    assert_eq!(project.tspm("describe api --json").ok().json()["view"]["name"], "api");
    project.tspm("why apy").code(2).says(&["apy", "api"]);
}

#[test]
fn start_stop_restart_signal() {
    let project = shop();
    let before = project.pid("api");
    project.tspm("restart api").ok();
    project.wait_facts("api up", 2);
    assert_ne!(project.pid("api"), before);
    project.tspm("stop api").ok();
    assert_eq!(project.view("api")["state"], "stopped", "`stop` returns when it is");
    project.tspm("start api").ok();
    assert_eq!(project.view("api")["state"], "ready", "`start` returns when it is");
    project.tspm("signal db SIGTERM").ok();
    project.wait_fact("db ended");
    project.tspm("signal db NOPE").code(2).says(&["NOPE"]);
}

#[test]
fn waiting() {
    let project = Project::new(
        "services:\n  it: {command: sleep 1000, readiness: {exec: test -e go}}\n  job: {command: 'exit 0', type: oneshot}\n",
    );
    project.tspm("up -d --no-wait").ok();
    project.tspm("wait it --timeout 200ms").code(1).says(&["it"]);
    let waiting = project.spawn("wait it");
    assert!(!waiting.is_over());
    project.write("go", "");
    waiting.wait().ok();
    project.tspm("wait job --for completed").ok();
    let stopped = project.spawn("wait it --for stopped");
    project.tspm("stop it").ok();
    stopped.wait().ok();
}

#[test]
fn events_tell_what_happened() {
    let project = shop();
    let ran = project.tspm("events").ok().says(&["db", "api", "ready"]);
    let db = ran.stdout.find("db").expect("it was said");
    assert!(ran.stdout[db..].contains("api"), "{ran}");
    let json = project.tspm("events --json").ok().json_lines();
    assert!(json.iter().all(|event| event["schema_version"] == 1 && event["event"].is_string()), "{json:?}");
    let follow = project.spawn("events -f");
    follow.wait_stdout("ready");
    project.tspm("stop api").ok();
    follow.wait_stdout("stopped");
    follow.signal(Signal::SIGINT);
    follow.wait().interrupted();
}

#[test]
fn config_and_check() {
    let project = Project::new(SHOP);
    project.tspm("check").ok();
    let yaml = project.tspm("config").ok().says(&["shop", "db", "api"]);
    project.write("again.yaml", &yaml.stdout);
    project.tspm("check -f again.yaml").ok();
    assert_eq!(project.tspm("config --format json").ok().json()["name"], "shop");
    let services = project.tspm("config --services").ok();
    assert_eq!(services.lines(), ["db", "api"], "in start order");
    let doubtful =
        Project::new("services:\n  a: {command: sleep 1000}\n  b: {command: 'echo $$HOME', depends_on: [a]}\n");
    doubtful.tspm("check").ok().says(&["ready", "$$"]);
}

#[test]
fn standard_input_as_a_project_file() {
    let project = Project::empty();
    let script = "printf 'services: {it: {command: sleep 1000}}' | \"$TSPM\" up -d -f -";
    project.shell(script).ok();
    assert_eq!(project.view("it")["state"], "ready");
    project.down();
}

#[test]
fn json_projects_work_too() {
    let project = Project::empty();
    project.write(
        "tspm.jsonc",
        "{\n  // a comment\n  \"services\": {\"it\": {\"command\": [\"sleep\", \"1000\"],},},\n}\n",
    );
    project.up();
    assert_eq!(project.view("it")["state"], "ready");
    project.down();
}

#[test]
fn ports_tell_who_listens() {
    let port = free_port();
    let project = Project::new(&format!(
        "services:\n  it: {{command: [./hostile, listen, \"{port}\"], ports: [web: {port}], readiness: {port}}}\n"
    ));
    project.up();
    project.tspm("ports").ok().says(&["it", &port.to_string()]);
    project.tspm("ports --json").ok().json();
}

#[test]
fn the_doctor_sees_the_machine() {
    let project = Project::new(SHOP);
    project.tspm("doctor").ok().says(&["shim"]);
    project.tspm("doctor --json").ok().json();
    project.up();
    project.tspm("doctor").ok();
}

#[test]
fn schema_and_completions() {
    let project = Project::empty();
    let schema = project.tspm("schema").ok().json();
    assert!(schema["properties"]["services"].is_object(), "{schema}");
    let checked_in = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema/tspm.schema.json"));
    let checked_in: serde_json::Value =
        serde_json::from_str(&checked_in.expect("the schema is checked in")).expect("it is JSON");
    assert_eq!(schema, checked_in, "schema/tspm.schema.json is stale: tspm schema > schema/tspm.schema.json");
    for shell in ["bash", "zsh", "fish"] {
        let ran = project.tspm(&format!("completions {shell}")).ok();
        assert!(ran.stdout.contains("tspm"), "{ran}");
    }
}

#[test]
fn env_of_a_service() {
    let project = Project::new(SHOP);
    project.tspm("env api").ok().says(&["TOKEN=secret"]);
    project.tspm("env api --explain").ok().says(&["TOKEN", "tspm.yaml"]);
    project.tspm("env nobody").code(2).says(&["nobody"]);
}

#[test]
fn timings() {
    let project = Project::new(SHOP);
    project.tspm("up -d --timings").ok().says(&["db", "api", "ms"]);
}

#[test]
fn short_names() {
    let project = Project::new(SHOP);
    let script = format!("{} -d && {} --force", env!("CARGO_BIN_EXE_devup"), env!("CARGO_BIN_EXE_devdown"));
    project.shell(&script).ok();
    project.assert_nothing_left();
    project.wait_empty();
}

#[test]
fn results_go_to_stdout_and_the_rest_to_stderr() {
    let project = shop();
    let ran = project.tspm("ps --json").ok();
    assert_eq!(ran.stderr, "");
    let refused = project.tspm("why nobody").code(2);
    assert_eq!(refused.stdout, "");
}

/// The reader of a pipe may go at any time.
#[test]
fn a_closed_pipe_is_no_reason_to_panic() {
    let project = Project::new("services:\n  it: {command: [./hostile, lines, \"5000\"]}\n");
    project.up();
    project.wait_fact("up");
    project.shell("\"$TSPM\" logs it | head -n 1").ok().never_says(&["panicked"]);
}
