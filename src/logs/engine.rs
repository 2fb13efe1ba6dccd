//! The capture thread's loop: wait, read each ready pipe once, write, obey orders.
//!
//! ```text
//!  epoll ─► pipe ready ─► one read (all pipes get their turn) ─► RunSource ─► Sink
//!     └───► bell rings ─► orders
//! ```

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};

use super::batch::{Batch, Style};
use super::capture::{CaptureFact, Order, Source};
use super::sink::Sink;
use super::source::RunSource;
use super::splitter::End;
use super::watch::Watch;
use super::{LogFile, Stream, runs, stamp};
use crate::model::RunId;

/// The bell's epoll token; runs have `2 * run + stream`.
const BELL: u64 = u64::MAX;

/// Bytes read at once. More misses the cache: 1 MiB was half as fast.
const READ: usize = 256 << 10;

/// What a pipe holds unless it was enlarged (or the user has too many).
const PIPE: usize = 64 << 10;

/// What the pipe of a service that floods is enlarged to: all that an unprivileged user may ask for.
const LARGE_PIPE: usize = 1 << 20;

/// At most so many are: a user whose pipes hold more than 64 MiB gets tiny new ones.
const LARGE_PIPES: usize = 16;

/// Turns that follow each other faster than this are a flood of small writes …
const FAST_NS: i64 = 2_000_000;

/// … once there were so many in a row.
const STREAK: u32 = 8;

/// During one, the thread sleeps so long after each turn: waking for every line costs the service more than
/// its own write.
const REST: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// Buffers are given back after so long without output.
const IDLE: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Everything the thread owns.
pub(super) struct Engine {
    epoll: OwnedFd,
    bell: Arc<OwnedFd>,
    orders: Receiver<Order>,
    report: Box<dyn Fn(CaptureFact)>,
    sources: HashMap<RunId, RunSource>,
    sinks: HashMap<PathBuf, Weak<RefCell<Sink>>>,
    /// Shared by all sources; empty while nothing is written.
    scratch: Vec<u8>,
    batch: Batch,
    large_pipes: usize,
    last_turn_ns: i64,
    streak: u32,
}

