//! Following logs beside other things: the follower's thread hands its lines to whoever waits for them.

use std::io;

use tokio::sync::mpsc;

use crate::logs::{Follow, FollowHandle, Line, Query, Target};

/// Lines between the follower and the command. Full: the follower waits, nothing is lost.
const CHANNEL: usize = 256;

/// Lines as they come.
#[derive(Debug)]
pub(crate) struct Tail {
    /// Dropped before `handle`, so that a follower that waits for room is let go.
    lines: mpsc::Receiver<Line>,
    handle: FollowHandle,
}

impl Tail {
    /// Follows `targets` from where `query` begins.
    pub(crate) fn start(targets: Vec<Target>, query: Query) -> io::Result<Self> {
        let (sender, lines) = mpsc::channel(CHANNEL);
        let handle = Follow::start(targets, query, move |line| {
            // Nobody takes it: the command is ending.
            let _ = sender.blocking_send(line);
        })?;
        Ok(Self { lines, handle })
    }

    /// Follows one more.
    pub(crate) fn add(&self, target: Target) {
        self.handle.add(target);
    }

    /// The next line; none: there will be no more. Loses nothing when it is dropped half-way.
    pub(crate) async fn next(&mut self) -> Option<Line> {
        self.lines.recv().await
    }

    /// A line that is there already.
    pub(crate) fn ready(&mut self) -> Option<Line> {
        self.lines.try_recv().ok()
    }
}
