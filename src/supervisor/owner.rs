//! The client that owns the environment: when it ends, however it ends, everything is taken down.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use tokio::io::unix::AsyncFd;

use crate::sys::identity;
use crate::sys::signals::{self, PidFd};

/// The owning client, watched through a pidfd.
pub(super) struct Owner {
    pid: u32,
    watch: AsyncFd<Watched>,
}

struct Watched(PidFd);

impl AsRawFd for Watched {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Owner {
    /// Watches process `pid`. Fails if it has ended already. Must be called within a runtime.
    pub(super) fn watch(pid: u32) -> io::Result<Self> {
        let process = signals::open(pid, identity::start_time(pid)?)?;
        Ok(Self { pid, watch: AsyncFd::new(Watched(process))? })
    }

    pub(super) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns when the owner has ended.
    pub(super) async fn ended(&self) {
        // An error means that the descriptor cannot be watched; treating the owner as gone is the safe side.
        drop(self.watch.readable().await);
    }
}
