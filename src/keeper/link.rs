//! The wire between keeper and supervisor: frames over a stream socket, with descriptors beside them.
//!
//! [`encode`] and [`Decoder`] only turn messages into bytes and back. [`Channel`] moves them, never waits,
//! and keeps in memory what the socket does not take.

#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixListener;

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::protocol::{FromKeeper, MAX_FRAME, ToKeeper};

/// The supervisor's descriptor of its socket to the keeper.
pub(super) const LINK_FD: i32 = 3;
/// The supervisor's descriptor of the API listener.
pub(super) const LISTENER_FD: i32 = 4;
/// Bytes read at once: a few spawns with their environments.
const BUFFER: usize = 16 << 10;
/// `SCM_MAX_FD` of the kernel: more in one `sendmsg` is refused.
const MAX_FDS: usize = 253;

/// The frame of a message: its length, then its bytes.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    let mut frame = postcard::to_extend(message, vec![0; 4]).expect("messages hold nothing that postcard refuses");
    let length = u32::try_from(frame.len() - 4).expect("a message is far smaller than 4 GiB");
    frame[..4].copy_from_slice(&length.to_le_bytes());
    frame
}

/// Collects bytes, gives messages.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// Where the first message that was not given yet begins.
    start: usize,
}

impl Decoder {
    /// More bytes came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..std::mem::take(&mut self.start));
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message. Fails with `InvalidData` on a frame that is too long or no message: the
    /// other side is of another version, and nothing after it can be read.
    pub fn decode<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let Some((head, rest)) = self.bytes[self.start..].split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*head) as usize;
        if length > MAX_FRAME {
            return Err(invalid(format!("a frame of {length} bytes")));
        }
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let message = postcard::from_bytes(body).map_err(|error| invalid(format!("no message: {error}")))?;
        self.start += 4 + length;
        if self.start == self.bytes.len() {
            self.start = 0;
            self.bytes.clear();
            // Room for one large environment is not kept for ever.
            self.bytes.shrink_to(4 * BUFFER);
        }
        Ok(Some(message))
    }
}

/// How many descriptors come with a message.
pub trait Carries {
    /// The number.
    fn carried(&self) -> usize;
}

impl Carries for ToKeeper {
    fn carried(&self) -> usize {
        match self {
            Self::Store { .. } => 1,
            Self::Spawn(_)
            | Self::Signal { .. }
            | Self::Kill { .. }
            | Self::Discard { .. }
            | Self::Will { .. }
            | Self::Finish => 0,
        }
    }
}

impl Carries for FromKeeper {
    fn carried(&self) -> usize {
        match self {
            Self::Hello(hello) => hello.fds as usize,
            Self::Spawned { fds, .. } => usize::from(*fds),
            Self::SpawnFailed { .. }
            | Self::Exited { .. }
            | Self::Emptied { .. }
            | Self::Survived { .. }
            | Self::Receipt { .. }
            | Self::Terminate => 0,
        }
    }
}

/// One end of the socketpair: receives `In`, sends `Out`.
#[derive(Debug)]
pub struct Channel<In, Out> {
    socket: OwnedFd,
    decoder: Decoder,
    /// Zeroed by the kernel: only what is received touches memory, which forks of the keeper pay for.
    buffer: Vec<u8>,
    fds: VecDeque<OwnedFd>,
    queue: VecDeque<Frame>,
    kinds: PhantomData<fn(Out) -> In>,
}

/// The supervisor's end.
pub type Link = Channel<FromKeeper, ToKeeper>;

/// What the socket did not take yet.
#[derive(Debug)]
struct Frame {
    bytes: Vec<u8>,
    sent: usize,
    fds: VecDeque<OwnedFd>,
}

