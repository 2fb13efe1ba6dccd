//! The line to the keeper: an async skin over `keeper::link`.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;

use crate::keeper::link::Link;
use crate::keeper::protocol::{FromKeeper, ToKeeper};
use crate::sys::reactor::Watched;

/// What the keeper said, with the descriptors it passed.
pub(super) type Message = (FromKeeper, Vec<OwnedFd>);

/// Talks to the keeper. Sending never blocks: what the socket does not take is queued.
///
/// The queue is unbounded: it holds at most a few messages per live run, and a keeper that does not read is a
/// dead keeper, which shows as an error here.
pub(super) struct KeeperLine {
    line: Watched<Link>,
}

impl KeeperLine {
    /// Must be called within a runtime.
    pub(super) fn new(link: Link) -> io::Result<Self> {
        Ok(Self { line: Watched::new(link)? })
    }

    /// Queues a message. What one turn has to say goes out with few system calls: see [`flush`](Self::flush).
    pub(super) fn send(&mut self, message: &ToKeeper) {
        self.line.get_mut().post(message);
    }

    /// Sends what is queued, as far as the socket takes it; the rest goes when it is writable.
    pub(super) fn flush(&mut self) {
        if let Err(error) = self.line.get_mut().flush() {
            // The keeper is gone; the next `receive` says so and the supervisor ends.
            tracing::warn!(%error, "the keeper does not take messages");
        }
    }

    /// A message that is here already.
    pub(super) fn try_receive(&mut self) -> io::Result<Option<Message>> {
        self.line.get_mut().try_recv()
    }

    /// The next message. An error means that the keeper is gone. Nothing is lost if the future is dropped.
    pub(super) async fn receive(&mut self) -> io::Result<Message> {
        loop {
            if let Some(message) = self.try_receive()? {
                return Ok(message);
            }
            let writing = self.line.get().wants_write();
            let interest = if writing { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            let ready = self.line.next_ready(interest).await?;
            if ready.is_writable() {
                self.line.get_mut().flush()?;
            }
        }
    }
}
