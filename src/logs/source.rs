//! One run's output: two pipes, the line that is unfinished in each, and where it all goes.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use super::Stream;
use super::batch::{Batch, Style};
use super::capture::CaptureFact;
use super::sink::Sink;
use super::splitter::Splitter;
use super::watch::Watch;
use crate::model::{LogFormat, RunId};

/// A chunk is rendered in slices of this size, so that a chunk of empty lines cannot make the batch huge.
const SLICE: usize = 32 << 10;

/// A batch of this size is written before more is added.
const FULL_BATCH: usize = 512 << 10;

/// A run being captured.
pub(super) struct RunSource {
    pub(super) run: RunId,
    pub(super) streams: [StreamSource; 2],
    sink: Option<Rc<RefCell<Sink>>>,
    watch: Watch,
    tail: Tail,
}

/// One of its pipes.
pub(super) struct StreamSource {
    stream: Stream,
    /// None once it came to its end.
    pub(super) pipe: Option<OwnedFd>,
    /// What the pipe holds at most.
    pub(super) capacity: usize,
    splitter: Splitter,
    /// Whether pieces of an unfinished line are written.
    inside: bool,
}

impl RunSource {
    pub(super) fn new(
        run: RunId,
        pipes: [OwnedFd; 2],
        sink: Option<Rc<RefCell<Sink>>>,
        watch: Watch,
        tail: usize,
    ) -> Self {
        let [stdout, stderr] = pipes;
        let stream = |stream, pipe| StreamSource {
            stream,
            pipe: Some(pipe),
            capacity: 0,
            splitter: Splitter::default(),
            inside: false,
        };
        Self {
            run,
            streams: [stream(Stream::Stdout, stdout), stream(Stream::Stderr, stderr)],
            sink,
            watch,
            tail: Tail { keep: tail, bytes: VecDeque::new() },
        }
    }

    /// No more matches for `tag`.
    pub(super) fn unwatch(&mut self, tag: u8) {
        self.watch.remove(tag);
    }

    /// Takes what was read from a stream.
    pub(super) fn chunk(
        &mut self,
        index: usize,
        chunk: &[u8],
        now_ns: i64,
        batch: &mut Batch,
        report: &dyn Fn(CaptureFact),
    ) {
        self.tail.push(chunk);
        self.pieces(index, Some(chunk), now_ns, batch, report);
    }

    /// The stream ended, or nobody wants more of it: its unfinished line is a line too.
    pub(super) fn finish(&mut self, index: usize, now_ns: i64, batch: &mut Batch, report: &dyn Fn(CaptureFact)) {
        self.streams[index].pipe = None;
        self.pieces(index, None, now_ns, batch, report);
    }

    /// Nothing comes any more: the last output kept, and a word if lines were lost that nobody was told of.
    pub(super) fn end(mut self, report: &dyn Fn(CaptureFact)) {
        let run = self.run;
        if let Some(sink) = self.sink.take()
            && Rc::strong_count(&sink) == 1
            && let Some(message) = sink.borrow_mut().close()
        {
            report(CaptureFact::Trouble { run, message });
        }
        report(CaptureFact::Drained { run, tail: self.tail.bytes.into() });
    }

    /// Splits, matches and renders; `None`: the end.
    fn pieces(
        &mut self,
        index: usize,
        chunk: Option<&[u8]>,
        now_ns: i64,
        batch: &mut Batch,
        report: &dyn Fn(CaptureFact),
    ) {
        if self.sink.is_none() && self.watch.is_idle() {
            return;
        }
        let format = self.sink.as_ref().map(|sink| sink.borrow().format());
        let style = Style::new(format.unwrap_or(LogFormat::Plain), self.streams[index].stream, now_ns);
        batch.begin(self.streams[index].inside);
        for slice in chunk.unwrap_or_default().chunks(SLICE) {
            if batch.bytes().len() >= FULL_BATCH {
                self.write(index, now_ns, batch, report);
                batch.begin(self.streams[index].inside);
            }
            let Self { watch, streams, .. } = self;
            let splitter = &mut streams[index].splitter;
            if watch.is_idle() {
                splitter.feed(slice, &mut |text, end| batch.push(&style, text, end));
            } else {
                splitter.feed(slice, &mut |text, end| {
                    watch.line(text);
                    batch.push(&style, text, end);
                });
            }
        }
        if chunk.is_none() {
            let watch = &mut self.watch;
            self.streams[index].splitter.finish(&mut |text, end| {
                watch.line(text);
                batch.push(&style, text, end);
            });
        }
        self.write(index, now_ns, batch, report);
        for tag in self.watch.take() {
            report(CaptureFact::Matched { run: self.run, tag });
        }
    }

    fn write(&mut self, index: usize, now_ns: i64, batch: &Batch, report: &dyn Fn(CaptureFact)) {
        self.streams[index].inside = batch.continues();
        if let Some(sink) = &self.sink
            && let Some(message) = sink.borrow_mut().write(batch, now_ns)
        {
            report(CaptureFact::Trouble { run: self.run, message });
        }
    }
}

impl StreamSource {
    /// Reads once. `None`: nothing is there now; 0: the end.
    pub(super) fn read(&self, into: &mut [u8]) -> Option<usize> {
        let pipe = self.pipe.as_ref()?;
        loop {
            match rustix::io::read(pipe, &mut *into) {
                Ok(count) => return Some(count),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return None,
                // Nothing can be read from it ever again.
                Err(_) => return Some(0),
            }
        }
    }

    /// How many bytes wait in the pipe.
    pub(super) fn waiting(&self) -> io::Result<u64> {
        self.pipe.as_ref().map_or(Ok(0), |pipe| Ok(rustix::io::ioctl_fionread(pipe)?))
    }
}

/// The last bytes of both streams, as they came.
struct Tail {
    keep: usize,
    bytes: VecDeque<u8>,
}

impl Tail {
    fn push(&mut self, chunk: &[u8]) {
        if self.keep == 0 {
            return;
        }
        let chunk = &chunk[chunk.len().saturating_sub(self.keep)..];
        let excess = (self.bytes.len() + chunk.len()).saturating_sub(self.keep);
        self.bytes.drain(..excess);
        self.bytes.extend(chunk);
    }
}
