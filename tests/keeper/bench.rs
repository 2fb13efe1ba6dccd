//! How long starts and stops take, beside the least they could take, in the same run. By hand:
//! `cargo test --release --test keeper -- --ignored`.
//!
//! The measuring supervisor is one that only counts: what is measured is keeper and shims.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;

use rustix::event::{PollFd, PollFlags, poll};
use tspm::keeper::link::{self, Link};
use tspm::keeper::protocol::{FromKeeper, Output, Spawn, Stdin, Target, ToKeeper, Will};
use tspm::sys::{clock, tree};

use super::Test;
use super::env::{place, start, wait_for_death};

pub(super) const TESTS: &[Test] = &[("bench::starts_and_stops", starts_and_stops)];

/// Services at once, and how often; the least of each figure counts.
const SERVICES: u64 = 400;
const ROUNDS: u64 = 7;

fn starts_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    let place = tspm::sys::Place { project_id: format!("bench{}", std::process::id()), ..place(dir.path()) };
    assert_eq!(start(&place), "ready\n");
    let journal = std::fs::read_to_string(place.journal()).unwrap();
    let header: serde_json::Value = serde_json::from_str(journal.lines().next().unwrap()).unwrap();
    wait_for_death(serde_json::from_value(header["keeper"].clone()).unwrap());
    println!("{}", std::fs::read_to_string(place.diagnostics()).unwrap());
}

/// Measures as a supervisor; standard error is the keeper's log.
pub(super) fn supervisor() -> ExitCode {
    let (mut link, _listener) = link::inherit().unwrap();
    let FromKeeper::Hello(hello) = receive(&mut link) else { panic!("no `Hello`") };
    let mut best = [f64::MAX; 4];
    for round in 0..ROUNDS {
        let (start, children) = timed(floor_start);
        let (stop, ()) = timed(|| floor_stop(&children));
        let (ours, ()) = timed(|| spawn_all(&mut link, round * SERVICES));
        if round == 0 {
            memory(hello.keeper.0);
        }
        let (our_stop, ()) = timed(|| stop_all(&mut link, round * SERVICES));
        for (best, now) in best.iter_mut().zip([start, ours, stop, our_stop]) {
            *best = best.min(now);
        }
    }
    let [start, ours, stop, our_stop] = best;
    eprintln!("start {SERVICES}: {ours:.1} ms, posix_spawn {start:.1} ms: {:.2}", ours / start);
    eprintln!("stop {SERVICES}: {our_stop:.1} ms, kill and wait {stop:.1} ms: {:.2}", our_stop / stop);
    link.send(&ToKeeper::Finish, &[]).unwrap();
    let (finish, answer) = timed(|| receive(&mut link));
    eprintln!("finish: {finish:.1} ms: {answer:?}");
    ExitCode::SUCCESS
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let before = clock::now();
    let result = work();
    (clock::now().since(before).as_secs_f64() * 1e3, result)
}

fn floor_start() -> Vec<i32> {
    let arguments = [c"sleep".as_ptr().cast_mut(), c"1000".as_ptr().cast_mut(), std::ptr::null_mut()];
    let environment: Vec<CString> = environment().into_iter().map(|entry| CString::new(entry).unwrap()).collect();
    let mut pointers: Vec<_> = environment.iter().map(|entry| entry.as_ptr().cast_mut()).collect();
    pointers.push(std::ptr::null_mut());
    let spawn = || {
        let mut pid = 0;
        // SAFETY: the strings and the null-ended arrays live.
        let failed = unsafe {
            libc::posix_spawn(
                &raw mut pid,
                c"/bin/sleep".as_ptr(),
                std::ptr::null(),
                std::ptr::null(),
                arguments.as_ptr(),
                pointers.as_ptr(),
            )
        };
        assert_eq!(failed, 0);
        pid
    };
    (0..SERVICES).map(|_| spawn()).collect()
}

fn floor_stop(children: &[i32]) {
    for &pid in children {
        unsafe { libc::kill(pid, libc::SIGTERM) };
    }
    for &pid in children {
        unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
    }
}

fn spawn_all(link: &mut Link, first: u64) {
    for run in first..first + SERVICES {
        let spawn = Spawn {
            run,
            label: "bench".to_owned(),
            program: b"/bin/sleep".to_vec(),
            argv: vec![b"sleep".to_vec(), b"1000".to_vec()],
            env: environment(),
            cwd: b"/".to_vec(),
            stdin: Stdin::Pipe,
            output: Output::Pipes,
            release: Vec::new(),
            will: Will { rank: 0, signal: libc::SIGTERM, timeout_ms: 1000, to: Target::Group },
        };
        link.send(&ToKeeper::Spawn(Box::new(spawn)), &[]).unwrap();
    }
    let mut missing: BTreeSet<u64> = (first..first + SERVICES).collect();
    while !missing.is_empty() {
        match receive(link) {
            FromKeeper::Spawned { run, .. } => assert!(missing.remove(&run)),
            other => panic!("{other:?}"),
        }
    }
}

fn stop_all(link: &mut Link, first: u64) {
    for run in first..first + SERVICES {
        link.send(&ToKeeper::Signal { run, signal: libc::SIGTERM, to: Target::Group }, &[]).unwrap();
    }
    let mut missing: BTreeSet<u64> = (first..first + SERVICES).collect();
    while !missing.is_empty() {
        if let FromKeeper::Emptied { run, .. } = receive(link) {
            assert!(missing.remove(&run));
        }
    }
}

fn receive(link: &mut Link) -> FromKeeper {
    loop {
        link.flush().unwrap();
        if let Some((message, _)) = link.try_recv().unwrap() {
            return message;
        }
        let out = if link.wants_write() { PollFlags::OUT } else { PollFlags::empty() };
        poll(&mut [PollFd::new(&*link, PollFlags::IN | out)], None).unwrap();
    }
}

fn environment() -> Vec<Vec<u8>> {
    let pair =
        |(key, value): (std::ffi::OsString, std::ffi::OsString)| [key.into_vec(), value.into_vec()].join(&b'=');
    std::env::vars_os().map(pair).collect()
}

/// What the shims and the keeper cost: memory of their own, and their share of what they have in common.
fn memory(keeper: u32) {
    let of = |pid: u32, name: &str| -> io::Result<u64> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        Ok(line.split_ascii_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0))
    };
    let shims: Vec<u32> = tree::children(keeper);
    let shims: Vec<u32> =
        shims.into_iter().filter(|&pid| tree::stat(pid).is_ok_and(|s| s.comm == "tspm-shim")).collect();
    let mean = |name: &str| {
        let sum: u64 = shims.iter().filter_map(|&pid| of(pid, name).ok()).sum();
        sum / shims.len().max(1) as u64
    };
    eprintln!("{} shims, KiB each: private {}, proportional {}", shims.len(), mean("Private_Dirty"), mean("Pss:"));
    let keeper = |name| of(keeper, name).unwrap_or(0);
    eprintln!("keeper, KiB: private {}, proportional {}", keeper("Private_Dirty"), keeper("Pss:"));
}
