//! Stopping one service: hooks, signals, patience, ports.

use std::time::Duration;

use crate::support::{Project, Signal, free_port};

#[test]
fn stopped_processes_can_act_on_the_stop_signal() {
    let project = Project::new("services:\n  it: {command: [./hostile, stopped], stop: {timeout: 30s}}\n");
    project.up();
    project.wait_fact("up");
    let ran = project.down();
    assert!(
        ran.took < Duration::from_secs(15),
        "SIGCONT follows the stop signal, nobody waits for the timeout: {ran}"
    );
}

#[test]
fn hooks_run_in_order_around_a_life() {
    let project = Project::new(
        "services:\n  it:\n    command: [./hostile, named, it]\n    hooks:\n      \
           pre_start: 'echo pre_start >>facts'\n      \
           post_start: [{command: 'echo post_start 1 >>facts'}, {command: 'echo post_start 2 >>facts'}]\n      \
           pre_stop: [{command: echo pre_stop >>facts}]\n      \
           post_stop: {command: 'echo post_stop >>facts', timeout: 5s}\n    \
         readiness: {exec: 'grep -q it.up facts'}\n",
    );
    project.up();
    project.down();
    let expected =
        ["pre_start", "it up", "post_start 1", "post_start 2", "pre_stop", "it asked", "it ended", "post_stop"];
    assert_eq!(project.facts(), expected);
}

#[test]
fn a_guard_skips_a_hook_and_is_checked_again() {
    let project = Project::new(
        "services:\n  \
           made: {command: sleep 1000, hooks: {pre_start: {command: 'echo made >>facts; touch there', creates: there}}}\n  \
           unless: {command: sleep 1000, depends_on: [made], hooks: {pre_start: {command: 'echo never >>facts', unless: test -e there}}}\n  \
           lies: {command: sleep 1000, restart: no, hooks: {pre_start: {command: 'echo lied >>facts', creates: nowhere}}}\n",
    );
    project.tspm("up -d").code(1).says(&["lies", "pre_start"]);
    project.tspm("wait made unless").ok();
    project.tspm("restart made").ok();
    let mut facts = project.facts();
    facts.sort();
    assert_eq!(facts, ["lied", "made"]);
}

#[test]
fn a_failing_hook_may_be_ignored() {
    let project = Project::new(
        "services:\n  it: {command: [./hostile, named, it], hooks: {pre_start: {command: 'exit 1', on_failure: ignore}}}\n",
    );
    project.up();
    project.wait_fact("it up");
}

#[test]
fn a_hook_that_hangs_is_killed_whole() {
    let project = Project::new(
        "services:\n  it: {command: [./hostile, named, it], hooks: {pre_stop: {command: './hostile daemon', timeout: 200ms}}}\n",
    );
    project.up();
    project.wait_fact("it up");
    let ran = project.down();
    assert!(project.facts().contains(&"it ended".to_owned()), "{ran}");
}

#[test]
fn a_stop_command_replaces_the_signal() {
    let project = Project::new(
        "services:\n  it:\n    command: 'trap \"echo signalled >>facts\" TERM; while [ ! -e end ]; do sleep 0.02; done; echo ended >>facts'\n    \
         stop: {command: 'echo told >>facts; touch end'}\n",
    );
    project.up();
    project.down();
    assert_eq!(project.facts(), ["told", "ended"]);
}

#[test]
fn the_signal_and_its_scope_can_be_chosen() {
    let child = "trap \"echo child >>facts; exit\" INT; echo up >>facts; while :; do sleep 0.02; done";
    let leader = "trap \"echo leader >>facts; exit\" INT";
    let project = Project::new(&format!(
        "services:\n  it:\n    command: '(trap - INT; {child}) & {leader}; while :; do sleep 0.02; done'\n    \
         stop: {{signal: SIGINT, signal_to: leader, timeout: 500ms}}\n"
    ));
    project.up();
    project.down();
    assert!(project.facts().contains(&"leader".to_owned()), "{:?}", project.facts());
    assert!(!project.facts().contains(&"child".to_owned()), "{:?}", project.facts());
}

#[test]
fn who_ignores_the_signal_is_killed_after_its_timeout() {
    let project = Project::new("services:\n  deaf: {command: [./hostile, ignore-term], stop: {timeout: 400ms}}\n");
    project.up();
    project.wait_fact("up");
    let ran = project.down().says(&["deaf", "kill"]);
    assert!(ran.took >= Duration::from_millis(400), "it was given its time: {ran}");
    assert!(ran.took < Duration::from_secs(5), "{ran}");
}

#[test]
fn a_timeout_on_the_command_line_wins() {
    let project = Project::new("services:\n  deaf: {command: [./hostile, ignore-term], stop: {timeout: 10m}}\n");
    project.up();
    project.wait_fact("up");
    project.tspm("stop deaf --timeout 200ms").ok();
    project.wait_state("deaf", "stopped");
    project.assert_nothing_left();
    project.tspm("start deaf").ok();
    project.wait_facts("up", 2);
    project.tspm("down --timeout 200ms").ok();
    project.assert_nothing_left();
}

/// Promise P3: the longest chain, never the sum.
#[test]
fn teardown_is_bounded_by_the_longest_chain() {
    let project =
        Project::with_services(12, |_| "{command: [./hostile, ignore-term], stop: {timeout: 500ms}}".to_owned());
    project.up();
    project.wait_facts("up", 12);
    let ran = project.down();
    assert!(ran.took < Duration::from_secs(4), "twelve times half a second in parallel: {ran}");
}

