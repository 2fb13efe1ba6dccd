//! The line to the keeper: an async skin over `keeper::link`.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::keeper::link::Link;
use crate::keeper::protocol::{FromKeeper, ToKeeper};

/// What the keeper said, with the descriptors it passed.
pub(super) type Message = (FromKeeper, Vec<OwnedFd>);

/// Talks to the keeper. Sending never blocks: what the socket does not take is queued.
///
/// The queue is unbounded: it holds at most a few messages per live run, and a keeper that does not read is a
/// dead keeper, which shows as an error here.
pub(super) struct KeeperLine {
    line: AsyncFd<Socket>,
}

/// `AsyncFd` wants a raw descriptor; `Link` lends a borrowed one.
struct Socket(Link);

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl KeeperLine {
    /// Must be called within a runtime.
    pub(super) fn new(link: Link) -> io::Result<Self> {
        Ok(Self { line: AsyncFd::with_interest(Socket(link), Interest::READABLE | Interest::WRITABLE)? })
    }

    /// Sends, or queues.
    pub(super) fn send(&mut self, message: &ToKeeper) {
        let none: [BorrowedFd<'_>; 0] = [];
        if let Err(error) = self.line.get_mut().0.send(message, &none) {
            // The keeper is gone; the next `receive` says so and the supervisor ends.
            tracing::warn!(%error, "the keeper does not take a message");
        }
    }

    /// The next message. An error means that the keeper is gone.
    pub(super) async fn receive(&mut self) -> io::Result<Message> {
        loop {
            if let Some(message) = self.line.get_mut().0.try_recv()? {
                return Ok(message);
            }
            if self.line.get_ref().0.wants_write() {
                let mut ready = self.line.ready_mut(Interest::READABLE | Interest::WRITABLE).await?;
                if ready.ready().is_writable() {
                    ready.get_inner_mut().0.flush()?;
                    if ready.get_inner().0.wants_write() {
                        ready.clear_ready_matching(tokio::io::Ready::WRITABLE);
                    }
                }
                if ready.ready().is_readable() {
                    ready.clear_ready_matching(tokio::io::Ready::READABLE);
                }
            } else {
                // Cleared first and tried again after: readiness that comes in between is not lost, because
                // the reactor sets it anew (edge-triggered).
                self.line.readable_mut().await?.clear_ready();
            }
            if let Some(message) = self.line.get_mut().0.try_recv()? {
                return Ok(message);
            }
        }
    }
}
