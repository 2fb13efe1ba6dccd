//! Restart policy: who is started again, how often, and that it is never twice alive.

use crate::support::Project;

fn count(project: &Project, fact: &str) -> usize {
    project.facts().iter().filter(|f| *f == fact).count()
}

#[test]
fn a_crash_loop_is_given_up_and_explained() {
    let project = Project::new(
        "services:\n  \
           bad: {command: 'echo run >>facts; echo the reason >&2; exit 1', max_restarts: 3, \
             backoff: {initial: 10ms, max: 20ms}, readiness: {exec: 'false'}}\n  \
           after: {command: [./hostile, named, after], depends_on: {bad: {condition: started}}}\n",
    );
    project.tspm("up -d").code(1).says(&["bad", "exit 1", "the reason"]);
    let view = project.wait_state("bad", "failed");
    assert_eq!(count(&project, "run"), 4, "one start and three restarts");
    assert_eq!(view["restarts"], 3);
    project.tspm("why bad").ok().says(&["3", "restart", "exit 1"]);
    project.tspm("describe bad").ok().says(&["exit 1"]);
}

#[test]
fn a_crash_loop_is_shown_as_one_and_never_as_ready() {
    let project = Project::new(
        "services:\n  bad: {command: 'echo run >>facts; exit 1', max_restarts: 0, backoff: {initial: 5s, max: 5s}}\n",
    );
    project.tspm("up -d --no-wait").ok();
    let view = project.wait_state("bad", "backoff");
    assert!(view["next_start_ms"].is_i64());
    assert!(view["reason"].as_str().is_some_and(|reason| reason.contains("exit 1")), "{view}");
    project.tspm("ps").ok().says(&["bad", "backoff"]).never_says(&["ready"]);
}

#[test]
fn dependents_wait_through_restarts() {
    let project = Project::new(
        "services:\n  \
           flaky:\n    command: 'echo run >>facts; [ $(grep -c run facts) -ge 3 ] && exec sleep 1000; exit 1'\n    \
             readiness: {exec: '[ $(grep -c run facts) -ge 3 ]'}\n    backoff: {initial: 10ms}\n  \
           after: {command: [./hostile, named, after], depends_on: [flaky]}\n",
    );
    project.up();
    project.wait_fact("after up");
    assert_eq!(project.facts(), ["run", "run", "run", "after up"]);
    assert_eq!(project.view("flaky")["restarts"], 2);
}

#[test]
fn each_policy() {
    let project = Project::new(
        "defaults: {backoff: {initial: 10ms}, max_restarts: 2}\n\
         services:\n  \
           never: {command: 'echo never >>facts; exit 1', restart: no}\n  \
           fine: {command: 'echo fine >>facts; exit 0'}\n  \
           allowed: {command: 'echo allowed >>facts; exit 7', success_exit_codes: [7]}\n  \
           always: {command: 'echo always >>facts; exit 0', restart: always}\n  \
           once: {command: 'echo once >>facts; exit 1', type: oneshot}\n  \
           retried: {command: 'echo retried >>facts; exit 1', type: oneshot, restart: on-failure}\n  \
           killed: {command: 'echo killed >>facts; kill -9 $$'}\n",
    );
    project.tspm("up -d --no-wait").ok();
    for (service, state, runs) in [
        ("never", "failed", 1),
        ("fine", "completed", 1),
        ("allowed", "completed", 1),
        ("always", "failed", 3),
        ("once", "failed", 1),
        ("retried", "failed", 3),
        ("killed", "failed", 3),
    ] {
        project.wait_state(service, state);
        assert_eq!(count(&project, service), runs, "{service}");
    }
    project.tspm("why killed").ok().says(&["SIGKILL"]);
}

/// Promise P5, with a family that would like to be two.
#[test]
fn never_two_lives_at_once() {
    let project = Project::new(
        "services:\n  it: {command: [./hostile, exclusive], stop: {timeout: 100ms}, max_restarts: 3, backoff: {initial: 1ms}}\n",
    );
    // Without a probe it is ready as soon as it runs, if only for a moment: `up -d` may go well.
    project.tspm("up -d --no-wait").ok();
    project.wait_state("it", "failed");
    assert_eq!(project.facts(), ["alone"; 4]);
    project.assert_nothing_left();
}

#[test]
fn a_stop_that_a_person_asked_for_never_restarts() {
    let project = Project::new(
        "services:\n  it: {command: [./hostile, named, it], restart: always, backoff: {initial: 1ms}}\n  \
         other: {command: sleep 1000}\n",
    );
    project.up();
    project.wait_fact("it up");
    project.tspm("stop it").ok();
    project.wait_state("it", "stopped");
    project.tspm("signal other SIGKILL").ok();
    project.watch().until("other", "restarted", |view| view["restarts"] == 1 && view["state"] == "ready");
    assert_eq!(project.view("it")["state"], "stopped");
    assert_eq!(count(&project, "it up"), 1);
    project.tspm("start it").ok();
    project.wait_facts("it up", 2);
}

#[test]
fn a_restart_by_hand_gives_a_failed_one_a_fresh_count() {
    let project = Project::new(
        "services:\n  it: {command: 'echo run >>facts; test -e go && exec sleep 1000; exit 1', \
         readiness: {exec: test -e go}, max_restarts: 1, backoff: {initial: 1ms}}\n",
    );
    project.tspm("up -d").code(1);
    project.wait_state("it", "failed");
    project.write("go", "");
    project.tspm("restart it").ok();
    let view = project.wait_state("it", "ready");
    assert_eq!(view["restarts"], 0);
    assert_eq!(count(&project, "run"), 3);
}
