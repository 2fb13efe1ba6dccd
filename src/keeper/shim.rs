//! The shim: one fork of the keeper per run, itself a child subreaper, which holds the run's whole tree.
//!
//! Everything below it belongs to its run, exactly; when `wait` says that it has no children, the run is
//! provably empty. It decides nothing: it obeys its keeper, tells it of the leader's end and of the run's,
//! and when the keeper's end of its socket closes, it kills what is below it and ends.
//!
//! ```text
//!  keeper ─fork─► shim ─fork─► leader ─execve─► the program
//!     ▲             │  Started, Exited, Survived …        forks, daemonises, escapes its session:
//!     └──Report─────┘  Emptied, then it ends              becomes the shim's child when orphaned
//! ```

#![allow(unsafe_code)]

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::SendFlags;
use rustix::pipe::PipeFlags;

use crate::sys::process::{self, Forked, Waited};
use crate::sys::title::Title;
use crate::sys::tree::{self, Stat};
use crate::sys::{clock, identity, signals};

use super::hunt;
use super::image::{self, Image};
use super::protocol::{Bytes, Process, SpawnStep, Target, Usage};
use super::report::{self, Command, Report};

/// How long a kill tries (`lifecycle.md` 4).
pub(super) const KILL: Duration = Duration::from_secs(5);
/// Between two looks for what remains to be released: it is only looked for when the leader has ended.
const LOOK: Duration = Duration::from_secs(1);

/// What a shim is made of.
#[derive(Debug)]
pub(super) struct Setup {
    /// Its end of the socket.
    pub control: OwnedFd,
    /// The keeper's `signalfd`: in a fork it tells of the fork's signals.
    pub signals: i32,
    /// What the leader executes.
    pub image: Image,
    /// The leader's standard input, output, error.
    pub stdio: [OwnedFd; 3],
    /// The limit of open files that the leader gets back.
    pub files: Option<libc::rlimit>,
    /// Names of programs that may be left.
    pub release: Vec<Bytes>,
    /// Where `ps` looks for the command line.
    pub title: Option<Title>,
    /// What the run is.
    pub label: String,
}

/// The life of a shim, in a fresh fork of the keeper.
pub(super) fn main(setup: Setup) -> ! {
    // Unwinding would run on into the copy of the keeper's stack.
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Shim::start(setup)));
    process::leave(if done.is_ok() { 0 } else { 70 })
}

struct Shim {
    me: u32,
    control: OwnedFd,
    signals: OwnedFd,
    leader: u32,
    /// The exec-error pipe, until it has told.
    exec: Option<OwnedFd>,
    /// Whether the leader was reaped: until then its pid is its own.
    reaped: bool,
    release: Vec<Bytes>,
    /// The signal for members outside the leader's group, for when that group is empty: it may be stopping them
    /// in an order of its own.
    rest: Option<i32>,
    /// The keeper is gone.
    alone: bool,
}

/// Whether the shim goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Go,
    End,
}

impl Shim {
    fn start(setup: Setup) {
        let [stdin, stdout, stderr] = setup.stdio.each_ref().map(AsFd::as_fd);
        let [a, b, c] = setup.stdio.each_ref().map(AsRawFd::as_raw_fd);
        process::close_all_but(&mut [setup.control.as_raw_fd(), setup.signals, a, b, c]);
        let (leader, exec) = match fork_leader() {
            Ok((Forked::Child, _, failures)) => {
                setup.image.execute([stdin, stdout, stderr], setup.files.as_ref(), &failures)
            }
            Ok((Forked::Parent(pid), exec, _)) => (pid, exec),
            Err(error) => {
                let failed = Report::Failed { step: SpawnStep::Fork, errno: error.raw_os_error().unwrap_or(0) };
                let _ = report::send(&setup.control, &report::pack(&[failed]), SendFlags::empty());
                return;
            }
        };
        drop(setup.stdio);
        // The leader has a copy. Small pieces are not worth touching the memory that they share with the keeper.
        if setup.image.is_large() {
            drop(setup.image);
        } else {
            std::mem::forget(setup.image);
        }
        if let Some(title) = setup.title {
            title.set(c"tspm-shim", format!("tspm-shim {}", setup.label).as_bytes());
        }
        // SAFETY: the descriptor was kept, and in this process nobody else owns it.
        let signals = unsafe { std::os::fd::FromRawFd::from_raw_fd(setup.signals) };
        let shim = Self {
            me: std::process::id(),
            control: setup.control,
            signals,
            leader,
            exec: Some(exec),
            reaped: false,
            release: setup.release,
            rest: None,
            alone: false,
        };
        shim.serve();
    }

