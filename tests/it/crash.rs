//! When tspm itself is killed: who is left tears down what nobody supervises any more, and the next command is not
//! confused by what it finds.

use std::collections::BTreeSet;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Deadline, Project};

const FAMILY: &str = "services:\n  \
    daemon: {command: [./hostile, daemon], stop: {timeout: 300ms}}\n  \
    tree: {command: [./hostile, tree], stop: {timeout: 300ms}}\n  \
    deaf: {command: [./hostile, ignore-term], stop: {timeout: 300ms}, depends_on: [tree]}\n";

fn family() -> Project {
    let project = Project::new(FAMILY);
    project.up();
    project.wait_facts("up", 3);
    assert!(project.workers().len() >= 10, "{:#?}", project.workers());
    project
}

/// The pids of keeper and supervisor.
fn bosses(project: &Project) -> (Pid, Pid) {
    let all = project.tspm("ps --json").ok().json();
    let pid = |key: &str| {
        let pid =
            all[key].as_i64().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_else(|| panic!("no {key}: {all}"));
        assert!(
            project.processes().iter().any(|p| p.is_tspm && i64::from(p.pid) == i64::from(pid)),
            "{key} {pid}"
        );
        Pid::from_raw(pid)
    };
    (pid("keeper_pid"), pid("supervisor_pid"))
}

#[test]
fn a_killed_keeper_takes_its_services_along() {
    let project = family();
    let (keeper, _) = bosses(&project);
    kill(keeper, Signal::SIGKILL).expect("it is ours");
    project.wait_empty_within(Duration::from_secs(20));
    project.tspm("ps").code(4);
    project.up();
    project.wait_facts("up", 6);
    project.down();
}

#[test]
fn a_killed_keeper_and_supervisor_take_their_services_along() {
    let project = family();
    let (keeper, supervisor) = bosses(&project);
    kill(supervisor, Signal::SIGKILL).expect("it is ours");
    kill(keeper, Signal::SIGKILL).expect("it is ours");
    project.wait_empty_within(Duration::from_secs(20));
    project.tspm("down").ok();
}

#[test]
fn a_killed_supervisor_leaves_nobody_unattended() {
    let project = family();
    let (_, supervisor) = bosses(&project);
    kill(supervisor, Signal::SIGKILL).expect("it is ours");
    // Whether the services live on under a new supervisor or are torn down: `down` answers, and nothing is left.
    let ran = project.tspm("down --force");
    assert!(ran.code.is_some(), "{ran}");
    project.wait_empty_within(Duration::from_secs(20));
    project.up();
    project.down();
}

#[test]
fn a_supervisor_that_cannot_be_kept_alive_is_given_up() {
    let project = family();
    let patience = Deadline::start();
    let mut killed = BTreeSet::new();
    // Three crashes in ten seconds are enough; the fourth is for a keeper that counts otherwise.
    while killed.len() < 4 && !project.workers().is_empty() && patience.left().is_some() {
        let supervisors =
            project.processes().into_iter().filter(|p| p.is_tspm && p.command.contains("__supervisor"));
        for supervisor in supervisors.filter(|p| killed.insert(p.pid)) {
            let _ = kill(Pid::from_raw(i32::try_from(supervisor.pid).expect("pids are small")), Signal::SIGKILL);
        }
    }
    // The keeper holds each run's will: nobody has to ask.
    project.wait_empty_within(Duration::from_secs(30));
}

#[test]
fn sigterm_to_the_keeper_is_a_request_to_shut_down_in_order() {
    let project = Project::new(
        "services:\n  a: {command: [./hostile, named, a]}\n  b: {command: [./hostile, named, b, \"50\"], depends_on: [a]}\n",
    );
    project.up();
    project.wait_fact("a up");
    project.wait_fact("b up");
    let (keeper, _) = bosses(&project);
    kill(keeper, Signal::SIGTERM).expect("it is ours");
    project.wait_empty_within(Duration::from_secs(20));
    assert_eq!(project.facts()[2..], ["b asked", "b ended", "a asked", "a ended"]);
}

#[test]
fn a_killed_shim_loses_no_process() {
    let project =
        Project::new("services:\n  it: {command: [./hostile, daemon], stop: {timeout: 300ms}, restart: no}\n");
    project.up();
    project.wait_fact("up");
    let leader = project.pid("it");
    let status = std::fs::read_to_string(format!("/proc/{leader}/status")).expect("it is alive");
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).expect("it has a parent");
    let parent: i32 = parent.trim().parse().expect("a pid");
    assert!(project.processes().iter().any(|p| p.is_tspm && i64::from(p.pid) == i64::from(parent)), "its shim");
    kill(Pid::from_raw(parent), Signal::SIGKILL).expect("it is ours");
    project.tspm("down").ok();
    project.assert_nothing_left();
}
