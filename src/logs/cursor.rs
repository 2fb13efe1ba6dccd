//! A place in one log: hands out its lines in order, across rotations, and goes on when more is written.
//!
//! ```text
//!  file ─ records ─► file's end ─ a newer file is there ─► once more to its end ─► the newer file
//!                       └─ none: nothing now, ask again later (or, for a reader that stops, the end)
//! ```

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::chain::{self, Next};
use super::decode::{Decoder, Framed, Joined, Joiner};
use super::line_reader::LineReader;
use super::read::{Filter, Line};
use super::splitter::End;

/// A place in one log.
#[derive(Debug)]
pub(super) struct Cursor {
    name: Arc<str>,
    base: PathBuf,
    filter: Arc<Filter>,
    /// None: there is no file, not yet or no more.
    reader: Option<LineReader>,
    /// No more: when the file that was removed was last written to, in nanoseconds since 1970.
    removed_ns: Option<i64>,
    /// A newer file is there, so nobody writes to this one any more.
    sealed: bool,
    /// Whether the last record of the file had a form of its own: then a torn one at its end is no text.
    framed: Framed,
    decoder: Decoder,
    joiner: Joiner,
    ready: VecDeque<Line>,
    end: Ending,
    error: Option<io::Error>,
}

/// How far a cursor reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// To where the log ends when the cursor is made.
    Now,
    /// For ever.
    Stopped,
}

/// Where reading ends.
#[derive(Debug)]
enum Ending {
    /// Never: there may be more later.
    Never,
    /// At this offset of this file. Held open, so that its inode stays its own.
    At { file: File, len: u64 },
    /// Over.
    Done,
}

impl Cursor {
    /// A place in `base`'s log: in `start` at that offset, or at its beginning; one without a file is looked for again.
    pub(super) fn new(
        name: Arc<str>,
        base: PathBuf,
        filter: Arc<Filter>,
        start: Option<(File, u64)>,
        until: Until,
    ) -> Self {
        let mut cursor = Self {
            name,
            base,
            filter,
            reader: None,
            removed_ns: None,
            sealed: false,
            framed: Framed::No,
            decoder: Decoder::default(),
            joiner: Joiner::default(),
            ready: VecDeque::new(),
            end: Ending::Never,
            error: None,
        };
        if let Err(error) = cursor.begin(start, until) {
            cursor.end = cursor.fail(error);
        }
        cursor
    }

    fn begin(&mut self, start: Option<(File, u64)>, until: Until) -> io::Result<()> {
        if until == Until::Now {
            match File::open(&self.base) {
                Ok(file) => self.end = Ending::At { len: file.metadata()?.len(), file },
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let start = match start {
            None if until == Until::Now => chain::oldest(&self.base)?.map(|file| (file, 0)),
            start => start,
        };
        self.reader = start.map(|(file, offset)| self.read_from(file, offset)).transpose()?;
        if self.reader.is_none() && until == Until::Now {
            self.end = Ending::Done;
        }
        Ok(())
    }

    /// The log's path.
    pub(super) const fn base(&self) -> &PathBuf {
        &self.base
    }

    /// Why it can be read no further.
    pub(super) const fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    /// The next line. None: nothing now.
    pub(super) fn next_line(&mut self) -> Option<Line> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            match self.step() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.end = self.fail(error);
                    return None;
                }
            }
        }
    }

    fn fail(&mut self, error: io::Error) -> Ending {
        self.error = Some(error);
        Ending::Done
    }

    /// Reads on. Whether there may be more now.
    fn step(&mut self) -> io::Result<bool> {
        if matches!(self.end, Ending::Done) {
            return Ok(false);
        }
        let Some(reader) = &mut self.reader else {
            let file = match self.removed_ns {
                None => chain::oldest(&self.base)?,
                Some(removed_ns) => chain::oldest_since(&self.base, removed_ns)?,
            };
            self.reader = file.map(|file| LineReader::new(file, 0));
            return Ok(self.reader.is_some());
        };
        if let Some(range) = reader.next()? {
            self.record(range);
            return Ok(true);
        }
        let current = Arc::clone(reader.file());
        self.at_end(&current)
    }

    fn record(&mut self, range: Range<usize>) {
        let Some(reader) = &self.reader else {
            return;
        };
        let record = self.decoder.decode(reader.bytes(range));
        self.framed = record.framed;
        if let Some(joined) = self.joiner.push(record)
            && self.filter.accepts(&joined)
        {
            self.ready.push_back(line(&self.name, joined));
        }
    }

    /// The file has no more: on to the next, or wait, or end.
    fn at_end(&mut self, current: &File) -> io::Result<bool> {
        let meta = current.metadata()?;
        if let Ending::At { file, .. } = &self.end
            && chain::id(&file.metadata()?) == chain::id(&meta)
        {
            return Ok(self.finish());
        }
        if let Some(reader) = &mut self.reader
            && meta.len() < reader.offset()
        {
            reader.rewind();
            return Ok(true);
        }
        match (chain::after(&self.base, current)?, &self.end) {
            (Next::Newest, Ending::Never) => {
                // Held open, it would keep the kernel from saying that its folder was removed as well.
                if meta.nlink() == 0 {
                    self.flush_record();
                    self.reader = None;
                    self.removed_ns = Some(chain::modified_ns(&meta));
                }
                Ok(!self.ready.is_empty())
            }
            // The file to end in is gone.
            (Next::Newest, Ending::At { .. } | Ending::Done) => Ok(self.finish()),
            (Next::File(_), _) if !self.sealed => {
                self.sealed = true;
                Ok(true)
            }
            // Everything was read again after the newer file was seen.
            (Next::File(file), _) => {
                self.flush_record();
                self.sealed = false;
                self.reader = Some(self.read_from(file, 0)?);
                Ok(true)
            }
        }
    }

    /// Reads `file`, up to the end if it is there.
    fn read_from(&self, file: File, offset: u64) -> io::Result<LineReader> {
        let id = chain::id(&file.metadata()?);
        let reader = LineReader::new(file, offset);
        Ok(match &self.end {
            Ending::At { file, len } if chain::id(&file.metadata()?) == id => reader.up_to(*len),
            Ending::At { .. } | Ending::Never | Ending::Done => reader,
        })
    }

    /// This is the end. Whether lines are left to hand out.
    fn finish(&mut self) -> bool {
        self.flush();
        self.end = Ending::Done;
        !self.ready.is_empty()
    }

    /// Everything that is unfinished.
    fn flush(&mut self) {
        self.flush_record();
        while let Some(joined) = self.joiner.left() {
            if self.filter.accepts(&joined) {
                self.ready.push_back(line(&self.name, joined));
            }
        }
    }

    /// The record at the file's end that has no newline: text in a plain file, a torn record elsewhere.
    fn flush_record(&mut self) {
        let Some(range) = self.reader.as_mut().and_then(LineReader::unfinished) else {
            return;
        };
        if self.framed == Framed::No {
            self.record(range);
        }
    }
}

fn line(name: &Arc<str>, joined: Joined<'_>) -> Line {
    Line {
        name: Arc::clone(name),
        time_ns: joined.time_ns,
        stream: joined.stream,
        text: joined.text.into_owned(),
        partial: joined.end == End::Part,
    }
}
