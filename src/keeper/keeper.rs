//! The keeper's loop: it waits, notes what happened, tells whom it concerns. It never blocks.
//!
//! ```text
//!  Serving ──Finish──► Finishing ──nothing left, or 5 s──► Told ──the supervisor ends──► Over
//!     └──3 crashes of the supervisor──► Alone ──every will done──► Finishing ──────────► Over
//! ```
//!
//! It decides nothing about services: it does not restart, order or wait for any. The one exception is
//! `Alone` (see `ending.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use crate::model::Moment;
use crate::sys::process::{self, Waited};
use crate::sys::{clock, identity, tree};

use super::ending::{Finish, Hunt};
use super::home::Home;
use super::hunt;
use super::journal::{self, Journal, Line};
use super::main::log;
use super::order::{Launch, Order};
use super::overseer::{After, Overseer};
use super::protocol::{Bytes, FromKeeper, Hello, Process, Run, SpawnStep, Usage, VERSION};
use super::report::{self, Command, LONGEST, Report};
use super::run::{Common, Last, Live};
use super::shim::KILL;

/// What a shim may take, beyond the time that a kill has, to answer; then it is killed itself.
const ANSWER: Duration = Duration::from_secs(1);
/// What an event is about: these two, else a run's number plus `FIRST_RUN`.
const SIGNALS: u64 = 0;
const LINK: u64 = 1;
const FIRST_RUN: u64 = 2;

/// All that the keeper knows.
#[derive(Debug)]
pub(super) struct Keeper {
    pub me: u32,
    pub home: Home,
    pub common: Common,
    pub journal: Journal,
    pub overseer: Overseer,
    epoll: OwnedFd,
    /// Whether the link is watched for being writable.
    link_writable: bool,
    pub runs: BTreeMap<Run, Live>,
    /// Which run a shim's pid is.
    shims: BTreeMap<u32, Run>,
    store: BTreeMap<String, OwnedFd>,
    /// What was left on purpose, and is not to be killed: processes, and names of programs.
    released: BTreeSet<(u32, u64)>,
    release: BTreeSet<Bytes>,
    /// Asked to end; told to every supervisor.
    terminate: bool,
    pub phase: Phase,
    /// The search for processes whose shim was killed.
    pub hunt: Option<Hunt>,
    /// Not before this must any shim have answered a kill.
    pub watchdog: Option<Moment>,
    /// Runs with commands that their shims' sockets did not take.
    stuck: BTreeSet<Run>,
    scratch: Vec<u8>,
}

/// Where the keeper is in its life.
#[derive(Debug)]
pub(super) enum Phase {
    /// The supervisor decides.
    Serving,
    /// The supervisor cannot be brought back: the wills are carried out.
    Alone,
    /// Whatever is left is killed.
    Finishing(Finish),
    /// The supervisor has its receipt.
    Told { clean: bool, until: Moment },
    /// The end.
    Over { clean: bool },
}