    fn serve(mut self) {
        loop {
            // The end of a group member that is no child of the shim raises no event.
            let look = (self.rest.is_some() || self.reaped && !self.release.is_empty()).then_some(LOOK);
            let (control, exec, child) = self.wait(look);
            if exec && self.executed() == Next::End || child && self.reap() == Next::End {
                return;
            }
            if control && self.obey() == Next::End {
                return;
            }
            if let Some(signal) = self.rest
                && !self.group_lives()
            {
                self.rest = None;
                self.signal_members(&signals_of(signal), |stat| stat.pgrp != self.leader);
            }
            if self.alone {
                // Whether that emptied it or not: nobody is left to be told.
                self.kill();
                return;
            }
        }
    }

    /// Waits for the keeper (the first answer), for the leader's `execve` (the second), for a child's end (the
    /// third, also when the time is up).
    fn wait(&self, timeout: Option<Duration>) -> (bool, bool, bool) {
        let exec = self.exec.as_ref().unwrap_or(&self.signals);
        let mut fds = [&self.control, &self.signals, exec].map(|fd| PollFd::new(fd, PollFlags::IN));
        sleep(&mut fds, timeout);
        let [control, signals, exec] = fds.map(|fd| !fd.revents().is_empty());
        if signals {
            process::pending(&self.signals);
        }
        (control, exec && self.exec.is_some(), signals || !control)
    }

    /// The exec-error pipe has told: the leader runs its program, or there is none.
    fn executed(&mut self) -> Next {
        let Some(exec) = self.exec.take() else { return Next::Go };
        let mut words = [0; 8];
        let read = rustix::io::retry_on_intr(|| rustix::io::read(&exec, &mut words)).unwrap_or(0);
        if let Some((step, errno)) = image::failure(&words[..read]) {
            // It has said so and is about to end. It never ran a program, so it has no children.
            while !matches!(process::wait_any(), Waited::Childless) {
                self.settle(Duration::from_millis(10));
            }
            self.tell(&[Report::Failed { step, errno }]);
            return Next::End;
        }
        let start = |pid| identity::start_time(pid).unwrap_or(0);
        self.tell(&[Report::Started { shim_start: start(self.me), pid: self.leader, start: start(self.leader) }]);
        Next::Go
    }

    /// Reaps what has ended. When nothing is left, that is told, and the shim ends.
    fn reap(&mut self) -> Next {
        let mut reports = Vec::new();
        let emptied = loop {
            match process::wait_any() {
                Waited::Ended { pid, status, usage } if pid == self.leader && !self.reaped => {
                    // It may have ended before its pipe was read.
                    if self.executed() == Next::End {
                        return Next::End;
                    }
                    self.reaped = true;
                    reports.push(Report::Exited { status, usage: Usage::from(&usage) });
                }
                Waited::Ended { .. } => {}
                Waited::Running => break self.released(),
                Waited::Childless => break Some(Vec::new()),
            }
        };
        let next = if emptied.is_some() { Next::End } else { Next::Go };
        reports.extend(emptied.map(|released| Report::Emptied { released }));
        if !reports.is_empty() {
            self.tell(&reports);
        }
        next
    }

    fn obey(&mut self) -> Next {
        let Ok(commands) = report::receive::<Command>(&self.control, &mut Vec::with_capacity(256)) else {
            self.alone = true;
            return Next::Go;
        };
        for command in commands.into_iter().flatten() {
            // A leader that has ended no longer counts.
            if self.reap() == Next::End {
                return Next::End;
            }
            match command {
                Command::Signal { signal, to } => self.signal(signal, to),
                Command::Kill if self.kill() == Next::End => return Next::End,
                Command::Kill => self.tell(&[Report::Survived { left: hunt::census(&self.members()) }]),
            }
        }
        Next::Go
    }

