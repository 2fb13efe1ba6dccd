//! systemd's `sd_notify` protocol, the receiving side: one socket per run, at an abstract address nobody can guess.
//!
//! Abstract, so that nothing is left on the disk and no path is too long. Anybody may *see* such an address in
//! `/proc/net/unix`; so what counts is who sends: the kernel says, and messages of other users are dropped here.
//! Whether the sending process belongs to the run is the caller's to check.

use std::fs::File;
use std::io::{self, IoSliceMut, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg, setsockopt, sockopt};
use tokio::io::Interest;
use tokio::net::UnixDatagram as AsyncDatagram;

/// The longest message; systemd's own limit is a page.
const MAX_MESSAGE: usize = 4096;

/// The most descriptors that one message can carry (the kernel's `SCM_MAX_FD`).
const MAX_FDS: usize = 253;

/// A message, from a process of our own user or of root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// The sending process; 0 if it is in a pid namespace that we do not see.
    pub pid: u32,
    /// Its user.
    pub uid: u32,
    /// `READY=1`
    pub ready: bool,
    /// `WATCHDOG=1`
    pub watchdog: bool,
    /// `STOPPING=1`
    pub stopping: bool,
    /// `STATUS=…`
    pub status: Option<String>,
    /// `MAINPID=…`
    pub main_pid: Option<u32>,
}

/// The socket that a run's `NOTIFY_SOCKET` names.
#[derive(Debug)]
pub struct NotifySocket {
    socket: AsyncDatagram,
    address: String,
}

impl NotifySocket {
    /// A new socket. Must be called inside a tokio runtime.
    pub fn new() -> io::Result<Self> {
        let mut random = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut random)?;
        let name = format!("tspm/{:032x}", u128::from_ne_bytes(random));
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        Self::wrap(socket, format!("@{name}"))
    }

    /// A socket that the keeper held while there was no supervisor, with its address. Inside a tokio runtime.
    pub fn adopt(socket: OwnedFd, address: String) -> io::Result<Self> {
        Self::wrap(UnixDatagram::from(socket), address)
    }

    fn wrap(socket: UnixDatagram, address: String) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        setsockopt(&socket, sockopt::PassCred, &true)?;
        Ok(Self { socket: AsyncDatagram::from_std(socket)?, address })
    }

    /// The value of `NOTIFY_SOCKET`: `@tspm/…`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The next message that says something. Messages of other users (but root) and nonsense are dropped, and
    /// `BARRIER=1` is answered by closing the descriptor that came with it: everything sent before it has been returned
    /// by then. Cancel safe. An error is the socket's end.
    pub async fn recv(&self) -> io::Result<Notify> {
        let own = nix::unistd::geteuid().as_raw();
        loop {
            let received = self.socket.async_io(Interest::READABLE, || receive(&self.socket)).await?;
            if let Some((text, sender)) = received
                && (sender.uid() == own || sender.uid() == 0)
                && let Some(notify) = parse(&text, sender)
            {
                return Ok(notify);
            }
        }
    }
}

impl AsFd for NotifySocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// One message and its sender, if the kernel named one. Every descriptor that came with it is closed.
fn receive(socket: &AsyncDatagram) -> io::Result<Option<(Vec<u8>, UnixCredentials)>> {
    let mut text = vec![0; MAX_MESSAGE];
    let mut space = nix::cmsg_space!(UnixCredentials, [RawFd; MAX_FDS]);
    let mut slices = [IoSliceMut::new(&mut text)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut space), flags)?;
    let mut sender = None;
    for control in message.cmsgs()? {
        match control {
            ControlMessageOwned::ScmCredentials(credentials) => sender = Some(credentials),
            ControlMessageOwned::ScmRights(descriptors) => {
                for descriptor in descriptors {
                    // Nothing could be done about a failed close, and nothing is lost by it.
                    let _ = nix::unistd::close(descriptor);
                }
            }
            // Nothing else was asked for.
            _ => {}
        }
    }
    let len = message.bytes;
    text.truncate(len);
    Ok(sender.map(|sender| (text, sender)))
}

/// None: it says nothing that we listen to.
fn parse(text: &[u8], sender: UnixCredentials) -> Option<Notify> {
    let mut notify = Notify {
        pid: u32::try_from(sender.pid()).unwrap_or(0),
        uid: sender.uid(),
        ready: false,
        watchdog: false,
        stopping: false,
        status: None,
        main_pid: None,
    };
    let silent = notify.clone();
    for line in text.split(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        match line.split_once('=') {
            Some(("READY", "1")) => notify.ready = true,
            Some(("WATCHDOG", "1")) => notify.watchdog = true,
            Some(("STOPPING", "1")) => notify.stopping = true,
            Some(("STATUS", status)) => notify.status = Some(status.to_owned()),
            Some(("MAINPID", pid)) => notify.main_pid = pid.parse().ok().filter(|pid| *pid > 0),
            Some(_) | None => {}
        }
    }
    (notify != silent).then_some(notify)
}

#[cfg(test)]
mod tests {
    use std::io::{IoSlice, PipeReader};

    use nix::sys::socket::{ControlMessage, sendmsg};

    use super::*;

    fn client(socket: &NotifySocket) -> UnixDatagram {
        let client = UnixDatagram::unbound().unwrap();
        let name = socket.address().strip_prefix('@').unwrap();
        client.connect_addr(&SocketAddr::from_abstract_name(name).unwrap()).unwrap();
        client
    }

    /// Sends `BARRIER=1`; the reader comes to its end when the barrier is answered.
    fn barrier(client: &UnixDatagram) -> PipeReader {
        let (reader, writer) = io::pipe().unwrap();
        let descriptors = [writer.as_raw_fd()];
        let control = [ControlMessage::ScmRights(&descriptors)];
        let text = [IoSlice::new(b"BARRIER=1")];
        sendmsg::<()>(client.as_raw_fd(), &text, &control, MsgFlags::empty(), None).unwrap();
        reader
    }

    #[tokio::test]
    async fn messages_and_barriers() {
        let socket = NotifySocket::new().unwrap();
        let client = client(&socket);
        client.send(b"nonsense").unwrap();
        client.send(b"READY=1\nSTATUS=it = works\nMAINPID=12\n").unwrap();
        let mut reader = barrier(&client);
        client.send(b"WATCHDOG=1").unwrap();
        client.send(b"STOPPING=1\nREADY=0").unwrap();
        let first = socket.recv().await.unwrap();
        let expected = Notify {
            pid: std::process::id(),
            uid: nix::unistd::geteuid().as_raw(),
            ready: true,
            watchdog: false,
            stopping: false,
            status: Some("it = works".to_owned()),
            main_pid: Some(12),
        };
        assert_eq!(first, expected);
        let second = socket.recv().await.unwrap();
        assert!(second.watchdog && !second.ready);
        assert_eq!(reader.read(&mut [0]).unwrap(), 0, "the barrier was answered");
        let third = socket.recv().await.unwrap();
        assert!(third.stopping && !third.ready);
    }

    #[tokio::test]
    async fn addresses_differ_and_a_descriptor_can_be_adopted() {
        let (one, two) = (NotifySocket::new().unwrap(), NotifySocket::new().unwrap());
        assert_ne!(one.address(), two.address());
        let kept = one.as_fd().try_clone_to_owned().unwrap();
        let address = one.address().to_owned();
        drop(one);
        let again = NotifySocket::adopt(kept, address).unwrap();
        client(&again).send(b"READY=1").unwrap();
        assert!(again.recv().await.unwrap().ready);
    }
}