impl Keeper {
    pub(super) fn new(home: Home, common: Common, journal: Journal, overseer: Overseer) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &common.signals, EventData::new_u64(SIGNALS), EventFlags::IN)?;
        let mut keeper = Self {
            me: std::process::id(),
            home,
            common,
            journal,
            overseer,
            epoll,
            link_writable: false,
            runs: BTreeMap::new(),
            shims: BTreeMap::new(),
            store: BTreeMap::new(),
            released: BTreeSet::new(),
            release: BTreeSet::new(),
            terminate: false,
            phase: Phase::Serving,
            hunt: None,
            watchdog: None,
            stuck: BTreeSet::new(),
            scratch: Vec::with_capacity(LONGEST),
        };
        keeper.launch()?;
        Ok(keeper)
    }

    /// Until the end. True: nothing is left.
    pub(super) fn run(mut self) -> io::Result<bool> {
        let mut events = Vec::with_capacity(64);
        loop {
            let now = clock::now();
            let timeout = self.next_turn(now).map(|next| next.since(now).try_into().unwrap_or_default());
            events.clear();
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), timeout.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in &events {
                match event.data.u64() {
                    SIGNALS => self.signalled(),
                    LINK => self.hear(),
                    run => drop(self.reported(run.wrapping_sub(FIRST_RUN))),
                }
            }
            self.turn(clock::now());
            self.flush();
            if let Phase::Over { clean } = self.phase {
                self.home.close();
                if clean {
                    self.home.forget();
                }
                return Ok(clean);
            }
        }
    }

    /// Tells the supervisor, if there is one, at the end of the turn.
    pub(super) fn tell(&mut self, message: &FromKeeper) {
        if let Some(link) = &mut self.overseer.link {
            link.post(message);
        }
    }

    /// A child of the keeper that belongs to no shim and is not to be left: found, not guessed, as everything
    /// below the keeper is a shim's, the supervisor, or an orphan of a killed shim.
    pub(super) fn spares(&self, pid: u32) -> bool {
        self.shims.contains_key(&pid) || self.overseer.pid == Some(pid) || self.is_released(pid)
    }

    /// Whether a process was left on purpose, or might have been.
    pub(super) fn is_released(&self, pid: u32) -> bool {
        let known = !self.released.is_empty()
            && identity::start_time(pid).is_ok_and(|start| self.released.contains(&(pid, start)));
        known
            || !self.release.is_empty()
                && tree::program_names(pid).iter().flatten().any(|name| self.release.contains(name))
    }

    fn launch(&mut self) -> io::Result<()> {
        self.overseer.launch(&self.home.listener)?;
        let runs: Vec<_> = self.runs.iter().filter_map(|(&run, live)| live.describe(run)).collect();
        let live = self.runs.values().filter(|live| live.leader.is_some());
        let fds: Vec<BorrowedFd<'_>> =
            live.flat_map(Live::fds).chain(self.store.values().map(AsFd::as_fd)).collect();
        let keeper = (self.me, identity::start_time(self.me)?);
        let (generation, stored) = (self.overseer.generation, self.store.keys().cloned().collect());
        let count = u32::try_from(fds.len()).unwrap_or(u32::MAX);
        let hello = Hello { version: VERSION, keeper, generation, runs, stored, fds: count };
        if let Some(link) = &mut self.overseer.link {
            epoll::add(&self.epoll, &*link, EventData::new_u64(LINK), EventFlags::IN)?;
            self.link_writable = false;
            let _ = link.send(&FromKeeper::Hello(Box::new(hello)), &fds);
        }
        if self.terminate {
            self.tell(&FromKeeper::Terminate);
        }
        Ok(())
    }

    /// A signal is pending: a child has ended, or the keeper is asked to.
    fn signalled(&mut self) {
        let asked = process::pending(&self.common.signals) & !(1 << (libc::SIGCHLD - 1)) != 0;
        if asked && !self.terminate {
            self.terminate = true;
            self.tell(&FromKeeper::Terminate);
        }
        while let Waited::Ended { pid, status, .. } = process::wait_any() {
            if self.overseer.pid == Some(pid) {
                self.supervisor_ended(status);
            } else if let Some(&run) = self.shims.get(&pid) {
                self.shims.remove(&pid);
                self.shim_ended(run);
            }
        }
    }

    fn supervisor_ended(&mut self, status: i32) {
        // What it still had to say was said by a process that is no more: all but its Finish is void.
        self.overseer.pid = None;
        self.overseer.link = None;
        match self.phase {
            Phase::Serving => {}
            Phase::Alone | Phase::Finishing(_) | Phase::Over { .. } => return,
            Phase::Told { clean, .. } => {
                self.phase = Phase::Over { clean };
                return;
            }
        }
        log(format_args!("the supervisor ended unasked (wait status {status:#x})"));
        match self.overseer.crashed(clock::now()) {
            After::Another => match self.launch() {
                Ok(()) => return,
                Err(error) => log(format_args!("cannot start another supervisor: {error}")),
            },
            After::NoMore => log(format_args!("too many crashes: every service is stopped")),
        }
        self.phase = Phase::Alone;
    }

    /// The supervisor has something to say, or takes something.
    fn hear(&mut self) {
        while let Some(link) = &mut self.overseer.link {
            match link.flush().and_then(|()| link.try_recv()) {
                Ok(Some((message, fds))) => self.obey(message, fds),
                Ok(None) => return,
                Err(error) => {
                    // It can do no more. If it lives on, it is of no use.
                    if let (Phase::Serving, Some(pid)) = (&self.phase, self.overseer.pid) {
                        log(format_args!("the supervisor's link is broken: {error}"));
                        process::signal_child(pid, libc::SIGKILL);
                    }
                    self.overseer.link = None;
                }
            }
        }
    }

    fn obey(&mut self, message: Order, fds: Vec<OwnedFd>) {
        match message {
            Order::Spawn(spawn) => self.spawn(*spawn),
            Order::Signal { run, signal, to } => self.command(run, Command::Signal { signal, to }),
            Order::Kill { run } => self.kill(run),
            Order::Store { key } => self.store.extend(fds.into_iter().map(|fd| (key.clone(), fd))),
            Order::Discard { key } => drop(self.store.remove(&key)),
            Order::Will { run, will } => {
                if let Some(live) = self.runs.get_mut(&run) {
                    live.will = will;
                }
            }
            Order::Finish => self.finish(),
        }
    }

    fn spawn(&mut self, spawn: Launch) {
        let (run, release) = (spawn.run, spawn.release.clone());
        let begun = match self.phase {
            Phase::Serving if self.runs.contains_key(&run) => Err((SpawnStep::Fork, libc::EEXIST)),
            Phase::Serving => Live::begin(spawn, &self.common),
            Phase::Alone | Phase::Finishing(_) | Phase::Told { .. } | Phase::Over { .. } => {
                Err((SpawnStep::Fork, libc::ESHUTDOWN))
            }
        };
        let live = match begun {
            Ok(live) => live,
            Err((step, errno)) => return self.tell(&FromKeeper::SpawnFailed { run, step, errno }),
        };
        self.release.extend(release);
        self.shims.insert(live.shim.pid, run);
        // It fails for want of memory only; then the shim's end still tells what it said.
        let _ = epoll::add(
            &self.epoll,
            &live.control,
            EventData::new_u64(run.wrapping_add(FIRST_RUN)),
            EventFlags::IN,
        );
        self.runs.insert(run, live);
    }

    pub(super) fn is_stuck(&self) -> bool {
        !self.stuck.is_empty()
    }

    pub(super) fn command(&mut self, run: Run, command: Command) {
        if self.runs.get_mut(&run).is_some_and(|live| live.command(command)) {
            self.stuck.insert(run);
        }
    }

    pub(super) fn kill(&mut self, run: Run) {
        let Some(live) = self.runs.get_mut(&run).filter(|live| !live.shim.gone) else { return };
        // A service may have stopped its shim.
        process::signal_child(live.shim.pid, libc::SIGCONT);
        let by = clock::now() + KILL + ANSWER;
        live.kill_by = Some(by);
        self.watchdog = Some(self.watchdog.map_or(by, |before| before.min(by)));
        self.command(run, Command::Kill);
    }

    /// A shim has something to say. False: it has not, or it is gone.
    fn reported(&mut self, run: Run) -> bool {
        let Some(live) = self.runs.get_mut(&run) else { return false };
        let received = report::receive::<Report>(&live.control, &mut self.scratch);
        let (more, closed) = (matches!(received, Ok(Some(_))), received.is_err());
        for report in received.ok().flatten().into_iter().flatten() {
            self.note(run, report);
        }
        // After its last words, or its end without any, only its death is to be seen.
        if let Some(live) = self.runs.get(&run).filter(|live| live.last.is_some() || closed) {
            let _ = epoll::delete(&self.epoll, &live.control);
        }
        more
    }

    fn note(&mut self, run: Run, report: Report) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        match report {
            Report::Started { shim_start, pid, start } => {
                live.shim.start = shim_start;
                live.leader = Some((pid, start));
                let fds: Vec<_> = live.fds().collect();
                let count = u8::try_from(fds.len()).unwrap_or(u8::MAX);
                if let Some(link) = &mut self.overseer.link {
                    let _ = link.send(&FromKeeper::Spawned { run, pid, start, fds: count }, &fds);
                }
                if let Some(line) = live.line(run) {
                    self.journal.add(&line);
                }
            }
            Report::Failed { step, errno } => live.last = Some(Last::Failed((step, errno))),
            Report::Exited { status, usage } => self.exited(run, Some(status), usage),
            Report::Emptied { released } => live.last = Some(Last::Emptied(released)),
            Report::Survived { left } => {
                live.kill_by = None;
                let left = hunt::labelled(left, &live.label);
                self.tell(&FromKeeper::Survived { run, left });
            }
        }
    }

    pub(super) fn exited(&mut self, run: Run, status: Option<i32>, usage: Usage) {
        if let Some(live) = self.runs.get_mut(&run) {
            live.exited = Some(status);
            self.tell(&FromKeeper::Exited { run, status, usage });
            self.journal.add(&Line::Exit { at: journal::at(), run, status });
        }
    }

    /// The shim is reaped.
    fn shim_ended(&mut self, run: Run) {
        while self.runs.get(&run).is_some_and(|live| live.last.is_none()) && self.reported(run) {}
        let Some(live) = self.runs.get_mut(&run) else { return };
        live.shim.gone = true;
        match live.last.take() {
            Some(Last::Emptied(released)) => self.emptied(run, released),
            Some(Last::Failed((step, errno))) => {
                self.runs.remove(&run);
                self.tell(&FromKeeper::SpawnFailed { run, step, errno });
            }
            None => {
                log(format_args!("the shim of `{}` was killed: what it held is hunted", live.label));
                self.hunt = Some(Hunt::new(clock::now()));
            }
        }
    }

    /// The run is over.
    pub(super) fn emptied(&mut self, run: Run, released: Vec<Process>) {
        let Some(live) = self.runs.remove(&run) else { return };
        self.journal.add(&Line::Empty { at: journal::at(), run });
        let identities =
            released.iter().filter_map(|process| Some((process.pid, identity::start_time(process.pid).ok()?)));
        self.released.extend(identities);
        self.tell(&FromKeeper::Emptied { run, released: hunt::labelled(released, &live.label) });
    }

    /// Writes and sends what the turn has brought, and asks to be woken when more of it can be sent.
    fn flush(&mut self) {
        let live = self.runs.iter().filter_map(|(&run, live)| live.line(run));
        if let Err(error) = self.journal.flush(live) {
            log(format_args!("cannot write the journal: {error}"));
        }
        self.stuck.retain(|run| self.runs.get_mut(run).is_some_and(Live::flush));
        let Some(link) = &mut self.overseer.link else { return };
        let _ = link.flush();
        if link.wants_write() != self.link_writable {
            self.link_writable = link.wants_write();
            let flags = if self.link_writable { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
            let _ = epoll::modify(&self.epoll, &*link, EventData::new_u64(LINK), flags);
        }
    }
}
