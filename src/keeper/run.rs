//! One run, as the keeper knows it: its shim, its leader, its pipes, its will.

#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

use crate::model::Moment;
use crate::sys::process::{self, Forked};
use crate::sys::title::Title;

use super::image::{Failure, Image};
use super::journal::{self, Line};
use super::order::Launch;
use super::protocol::{LiveRun, Output, Process, Run, SpawnStep, Stdin, Will};
use super::report::{self, Command};
use super::shim;

/// What every shim and leader gets of its keeper.
#[derive(Debug)]
pub(super) struct Common {
    /// The `signalfd`.
    pub signals: OwnedFd,
    /// `/dev/null`, open for both.
    pub null: OwnedFd,
    /// The caller's limit of open files, if the keeper raised its own.
    pub files: Option<libc::rlimit>,
    /// Where the command line lies.
    pub title: Option<Title>,
}

/// A run that is not over.
#[derive(Debug)]
pub(super) struct Live {
    pub label: String,
    pub will: Will,
    pub shim: Shim,
    /// The keeper's end of the socket to the shim.
    pub control: OwnedFd,
    /// Commands that the socket did not take.
    unsent: VecDeque<Vec<u8>>,
    /// Of stdin the write end, of stdout and stderr the read ends.
    pub pipes: [Option<OwnedFd>; 3],
    /// The leader and its start time, once it runs.
    pub leader: Option<(u32, u64)>,
    /// The leader's end, told to the supervisor.
    #[expect(clippy::option_option, reason = "as the protocol has it: an end that nobody saw is an end")]
    pub exited: Option<Option<i32>>,
    /// The shim's last words.
    pub last: Option<Last>,
    /// When the shim must have answered a kill.
    pub kill_by: Option<Moment>,
    /// What the keeper, left alone, has done about it.
    pub stopping: Stopping,
}

/// The process that holds a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shim {
    pub pid: u32,
    /// Known once the leader runs.
    pub start: u64,
    /// Whether it was reaped.
    pub gone: bool,
}

/// How a shim took its leave.
#[derive(Debug)]
pub(super) enum Last {
    Failed(Failure),
    Emptied(Vec<Process>),
}

/// How far a run is in a teardown by its will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopping {
    /// Its turn has not come.
    No,
    /// It has its signal, and time until then.
    Asked(Moment),
    /// Its leader has ended, the rest has its signal too.
    Rest(Moment),
    /// It is being killed, and is given up then.
    Killed(Moment),
    /// It could not be killed; nobody waits for it.
    GivenUp,
}

impl Live {
    /// Makes the pipes and the shim. The answer of the leader's `execve` comes later, over `control`.
    pub(super) fn begin(launch: Launch, common: &Common) -> Result<Self, Failure> {
        let Launch { run: _, label, program, argv, env, cwd, stdin, output, release, will } = launch;
        let image = Image::of(program, cwd, argv, env)?;
        Self::fork(label, will, image, stdin, output, release, common)
            .map_err(|error| (SpawnStep::Fork, error.raw_os_error().unwrap_or(libc::EIO)))
    }

    fn fork(
        label: String,
        will: Will,
        image: Image,
        stdin: Stdin,
        output: Output,
        release: Vec<Vec<u8>>,
        common: &Common,
    ) -> io::Result<Self> {
        let null = || common.null.as_fd().try_clone_to_owned();
        let (child_in, mine_in) = match stdin {
            Stdin::Null => (null()?, None),
            Stdin::Pipe => {
                let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
                // One page is enough, and an unprivileged user may not have many.
                let _ = fcntl_setpipe_size(&write, 4096);
                (read, Some(write))
            }
        };
        let (child_out, mine_out) = output_pipe(output, null)?;
        let (child_err, mine_err) = output_pipe(output, null)?;
        let (control, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        let setup = shim::Setup {
            control: theirs,
            signals: std::os::fd::AsRawFd::as_raw_fd(&common.signals),
            image,
            stdio: [child_in, child_out, child_err],
            files: common.files,
            release,
            title: common.title,
            label,
        };
        // SAFETY: the keeper has one thread.
        let pid = match unsafe { process::fork() }? {
            Forked::Child => shim::main(setup),
            Forked::Parent(pid) => pid,
        };
        Ok(Self {
            label: setup.label,
            will,
            shim: Shim { pid, start: 0, gone: false },
            control,
            unsent: VecDeque::new(),
            pipes: [mine_in, mine_out, mine_err],
            leader: None,
            exited: None,
            last: None,
            kill_by: None,
            stopping: Stopping::No,
        })
    }

    /// Tells the shim. True: its socket does not take it now, it waits for [`flush`](Self::flush).
    pub(super) fn command(&mut self, command: Command) -> bool {
        self.unsent.push_back(report::pack(&[command]));
        self.flush()
    }

    /// Sends what waits. True: something still waits.
    pub(super) fn flush(&mut self) -> bool {
        while let Some(datagram) = self.unsent.front() {
            match report::send(&self.control, datagram, SendFlags::DONTWAIT) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                // Sent, or the shim is gone: then its end will be seen.
                Ok(()) | Err(_) => drop(self.unsent.pop_front()),
            }
        }
        false
    }

    /// The pipes that it has, in order.
    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.pipes.iter().flatten().map(AsFd::as_fd)
    }

    /// Its line in the journal; none before its leader runs.
    pub(super) fn line(&self, run: Run) -> Option<Line<'_>> {
        let (pid, start) = self.leader?;
        let shim = (self.shim.pid, self.shim.start);
        Some(Line::Spawn { at: journal::at(), run, label: &self.label, pid, start, shim, pgid: pid, session: pid })
    }

    /// What a new supervisor is told of it; nothing before its leader runs.
    pub(super) fn describe(&self, run: Run) -> Option<LiveRun> {
        let (pid, start) = self.leader?;
        let pipes = self.pipes.each_ref().map(Option::is_some);
        Some(LiveRun { run, label: self.label.clone(), pid, start, exited: self.exited, pipes })
    }
}

fn output_pipe(output: Output, null: impl Fn() -> io::Result<OwnedFd>) -> io::Result<(OwnedFd, Option<OwnedFd>)> {
    Ok(match output {
        Output::Null => (null()?, None),
        Output::Pipes => {
            let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
            (write, Some(read))
        }
    })
}
