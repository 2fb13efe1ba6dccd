//! Ctrl-C and its kin, as facts to wait for.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// From its making on, SIGINT, SIGTERM and SIGHUP no longer end this process.
#[derive(Debug)]
pub(crate) struct Signals {
    int: Signal,
    term: Signal,
    hup: Signal,
}

impl Signals {
    /// Listens. Fails only where a runtime has no signal driver or the system is out of descriptors.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            int: signal(SignalKind::interrupt())?,
            term: signal(SignalKind::terminate())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    /// The next of them. Loses none when it is dropped half-way.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.int.recv() => {}
            _ = self.term.recv() => {}
            _ = self.hup.recv() => {}
        }
    }
}
