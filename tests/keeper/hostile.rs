//! Workloads that do not want to end, and that nothing of them is left.

use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;

use tspm::keeper::protocol::{FromKeeper, Process, Spawn, Target, ToKeeper};
use tspm::sys::tree;

use super::Test;
use super::env::Env;

pub(super) const TESTS: &[Test] = &[
    ("hostile::every_mode_is_killed", every_mode_is_killed),
    ("hostile::finish_kills_them_all", finish_kills_them_all),
    ("hostile::two_thousand_processes", two_thousand_processes),
    ("hostile::a_long_chain", a_long_chain),
    ("hostile::refork_loses", refork_loses),
    ("hostile::a_stopped_process_can_end", a_stopped_process_can_end),
    ("hostile::an_empty_group_means_every_member", an_empty_group_means_every_member),
    ("hostile::the_rest_is_outside_the_group", the_rest_is_outside_the_group),
    ("hostile::the_leader_alone", the_leader_alone),
    ("hostile::what_forks_on_term_is_awaited", what_forks_on_term_is_awaited),
    ("hostile::a_stopped_shim_still_kills", a_stopped_shim_still_kills),
    ("hostile::released_programs_stay", released_programs_stay),
    ("hostile::what_may_not_be_killed_is_named", what_may_not_be_killed_is_named),
    ("hostile::the_token_finds_what_is_elsewhere", the_token_finds_what_is_elsewhere),
];

/// Those that end only when killed, or whose escapees do.
pub(super) const MODES: &[&[&str]] = &[
    &["plain"],
    &["escape"],
    &["daemon"],
    &["scrub"],
    &["stubborn"],
    &["stop"],
    &["fork-on-term"],
    &["many", "50"],
    &["thread"],
    &["refork", "4"],
];

fn every_mode_is_killed() {
    let mut env = Env::new();
    for (mode, run) in MODES.iter().zip(0..) {
        let mut started = env.spawn(run, mode);
        env.kill(&mut started);
        env.assert_nothing_lives();
    }
    assert_eq!(env.finish(), []);
}

fn finish_kills_them_all() {
    let mut env = Env::new();
    let mut all: Vec<_> = MODES.iter().zip(0..).map(|(mode, run)| env.spawn(run, mode)).collect();
    assert_eq!(env.finish(), []);
    for started in &mut all {
        started.pipes.assert_closed();
    }
}

fn two_thousand_processes() {
    let mut env = Env::new();
    let mut run = env.spawn(1, &["many", "2000"]);
    assert_eq!(env.living().len(), 2001);
    env.kill(&mut run);
    env.assert_nothing_lives();
    env.finish();
}

fn a_long_chain() {
    let mut env = Env::new();
    let mut run = env.spawn(1, &["chain", "300"]);
    env.kill(&mut run);
    env.finish();
}

fn refork_loses() {
    let mut env = Env::new();
    for round in 0..5 {
        let mut run = env.spawn(round, &["refork", "32"]);
        env.kill(&mut run);
        env.assert_nothing_lives();
    }
    env.finish();
}

fn a_stopped_process_can_end() {
    let mut env = Env::new();
    let mut run = env.spawn(1, &["stop"]);
    env.signal(1, libc::SIGTERM, Target::Group);
    assert_eq!(env.exited(1).0, Some(libc::SIGTERM));
    env.emptied(1);
    run.pipes.assert_closed();
    env.finish();
}

fn an_empty_group_means_every_member() {
    let mut env = Env::new();
    // The leader has ended, two escapees in other sessions are left.
    let mut run = env.spawn(1, &["daemon"]);
    assert_eq!(env.exited(1).0, Some(0));
    assert_eq!(env.living().len(), 2);
    env.signal(1, libc::SIGTERM, Target::Group);
    env.emptied(1);
    run.pipes.assert_closed();
    env.finish();
}

fn the_rest_is_outside_the_group() {
    let mut env = Env::new();
    let mut run = env.spawn(1, &["escape"]);
    assert_eq!(env.living().len(), 2);
    env.signal(1, libc::SIGUSR1, Target::Rest);
    // The escapee is dead when the shim has obeyed the next command too.
    env.signal(1, libc::SIGTERM, Target::Group);
    assert_eq!(env.exited(1).0, Some(libc::SIGTERM), "the leader was spared by the first signal");
    env.emptied(1);
    run.pipes.assert_closed();
    env.finish();
}

fn the_leader_alone() {
    let mut env = Env::new();
    // 20 children; they are in sessions of their own and ignore SIGTERM.
    let mut run = env.spawn(1, &["many", "20"]);
    env.signal(1, libc::SIGKILL, Target::Leader);
    assert_eq!(env.exited(1).0, Some(libc::SIGKILL));
    assert_eq!(env.living().len(), 20);
    env.kill(&mut run);
    env.finish();
}

