//! The client that owns the environment: when it ends, however it ends, everything is taken down.

use std::io;

use crate::sys::identity;
use crate::sys::reactor::Watched;
use crate::sys::signals::{self, PidFd};

/// The owning client, watched through a pidfd.
pub(super) struct Owner {
    pid: u32,
    process: Watched<PidFd>,
}

impl Owner {
    /// Watches process `pid`. Fails if it has ended already. Must be called within a runtime.
    pub(super) fn watch(pid: u32) -> io::Result<Self> {
        let process = signals::open(pid, identity::start_time(pid)?)?;
        Ok(Self { pid, process: Watched::new(process)? })
    }

    pub(super) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns when the owner has ended.
    pub(super) async fn ended(&self) {
        // An error means that the descriptor cannot be watched; treating the owner as gone is the safe side.
        drop(self.process.readable().await);
    }
}
