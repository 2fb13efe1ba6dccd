//! Records of one file from some offset on, in a buffer of bounded size. Never blocks, never holds a whole file;
//! a record that is still being written is left until its newline is there.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use memchr::memchr;

/// How much is read at once.
const READ: usize = 64 << 10;

/// A record longer than this is handed out in parts.
const MAX_RECORD: usize = 1 << 20;

/// A file, read record by record.
#[derive(Debug)]
pub(super) struct LineReader {
    file: Arc<File>,
    buffer: Vec<u8>,
    /// Bytes of `buffer` before this were handed out.
    start: usize,
    /// Up to here there is no newline.
    searched: usize,
    /// Where in the file the buffer's end is.
    offset: u64,
    /// Nothing from here on is read.
    limit: u64,
}

impl LineReader {
    /// Reads `file` from `offset`, which must be where a record begins.
    pub(super) fn new(file: File, offset: u64) -> Self {
        Self { file: Arc::new(file), buffer: Vec::new(), start: 0, searched: 0, offset, limit: u64::MAX }
    }

    /// Reads nothing from `limit` on.
    pub(super) const fn up_to(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }

    /// The file.
    pub(super) const fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Where in the file reading has come to.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// The next record without its newline, as a range for [`Self::bytes`]. None: no whole one is there (yet).
    pub(super) fn next(&mut self) -> io::Result<Option<Range<usize>>> {
        loop {
            if let Some(at) = memchr(b'\n', &self.buffer[self.searched..]) {
                let end = self.searched + at;
                let range = self.start..end;
                self.start = end + 1;
                self.searched = end + 1;
                return Ok(Some(range));
            }
            self.searched = self.buffer.len();
            if self.searched - self.start >= MAX_RECORD {
                return Ok(self.unfinished());
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// What is there of a record whose newline is not; it counts as handed out.
    pub(super) fn unfinished(&mut self) -> Option<Range<usize>> {
        let range = self.start..self.buffer.len();
        self.start = range.end;
        self.searched = range.end;
        (!range.is_empty()).then_some(range)
    }

    /// Bytes of a range from `next` or `unfinished`, valid until the next call.
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }

    /// Begins again at the start: the file was truncated.
    pub(super) fn rewind(&mut self) {
        self.buffer.clear();
        self.start = 0;
        self.searched = 0;
        self.offset = 0;
    }

    /// Whether there was more.
    fn fill(&mut self) -> io::Result<bool> {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        let room = usize::try_from(self.limit.saturating_sub(self.offset)).unwrap_or(usize::MAX).min(READ);
        let filled = self.buffer.len();
        self.buffer.resize(filled + room, 0);
        let result = loop {
            match self.file.read_at(&mut self.buffer[filled..], self.offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        let count = *result.as_ref().unwrap_or(&0);
        self.buffer.truncate(filled + count);
        if self.buffer.is_empty() {
            // A follower of many quiet files holds no buffers.
            self.buffer = Vec::new();
        }
        self.offset += count as u64;
        result.map(|count| count > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn records(reader: &mut LineReader) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| reader.next().unwrap().map(|range| reader.bytes(range).to_vec())).collect()
    }

    #[test]
    fn waits_for_newlines() {
        let mut file = tempfile::tempfile().unwrap();
        let mut reader = LineReader::new(file.try_clone().unwrap(), 0);
        assert_eq!(records(&mut reader), Vec::<Vec<u8>>::new());
        file.write_all(b"a\n\nb").unwrap();
        assert_eq!(records(&mut reader), [&b"a"[..], b""]);
        file.write_all(b"c\nd").unwrap();
        assert_eq!(records(&mut reader), [b"bc"]);
        let rest = reader.unfinished().unwrap();
        assert_eq!(reader.bytes(rest), b"d");
        assert_eq!(reader.unfinished(), None);
        let mut limited = LineReader::new(file.try_clone().unwrap(), 2).up_to(4);
        assert_eq!(records(&mut limited), [&b""[..]]);
        assert_eq!(limited.offset(), 4);
    }

    #[test]
    fn long_records_come_in_parts() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![b'x'; 5 * MAX_RECORD / 2]).unwrap();
        file.write_all(b"\ny\n").unwrap();
        let found = records(&mut LineReader::new(file, 0));
        assert_eq!(found.len(), 4);
        assert_eq!(found[..3].iter().map(Vec::len).sum::<usize>(), 5 * MAX_RECORD / 2);
        assert_eq!(found[3], b"y");
    }
}
