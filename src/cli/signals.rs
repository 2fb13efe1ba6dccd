//! Ctrl-C and its kin, as facts to wait for.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// SIGINT: a person at the keyboard, who may press it again to say more.
    CtrlC,
    /// SIGTERM, SIGHUP. Both may come, and twice: the kernel and the shell each tell of a closed terminal.
    End,
}

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
    pub(crate) async fn next(&mut self) -> Heard {
        tokio::select! {
            _ = self.int.recv() => Heard::CtrlC,
            _ = self.term.recv() => Heard::End,
            _ = self.hup.recv() => Heard::End,
        }
    }
}
