//! Many at once: one keeper, one copy of everything, and nothing left of the rest.

use crate::support::{Project, Running};

const YAML: &str = "services:\n  \
    setup: {command: 'echo setup >>facts', type: oneshot}\n  \
    a: {command: [./hostile, named, a], depends_on: [setup]}\n  \
    b: {command: [./hostile, named, b], depends_on: [a]}\n";

#[test]
fn sixteen_ups_give_one_keeper_and_one_copy() {
    let project = Project::new(YAML);
    let ups: Vec<Running> = (0..16).map(|_| project.spawn("up -d")).collect();
    for up in ups {
        up.wait().ok();
    }
    project.wait_fact("b up");
    let mut facts = project.facts();
    facts.sort();
    assert_eq!(facts, ["a up", "b up", "setup"]);
    assert_eq!(project.workers().len(), 2, "{:#?}", project.workers());
    let keepers = project.processes().into_iter().filter(|p| p.is_tspm && p.command.contains("__supervisor"));
    assert_eq!(keepers.count(), 1, "{:#?}", project.processes());
    project.down();
    project.wait_empty();
}

#[test]
fn ups_and_downs_at_once_end_in_order() {
    let project = Project::new(YAML);
    for _ in 0..3 {
        let clients: Vec<Running> =
            (0..6).map(|n| project.spawn(if n % 2 == 0 { "up -d" } else { "down" })).collect();
        // Who loses says so; nobody hangs.
        for client in clients {
            assert!(client.wait().code.is_some());
        }
    }
    project.tspm("down").ok();
    project.assert_nothing_left();
    project.wait_empty();
    project.up();
    project.down();
}

#[test]
fn a_hundred_services_come_and_go() {
    let project = Project::with_services(100, |_| "{command: sleep 1000}".to_owned());
    project.up();
    assert_eq!(project.workers().len(), 100);
    project.down();
    project.wait_empty();
}

#[test]
fn one_folder_after_another_reuses_nothing() {
    let project = Project::new(YAML);
    for round in 1..=5 {
        project.up();
        project.wait_facts("b up", round);
        project.down();
    }
    project.wait_empty();
}
