//! One log file: appended to, rotated by size and count. Never blocks a service and never gives up: what cannot be
//! written is counted, and said once it works again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use memchr::{memchr_iter, memrchr};

use super::batch::{Batch, Cuts, Style};
use super::splitter::End;
use super::{LogFile, Stream};
use crate::model::{LogFormat, Logs};

/// How often it is checked that the file is still there and as long as thought.
const CHECK_NS: i64 = 1_000_000_000;

/// A file being written.
#[derive(Debug)]
pub(super) struct Sink {
    path: PathBuf,
    logs: Logs,
    file: Option<File>,
    /// Bytes in the file.
    size: u64,
    /// Rotate when the file would be larger than this.
    limit: u64,
    /// How many streams are inside a line of which pieces are written.
    open_lines: u32,
    /// Whether the file ends with a newline.
    at_line_start: bool,
    broken: Option<Broken>,
    checked_ns: i64,
}

/// Writing does not work.
#[derive(Debug)]
struct Broken {
    why: String,
    lost: usize,
}

impl Sink {
    pub(super) fn new(file: LogFile) -> Self {
        let limit = limit(&file.logs);
        Self {
            path: file.path,
            logs: file.logs,
            file: None,
            size: 0,
            limit,
            open_lines: 0,
            at_line_start: true,
            broken: None,
            checked_ns: 0,
        }
    }

    /// Later runs may bring other settings.
    pub(super) fn configure(&mut self, logs: &Logs) {
        if self.logs != *logs {
            self.logs = logs.clone();
            self.limit = limit(logs);
        }
    }

    pub(super) const fn format(&self) -> LogFormat {
        self.logs.format
    }

    /// Writes `batch`. Returns what a person should know: that it does not work, or that it works again.
    pub(super) fn write(&mut self, batch: &Batch, now_ns: i64) -> Option<String> {
        if batch.bytes().is_empty() {
            return None;
        }
        let others = self.open_lines.saturating_sub(u32::from(batch.continued()));
        self.open_lines = others + u32::from(batch.continues());
        let result = self.open(now_ns).and_then(|()| self.recover(now_ns));
        let recovered = match result {
            Ok(recovered) => recovered,
            Err(error) => return self.fail(&error, batch.bytes()),
        };
        match self.append(batch, others) {
            Ok(()) => recovered,
            Err((error, from)) => self.fail(&error, &batch.bytes()[from..]).or(recovered),
        }
    }

    /// What was lost and will not be said in the file, because nothing more is written to it.
    pub(super) fn close(&mut self) -> Option<String> {
        let broken = self.broken.take()?;
        Some(format!(
            "{} of output were lost: cannot write `{}`: {}",
            lines(broken.lost),
            self.path.display(),
            broken.why
        ))
    }

    /// Opens the file if it is not, or is no longer the one at its path.
    fn open(&mut self, now_ns: i64) -> io::Result<()> {
        if let Some(file) = &self.file {
            if (now_ns - self.checked_ns).abs() < CHECK_NS {
                return Ok(());
            }
            self.checked_ns = now_ns;
            let meta = file.metadata()?;
            if meta.nlink() > 0 {
                self.size = meta.len();
                return Ok(());
            }
            self.file = None;
        }
        if let Some(dir) = self.path.parent() {
            fs::create_dir_all(dir)?;
        }
        let file = OpenOptions::new().read(true).append(true).create(true).open(&self.path)?;
        let meta = file.metadata()?;
        self.size = meta.len();
        let mut last = [b'\n'];
        if meta.is_file() && self.size > 0 {
            file.read_exact_at(&mut last, self.size - 1)?;
        }
        self.at_line_start = last == [b'\n'];
        self.checked_ns = now_ns;
        self.file = Some(file);
        Ok(())
    }

    /// Says in the file how much is missing before what is written next.
    fn recover(&mut self, now_ns: i64) -> io::Result<Option<String>> {
        let Some(broken) = &self.broken else {
            return Ok(None);
        };
        let message = format!("{} of output were lost here: {}", lines(broken.lost), broken.why);
        let mut batch = Batch::default();
        batch.begin(false);
        batch.push(
            &Style::new(self.format(), Stream::Stdout, now_ns),
            format!("tspm: {message}").as_bytes(),
            End::Full,
        );
        self.put(batch.bytes())?;
        self.broken = None;
        Ok(Some(format!("`{}` can be written again; {message}", self.path.display())))
    }

