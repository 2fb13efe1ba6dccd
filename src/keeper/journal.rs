//! The run journal: which processes this keeper made, for whoever comes after a total kill.
//!
//! JSON lines, appended with one `write` a turn, never read by the keeper. Only the keeper writes it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::sys::{clock, identity};

use super::home;
use super::protocol::Run;

/// Of the lines, in the first of them.
const VERSION: u32 = 1;
/// A journal that has grown beyond this many bytes is written anew, with the live runs only.
const LONGEST: u64 = 1 << 20;

/// The open journal.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    path: PathBuf,
    header: String,
    length: u64,
    /// Lines to be written.
    lines: String,
}

/// One process, beyond doubt on this boot in this pid namespace: pid and start time.
pub(super) type Identity = (u32, u64);

/// A line.
#[derive(Debug, Serialize)]
#[serde(tag = "line", rename_all = "lowercase")]
pub(super) enum Line<'a> {
    /// The first: who writes, where the identities hold, whose processes these are.
    Keeper {
        version: u32,
        boot_id: &'a str,
        pid_namespace: u64,
        keeper: Identity,
        project_id: &'a str,
        /// Device and inode of the project's folder.
        folder: (u64, u64),
    },
    /// A leader runs.
    Spawn { at: i64, run: Run, label: &'a str, pid: u32, start: u64, shim: Identity, pgid: u32, session: u32 },
    /// A leader ended: `wait4`'s status; none, if nobody saw.
    Exit { at: i64, run: Run, status: Option<i32> },
    /// A run's processes are gone.
    Empty { at: i64, run: Run },
}

impl Journal {
    /// Begins a journal. One that an earlier keeper left is kept beside it, as `runs.jsonl.old`.
    pub(super) fn begin(path: PathBuf, project_id: &str, folder: &Path) -> io::Result<Self> {
        match std::fs::rename(&path, home::old(&path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let meta = std::fs::metadata(folder)?;
        let pid = std::process::id();
        let header = line(&Line::Keeper {
            version: VERSION,
            boot_id: &identity::boot_id()?,
            pid_namespace: identity::pid_namespace()?,
            keeper: (pid, identity::start_time(pid)?),
            project_id,
            folder: (meta.dev(), meta.ino()),
        });
        let file = create(&path, &header)?;
        Ok(Self { file, path, length: header.len() as u64, header, lines: String::new() })
    }

    /// Adds a line, to be written by [`flush`](Self::flush).
    pub(super) fn add(&mut self, entry: &Line<'_>) {
        self.lines += &line(entry);
    }

    /// Appends what was added, with one `write`. `live` gives the lines of the live runs, for the case that
    /// the journal has become too long.
    pub(super) fn flush<'a>(&mut self, live: impl Iterator<Item = Line<'a>>) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.lines);
        self.length += lines.len() as u64;
        if self.length <= LONGEST {
            return self.file.write_all(lines.as_bytes());
        }
        let lines = live.fold(self.header.clone(), |lines, entry| lines + &line(&entry));
        let new = self.path.with_extension("jsonl.new");
        self.file = create(&new, &lines)?;
        self.length = lines.len() as u64;
        std::fs::rename(new, &self.path)
    }
}

/// The time of a line: milliseconds since 1970.
pub(super) fn at() -> i64 {
    clock::wall_now_ns() / 1_000_000
}

fn line(entry: &Line<'_>) -> String {
    serde_json::to_string(entry).expect("a line holds only numbers, text and lists") + "\n"
}

fn create(path: &Path, text: &str) -> io::Result<File> {
    let _ = std::fs::remove_file(path);
    let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}
