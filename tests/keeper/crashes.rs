//! One crash changes nothing; two leave nothing.

use std::io::Read;
use std::os::fd::OwnedFd;

use tspm::keeper::protocol::{FromKeeper, Stdin, Target, ToKeeper, Will};
use tspm::sys::{identity, signals, tree};

use super::Test;
use super::env::{Env, Pipes, kill_9, start, wait_for_death};
use super::hostile::MODES;

pub(super) const TESTS: &[Test] = &[
    ("crashes::a_dead_supervisor_is_replaced", a_dead_supervisor_is_replaced),
    ("crashes::wills_are_carried_out", wills_are_carried_out),
    ("crashes::a_will_ends_in_a_kill", a_will_ends_in_a_kill),
    ("crashes::a_dead_keeper_leaves_nothing", a_dead_keeper_leaves_nothing),
    ("crashes::a_dead_shim_leaves_nothing", a_dead_shim_leaves_nothing),
    ("crashes::dead_shims_harm_no_other_run", dead_shims_harm_no_other_run),
    ("crashes::a_request_to_end_outlives_a_supervisor", a_request_to_end_outlives_a_supervisor),
    ("crashes::a_supervisor_that_dies_in_finish", a_supervisor_that_dies_in_finish),
    ("crashes::a_stopped_supervisor_stops_nobody", a_stopped_supervisor_stops_nobody),
];

fn a_dead_supervisor_is_replaced() {
    let mut env = Env::new();
    let (mut reader, writer) = std::io::pipe().unwrap();
    env.store("kept", &OwnedFd::from(writer));
    let (_, gone) = std::io::pipe().unwrap();
    env.store("discarded", &OwnedFd::from(gone));
    env.send(&ToKeeper::Discard { key: "discarded".to_owned() });
    let mut spawn = env.work(1, &["stubborn"]);
    spawn.stdin = Stdin::Pipe;
    let stubborn = env.spawn_this(spawn);
    let daemon = env.spawn(2, &["daemon"]);
    env.exited(2);
    let before = env.living();

    let old = env.supervisor();
    kill_9(old);
    env.reconnect();
    assert_ne!(env.supervisor(), old);
    assert_eq!(env.hello.generation, 1);
    assert_eq!(env.living(), before, "services keep their pids");
    let runs = std::mem::take(&mut env.hello.runs);
    assert_eq!(
        runs.iter().map(|run| (run.run, run.pid, run.start, run.exited)).collect::<Vec<_>>(),
        [(1, stubborn.pid, stubborn.start, None), (2, daemon.pid, daemon.start, Some(Some(0))),]
    );
    assert_eq!(runs[0].pipes, [true; 3]);
    assert_eq!(env.hello.stored, ["kept"]);
    // Three pipes of the first, two of the second, one that was stored.
    let mut fds = std::mem::take(&mut env.hello_fds);
    assert_eq!(fds.len(), 6);
    rustix::io::write(fds.pop().unwrap(), b"still open").unwrap();
    let mut kept = [0; 10];
    reader.read_exact(&mut kept).unwrap();
    assert_eq!(&kept, b"still open");

    drop((stubborn, daemon));
    let mut daemon = Pipes::new(fds.split_off(3));
    env.send(&ToKeeper::Kill { run: 2 });
    env.emptied(2);
    daemon.assert_closed();
    let mut stubborn = Pipes::new(fds);
    env.send(&ToKeeper::Kill { run: 1 });
    assert_eq!(env.exited(1).0, Some(libc::SIGKILL));
    env.emptied(1);
    stubborn.assert_closed();
    assert_eq!(env.finish(), []);
}

/// Kills supervisors until the keeper brings no more.
fn exhaust(env: &mut Env) {
    for _ in 0..2 {
        kill_9(env.supervisor());
        env.reconnect();
    }
    kill_9(env.supervisor());
}

fn wills_are_carried_out() {
    let mut env = Env::new();
    let notes = tempfile::NamedTempFile::new().unwrap();
    let path = notes.path().to_str().unwrap().to_owned();
    for (run, rank) in [(1, 0), (2, 1), (3, 2), (4, 0)] {
        let mut spawn = env.work(run, &["note", &path, &format!("{rank}\n")]);
        spawn.will.rank = rank;
        env.spawn_this(spawn);
    }
    // The stop order changed after the spawn: now this one is the first of all.
    let will = Will { rank: 9, signal: libc::SIGTERM, timeout_ms: 5000, to: Target::Group };
    env.send(&ToKeeper::Will { run: 4, will });
    assert!(!env.has(|message| matches!(message, FromKeeper::Exited { .. })));
    exhaust(&mut env);
    wait_for_death(env.keeper);
    env.assert_nothing_lives();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "0\n2\n1\n0\n", "{}", env.log());
    assert!(env.log().contains("too many crashes"), "{}", env.log());
    assert!(!env.place.socket.exists() && !env.place.journal().exists());
}

