//! Promise P1: a service starts when its own edges hold, and stops after everything that needs it.

use crate::support::{Project, Signal};

/// The position of a fact, which must be there once.
#[track_caller]
fn at(facts: &[String], fact: &str) -> usize {
    let found: Vec<usize> = facts.iter().enumerate().filter(|(_, f)| *f == fact).map(|(n, _)| n).collect();
    assert_eq!(found.len(), 1, "`{fact}` should be there once: {facts:?}");
    found[0]
}

#[track_caller]
fn in_order(project: &Project, expected: &[&str]) {
    let facts = project.facts();
    for pair in expected.windows(2) {
        assert!(at(&facts, pair[0]) < at(&facts, pair[1]), "`{}` comes before `{}`: {facts:?}", pair[0], pair[1]);
    }
}

#[test]
fn a_chain_starts_and_stops_in_order() {
    let project = Project::new(
        "services:\n  \
           db: {command: [./hostile, named, db]}\n  \
           migrate: {command: 'sleep 0.05; echo migrated >>facts', type: oneshot, depends_on: [db]}\n  \
           api: {command: [./hostile, named, api, \"50\"], depends_on: [db, migrate]}\n  \
           web: {command: [./hostile, named, web, \"50\"], depends_on: [api]}\n",
    );
    project.up();
    project.wait_fact("web up");
    in_order(&project, &["migrated", "api up"]);
    project.down();
    in_order(&project, &["web asked", "web ended", "api asked", "api ended", "db asked", "db ended"]);
}

#[test]
fn a_dependent_waits_for_readiness_and_not_for_the_start() {
    let project = Project::new(
        "services:\n  \
           db: {command: 'echo db started >>facts; exec sleep 1000', readiness: {exec: 'test -e go'}}\n  \
           api: {command: 'echo api started >>facts; exec sleep 1000', depends_on: [db]}\n  \
           early: {command: 'echo early started >>facts; exec sleep 1000', depends_on: {db: {condition: started}}}\n",
    );
    let up = project.spawn("up -d");
    project.wait_fact("early started");
    let waiting = project.wait_state("api", "pending");
    assert_eq!(waiting["waiting_for"][0]["service"], "db");
    assert_eq!(waiting["waiting_for"][0]["condition"], "ready");
    assert!(!project.facts().contains(&"api started".to_owned()));
    assert!(!up.is_over(), "`up -d` returns when everything is ready");
    project.write("go", "");
    up.wait().ok();
    project.wait_fact("api started");
}

#[test]
fn a_slow_sibling_delays_nobody() {
    let project = Project::new(
        "services:\n  \
           slow: {command: sleep 1000, readiness: {exec: 'test -e go'}}\n  \
           quick: {command: sleep 1000}\n  \
           a: {command: 'exec sleep 1000', depends_on: [quick]}\n  \
           b: {command: 'echo b started >>facts; exec sleep 1000', depends_on: [a]}\n  \
           last: {command: 'echo last started >>facts; exec sleep 1000', depends_on: [b, slow]}\n",
    );
    let up = project.spawn("up -d");
    project.wait_fact("b started");
    project.wait_state("b", "ready");
    assert_eq!(project.view("slow")["state"], "starting");
    assert_eq!(project.facts(), ["b started"]);
    project.write("go", "");
    project.wait_fact("last started");
    up.wait().ok();
}

#[test]
fn independent_branches_stop_in_parallel() {
    let project = Project::with_services(8, |n| format!("{{command: [./hostile, named, s{n}, \"400\"]}}"));
    project.up();
    (0..8).for_each(|n| project.wait_fact(&format!("s{n} up")));
    project.down();
    let facts = project.facts();
    let first_end = facts.iter().position(|fact| fact.ends_with("ended")).expect("they ended");
    let asked = facts[..first_end].iter().filter(|fact| fact.ends_with("asked")).count();
    assert_eq!(asked, 8, "all were asked before the first had ended: {facts:?}");
}

#[test]
fn the_conditions_of_a_oneshot() {
    let project = Project::new(
        "services:\n  \
           fails: {command: 'exit 3', type: oneshot}\n  \
           after: {command: 'echo after >>facts; exec sleep 1000', depends_on: {fails: {condition: completed}}}\n  \
           only: {command: 'echo only >>facts; exec sleep 1000', depends_on: {fails: {condition: succeeded}}}\n  \
           chained: {command: 'echo chained >>facts; exec sleep 1000', depends_on: [only]}\n  \
           tolerant: {command: 'echo tolerant >>facts; exec sleep 1000', depends_on: {fails: {required: false}}}\n",
    );
    project.tspm("up -d").code(1).says(&["fails", "exit 3", "only", "chained"]);
    project.wait_fact("after");
    project.wait_fact("tolerant");
    assert_eq!(project.view("fails")["state"], "failed");
    for skipped in ["only", "chained"] {
        assert_eq!(project.view(skipped)["state"], "skipped");
    }
    project.tspm("why chained").ok().says(&["chained", "only", "fails", "exit 3"]);
    assert!(!project.facts().iter().any(|fact| fact == "only" || fact == "chained"));
}