    /// Strikes until the run is empty, for at most [`KILL`].
    fn kill(&mut self) -> Next {
        let deadline = clock::now() + KILL;
        let mut pause = Duration::from_millis(1);
        loop {
            hunt::strike_below(self.me, |pid| self.spares(pid));
            let again = clock::now() + pause;
            loop {
                if self.reap() == Next::End {
                    return Next::End;
                }
                let now = clock::now();
                if now >= deadline {
                    return Next::Go;
                }
                if now >= again {
                    break;
                }
                self.settle(again.since(now));
            }
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }

    /// Waits for a child's end.
    fn settle(&self, timeout: Duration) {
        sleep(&mut [PollFd::new(&self.signals, PollFlags::IN)], Some(timeout));
        process::pending(&self.signals);
    }

    /// Sends a signal, then SIGCONT, so that stopped processes can act on it.
    fn signal(&mut self, signal: i32, to: Target) {
        let signals = signals_of(signal);
        match to {
            Target::Leader => {
                if !self.reaped {
                    for signal in signals {
                        process::signal_child(self.leader, signal);
                    }
                }
            }
            Target::Group if self.group_lives() => {
                for signal in signals {
                    // Before its `setsid` the leader has no group yet.
                    if process::signal_group(self.leader, signal).is_err() && !self.reaped {
                        process::signal_child(self.leader, signal);
                    }
                }
            }
            Target::Group => self.signal_members(&signals, |_| true),
            Target::Rest => self.rest = Some(signal),
        }
    }

    /// Whether the leader's group is there, and so its number still means this group: as long as the leader
    /// is not reaped or a member of the run is in it.
    fn group_lives(&self) -> bool {
        let in_group = |stat: Stat| stat.pgrp == self.leader && !stat.is_dead();
        !self.reaped || self.members().into_iter().any(|pid| tree::stat(pid).is_ok_and(in_group))
    }

    fn signal_members(&self, signals: &(impl Iterator<Item = i32> + Clone), wanted: impl Fn(&Stat) -> bool) {
        let set: BTreeSet<u32> = self.members().into_iter().collect();
        for &pid in &set {
            let proof = |stat: &Stat| !stat.is_dead() && hunt::descends(stat, self.me, &set) && wanted(stat);
            if let Ok((process, _)) = signals::open_if(pid, proof) {
                for signal in signals.clone() {
                    // It fails if the process is gone or not ours to signal: then the run does not get empty.
                    let _ = process.send(signal);
                }
            }
        }
    }

    fn members(&self) -> Vec<u32> {
        tree::descendants_except(self.me, |pid| self.spares(pid))
    }

    /// Whether it may be left, with all below it.
    fn spares(&self, pid: u32) -> bool {
        !self.release.is_empty()
            && (self.reaped || pid != self.leader)
            && tree::program_names(pid).iter().flatten().any(|name| self.release.contains(name))
    }

    /// What remains, if it is only such as may be left.
    fn released(&self) -> Option<Vec<Process>> {
        if self.release.is_empty() || !self.reaped {
            return None;
        }
        let lives = |pid: &u32| tree::stat(*pid).is_ok_and(|stat| !stat.is_dead());
        let look = || {
            let members = self.members().into_iter().any(|pid| lives(&pid));
            (!members).then(|| tree::descendants(self.me).into_iter().filter(lives).collect::<BTreeSet<u32>>())
        };
        // One that is orphaned while it is looked for is missed: it has gone where was looked already.
        // Nothing is concluded from what does not look the same twice.
        let left = look().filter(|left| !left.is_empty())?;
        if look()? != left {
            return None;
        }
        let mut left = hunt::census(&left.into_iter().collect::<Vec<_>>());
        for process in &mut left {
            "released".clone_into(&mut process.why);
        }
        Some(left)
    }

    /// Tells the keeper. If it does not hear, it is gone.
    fn tell(&mut self, reports: &[Report]) {
        self.alone |= report::send(&self.control, &report::pack(reports), SendFlags::empty()).is_err();
    }
}

/// The signal, then SIGCONT, so that stopped processes can act on it; unless it is one that stops.
fn signals_of(signal: i32) -> impl Iterator<Item = i32> + Clone {
    let stops = matches!(signal, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU);
    std::iter::once(signal).chain((!stops).then_some(libc::SIGCONT))
}

/// The leader's fork, and the pipe on which it says why it could not become the program.
fn fork_leader() -> io::Result<(Forked, OwnedFd, OwnedFd)> {
    process::adopt_orphans()?;
    let (exec, failures) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    // SAFETY: a shim is a fork of the keeper, which has one thread.
    Ok((unsafe { process::fork() }?, exec, failures))
}

/// On an interruption nothing is ready, and the caller comes again.
fn sleep(fds: &mut [PollFd<'_>], timeout: Option<Duration>) {
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    let _ = poll(fds, timeout.as_ref());
}

impl From<&libc::rusage> for Usage {
    fn from(usage: &libc::rusage) -> Self {
        let micros = |time: libc::timeval| (time.tv_sec * 1_000_000 + time.tv_usec).unsigned_abs();
        Self {
            user_us: micros(usage.ru_utime),
            system_us: micros(usage.ru_stime),
            max_rss_kib: usage.ru_maxrss.unsigned_abs(),
        }
    }
}