#[test]
fn five_phases_are_announced() {
    let project = Project::new(
        "services:\n  polite: {command: [./hostile, named, polite]}\n  deaf: {command: [./hostile, ignore-term], stop: {timeout: 200ms}}\n",
    );
    project.up();
    project.wait_fact("up");
    project.wait_fact("polite up");
    let ran = project.down().says(&["polite", "deaf", "0 processes left"]);
    for phase in 1..=5 {
        assert!(format!("{}{}", ran.stdout, ran.stderr).contains(&format!("[{phase}/5]")), "phase {phase}: {ran}");
    }
}

#[test]
fn force_gives_no_grace() {
    let project = Project::new(
        "services:\n  it: {command: [./hostile, named, it, \"60000\"], stop: {timeout: 10m}, hooks: {pre_stop: 'echo hook >>facts'}}\n",
    );
    project.up();
    project.wait_fact("it up");
    let ran = project.tspm("down --force").ok();
    project.assert_nothing_left();
    assert!(ran.took < Duration::from_secs(6), "{ran}");
    assert_eq!(project.facts(), ["it up"], "neither a signal nor a hook");
}

#[test]
fn a_restart_waits_until_its_port_is_free() {
    let port = free_port();
    let project = Project::new(&format!(
        "services:\n  it: {{command: [./hostile, listen, \"{port}\"], ports: [{port}], readiness: {port}, restart: no}}\n"
    ));
    project.up();
    for round in 2..=4 {
        project.tspm("restart it").ok();
        project.wait_facts("up", round);
        assert_eq!(project.wait_state("it", "ready")["state"], "ready");
    }
    assert!(!project.facts().contains(&"bind failed".to_owned()), "{:?}", project.facts());
    project.down();
    std::net::TcpListener::bind(("127.0.0.1", port)).expect("the port is free when `down` returns");
}

#[test]
fn a_restart_takes_the_whole_tree_along() {
    let project = Project::new("services:\n  it: {command: [./hostile, daemon], stop: {timeout: 200ms}}\n");
    project.up();
    project.wait_fact("up");
    let before = project.workers();
    assert_eq!(before.len(), 2);
    project.tspm("restart it").ok();
    project.wait_facts("up", 2);
    let after = project.workers();
    assert!(
        after.iter().all(|process| !before.iter().any(|old| old.pid == process.pid)),
        "{before:#?} {after:#?}"
    );
}

#[test]
fn what_is_released_is_reported_and_left() {
    let project = Project::new(
        "services:\n  it: {command: './hostile daemon & exec sleep 1000', release: [hostile], stop: {timeout: 300ms}}\n",
    );
    project.up();
    project.wait_fact("up");
    project.tspm("down").ok().says(&["hostile"]);
    let left = project.workers();
    assert!(left.iter().any(|process| process.command.contains("daemon")), "{left:#?}");
}

#[test]
fn what_a_released_program_started_is_left_too() {
    let project = Project::new(
        "services:\n  it:\n    command: |\n      \
           setsid bash -c 'exec -a mydaemon bash -c \"sleep 1000 & echo up >>facts; wait\"' &\n      \
           exec sleep 2000\n    release: [mydaemon]\n    stop: {timeout: 300ms}\n",
    );
    project.up();
    project.wait_fact("up");
    project.tspm("down").ok().says(&["mydaemon"]);
    let left = project.workers();
    assert!(left.iter().any(|process| process.command == "sleep 1000"), "{left:#?}");
    assert!(!left.iter().any(|process| process.command == "sleep 2000"), "{left:#?}");
}

#[test]
fn members_beside_the_group_are_asked_once_the_group_is_gone() {
    let project = Project::new(
        "services:\n  it: {command: './hostile named master 300 & setsid ./hostile named worker & wait'}\n",
    );
    project.up();
    project.wait_fact("master up");
    project.wait_fact("worker up");
    project.tspm("down").ok();
    let facts = project.facts();
    let asked = ["master asked", "master ended", "worker asked", "worker ended"];
    assert_eq!(facts[facts.len() - 4..], asked, "a master must be able to stop its workers itself");
}

#[test]
fn what_was_stopping_already_is_reported_by_down() {
    let project = Project::new("services:\n  it: {command: [./hostile, named, it, \"600\"]}\n");
    project.up();
    project.wait_fact("it up");
    let stop = project.spawn("stop it");
    project.wait_state("it", "stopping");
    project.tspm("down").ok().says(&["it stopped in"]);
    stop.wait();
}

#[test]
fn nothing_to_take_down() {
    let project = Project::new("services:\n  it: {command: sleep 1000}\n");
    let ran = project.tspm("down").ok();
    assert!(!ran.stdout.is_empty() || !ran.stderr.is_empty(), "it says that nothing runs");
    assert_eq!(project.processes(), []);
}

#[test]
fn down_acts_on_what_runs_and_not_on_what_the_file_says() {
    let project = Project::new("services:\n  it: {command: [./hostile, named, it]}\n");
    project.up();
    project.wait_fact("it up");
    project.write("tspm.yaml", "services: {}\n");
    project.down();
    assert_eq!(project.facts(), ["it up", "it asked", "it ended"]);
}

/// A program that puts itself into the background looks like one that ended: the user is told what to do.
#[test]
fn what_a_leader_leaves_behind_is_spoken_of() {
    let project = Project::new(
        "services:\n  it: {command: './hostile named daemon & echo up >>facts', restart: no}\n  other: {command: sleep 1000}\n",
    );
    let up = project.spawn("up");
    up.wait_stdout("left processes behind");
    project.wait_state("it", "completed");
    up.signal(Signal::SIGINT);
    up.wait().code(130);
}
