//! What a spawn makes, what it refuses, what is told of it.

use std::os::unix::fs::PermissionsExt;

use tspm::keeper::protocol::{FromKeeper, Output, Spawn, SpawnStep, Stdin, Target, ToKeeper};

use super::Test;
use super::env::{Env, place, start};

pub(super) const TESTS: &[Test] = &[
    ("spawning::begins_and_ends", begins_and_ends),
    ("spawning::tells_how_it_ended", tells_how_it_ended),
    ("spawning::a_service_inherits_nothing", a_service_inherits_nothing),
    ("spawning::failures_name_their_step", failures_name_their_step),
    ("spawning::standard_input_stays_open", standard_input_stays_open),
    ("spawning::one_keeper_per_place", one_keeper_per_place),
    ("spawning::hundreds_at_once", hundreds_at_once),
];

fn begins_and_ends() {
    let mut env = Env::new();
    let mode = |path: std::path::PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(env.place.dir.clone()), 0o700);
    assert_eq!(mode(env.place.socket.clone()), 0o600);
    assert_eq!(mode(env.place.journal()), 0o600);
    assert_eq!(std::fs::read_to_string(env.place.dir.join(".gitignore")).unwrap(), "*\n");
    let (generation, runs) = (env.hello.generation, env.hello.runs.len());
    assert_eq!((generation, runs), (0, 0));

    let mut plain = env.spawn(1, &["plain"]);
    assert_eq!(env.living(), [plain.pid]);
    env.signal(1, libc::SIGTERM, Target::Group);
    assert_eq!(env.exited(1).0, Some(libc::SIGTERM), "a wait status");
    assert!(env.emptied(1).is_empty());
    plain.pipes.assert_closed();

    let journal = std::fs::read_to_string(env.place.journal()).unwrap();
    let lines: Vec<serde_json::Value> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = lines.iter().map(|line| line["line"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["keeper", "spawn", "exit", "empty"]);
    assert_eq!(lines[0]["keeper"], serde_json::json!([env.keeper.0, env.keeper.1]));
    assert_eq!(
        (lines[1]["pid"].as_u64(), lines[1]["start"].as_u64()),
        (Some(plain.pid.into()), Some(plain.start))
    );
    assert_eq!(env.finish(), []);
}

fn tells_how_it_ended() {
    let mut env = Env::new();
    let mut run = env.spawn(1, &["exit", "7"]);
    let (status, usage) = env.exited(1);
    assert_eq!(status, Some(7 << 8));
    assert!(usage.max_rss_kib > 0);
    env.emptied(1);
    run.pipes.assert_closed();
    env.finish();
}

fn a_service_inherits_nothing() {
    let mut env = Env::new();
    // Some others, so that the keeper has descriptors to leak.
    env.spawn(1, &["plain"]);
    env.spawn(2, &["plain"]);
    let mut spawn = env.work(3, &["environment"]);
    spawn.cwd = b"/tmp".to_vec();
    let mut run = env.spawn_this(spawn);
    let said = run.pipes.rest();
    let limit = tspm::sys::limits::open_files().rlim_cur;
    // Three for the standard streams, one for the directory that is being read.
    assert_eq!(said, format!("SigBlk:\t0000000000000000 {limit}\n4 /tmp\ntrue true\n"));
    assert!(env.finish().is_empty());
}

fn failures_name_their_step() {
    let mut env = Env::new();
    let base = env.work(0, &["plain"]);
    let mut fails = |run, change: fn(&mut Spawn), step, errno| {
        let mut spawn = Spawn { run, ..base.clone() };
        change(&mut spawn);
        env.send(&ToKeeper::Spawn(Box::new(spawn)));
        assert_eq!(env.failed(run), (step, errno));
    };
    fails(1, |spawn| spawn.program = b"/nowhere/at/all".to_vec(), SpawnStep::Exec, libc::ENOENT);
    fails(2, |spawn| spawn.program = b"/etc/passwd".to_vec(), SpawnStep::Exec, libc::EACCES);
    fails(3, |spawn| spawn.cwd = b"/nowhere".to_vec(), SpawnStep::Cwd, libc::ENOENT);
    fails(4, |spawn| spawn.argv.push(b"a\0b".to_vec()), SpawnStep::Exec, libc::EINVAL);
    let mut live = env.spawn(5, &["plain"]);
    env.send(&ToKeeper::Spawn(Box::new(Spawn { run: 5, ..base })));
    assert_eq!(env.failed(5), (SpawnStep::Fork, libc::EEXIST), "a run is begun once");
    env.kill(&mut live);
    let exited = |message: &FromKeeper| matches!(message, FromKeeper::Exited { run: 1..=4, .. });
    assert!(!env.has(exited), "what never ran never ended");
    env.finish();
}

fn standard_input_stays_open() {
    let mut env = Env::new();
    let mut spawn = Spawn { stdin: Stdin::Pipe, program: b"/bin/cat".to_vec(), ..env.work(1, &[]) };
    spawn.argv = vec![b"cat".to_vec()];
    env.send(&ToKeeper::Spawn(Box::new(spawn)));
    let ((), mut fds) = env.expect(|message| matches!(message, FromKeeper::Spawned { fds: 3, .. }).then_some(()));
    rustix::io::write(&fds[0], b"ok\n").unwrap();
    // This end closes; the keeper's does not.
    drop(fds.remove(0));
    let mut pipes = super::env::Pipes::new(fds);
    pipes.wait_for("ok");
    assert!(!env.has(|message| matches!(message, FromKeeper::Exited { .. })));
    let silent = Spawn { output: Output::Null, ..env.work(2, &["exit", "0"]) };
    env.send(&ToKeeper::Spawn(Box::new(silent)));
    env.expect(|message| matches!(message, FromKeeper::Spawned { run: 2, fds: 0, .. }).then_some(()));
    env.emptied(2);
    env.finish();
    pipes.assert_closed();
}

fn one_keeper_per_place() {
    let env = Env::new();
    assert_eq!(start(&env.place), "locked\n");
    assert_eq!(start(&env.place), "locked\n", "also after one was refused");
    env.finish();

    let dir = tempfile::tempdir().unwrap();
    let mut place = place(dir.path());
    std::fs::write(&place.dir, "a file").unwrap();
    let line = start(&place);
    assert!(line.starts_with("error: cannot create the folder `/") && line.ends_with(")\n"), "{line}");
    place.dir = dir.path().join("new");
    place.socket = dir.path().join("nowhere").join("socket");
    let line = start(&place);
    assert!(line.starts_with("error: cannot listen at `/"), "{line}");
}

fn hundreds_at_once() {
    let mut env = Env::new();
    for run in 0..300 {
        let spawn = env.work(run, &["plain"]);
        env.send(&ToKeeper::Spawn(Box::new(spawn)));
    }
    for run in 0..300 {
        let of = |message: &FromKeeper| {
            matches!(message, FromKeeper::Spawned { run: r, .. } if *r == run).then_some(())
        };
        let ((), fds) = env.expect(of);
        super::env::Pipes::new(fds).wait_for("ok");
        env.signal(run, libc::SIGTERM, Target::Group);
    }
    for run in 0..300 {
        assert_eq!(env.exited(run).0, Some(libc::SIGTERM));
        env.emptied(run);
    }
    env.finish();
}