fn what_forks_on_term_is_awaited() {
    let mut env = Env::new();
    let mut run = env.spawn(1, &["fork-on-term"]);
    let before = env.living();
    env.signal(1, libc::SIGTERM, Target::Group);
    run.pipes.wait_for("forked");
    env.signal(1, libc::SIGINT, Target::Leader);
    assert_eq!(env.exited(1).0, Some(libc::SIGINT));
    let born = env.living().into_iter().filter(|pid| !before.contains(pid)).count();
    assert_eq!(born, 1, "by the first signal");
    env.kill(&mut run);
    env.finish();
}

fn a_stopped_shim_still_kills() {
    let mut env = Env::new();
    let spawn = env.work(1, &["stop-shim"]);
    env.send(&ToKeeper::Spawn(Box::new(spawn)));
    // Its shim may be stopped before it says `Spawned`: nothing to wait for but the end.
    env.send(&ToKeeper::Kill { run: 1 });
    env.emptied(1);
    env.assert_nothing_lives();
    env.finish();
}

fn released_programs_stay() {
    let mut env = Env::new();
    let released = |spawn: Spawn| Spawn { release: vec![b"lasting".to_vec()], ..spawn };
    let ends = released(env.work(1, &["leave", "lasting", "end"]));
    let ending = env.spawn_this(ends);
    let left = env.emptied(1);
    let stays = released(env.work(2, &["leave", "lasting", "stay"]));
    env.spawn_this(stays);
    env.send(&ToKeeper::Kill { run: 2 });
    let also_left = env.emptied(2);
    let pids: Vec<u32> = left.iter().chain(&also_left).map(|process| process.pid).collect();
    assert!(matches!(&left[..], [Process { why, .. }] if why == "released"), "{left:?}");
    assert_eq!(pids.len(), 2);
    assert_eq!(tree::stat(pids[0]).unwrap().ppid, env.keeper.0);
    // One of another name is not left.
    let mut other = released(env.work(3, &["leave", "passing", "end"]));
    "other".clone_into(&mut other.label);
    let mut other = env.spawn_this(other);
    env.kill(&mut other);

    env.send(&ToKeeper::Finish);
    assert_eq!(env.receipt(), []);
    let mut living = env.living();
    living.sort_unstable();
    let mut expected = pids.clone();
    expected.sort_unstable();
    assert_eq!(living, expected, "neither counted nor killed");
    env.ends();
    pids.into_iter().for_each(super::env::kill_9);
    drop(ending);
}

#[expect(clippy::disallowed_methods, reason = "a process that no keeper started")]
fn what_may_not_be_killed_is_named() {
    if !rustix::process::geteuid().is_root() {
        // Only root can make a program that its keeper may not signal.
        return;
    }
    let mut env = Env::of(Some(65_534));
    let program = env.place.dir.with_file_name("setuid");
    // By another process: what this one writes to may be open in a fork of another test (`ETXTBSY`).
    let mut copy = std::process::Command::new("/bin/cp");
    assert!(copy.arg(std::env::current_exe().unwrap()).arg(&program).status().unwrap().success());
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o4755)).unwrap();
    let spawn = Spawn { program: program.into_os_string().into_vec(), ..env.work(1, &["root"]) };
    let run = env.spawn_this(spawn);
    let named = |left: &[Process]| {
        assert!(
            matches!(left, [p] if p.pid == run.pid && p.why == "not permitted" && p.label.is_some()),
            "{left:?}"
        );
    };
    env.send(&ToKeeper::Finish);
    let (left, _) = env.expect(|message| match message {
        FromKeeper::Survived { run: 1, left } => Some(left.clone()),
        _ => None,
    });
    named(&left);
    named(&env.receipt());
    super::env::kill_9(run.pid);
    env.emptied(1);
    env.send(&ToKeeper::Finish);
    assert_eq!(env.receipt(), [], "asked again it looks again");
    env.ends();
}

#[expect(clippy::disallowed_methods, reason = "a process that no keeper started")]
fn the_token_finds_what_is_elsewhere() {
    let env = Env::new();
    let start = |token: String| {
        let mut command = std::process::Command::new("/bin/sleep");
        command.arg("1000").env("TSPM_RUN", token).spawn().unwrap()
    };
    let mut ours = start(format!("{}.api.0.1", env.place.project_id));
    let mut inner = start(format!("outer.x.0.1/{}.api.0.1/deeper.y.0.1", env.place.project_id));
    let mut other = start(format!("{}x.api.0.1", env.place.project_id));
    assert_eq!(env.finish(), []);
    let killed = |child: &mut std::process::Child| {
        std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap()) == Some(libc::SIGKILL)
    };
    assert!(killed(&mut ours) && killed(&mut inner));
    assert!(other.try_wait().unwrap().is_none(), "another project's");
    other.kill().unwrap();
    other.wait().unwrap();
}
