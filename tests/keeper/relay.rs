//! The test supervisor: a relay between the keeper's link and whoever connects to the API socket.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::process::ExitCode;

use rustix::event::{PollFd, PollFlags, poll};
use tspm::keeper::link::{self, Channel, Link};
use tspm::keeper::protocol::{FromKeeper, ToKeeper};

type Client = Channel<ToKeeper, FromKeeper>;

/// Ends when its client hangs up after a `Receipt`; of itself it says nothing.
pub(crate) fn main() -> ExitCode {
    let (mut link, listener) = link::inherit().expect("a keeper started it");
    loop {
        let client = accept(&listener);
        match relay(&mut link, client) {
            Ended::Finished => return ExitCode::SUCCESS,
            Ended::HungUp => {}
            Ended::KeeperGone => return ExitCode::FAILURE,
        }
    }
}

enum Ended {
    Finished,
    HungUp,
    KeeperGone,
}

fn accept(listener: &UnixListener) -> Client {
    let (stream, _) = listener.accept().unwrap();
    Client::new(OwnedFd::from(stream))
}

fn relay(link: &mut Link, mut client: Client) -> Ended {
    let mut finished = false;
    loop {
        let out = |wants| if wants { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        let (link_wants, client_wants) = (out(link.wants_write()), out(client.wants_write()));
        let mut fds = [PollFd::new(&*link, link_wants), PollFd::new(&client, client_wants)];
        poll(&mut fds, None).unwrap();
        let _ = (link.flush(), client.flush());
        loop {
            match link.try_recv() {
                Ok(Some((message, fds))) => {
                    finished |= matches!(message, FromKeeper::Receipt { .. });
                    let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
                    let _ = client.send(&message, &fds);
                }
                Ok(None) => break,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ended::KeeperGone,
                Err(error) => panic!("{error}"),
            }
        }
        loop {
            match client.try_recv() {
                Ok(Some((message, fds))) => {
                    let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
                    link.send(&message, &fds).unwrap();
                }
                Ok(None) => break,
                Err(_) if finished => return Ended::Finished,
                Err(_) => return Ended::HungUp,
            }
        }
    }
}
