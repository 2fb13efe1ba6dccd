//! Modes of one process: what it does with signals.

use nix::sys::signal::{Signal, kill, raise};
use nix::sys::wait::{WaitPidFlag, waitpid};

use crate::process::{block, child, fact, forever, ignore, sleep_ms, up};

/// Ends at the first SIGTERM.
pub(crate) fn plain() {
    up();
    forever();
}

/// Does not end at SIGTERM, nor at the other signals that a terminal sends.
pub(crate) fn ignore_term() {
    for which in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT] {
        ignore(which);
    }
    up();
    forever();
}

/// Needs `ms` milliseconds to end after SIGTERM, and says when it has.
pub(crate) fn slow(ms: u64) {
    let term = block(Signal::SIGTERM);
    up();
    term.wait().expect("SIGTERM can be awaited");
    fact("asked");
    sleep_ms(ms);
    fact("ended");
}

/// Says its name when it starts, when it is asked to end, and when it does (after `ms` milliseconds).
pub(crate) fn named(name: &str, ms: Option<&str>) {
    let term = block(Signal::SIGTERM);
    fact(&format!("{name} up"));
    term.wait().expect("SIGTERM can be awaited");
    fact(&format!("{name} asked"));
    sleep_ms(ms.map_or(0, |ms| ms.parse().expect("a time is a number of milliseconds")));
    fact(&format!("{name} ended"));
}

/// Is stopped (state T), and so is a child: neither can act on SIGTERM before SIGCONT.
pub(crate) fn stopped() {
    let first = child(|| {
        raise(Signal::SIGSTOP).expect("a process can stop itself");
        forever();
    });
    waitpid(first, Some(WaitPidFlag::WUNTRACED)).expect("the child stops");
    let leader = nix::unistd::getpid();
    child(move || {
        kill(leader, Signal::SIGSTOP).expect("the leader is ours");
        let stat = format!("/proc/{leader}/stat");
        while !std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T ")) {
            std::thread::yield_now();
        }
        up();
    });
    forever();
}

/// At SIGTERM it forks children that ignore SIGTERM, in sessions of their own, and then ends.
pub(crate) fn forks_on_term() {
    let term = block(Signal::SIGTERM);
    up();
    term.wait().expect("SIGTERM can be awaited");
    for _ in 0..3 {
        child(|| {
            nix::unistd::setsid().expect("a child may open a session");
            ignore(Signal::SIGTERM);
            fact("born late");
            forever();
        });
    }
}
