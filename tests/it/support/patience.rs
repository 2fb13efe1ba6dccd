//! How long a test waits before it says that a fact does not come.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

/// Far beyond what anything takes on a loaded machine: running out of it is a failure, never a measure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// When patience ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// [`PATIENCE`] from now.
    pub(crate) fn start() -> Self {
        Self::after(PATIENCE)
    }

    /// `time` from now.
    pub(crate) fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// What is left; none: it has passed.
    pub(crate) fn left(self) -> Option<Duration> {
        self.0.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// Blocks until `fd` shows one of `events` (true) or the deadline passes (false).
    pub(crate) fn poll(self, fd: impl AsFd, events: PollFlags) -> bool {
        loop {
            let Some(left) = self.left() else { return false };
            let left = Timespec::try_from(left).expect("patience is short");
            match rustix::event::poll(&mut [PollFd::new(&fd, events)], Some(&left)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => (),
                Ok(_) => return true,
                Err(problem) => panic!("poll: {problem}"),
            }
        }
    }
}

/// Measures, for promises about time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