/// The supervisor's inheritance: its link to the keeper and the API listener. To be called once, first of
/// all: it takes the two descriptors (3 and 4) that the keeper passes on.
pub fn inherit() -> io::Result<(Link, UnixListener)> {
    let take = |raw: i32| {
        // SAFETY: `fcntl` on a number is harmless, it fails if nothing is open there.
        if unsafe { libc::fcntl(raw, libc::F_SETFD, libc::FD_CLOEXEC) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it is open (checked above), and by the contract with the keeper nobody else owns it.
        Ok(unsafe { OwnedFd::from_raw_fd(raw) })
    };
    Ok((Link::new(take(LINK_FD)?), take(LISTENER_FD)?.into()))
}

impl<In: DeserializeOwned + Carries, Out: Serialize + Carries> Channel<In, Out> {
    /// A channel over this stream socket.
    pub fn new(socket: OwnedFd) -> Self {
        let (fds, queue) = (VecDeque::new(), VecDeque::new());
        Self { socket, decoder: Decoder::default(), buffer: vec![0; BUFFER], fds, queue, kinds: PhantomData }
    }

    /// The next message and its descriptors; none if there is none yet. `UnexpectedEof`: the other side is gone.
    pub fn try_recv(&mut self) -> io::Result<Option<(In, Vec<OwnedFd>)>> {
        loop {
            if let Some(message) = self.decoder.decode::<In>()? {
                // Descriptors travel with the frame's first bytes: when it is whole, they are here.
                let count = message.carried();
                if count > self.fds.len() {
                    return Err(invalid(format!("{count} descriptors announced, {} came", self.fds.len())));
                }
                return Ok(Some((message, self.fds.drain(..count).collect())));
            }
            if !self.receive()? {
                return Ok(None);
            }
        }
    }

    /// Queues a message without descriptors, to be sent with others by the next [`flush`](Self::flush).
    pub fn post(&mut self, message: &Out) {
        debug_assert_eq!(message.carried(), 0, "a message states what it carries");
        let bytes = encode(message);
        match self.queue.back_mut().filter(|frame| frame.fds.is_empty()) {
            Some(frame) => frame.bytes.extend_from_slice(&bytes),
            None => self.queue.push_back(Frame { bytes, sent: 0, fds: VecDeque::new() }),
        }
    }

    /// Sends a message with its descriptors; what the socket does not take is queued, the descriptors
    /// duplicated. Fails if the other side is gone or the message is longer than a frame may be.
    pub fn send(&mut self, message: &Out, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        debug_assert_eq!(message.carried(), fds.len(), "a message states what it carries");
        let bytes = encode(message);
        if bytes.len() - 4 > MAX_FRAME {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("a message of {} bytes", bytes.len()),
            ));
        }
        self.flush()?;
        let mut sent = 0;
        if self.queue.is_empty() && fds.len() <= MAX_FDS {
            sent = transmit(&self.socket, &bytes, fds)?.unwrap_or(0);
        }
        if sent < bytes.len() {
            let unsent = if sent == 0 { fds } else { &[] };
            let fds = unsent.iter().map(BorrowedFd::try_clone_to_owned).collect::<io::Result<_>>()?;
            self.queue.push_back(Frame { bytes, sent, fds });
            self.flush()?;
        }
        Ok(())
    }

    /// Sends what is queued, as far as the socket takes it. To be called when the socket is writable.
    pub fn flush(&mut self) -> io::Result<()> {
        while let Some(frame) = self.queue.front_mut() {
            while frame.sent < frame.bytes.len() {
                // Each batch of descriptors needs a byte of the frame to travel with.
                let batch: Vec<BorrowedFd<'_>> = frame.fds.iter().take(MAX_FDS).map(AsFd::as_fd).collect();
                let end = if frame.fds.len() > MAX_FDS { frame.sent + 1 } else { frame.bytes.len() };
                let Some(sent) = transmit(&self.socket, &frame.bytes[frame.sent..end], &batch)? else {
                    return Ok(());
                };
                let gone = batch.len();
                frame.fds.drain(..gone);
                frame.sent += sent;
            }
            self.queue.pop_front();
        }
        Ok(())
    }

    /// Whether something is queued: wait for the socket to be writable, then [`flush`](Self::flush).
    pub fn wants_write(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Reads once. False: there was nothing.
    fn receive(&mut self) -> io::Result<bool> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        match rustix::net::recvmsg(&self.socket, &mut [IoSliceMut::new(&mut self.buffer)], &mut control, flags) {
            Ok(got) => {
                for message in control.drain() {
                    if let RecvAncillaryMessage::ScmRights(fds) = message {
                        self.fds.extend(fds);
                    }
                }
                if got.bytes == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.decoder.push(&self.buffer[..got.bytes]);
                Ok(true)
            }
            Err(Errno::AGAIN) => Ok(false),
            Err(Errno::INTR) => Ok(true),
            Err(Errno::CONNRESET) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) => Err(error.into()),
        }
    }
}

