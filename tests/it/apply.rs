//! A second `up` applies what changed in the file, and nothing else.

use crate::support::{Project, Ran};

const BEFORE: &str = "services:\n  \
    setup: {command: 'echo setup >>facts', type: oneshot}\n  \
    same: {command: [./hostile, named, same], depends_on: [setup]}\n  \
    changed: {command: [./hostile, named, changed], depends_on: [setup]}\n  \
    removed: {command: [./hostile, named, removed]}\n";

const AFTER: &str = "services:\n  \
    setup: {command: 'echo setup >>facts', type: oneshot}\n  \
    same: {command: [./hostile, named, same], depends_on: [setup], labels: {new: label}, description: new}\n  \
    changed: {command: [./hostile, named, changed], depends_on: [setup], env: {NEW: '1'}}\n  \
    added: {command: [./hostile, named, added], depends_on: [same]}\n";

fn started() -> Project {
    let project = Project::new(BEFORE);
    project.up();
    for name in ["same", "changed", "removed"] {
        project.wait_fact(&format!("{name} up"));
    }
    project
}

#[track_caller]
fn plan(ran: &Ran, service: &str, verb: &str) {
    let text = format!("{}{}", ran.stdout, ran.stderr);
    let found = text.lines().any(|line| line.contains(service) && line.contains(verb));
    assert!(found, "the plan should {verb} `{service}`: {ran}");
}

#[test]
fn only_what_changed_restarts() {
    let project = started();
    let (same, changed) = (project.pid("same"), project.pid("changed"));
    project.write("tspm.yaml", AFTER);
    project.up();
    project.wait_fact("added up");
    project.wait_fact("removed ended");
    project.wait_facts("changed up", 2);
    assert_eq!(project.pid("same"), same);
    assert_ne!(project.pid("changed"), changed);
    let facts = project.facts();
    assert_eq!(facts.iter().filter(|fact| *fact == "setup").count(), 1, "a oneshot does not run again: {facts:?}");
    let all = project.tspm("ps --json").ok().json();
    assert!(!all["services"].to_string().contains("\"removed\""), "{all}");
    project.down();
}

#[test]
fn nothing_changed_means_nothing_happens() {
    let project = started();
    let before = project.workers();
    project.up();
    // Another terminal has another environment; that alone changes nobody.
    let project = project.env("A_NEW_TERMINAL", "1").env("TERM", "vt100");
    project.up();
    assert_eq!(project.workers(), before);
    assert_eq!(project.facts().iter().filter(|fact| *fact == "setup").count(), 1);
}

#[test]
fn a_dry_run_tells_and_does_nothing() {
    let project = started();
    let before = project.workers();
    project.write("tspm.yaml", AFTER);
    let ran = project.tspm("up --dry-run").ok();
    for (service, verb) in [("changed", "restart"), ("added", "start"), ("removed", "stop")] {
        plan(&ran, service, verb);
    }
    assert_eq!(project.workers(), before);
    // Also where nothing runs: then nothing is started, not even a supervisor.
    project.down();
    project.wait_empty();
    let ran = project.tspm("up --dry-run").ok();
    plan(&ran, "added", "start");
    assert_eq!(project.processes(), []);
}

#[test]
fn a_broken_file_changes_nothing_and_can_be_taken_down() {
    let project = started();
    let before = project.workers();
    project
        .write("tspm.yaml", "services:\n  same: {comand: sleep 1000}\n  other: {command: 7, depends_on: [sme]}\n");
    project.tspm("up -d").code(2).says(&["comand", "command", "sme", "tspm.yaml:2"]);
    assert_eq!(project.workers(), before);
    project.tspm("ps").ok().says(&["same", "changed", "removed"]);
    project.tspm("logs").ok();
    project.tspm("why same").ok();
    project.down();
}

#[test]
fn a_oneshot_runs_again_if_changed_named_or_forced() {
    let project = started();
    let runs = |project: &Project| project.facts().iter().filter(|fact| fact.contains("setup")).count();
    project.tspm("restart setup").ok();
    project.wait_facts("setup", 2);
    let same = project.pid("same");
    project.write("tspm.yaml", &BEFORE.replace("echo setup", "echo other setup"));
    project.up();
    project.wait_fact("other setup");
    assert_eq!(project.pid("same"), same, "dependents of a oneshot that ran again keep running");
    let before = runs(&project);
    project.tspm("up -d --force-recreate").ok();
    assert_eq!(runs(&project), before + 1);
    assert_ne!(project.pid("same"), same);
}

#[test]
fn what_files_set_counts() {
    let project = Project::new(
        "services:\n  it: {command: [./hostile, named, it], env: {GIVEN: \"${GIVEN:-nothing}\"}}\n  \
         same: {command: [./hostile, named, same]}\n",
    );
    project.up();
    project.wait_fact("it up");
    let same = project.pid("same");
    let project = project.env("GIVEN", "something");
    project.up();
    project.wait_facts("it up", 2);
    assert_eq!(project.pid("same"), same);
    project.write(".env", "ADDED=1\n");
    project.up();
    project.wait_facts("same up", 2);
}
