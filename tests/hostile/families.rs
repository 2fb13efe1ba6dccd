//! Modes of several processes: families that do not stay together.
#![expect(
    unsafe_code,
    reason = "clone with CLONE_PARENT, the end of one thread and overwriting the environment have no safe face"
)]

use std::os::unix::process::CommandExt as _;

use nix::sys::signal::Signal;

use crate::process::{block, child, fact, forever, ignore, prepared_child, sleep_ms, up};

fn new_session() {
    nix::unistd::setsid().expect("a child may open a session");
}

/// The leader ends at SIGTERM, its child does not.
pub(crate) fn child_ignores_term() {
    prepared_child(|| ignore(Signal::SIGTERM), forever);
    up();
    forever();
}

/// Children and grandchildren: seven processes.
pub(crate) fn tree() {
    for _ in 0..2 {
        prepared_child(
            || {
                for _ in 0..2 {
                    child(forever);
                }
            },
            forever,
        );
    }
    up();
    forever();
}

/// `count` children.
pub(crate) fn many(count: u64) {
    for _ in 0..count {
        child(forever);
    }
    up();
    forever();
}

/// A child in a session of its own.
pub(crate) fn setsid() {
    prepared_child(new_session, forever);
    up();
    forever();
}

/// A daemon: forked twice, a session of its own, its parent gone, deaf to SIGTERM.
pub(crate) fn daemon() {
    daemonise(|| ignore(Signal::SIGTERM), forever);
    up();
    forever();
}

fn daemonise(prepare: impl FnOnce(), body: impl FnOnce()) {
    let middle = prepared_child(
        || {
            new_session();
            prepared_child(prepare, body);
        },
        || (),
    );
    nix::sys::wait::waitpid(middle, None).expect("the middle one is ours");
}

/// A daemon that executes itself with an empty environment: no token is left of what tspm gave it.
pub(crate) fn scrubbed() {
    daemonise(
        || (),
        || {
            let mut again = std::process::Command::new("/proc/self/exe");
            let problem = again.arg0("innocent").arg("scrubbed-child").env_clear().exec();
            fact(&format!("exec failed: {problem}"));
        },
    );
    // The daemon says `up` itself, after its exec.
    forever();
}

/// A daemon that writes over its arguments, its environment and its name, as nginx and redis do.
pub(crate) fn clobbered() {
    daemonise(
        || {
            let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc is there");
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            let at = |n: usize| fields[n - 3].parse::<usize>().expect("a number of /proc/self/stat");
            // proc(5): arg_start, arg_end, env_start, env_end are the fields 48 to 51.
            for (from, to) in [(at(48), at(49)), (at(50), at(51))] {
                // SAFETY: the kernel says that these bytes of our stack hold arguments and environment; nobody
                // reads either of them again in this process.
                unsafe { std::ptr::write_bytes(from as *mut u8, b'z', to - from) };
            }
            std::fs::write("/proc/self/comm", "kworker/0:0").expect("a process may rename itself");
            ignore(Signal::SIGTERM);
        },
        forever,
    );
    up();
    forever();
}

/// Never the same process for long: every few milliseconds it forks itself into a new session and ends.
pub(crate) fn reforks() {
    prepared_child(|| (), hop);
    up();
    forever();
}

fn hop() {
    ignore(Signal::SIGTERM);
    loop {
        sleep_ms(3);
        // SAFETY: single-threaded.
        match unsafe { nix::unistd::fork() } {
            // The parent ends; the child goes on with this loop in its place.
            Ok(nix::unistd::ForkResult::Parent { .. }) => return,
            Ok(nix::unistd::ForkResult::Child) => new_session(),
            // No process to be had just now: stay.
            Err(_) => (),
        }
    }
}

/// The leader ends at once; two children that ignore SIGTERM stay, one in a session of its own.
pub(crate) fn leader_exits() {
    prepared_child(|| ignore(Signal::SIGTERM), forever);
    prepared_child(
        || {
            new_session();
            ignore(Signal::SIGTERM);
        },
        forever,
    );
    up();
}

/// Fails at once and leaves a deaf child in a session of its own. Says whether a child of an earlier life was there:
/// the lock on `exclusive` is held for as long as one of the family lives.
pub(crate) fn exclusive() -> u8 {
    let lock = std::fs::File::create("exclusive").expect("the folder is ours");
    fact(if lock.try_lock().is_ok() { "alone" } else { "two at once" });
    prepared_child(
        || {
            new_session();
            ignore(Signal::SIGTERM);
        },
        forever,
    );
    7
}

/// A child that is not below the leader but beside it (`CLONE_PARENT`), in a session of its own, deaf to SIGTERM.
pub(crate) fn sibling() {
    let flags = u64::try_from(libc::CLONE_PARENT).expect("a flag is positive");
    // SAFETY: without CLONE_VM this is a fork, and the process is single-threaded; the raw system call leaves libc's
    // cached pid alone, which glibc no longer has. clone3 takes no exit signal together with CLONE_PARENT.
    let pid = unsafe {
        let mut args: libc::clone_args = std::mem::zeroed();
        args.flags = flags;
        libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<libc::clone_args>())
    };
    match pid {
        0 => {
            new_session();
            ignore(Signal::SIGTERM);
            up();
            forever();
        }
        -1 => fact("clone3 failed"),
        _ => forever(),
    }
}

/// The main thread ends, another one goes on: the process looks like a zombie and is none. Deaf to SIGTERM.
pub(crate) fn zombie_leader() {
    ignore(Signal::SIGTERM);
    std::thread::spawn(|| {
        while !std::fs::read_to_string("/proc/self/stat").is_ok_and(|stat| stat.contains(") Z ")) {
            std::thread::yield_now();
        }
        up();
        forever();
    });
    // SAFETY: the raw system call ends this thread alone, without unwinding; the other one borrows nothing of its stack.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
}

/// The leader ends at SIGTERM; a child in a session of its own holds standard output open and ignores SIGTERM.
pub(crate) fn holds_stdout() {
    prepared_child(
        || {
            new_session();
            ignore(Signal::SIGTERM);
        },
        forever,
    );
    let term = block(Signal::SIGTERM);
    up();
    term.wait().expect("SIGTERM can be awaited");
    print!("the leader's last words");
}