impl<In, Out> AsFd for Channel<In, Out> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// One `sendmsg`, the descriptors on its first byte. None: the socket takes nothing now.
fn transmit(socket: &OwnedFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<Option<usize>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        assert!(control.push(SendAncillaryMessage::ScmRights(fds)), "at most MAX_FDS are sent at once");
    }
    match rustix::net::sendmsg(
        socket,
        &[IoSlice::new(bytes)],
        &mut control,
        SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
    ) {
        Ok(sent) => Ok(Some(sent)),
        // TOOMANYREFS: too many descriptors are under way; room comes as the other side reads.
        Err(Errno::AGAIN | Errno::INTR | Errno::TOOMANYREFS | Errno::NOBUFS) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    use super::super::protocol::{Hello, LiveRun};
    use super::*;

    type Server = Channel<ToKeeper, FromKeeper>;

    fn pair() -> (Server, Link) {
        let (left, right) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
        (Server::new(left), Link::new(right))
    }

    fn hello(fds: usize, label: &str) -> FromKeeper {
        let run =
            LiveRun { run: 1, label: label.to_owned(), pid: 2, start: 3, exited: Some(None), pipes: [true; 3] };
        let fds = u32::try_from(fds).unwrap();
        let hello = Hello { version: 1, keeper: (1, 2), generation: 0, runs: vec![run], stored: vec![], fds };
        FromKeeper::Hello(Box::new(hello))
    }

    #[test]
    fn a_message_cut_anywhere_is_put_together() {
        let messages = [ToKeeper::Finish, ToKeeper::Store { key: "a".repeat(300) }, ToKeeper::Kill { run: 7 }];
        let bytes: Vec<u8> = messages.iter().flat_map(encode).collect();
        for step in 1..bytes.len() {
            let (mut decoder, mut got) = (Decoder::default(), Vec::new());
            for piece in bytes.chunks(step) {
                decoder.push(piece);
                while let Some(message) = decoder.decode::<ToKeeper>().unwrap() {
                    got.push(message);
                }
            }
            assert_eq!(got, messages, "in pieces of {step}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let mut decoder = Decoder::default();
        decoder.push(&u32::MAX.to_le_bytes());
        assert_eq!(decoder.decode::<ToKeeper>().unwrap_err().kind(), io::ErrorKind::InvalidData);
        let mut decoder = Decoder::default();
        decoder.push(&[1, 0, 0, 0, 200]);
        assert_eq!(decoder.decode::<ToKeeper>().unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn what_does_not_fit_is_queued_with_its_descriptors() {
        crate::sys::limits::raise_open_files().unwrap();
        let (mut keeper, mut link) = pair();
        let pipes: Vec<_> = (0..3).map(|_| std::io::pipe().unwrap()).collect();
        // 300 descriptors take two batches; the text fills the socket many times over.
        let many: Vec<BorrowedFd<'_>> = (0..300).map(|n| pipes[n % 3].1.as_fd()).collect();
        let text = "x".repeat(1 << 20);
        for _ in 0..2 {
            keeper.send(&hello(many.len(), &text), &many).unwrap();
        }
        keeper.send(&FromKeeper::Terminate, &[]).unwrap();
        assert!(keeper.wants_write());
        let mut got = Vec::new();
        while got.len() < 3 {
            keeper.flush().unwrap();
            while let Some(message) = link.try_recv().unwrap() {
                got.push(message);
            }
        }
        assert!(!keeper.wants_write());
        assert_eq!(got[2].0, FromKeeper::Terminate);
        drop(got.pop());
        for (message, fds) in got {
            assert_eq!(message, hello(300, &text));
            for (n, fd) in fds.into_iter().enumerate() {
                std::fs::File::from(fd).write_all(b"!").unwrap();
                (&pipes[n % 3].0).read_exact(&mut [0]).unwrap();
            }
        }
    }

    #[test]
    fn the_end_is_told() {
        let (keeper, mut link) = pair();
        assert!(link.try_recv().unwrap().is_none());
        drop(keeper);
        assert_eq!(link.try_recv().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(link.send(&ToKeeper::Finish, &[]).is_err());
    }
}
