//! Standard output for commands that must go on when nobody reads: one thread writes, the command never blocks.
//!
//! ```text
//!  command ─► backlog ─► channel (64 chunks) ─► thread ─► stdout
//! ```
//! Lines of the command itself always fit (they are few); a source of many lines asks [`Printer::has_room`] first
//! and waits in [`Printer::wake`], so that a slow reader slows the logs and nothing else.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

/// Chunks on their way to the thread. A chunk is at most a screen or a batch of log lines.
const CHANNEL: usize = 64;

/// How long the end of a command waits for a reader to take what is left.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What a wait for the reader ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Some of the backlog is gone.
    Room,
    /// Nobody reads any more.
    Closed,
}

/// The writing end.
#[derive(Debug)]
pub(crate) struct Printer {
    /// Bounded by [`CHANNEL`]; when it is full, chunks stay in `backlog`.
    chunks: mpsc::Sender<Vec<u8>>,
    backlog: VecDeque<Vec<u8>>,
    /// Resolves (with an error) when the thread has ended.
    ended: oneshot::Receiver<()>,
}

impl Printer {
    /// Starts the thread. Fails only where the system is out of threads.
    pub(crate) fn start(mut to: impl Write + Send + 'static) -> io::Result<Self> {
        let (chunks, mut incoming) = mpsc::channel::<Vec<u8>>(CHANNEL);
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new().name("stdout".to_owned()).spawn(move || {
            let _end: oneshot::Sender<()> = end;
            while let Some(mut chunk) = incoming.blocking_recv() {
                while let Ok(more) = incoming.try_recv() {
                    chunk.extend_from_slice(&more);
                }
                if to.write_all(&chunk).and_then(|()| to.flush()).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { chunks, backlog: VecDeque::new(), ended })
    }

    /// Prints a line. Never blocks.
    pub(crate) fn line(&mut self, text: &str) {
        self.bytes(format!("{text}\n").into_bytes());
    }

    /// Prints bytes as they are. Never blocks.
    pub(crate) fn bytes(&mut self, bytes: Vec<u8>) {
        self.backlog.push_back(bytes);
        while let Some(chunk) = self.backlog.pop_front() {
            match self.chunks.try_send(chunk) {
                Ok(()) => {}
                Err(TrySendError::Full(chunk)) => return self.backlog.push_front(chunk),
                Err(TrySendError::Closed(_)) => self.backlog.clear(),
            }
        }
    }

    /// Whether the next chunk would not have to wait. Always, where nobody reads.
    pub(crate) fn has_room(&self) -> bool {
        self.is_closed() || (self.backlog.is_empty() && self.chunks.capacity() > 0)
    }

    /// Waits until there is room (if there is none) or until nobody reads any more. Loses nothing when it is dropped
    /// half-way.
    pub(crate) async fn wake(&mut self) -> Wake {
        if self.has_room() {
            self.chunks.closed().await;
            return Wake::Closed;
        }
        match self.chunks.reserve().await {
            Ok(permit) => {
                if let Some(chunk) = self.backlog.pop_front() {
                    permit.send(chunk);
                }
                Wake::Room
            }
            Err(_) => Wake::Closed,
        }
    }

    /// Whether nobody reads any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.chunks.is_closed()
    }

    /// Prints what is left, for as long as a reader may be expected to take it.
    pub(crate) async fn finish(mut self) {
        let last_words = async {
            while let Some(chunk) = self.backlog.pop_front() {
                if self.chunks.send(chunk).await.is_err() {
                    return;
                }
            }
            drop(self.chunks);
            // The thread drops its end when it has written everything.
            let _ = self.ended.await;
        };
        // A reader that is asleep does not keep the command from ending.
        let _ = tokio::time::timeout(LAST_WORDS, last_words).await;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    #[test]
    fn everything_is_printed_in_order_however_slow_the_reader() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let lines: Vec<String> = (0..5000).map(|n| format!("line {n}")).collect();
        let expected = lines.join("\n") + "\n";
        let length = expected.len();
        let read = std::thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            text
        });
        block_on(async {
            let mut printer = Printer::start(writer).unwrap();
            for line in &lines {
                printer.line(line);
            }
            printer.finish().await;
        });
        let text = read.join().unwrap();
        assert_eq!(text.len(), length);
        assert_eq!(text, expected);
    }

    #[test]
    fn a_reader_that_is_gone_or_asleep_stops_nobody() {
        let (reader, writer) = std::io::pipe().unwrap();
        block_on(async {
            let mut printer = Printer::start(writer).unwrap();
            while printer.has_room() {
                printer.bytes(vec![b'x'; 100_000]);
            }
            // The pipe is full and the channel too: nothing of this blocks.
            printer.line("more");
            assert!(!printer.is_closed());
            drop(reader);
            while printer.wake().await == Wake::Room {}
            assert!(printer.is_closed());
            printer.line("into the void");
        });
    }
}
