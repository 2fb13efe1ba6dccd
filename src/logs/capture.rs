//! The handle to the capture thread: what the supervisor may ask of it, and what it is told.
//!
//! One thread for all services, because a thread each costs memory while they are idle, and because a tokio task
//! would share the supervisor's only thread with a service that floods. Never blocks the caller.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

use regex::bytes::Regex;
use rustix::event::{EventfdFlags, eventfd};

use super::LogFile;
use super::engine::Engine;
use crate::model::RunId;

/// A run's output, to be captured from now on.
#[derive(Debug)]
pub struct Source {
    /// Which life. Unique: a hook's process is a run of its own here.
    pub run: RunId,
    /// The read end of its standard output.
    pub stdout: OwnedFd,
    /// The read end of its standard error.
    pub stderr: OwnedFd,
    /// Where the lines go; none: nowhere. Several runs may share a file.
    pub file: Option<LogFile>,
    /// How many bytes of the last output are handed out with `Drained`; 0: none.
    pub tail: usize,
    /// What lines are matched against, without terminal codes, each pattern with a tag of the caller's.
    pub patterns: Vec<(u8, Regex)>,
    /// Whether this is a service's own run, which begins a new entry of the index that `--previous` goes by.
    pub marks_run: bool,
}

/// Something worth knowing about captured output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaptureFact {
    /// A line matched. At most once per tag for what one read brought.
    Matched {
        /// Which life.
        run: RunId,
        /// The pattern's tag.
        tag: u8,
    },
    /// The answer to [`Capture::drain`]: everything written before it has been captured. The last fact of a run.
    Drained {
        /// Which life.
        run: RunId,
        /// The last bytes of its output, both streams as they came, as many as its source asked for.
        tail: Vec<u8>,
    },
    /// Its log cannot be written, can be written again, or was lost in part. The service is not touched.
    Trouble {
        /// Which life.
        run: RunId,
        /// For people: the file, the reason, how many lines.
        message: String,
    },
}

/// What the thread is asked to do.
pub(super) enum Order {
    Add(Source),
    Drain(RunId),
    Unwatch(RunId, u8),
    Note(LogFile, String),
    /// Drain everything and end.
    End,
}

/// The handle. Dropping it drains everything and waits for the thread's end.
#[derive(Debug)]
pub struct Capture {
    /// Unbounded: orders are as few as runs, and each is small.
    orders: Sender<Order>,
    bell: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Capture {
    /// Starts the thread. `report` is called on it and must not block.
    pub fn start(report: impl Fn(CaptureFact) + Send + 'static) -> io::Result<Self> {
        let bell = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let (orders, received) = mpsc::channel();
        let poll = Engine::poll(&bell)?;
        let heard = Arc::clone(&bell);
        let thread = std::thread::Builder::new()
            .name("capture".to_owned())
            .stack_size(256 << 10)
            .spawn(move || Engine::new(poll, heard, received, Box::new(report)).run())?;
        Ok(Self { orders, bell, thread: Some(thread) })
    }

    /// Captures `source` until it is drained.
    pub fn add(&self, source: Source) {
        self.order(Order::Add(source));
    }

    /// Reads what is in the pipes now (never waits for their end), writes and closes everything, and answers
    /// [`CaptureFact::Drained`]; also for a run that is not known.
    pub fn drain(&self, run: RunId) {
        self.order(Order::Drain(run));
    }

    /// Stops matching a pattern.
    pub fn unwatch(&self, run: RunId, tag: u8) {
        self.order(Order::Unwatch(run, tag));
    }

    /// Writes a line of tspm's own: `tspm: text`, on standard output's stream.
    pub fn note(&self, file: LogFile, text: &str) {
        self.order(Order::Note(file, text.to_owned()));
    }

    fn order(&self, order: Order) {
        // The thread ends only with the handle; were it gone, there would be nobody to capture anything.
        if self.orders.send(order).is_ok() {
            // Full only after 2^64 orders: then the bell rings anyway.
            let _ = rustix::io::write(&*self.bell, &1_u64.to_ne_bytes());
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.order(Order::End);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed by its hook; here is nothing left to save.
            let _ = thread.join();
        }
    }
}
