//! Starting the supervisor, and counting how often it had to be.

#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::ffi::{CString, c_char};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use crate::model::Moment;
use crate::sys::process::{self, Forked};

use super::link::{Channel, LINK_FD, LISTENER_FD};
use super::main::{Args, log};
use super::order::Order;
use super::protocol::FromKeeper;

/// So many crashes within [`CRASH_WINDOW`], and the keeper tries no more (`lifecycle.md` 2).
const CRASHES: usize = 3;
const CRASH_WINDOW: Duration = Duration::from_secs(10);

/// The supervisor's place, taken or not.
#[derive(Debug)]
pub(super) struct Overseer {
    program: CString,
    arguments: Vec<CString>,
    /// The process, until it is reaped.
    pub pid: Option<u32>,
    /// The socket to it, until one side has closed.
    pub link: Option<Channel<Order, FromKeeper>>,
    /// How many there were before this one.
    pub generation: u32,
    crashes: VecDeque<Moment>,
}

/// Whether there is to be another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Another,
    NoMore,
}

impl Overseer {
    pub(super) fn of(args: &Args) -> io::Result<Self> {
        let program = CString::new(args.program.as_os_str().as_bytes())?;
        let arguments =
            args.arguments.iter().map(|argument| CString::new(argument.as_bytes())).collect::<Result<_, _>>()?;
        Ok(Self { program, arguments, pid: None, link: None, generation: 0, crashes: VecDeque::new() })
    }

    /// Starts it: descriptor 3 is its end of the link, 4 the API listener.
    pub(super) fn launch(&mut self, listener: &OwnedFd) -> io::Result<()> {
        let (mine, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        // SAFETY: the keeper has one thread.
        match unsafe { process::fork() }? {
            Forked::Child => self.become_it(&theirs, listener),
            Forked::Parent(pid) => self.pid = Some(pid),
        }
        self.link = Some(Channel::new(mine));
        Ok(())
    }

    /// It ended at `now`, unasked.
    pub(super) fn crashed(&mut self, now: Moment) -> After {
        self.generation += 1;
        self.crashes.push_back(now);
        self.crashes.retain(|&then| now.since(then) < CRASH_WINDOW);
        if self.crashes.len() < CRASHES { After::Another } else { After::NoMore }
    }

    fn become_it(&self, link: &OwnedFd, listener: &OwnedFd) -> ! {
        let arguments: Vec<*const c_char> =
            self.arguments.iter().map(|argument| argument.as_ptr()).chain([std::ptr::null()]).collect();
        process::release_signals();
        // SAFETY: the strings and the null-ended array live; `environ` is the C library's, unchanged. The
        // two descriptors are moved out of the way first, as one may be where the other has to go.
        unsafe {
            let link = libc::fcntl(link.as_raw_fd(), libc::F_DUPFD_CLOEXEC, LISTENER_FD + 1);
            let listener = libc::fcntl(listener.as_raw_fd(), libc::F_DUPFD_CLOEXEC, LISTENER_FD + 1);
            if libc::dup2(link, LINK_FD) == LINK_FD && libc::dup2(listener, LISTENER_FD) == LISTENER_FD {
                libc::execv(self.program.as_ptr(), arguments.as_ptr());
            }
        }
        log(format_args!("cannot execute the supervisor {:?}: {}", self.program, io::Error::last_os_error()));
        process::leave(127)
    }
}
