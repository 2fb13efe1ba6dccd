//! The event journal: `events.jsonl` in the state folder, a line of [`EventView`] each (without the instance),
//! for `tspm events`.
//!
//! It never holds values of variables, and it never grows without bound: past a limit the file becomes
//! `events.jsonl.1` and a new one begins.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::wire::EventView;

/// A line has some 200 bytes: twenty thousand events, twice.
const MAX_BYTES: u64 = 4 << 20;

/// The file that is written.
pub(super) struct Journal {
    path: PathBuf,
    file: BufWriter<File>,
    written: u64,
}

impl Journal {
    /// Opens the journal, keeping what is in it.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
        let written = file.metadata()?.len();
        Ok(Self { path, file: BufWriter::new(file), written })
    }

    /// Writes what was appended: once a turn, as a turn may tell of every service.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    /// Appends one event. The caller goes on if it fails: a full disk must not stop the supervisor.
    pub(super) fn append(&mut self, event: &EventView) -> io::Result<()> {
        if self.written > MAX_BYTES {
            let mut older = self.path.clone().into_os_string();
            older.push(".1");
            self.file.flush()?;
            std::fs::rename(&self.path, older)?;
            *self = Self::open(std::mem::take(&mut self.path))?;
        }
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.written += line.len() as u64;
        Ok(())
    }
}
