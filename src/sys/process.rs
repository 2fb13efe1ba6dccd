//! Forking, waiting, signal masks: thin wrappers for single-threaded processes (the keeper, its shims).

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// Which process returned from [`fork`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forked {
    /// The new one.
    Child,
    /// The old one, and the new one's pid.
    Parent(u32),
}

/// What [`wait_any`] saw.
#[derive(Debug, Clone, Copy)]
pub enum Waited {
    /// A child ended and is reaped.
    Ended {
        /// Which.
        pid: u32,
        /// As `wait4` gives it.
        status: i32,
        /// What it and the children it waited for used.
        usage: libc::rusage,
    },
    /// There are children, none has ended.
    Running,
    /// There are no children, living or dead.
    Childless,
}

/// A copy of this process.
///
/// It goes around the C library's `fork`, which writes to a dozen pages in the child that this program has
/// no use for (locks, lists of threads, handlers): they are a third of a shim's own memory.
///
/// # Safety
/// This process must have one thread: in the child every lock that another thread holds is held for ever.
pub unsafe fn fork() -> io::Result<Forked> {
    /// The first version of the kernel's `struct clone_args`.
    #[repr(C)]
    #[derive(Default)]
    struct CloneArgs {
        flags: u64,
        pidfd: u64,
        child_tid: u64,
        parent_tid: u64,
        exit_signal: u64,
        stack: u64,
        stack_size: u64,
        tls: u64,
    }
    let args = CloneArgs { exit_signal: libc::SIGCHLD as u64, ..CloneArgs::default() };
    // SAFETY: the structure lives and its size is stated; without a stack of its own and without shared
    // memory the child goes on with a copy of this one, as after `fork` (the caller's promise).
    let result = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<CloneArgs>()) };
    let result = match result {
        // Some sandboxes know no `clone3`.
        // SAFETY: the caller's promise.
        -1 if io::Error::last_os_error().raw_os_error() == Some(libc::ENOSYS) => unsafe { libc::fork() }.into(),
        result => result,
    };
    match u32::try_from(result) {
        Err(_) => Err(io::Error::last_os_error()),
        Ok(0) => Ok(Forked::Child),
        Ok(pid) => Ok(Forked::Parent(pid)),
    }
}

/// Reaps one child of any kind, without waiting.
pub fn wait_any() -> Waited {
    let mut status = 0;
    // SAFETY: zeroes are a valid `rusage`; both pointers are to live locals.
    let (pid, usage) = unsafe {
        let mut usage = std::mem::zeroed();
        (libc::wait4(-1, &raw mut status, libc::WNOHANG | libc::__WALL, &raw mut usage), usage)
    };
    match pid {
        0 => Waited::Running,
        // The only other failure of this call is ECHILD.
        ..0 => Waited::Childless,
        pid => Waited::Ended { pid: pid.cast_unsigned(), status, usage },
    }
}

/// Ends this process without running anything of it: for forks that share their parent's state.
pub fn leave(code: i32) -> ! {
    // SAFETY: it touches no memory of ours.
    unsafe { libc::_exit(code) }
}

/// Signals a child that was not reaped yet: until then its pid is its own.
pub fn signal_child(pid: u32, signal: i32) {
    // SAFETY: it touches no memory. It fails only if the signal is not ours to send.
    unsafe { libc::kill(pid.cast_signed(), signal) };
}

/// Signals a process group. The caller knows that the number still means that group.
pub fn signal_group(group: u32, signal: i32) -> io::Result<()> {
    // SAFETY: it touches no memory.
    if unsafe { libc::killpg(group.cast_signed(), signal) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// From now on orphans below this process become its children.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(rustix::process::Pid::from_raw(1))?)
}

/// Sets every signal to its default, blocks them all, and makes a non-blocking descriptor that is readable
/// when one of `wanted` is pending. Forks inherit all of it, and with `poll` the descriptor tells a fork of
/// its own signals.
pub fn take_signals(wanted: &[i32]) -> io::Result<OwnedFd> {
    // SAFETY: the sets are initialised by `sigemptyset` and `sigfillset`; the descriptor is checked.
    unsafe {
        for signal in 1..=libc::SIGRTMAX() {
            // Fails for SIGKILL, SIGSTOP and those that the C library keeps to itself.
            libc::signal(signal, libc::SIG_DFL);
        }
        let (mut all, mut some) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&raw mut all);
        libc::sigemptyset(&raw mut some);
        for &signal in wanted {
            libc::sigaddset(&raw mut some, signal);
        }
        libc::sigprocmask(libc::SIG_BLOCK, &raw const all, std::ptr::null_mut());
        match libc::signalfd(-1, &raw const some, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
            -1 => Err(io::Error::last_os_error()),
            raw => Ok(OwnedFd::from_raw_fd(raw)),
        }
    }
}

/// Takes what is pending, as bits `1 << (signal - 1)`.
pub fn pending(signals: &OwnedFd) -> u64 {
    const ONE: usize = size_of::<libc::signalfd_siginfo>();
    let mut info = [0; 8 * ONE];
    let read = rustix::io::read(signals, &mut info).unwrap_or(0);
    // `ssi_signo` comes first in each.
    let numbers = info[..read].chunks_exact(ONE).filter_map(|one| one.first_chunk::<4>());
    numbers.fold(0, |bits, number| bits | 1 << (u32::from_ne_bytes(*number).wrapping_sub(1) % 64))
}

/// Unblocks all signals: for a child that is about to `exec`.
pub fn release_signals() {
    // SAFETY: the set is initialised by `sigemptyset`.
    unsafe {
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// The name that `ps` and `top` show: 15 bytes of it.
pub fn set_name(name: &std::ffi::CStr) {
    // SAFETY: `PR_SET_NAME` reads a C string.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

/// Closes every descriptor from 3 on but these.
pub fn close_all_but(kept: &mut [i32]) {
    kept.sort_unstable();
    let mut first = 3_u32;
    for fd in kept.iter().map(|fd| fd.cast_unsigned()).filter(|&fd| fd >= 3) {
        if fd > first {
            close_range(first, fd - 1);
        }
        first = fd + 1;
    }
    close_range(first, u32::MAX);
}

fn close_range(first: u32, last: u32) {
    // SAFETY: closing descriptors touches no memory. Owners of the closed ones must not outlive this: the
    // callers are a process that has just begun, and forks that end without running destructors.
    unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
}