    /// On failure: from which offset on nothing was written.
    fn append(&mut self, batch: &Batch, others: u32) -> Result<(), (io::Error, usize)> {
        let bytes = batch.bytes();
        let mut from = 0;
        if !self.at_line_start && !batch.continued() {
            self.put(b"\n").map_err(|error| (error, from))?;
        }
        while from < bytes.len() {
            let room = self.limit.saturating_sub(self.size);
            let runaway = self.size >= self.limit.saturating_mul(2);
            let cuts = if runaway { Cuts::BetweenRecords } else { Cuts::BetweenLines };
            let fits = (bytes.len() - from) as u64 <= room || (others > 0 && !runaway);
            let to = if fits {
                bytes.len()
            } else {
                let room = usize::try_from(room).unwrap_or(usize::MAX);
                match batch.cut_before(from, from.saturating_add(room), cuts) {
                    Some(at) if at == from && self.size > 0 => {
                        self.rotate().map_err(|error| (error, from))?;
                        continue;
                    }
                    Some(at) if at > from => at,
                    // A line larger than a file, or the rest of one whose beginning is in the file.
                    Some(_) | None => batch.cut_after(from, cuts),
                }
            };
            let before = self.size;
            self.put(&bytes[from..to]).map_err(|error| {
                let kept = usize::try_from(self.size.saturating_sub(before)).unwrap_or(0);
                (error, from + kept)
            })?;
            from = to;
        }
        Ok(())
    }

    /// Appends, whole records or none: what was written of a record before an error is taken back.
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(mut file) = self.file.as_ref() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let mut written = 0;
        while written < bytes.len() {
            match file.write(&bytes[written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let kept = memrchr(b'\n', &bytes[..written]).map_or(0, |at| at + 1);
                    self.size += kept as u64;
                    let torn = (written - kept) as u64;
                    if torn > 0 {
                        let cut = file.metadata().and_then(|meta| file.set_len(meta.len().saturating_sub(torn)));
                        self.at_line_start &= cut.is_ok();
                    }
                    return Err(error);
                }
            }
        }
        self.size += written as u64;
        self.at_line_start = bytes.ends_with(b"\n");
        Ok(())
    }

    /// `api.log` becomes `api.log.1`, that `api.log.2` …; the oldest goes. Renames only: who reads a file reads on.
    fn rotate(&mut self) -> io::Result<()> {
        if shift(&self.path, self.logs.max_files).is_err() {
            // Better one file too large than lines lost; tried again once it has grown by as much again.
            self.limit = self.size.saturating_add(limit(&self.logs));
            return Ok(());
        }
        self.file = None;
        self.limit = limit(&self.logs);
        self.open(self.checked_ns)
    }

    fn fail(&mut self, error: &io::Error, unwritten: &[u8]) -> Option<String> {
        let lost = memchr_iter(b'\n', unwritten).count();
        if let Some(broken) = &mut self.broken {
            broken.lost += lost;
            return None;
        }
        let why = error.to_string();
        let message = format!(
            "cannot write `{}`: {why}; the service runs on, its output is lost until this works again",
            self.path.display()
        );
        self.broken = Some(Broken { why, lost });
        Some(message)
    }
}

/// Moves every rotated file of `path` one up and `path` to `.1`, keeping at most `max_files` with a new `path`.
fn shift(path: &Path, max_files: u32) -> io::Result<()> {
    let max_files = max_files.max(1);
    // Left from times with a larger `max_files`.
    for stale in (max_files..).map(|index| rotated(path, index)).take_while(|path| path.exists()) {
        fs::remove_file(stale)?;
    }
    if max_files == 1 {
        return fs::remove_file(path);
    }
    for index in (1..max_files - 1).rev() {
        match fs::rename(rotated(path, index), rotated(path, index + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    fs::rename(path, rotated(path, 1))
}

/// `api.log.3`
pub(super) fn rotated(path: &Path, index: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{index}"));
    PathBuf::from(name)
}

/// 0 in the file means: never.
const fn limit(logs: &Logs) -> u64 {
    if logs.max_size == 0 { u64::MAX } else { logs.max_size }
}

fn lines(count: usize) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{count} lines") }
}
