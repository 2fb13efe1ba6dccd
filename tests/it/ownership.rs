//! Who owns an environment, and what the end of a client means.

use crate::support::{Project, Signal, Terminal};

const TWO: &str = "services:\n  \
    a: {command: [./hostile, named, a]}\n  \
    b: {command: [./hostile, named, b], depends_on: [a]}\n";

fn wait_both(project: &Project) {
    project.wait_fact("a up");
    project.wait_fact("b up");
}

#[test]
fn a_viewers_ctrl_c_detaches() {
    let project = Project::new(TWO);
    let owner = project.spawn("up");
    wait_both(&project);
    let before = project.workers();
    let viewer = project.spawn("up");
    project.watch().event(None, "applied");
    viewer.signal(Signal::SIGINT);
    viewer.wait().interrupted();
    assert_eq!(project.workers(), before);
    assert!(!owner.is_over());
    owner.signal(Signal::SIGINT);
    owner.wait().code(130);
    project.assert_nothing_left();
}

#[test]
fn a_killed_viewer_means_nothing() {
    let project = Project::new(TWO);
    project.up();
    wait_both(&project);
    let before = project.workers();
    let viewer = project.spawn("up");
    viewer.wait_stdout("b");
    viewer.signal(Signal::SIGKILL);
    viewer.wait();
    project.tspm("wait a b").ok();
    assert_eq!(project.workers(), before);
    project.down();
}

#[test]
fn a_detached_up_frees_an_owned_environment() {
    let project = Project::new(TWO);
    let owner = project.spawn("up");
    wait_both(&project);
    let before = project.workers();
    assert_eq!(project.tspm("ps --json").ok().json()["owner_pid"], owner.pid());
    project.up();
    assert!(project.tspm("ps --json").ok().json()["owner_pid"].is_null());
    owner.signal(Signal::SIGKILL);
    owner.wait();
    project.tspm("wait a b").ok();
    assert_eq!(project.workers(), before);
    project.down();
}

#[test]
fn ctrl_c_of_a_detached_up_ends_the_wait_only() {
    let project =
        Project::new("services:\n  a: {command: [./hostile, named, a], readiness: {exec: test -e go}}\n");
    let up = project.spawn("up -d");
    project.wait_fact("a up");
    up.signal(Signal::SIGINT);
    up.wait().code(130).says(&["tspm down"]);
    assert_eq!(project.view("a")["state"], "starting");
    project.write("go", "");
    project.tspm("wait a").ok();
    project.down();
}

#[test]
fn an_attached_up_ends_when_nothing_can_run_again() {
    let fine = Project::new(
        "services:\n  one: {command: 'echo one; exit 0', type: oneshot}\n  \
         two: {command: 'echo two; exit 0', type: oneshot, depends_on: [one]}\n",
    );
    fine.tspm("up").ok().says(&["one", "two"]);
    fine.wait_empty();

    let bad = Project::new(
        "services:\n  one: {command: 'echo the reason; exit 4', type: oneshot}\n  \
         two: {command: 'echo two >>facts', type: oneshot, depends_on: [one]}\n",
    );
    bad.tspm("up").code(1).says(&["one", "exit 4", "the reason", "two"]);
    bad.wait_empty();
    assert_eq!(bad.facts(), Vec::<String>::new());
}

#[test]
fn down_from_elsewhere_ends_an_attached_up() {
    let project = Project::new(TWO);
    let owner = project.spawn("up");
    wait_both(&project);
    // What is left is looked for once the owner, which may take a moment longer than `down`, is gone too.
    project.tspm("down").ok();
    let ran = owner.wait();
    assert!(ran.code.is_some(), "{ran}");
    project.wait_empty();
}

#[test]
fn ctrl_c_in_a_terminal() {
    let project = Project::new(TWO);
    let mut terminal = Terminal::run(&project, "up");
    wait_both(&project);
    terminal.press("\x03");
    terminal.wait_for("Ctrl-C");
    assert_eq!(terminal.wait(), Some(130), "{}", terminal.shown());
    project.assert_nothing_left();
}

#[test]
fn a_closed_terminal_takes_its_environment_along() {
    let project = Project::new(TWO);
    let mut terminal = Terminal::run(&project, "up");
    wait_both(&project);
    terminal.close();
    project.wait_empty();
}

#[test]
fn a_closed_terminal_leaves_a_detached_environment_alone() {
    let project = Project::new(TWO);
    let mut terminal = Terminal::run(&project, "up -d");
    wait_both(&project);
    assert_eq!(terminal.wait(), Some(0), "{}", terminal.shown());
    terminal.close();
    drop(terminal);
    let before = project.workers();
    project.tspm("wait a b").ok();
    assert_eq!(project.workers(), before);
    project.down();
}

/// Promise P3: not on a full pipe, whose reader sleeps.
#[test]
fn an_owner_that_nobody_reads_can_be_interrupted() {
    let project = Project::new(
        "services:\n  talker: {command: [./hostile, lines, \"200000\"]}\n  a: {command: [./hostile, named, a]}\n",
    );
    let up = project.spawn_shell("mkfifo pipe && exec 9<>pipe && exec \"$TSPM\" up >pipe 2>&1");
    project.wait_fact("up");
    project.wait_fact("a up");
    up.signal(Signal::SIGINT);
    up.wait().code(130);
    project.assert_nothing_left();
}

/// Promise P3: not on a dead client either.
#[test]
fn a_viewer_that_is_stopped_delays_nobody() {
    let project = Project::new(
        "services:\n  talker: {command: [./hostile, lines, \"200000\"]}\n  a: {command: [./hostile, named, a]}\n",
    );
    project.up();
    project.wait_fact("up");
    let (viewer, follower) = (project.spawn("up"), project.spawn("logs -f"));
    viewer.wait_stdout("talker");
    follower.wait_stdout("line 1\n");
    for client in [&viewer, &follower] {
        client.signal(Signal::SIGSTOP);
    }
    for _ in 0..20 {
        project.tspm("restart a").ok();
    }
    project.down();
}
