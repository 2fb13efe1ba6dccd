//! What every mode needs of the system: fork, facts, signals, waiting for the end.
#![expect(unsafe_code, reason = "fork: the program is single-threaded wherever it forks")]

use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::unistd::{ForkResult, Pid, fork};

/// Appends one line to `facts` (one `write`, so that lines of several processes do not mix).
pub(crate) fn fact(line: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open("facts").expect("`facts` can be written");
    file.write_all(format!("{line}\n").as_bytes()).expect("`facts` can be written");
}

/// Everything this mode has promised is in place.
pub(crate) fn up() {
    fact("up");
}

/// Forks; the child does `body` and never comes back.
pub(crate) fn child(body: impl FnOnce()) -> Pid {
    // SAFETY: nothing here has started a thread (`zombie_leader` and `floods` never fork).
    match unsafe { fork() }.expect("a fork succeeds") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            body();
            std::process::exit(0);
        }
    }
}

/// Forks; the child tells through a pipe when `prepare` is done, and then does `body`. Comes back when it is.
pub(crate) fn prepared_child(prepare: impl FnOnce(), body: impl FnOnce()) -> Pid {
    let (mut told, mut tell) = std::io::pipe().expect("a pipe can be made");
    let pid = child(move || {
        prepare();
        tell.write_all(b".").expect("the parent reads");
        drop(tell);
        body();
    });
    let mut byte = [0];
    std::io::Read::read_exact(&mut told, &mut byte).expect("the child gets ready");
    pid
}

/// Makes `which` have no effect.
pub(crate) fn ignore(which: Signal) {
    // SAFETY: no handler of ours is installed.
    unsafe { signal(which, SigHandler::SigIgn) }.expect("a signal can be ignored");
}

/// Waits for the end: until a signal that is not ignored comes.
pub(crate) fn forever() {
    loop {
        nix::unistd::pause();
    }
}

/// Blocks `which` and gives back the set to wait for it with.
pub(crate) fn block(which: Signal) -> SigSet {
    let mut set = SigSet::empty();
    set.add(which);
    set.thread_block().expect("a signal can be blocked");
    set
}

/// What a workload may do and a test may not.
pub(crate) fn sleep_ms(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}