#[test]
fn selection_brings_what_it_needs_and_nothing_else() {
    let project = Project::new(
        "groups: {edge: [web]}\n\
         services:\n  \
           db: {command: [./hostile, named, db]}\n  \
           api: {command: [./hostile, named, api], depends_on: [db]}\n  \
           web: {command: [./hostile, named, web]}\n  \
           worker-a: {command: [./hostile, named, worker-a]}\n  \
           worker-b: {command: [./hostile, named, worker-b], autostart: false}\n",
    );
    project.tspm("up -d api").ok();
    project.wait_fact("api up");
    let running = |project: &Project| {
        let all = project.tspm("ps --json").ok().json();
        let list = all["services"].as_array().expect("a list").clone();
        let ready = list.iter().filter(|view| view["state"] == "ready");
        ready.map(|view| view["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(running(&project), ["api", "db"]);
    project.tspm("up -d @edge").ok();
    assert_eq!(running(&project), ["api", "db", "web"]);
    project.tspm_with(&["up", "-d", "worker-*"]).ok();
    assert_eq!(running(&project), ["api", "db", "web", "worker-a", "worker-b"]);
    project.tspm("stop /^worker/").ok();
    project.wait_state("worker-a", "stopped");
    assert_eq!(running(&project), ["api", "db", "web"]);
    project.tspm("up -d wbe").code(2).says(&["wbe", "web"]);
}

#[test]
fn no_deps_takes_the_named_alone() {
    let project = Project::new(
        "services:\n  \
           db: {command: [./hostile, named, db], readiness: {exec: 'false'}}\n  \
           api: {command: [./hostile, named, api], depends_on: [db]}\n",
    );
    project.tspm("up -d --no-deps api").ok();
    project.wait_fact("api up");
    assert_eq!(project.facts(), ["api up"]);
}

#[test]
fn autostart_profiles_and_disabled() {
    let yaml = "services:\n  \
           plain: {command: [./hostile, named, plain]}\n  \
           lazy: {command: [./hostile, named, lazy], autostart: false}\n  \
           debug: {command: [./hostile, named, debug], profiles: [debug]}\n  \
           off: {command: [./hostile, named, off], disabled: true}\n";
    let project = Project::new(yaml);
    project.up();
    project.wait_fact("plain up");
    assert_eq!(project.facts(), ["plain up"]);
    project.tspm("up -d --profile debug").ok();
    project.wait_fact("debug up");
    project.tspm("start lazy").ok();
    project.wait_fact("lazy up");
    assert_eq!(project.view("off")["state"], "disabled");
    project.tspm("start off").code(2).says(&["off", "disabled"]);
    project.down();

    let again = Project::new(yaml).env("TSPM_PROFILES", "debug");
    again.up();
    again.wait_fact("debug up");
}

#[test]
fn a_stop_of_some_takes_dependents_first_and_leaves_the_rest() {
    let project = Project::new(
        "services:\n  \
           db: {command: [./hostile, named, db]}\n  \
           api: {command: [./hostile, named, api, \"50\"], depends_on: [db]}\n  \
           other: {command: [./hostile, named, other]}\n",
    );
    project.up();
    for name in ["db", "api", "other"] {
        project.wait_fact(&format!("{name} up"));
    }
    project.tspm("stop db api").ok();
    project.wait_fact("db ended");
    in_order(&project, &["api asked", "api ended", "db asked", "db ended"]);
    assert_eq!(project.view("other")["state"], "ready");
    // Dependents keep running by default when only the dependency is stopped.
    project.tspm("start api").ok();
    project.wait_facts("api up", 2);
    project.tspm("stop db").ok();
    project.wait_facts("db ended", 2);
    assert_eq!(project.view("api")["state"], "ready");
}

#[test]
fn a_dependent_restarts_with_its_dependency_if_its_edge_says_so() {
    let project = Project::new(
        "services:\n  \
           db: {command: [./hostile, named, db]}\n  \
           api: {command: [./hostile, named, api], depends_on: {db: {restart: true}}}\n  \
           web: {command: [./hostile, named, web], depends_on: [db]}\n",
    );
    project.up();
    for name in ["db", "api", "web"] {
        project.wait_fact(&format!("{name} up"));
    }
    let web = project.pid("web");
    project.tspm("restart db").ok();
    project.wait_facts("api up", 2);
    assert_eq!(project.pid("web"), web);
}

#[test]
fn a_second_ctrl_c_kills() {
    let project = Project::new("services:\n  deaf: {command: [./hostile, ignore-term], stop: {timeout: 5m}}\n");
    let up = project.spawn("up");
    project.wait_fact("up");
    up.signal(Signal::SIGINT);
    up.wait_said("Ctrl-C again");
    project.wait_state("deaf", "stopping");
    up.signal(Signal::SIGINT);
    let ran = up.wait();
    project.assert_nothing_left();
    ran.code(130).says(&["deaf"]);
}

/// The kernel and the shell each tell of a closed terminal: that is no second Ctrl-C.
#[test]
fn a_second_hangup_takes_no_grace_away() {
    let project = Project::new("services:\n  it: {command: [./hostile, named, it, \"500\"]}\n");
    let up = project.spawn("up");
    project.wait_fact("it up");
    up.signal(Signal::SIGHUP);
    up.wait_said("Ctrl-C again");
    up.signal(Signal::SIGHUP);
    up.signal(Signal::SIGTERM);
    up.wait().code(130);
    assert_eq!(project.facts(), ["it up", "it asked", "it ended"]);
}
