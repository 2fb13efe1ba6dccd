//! What keeper and shim say to each other: datagrams over a `SOCK_SEQPACKET` pair, any number of messages
//! in one. Both are the same program: no version, no framing.

use std::io;
use std::os::fd::AsFd;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::protocol::{Process, SpawnStep, Target, Usage};

/// From the keeper to a shim.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum Command {
    /// Send a signal, then SIGCONT.
    Signal { signal: i32, to: Target },
    /// Kill everything.
    Kill,
}

/// From a shim to the keeper. `Failed` and `Emptied` are its last words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Report {
    /// `execve` succeeded.
    Started { shim_start: u64, pid: u32, start: u64 },
    /// There is no process.
    Failed { step: SpawnStep, errno: i32 },
    /// The leader ended.
    Exited { status: i32, usage: Usage },
    /// Nothing is left but what may be.
    Emptied { released: Vec<Process> },
    /// The kill did not empty it.
    Survived { left: Vec<Process> },
}

/// Longer than any datagram: [`LONGEST_LIST`] processes of 120 characters.
pub(super) const LONGEST: usize = 64 << 10;
/// Survivors that are named; their number is small unless something is badly wrong.
pub(super) const LONGEST_LIST: usize = 100;

/// Messages for one datagram.
pub(super) fn pack<T: Serialize>(messages: &[T]) -> Vec<u8> {
    messages.iter().fold(Vec::new(), |bytes, message| {
        postcard::to_extend(message, bytes).expect("messages hold nothing that postcard refuses")
    })
}

/// Sends one datagram. `WouldBlock`: no room (only with `DONTWAIT`).
pub(super) fn send(socket: impl AsFd, datagram: &[u8], flags: SendFlags) -> io::Result<()> {
    loop {
        match rustix::net::send(&socket, datagram, flags | SendFlags::NOSIGNAL) {
            Err(Errno::INTR) => {}
            done => return done.map(|_| ()).map_err(io::Error::from),
        }
    }
}

/// The messages of the next datagram; none if there is no datagram now. `UnexpectedEof`: the other is gone.
///
/// A datagram is cut to the capacity of `scratch`, of which only what it fills is touched.
pub(super) fn receive<T: DeserializeOwned>(
    socket: impl AsFd,
    scratch: &mut Vec<u8>,
) -> io::Result<Option<Vec<T>>> {
    scratch.clear();
    match rustix::net::recv(&socket, spare_capacity(scratch), RecvFlags::DONTWAIT) {
        Ok((0, _)) | Err(Errno::CONNRESET) => return Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(_) => {}
        Err(Errno::AGAIN | Errno::INTR) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let (mut rest, mut messages) = (scratch.as_slice(), Vec::new());
    while !rest.is_empty() {
        let (message, after) =
            postcard::take_from_bytes(rest).map_err(|error| io::Error::other(error.to_string()))?;
        messages.push(message);
        rest = after;
    }
    Ok(Some(messages))
}