impl Engine {
    /// The epoll instance, with the bell in it.
    pub(super) fn poll(bell: &OwnedFd) -> io::Result<OwnedFd> {
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&poll, bell, epoll::EventData::new_u64(BELL), epoll::EventFlags::IN)?;
        Ok(poll)
    }

    pub(super) fn new(
        epoll: OwnedFd,
        bell: Arc<OwnedFd>,
        orders: Receiver<Order>,
        report: Box<dyn Fn(CaptureFact)>,
    ) -> Self {
        Self {
            epoll,
            bell,
            orders,
            report,
            sources: HashMap::new(),
            sinks: HashMap::new(),
            scratch: Vec::new(),
            batch: Batch::default(),
            large_pipes: 0,
            last_turn_ns: 0,
            streak: 0,
        }
    }

    /// Until the handle is dropped.
    pub(super) fn run(mut self) {
        let mut ready = Vec::with_capacity(64);
        loop {
            ready.clear();
            let timeout = (!self.scratch.is_empty()).then_some(&IDLE);
            match epoll::wait(&self.epoll, spare_capacity(&mut ready), timeout) {
                Ok(0) => {
                    self.scratch = Vec::new();
                    self.batch = Batch::default();
                    continue;
                }
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("epoll_wait on our own descriptors failed: {error}"),
            }
            // Orders first: what was asked before a byte was written holds for that byte.
            let bell = ready.iter().any(|event| event.data.u64() == BELL);
            if bell && self.obey_all().is_break() {
                return;
            }
            let now_ns = stamp::now_ns();
            let mut most = 0;
            for event in ready.iter().filter(|event| event.data.u64() != BELL) {
                let token = event.data.u64();
                most = most.max(self.turn(RunId(token / 2), usize::from(token % 2 == 1), now_ns));
            }
            if !bell {
                self.rest(now_ns, most);
            }
        }
    }

    /// Lets small writes gather while they come fast; orders are heard all the same.
    fn rest(&mut self, now_ns: i64, most: usize) {
        let fast = (0..FAST_NS).contains(&(now_ns - self.last_turn_ns));
        self.last_turn_ns = now_ns;
        self.streak = if fast { self.streak.saturating_add(1) } else { 0 };
        // A pipe that was half full would be full by then, and the service would wait for us.
        if self.streak >= STREAK && most < PIPE / 2 {
            // Interrupted: then it was a short rest.
            let _ = poll(&mut [PollFd::new(&self.bell, PollFlags::IN)], Some(&REST));
        }
    }

    /// Reads one ready pipe once. Returns how full it was, in bytes of a pipe of usual size.
    fn turn(&mut self, run: RunId, index: usize, now_ns: i64) -> usize {
        let Some(source) = self.sources.get_mut(&run) else {
            return 0;
        };
        if self.scratch.is_empty() {
            self.scratch = vec![0; READ];
        }
        let Some(count) = source.streams[index].read(&mut self.scratch) else {
            return 0;
        };
        if count == 0 {
            self.close(run, index, now_ns);
            return 0;
        }
        source.chunk(index, &self.scratch[..count], now_ns, &mut self.batch, &*self.report);
        let stream = &mut source.streams[index];
        if count == READ {
            // There is more.
            return PIPE;
        }
        if stream.capacity > PIPE {
            return count / (stream.capacity / PIPE);
        }
        if count >= PIPE / 2
            && self.large_pipes < LARGE_PIPES
            && let Some(pipe) = &stream.pipe
            // Refused if the user has too many already: then it stays as it is.
            && let Ok(capacity) = rustix::pipe::fcntl_setpipe_size(pipe, LARGE_PIPE)
        {
            stream.capacity = capacity;
            self.large_pipes += 1;
        }
        count
    }

    /// No more from this pipe.
    fn close(&mut self, run: RunId, index: usize, now_ns: i64) {
        let Some(source) = self.sources.get_mut(&run) else {
            return;
        };
        let stream = &source.streams[index];
        if let Some(pipe) = &stream.pipe {
            // The keeper has a duplicate: closing alone would not take it out of the epoll set.
            let _ = epoll::delete(&self.epoll, pipe);
            if stream.capacity > PIPE {
                self.large_pipes -= 1;
            }
        }
        source.finish(index, now_ns, &mut self.batch, &*self.report);
    }

    fn obey_all(&mut self) -> ControlFlow<()> {
        // Nothing to read only if somebody else read it.
        let _ = rustix::io::read(&*self.bell, &mut [0_u8; 8]);
        while let Ok(order) = self.orders.try_recv() {
            self.obey(order)?;
        }
        ControlFlow::Continue(())
    }

    fn obey(&mut self, order: Order) -> ControlFlow<()> {
        match order {
            Order::Add(source) => self.add(source),
            Order::Drain(run) => self.drain(run),
            Order::Unwatch(run, tag) => {
                if let Some(source) = self.sources.get_mut(&run) {
                    source.unwatch(tag);
                }
            }
            Order::Note(file, text) => self.note(file, &text),
            Order::End => {
                for run in self.sources.keys().copied().collect::<Vec<_>>() {
                    self.drain(run);
                }
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn add(&mut self, source: Source) {
        let Source { run, stdout, stderr, file, tail, patterns, marks_run } = source;
        if self.sources.contains_key(&run) {
            self.drain(run);
        }
        let trouble = |message| (self.report)(CaptureFact::Trouble { run, message });
        for (index, pipe) in [&stdout, &stderr].into_iter().enumerate() {
            let token = epoll::EventData::new_u64(run.0 * 2 + index as u64);
            let added = rustix::io::ioctl_fionbio(pipe, true)
                .and_then(|()| epoll::add(&self.epoll, pipe, token, epoll::EventFlags::IN));
            if let Err(error) = added {
                trouble(format!("cannot capture the output: {}", io::Error::from(error)));
            }
        }
        if let Some(file) = &file
            && marks_run
        {
            let dir = file.path.parent().map_or(Ok(()), std::fs::create_dir_all);
            if let Err(error) = dir.and_then(|()| runs::mark(&file.path, run, stamp::now_ns())) {
                let path = file.path.display();
                trouble(format!(
                    "cannot note the start of a run beside `{path}`: {error}; `logs --previous` will miss it"
                ));
            }
        }
        let sink = file.map(|file| self.sink(file));
        self.sources.insert(run, RunSource::new(run, [stdout, stderr], sink, Watch::new(patterns), tail));
    }

    /// The one sink of that path.
    fn sink(&mut self, file: LogFile) -> Rc<RefCell<Sink>> {
        if let Some(sink) = self.sinks.get(&file.path).and_then(Weak::upgrade) {
            sink.borrow_mut().configure(&file.logs);
            return sink;
        }
        self.sinks.retain(|_, sink| sink.strong_count() > 0);
        let path = file.path.clone();
        let sink = Rc::new(RefCell::new(Sink::new(file)));
        self.sinks.insert(path, Rc::downgrade(&sink));
        sink
    }

    /// Reads what is there, and not more: somebody else may be writing for ever.
    fn drain(&mut self, run: RunId) {
        let now_ns = stamp::now_ns();
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.resize(READ, 0);
        for index in 0..2 {
            let Some(source) = self.sources.get_mut(&run) else {
                break;
            };
            let mut left = source.streams[index].waiting().map_or(0, |count| usize::try_from(count).unwrap_or(0));
            while left > 0 {
                let want = left.min(READ);
                match source.streams[index].read(&mut scratch[..want]) {
                    None | Some(0) => break,
                    Some(count) => {
                        left -= count;
                        source.chunk(index, &scratch[..count], now_ns, &mut self.batch, &*self.report);
                    }
                }
            }
            self.close(run, index, now_ns);
        }
        self.scratch = scratch;
        match self.sources.remove(&run) {
            Some(source) => source.end(&*self.report),
            None => (self.report)(CaptureFact::Drained { run, tail: Vec::new() }),
        }
    }

    fn note(&mut self, file: LogFile, text: &str) {
        let now_ns = stamp::now_ns();
        let sink = self.sink(file);
        let style = Style::new(sink.borrow().format(), Stream::Stdout, now_ns);
        self.batch.begin(false);
        for line in text.lines() {
            self.batch.push(&style, format!("tspm: {line}").as_bytes(), End::Full);
        }
        // There is no run to report to; the file's next writer meets the same trouble.
        let _ = sink.borrow_mut().write(&self.batch, now_ns);
    }
}