fn a_will_ends_in_a_kill() {
    let mut env = Env::new();
    for (mode, run) in MODES.iter().zip(0..) {
        let mut spawn = env.work(run, mode);
        spawn.will = Will { rank: 0, signal: libc::SIGTERM, timeout_ms: 50, to: Target::Group };
        env.spawn_this(spawn);
    }
    exhaust(&mut env);
    wait_for_death(env.keeper);
    env.assert_nothing_lives();
}

fn a_dead_keeper_leaves_nothing() {
    let mut env = Env::new();
    let mut all: Vec<_> = MODES.iter().zip(0..).map(|(mode, run)| env.spawn(run, mode)).collect();
    let shims = shims(&env);
    assert_eq!(shims.len(), all.len());
    kill_9(env.keeper.0);
    for shim in shims {
        wait_for_death(shim);
    }
    for started in &mut all {
        started.pipes.assert_closed();
    }
    env.assert_nothing_lives();
    // The next one takes over the place.
    assert_eq!(start(&env.place), "ready\n");
    env.reconnect();
    let keeper = env.hello.keeper;
    env.keeper = keeper;
    env.finish();
}

fn a_dead_shim_leaves_nothing() {
    let mut env = Env::new();
    for (mode, run) in MODES.iter().zip(0..) {
        let mut started = env.spawn(run, mode);
        let before = (mode[0] == "daemon").then(|| env.exited(run).0);
        let Some(shim) = shim_of(&env, run) else { panic!("no shim") };
        signals::open(shim.0, shim.1).unwrap().send(libc::SIGKILL).unwrap();
        match before {
            Some(status) => assert_eq!(status, Some(0), "this leader ended while its shim lived"),
            None => assert_eq!(env.exited(run).0, None, "nobody saw it: {mode:?}"),
        }
        env.emptied(run);
        started.pipes.assert_closed();
        env.assert_nothing_lives();
    }
    assert_eq!(env.finish(), []);
}

fn dead_shims_harm_no_other_run() {
    let mut env = Env::new();
    let mut bystander = env.spawn(0, &["escape"]);
    let before = env.living();
    let mut all: Vec<_> = (1..20).map(|run| env.spawn(run, &["escape"])).collect();
    for started in &all {
        let shim = shim_of(&env, started.run).unwrap();
        signals::open(shim.0, shim.1).unwrap().send(libc::SIGKILL).unwrap();
    }
    for started in &mut all {
        env.emptied(started.run);
        started.pipes.assert_closed();
    }
    assert_eq!(env.living(), before);
    env.kill(&mut bystander);
    env.finish();
}

fn a_request_to_end_outlives_a_supervisor() {
    let mut env = Env::new();
    signals::open(env.keeper.0, env.keeper.1).unwrap().send(libc::SIGTERM).unwrap();
    let told = |message: &FromKeeper| matches!(message, FromKeeper::Terminate).then_some(());
    env.expect(told);
    kill_9(env.supervisor());
    env.reconnect();
    env.expect(told);
    env.finish();
}

fn a_supervisor_that_dies_in_finish() {
    let mut env = Env::new();
    env.spawn(1, &["many", "300"]);
    env.send(&ToKeeper::Finish);
    // Once a process of the run is dead the request has arrived.
    env.exited(1);
    let supervisor = env.supervisor();
    signals::open(supervisor, identity::start_time(supervisor).unwrap()).unwrap().send(libc::SIGKILL).unwrap();
    wait_for_death(env.keeper);
    env.assert_nothing_lives();
    assert!(!env.place.socket.exists(), "{}", env.log());
}

fn a_stopped_supervisor_stops_nobody() {
    let mut env = Env::new();
    for run in 0..300 {
        let mut spawn = env.work(run, &["exit", "0"]);
        // More than the sockets hold.
        spawn.argv.resize(100, b"x".repeat(100));
        env.send(&ToKeeper::Spawn(Box::new(spawn)));
    }
    env.expect(|message| matches!(message, FromKeeper::Spawned { run: 0, .. }).then_some(()));
    let supervisor = env.supervisor();
    let process = signals::open(supervisor, identity::start_time(supervisor).unwrap()).unwrap();
    process.send(libc::SIGSTOP).unwrap();
    // Its keeper goes on reaping.
    shims(&env).into_iter().for_each(wait_for_death);
    process.send(libc::SIGCONT).unwrap();
    for run in 0..300 {
        env.emptied(run);
    }
    env.finish();
}

/// The keeper's shims, with their start times.
fn shims(env: &Env) -> Vec<(u32, u64)> {
    let stats = tree::children(env.keeper.0).into_iter().filter_map(|pid| tree::stat(pid).ok());
    stats.filter(|stat| stat.comm == "tspm-shim" && !stat.is_dead()).map(|stat| (stat.pid, stat.start)).collect()
}

fn shim_of(env: &Env, run: u64) -> Option<(u32, u64)> {
    let title = format!("tspm-shim run{run}");
    shims(env).into_iter().find(|(pid, _)| tree::command_line(*pid) == title)
}
