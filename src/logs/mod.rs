//! Logs: capture of what services write, and reading it back.
//!
//! ```text
//!  pipes ─► Capture (one thread: epoll, split, stamp, match) ─► Sink (file, rotation) ─► DIR/api.log, api.log.1 …
//!                    └─► CaptureFact (matched, drained, trouble)                                │
//!  tspm logs ◄── read / Follow (no supervisor needed) ◄── Cursor (a log and its rotations) ◄────┘
//! ```
//!
//! Knows `model` only. Never blocks a service: what cannot be written is counted and said, the pipe is read on.
//! Lines never enter the core's queue; only facts derived from them do.

use std::path::{Path, PathBuf};

use crate::model::{InstanceId, Logs};

mod ansi;
mod batch;
mod capture;
#[cfg(test)]
mod capture_tests;
mod chain;
mod cursor;
mod decode;
mod engine;
mod follow;
#[cfg(test)]
mod follow_tests;
mod line_reader;
mod merge;
mod read;
#[cfg(test)]
mod read_tests;
mod runs;
mod seek;
mod sink;
#[cfg(test)]
mod sink_tests;
mod source;
pub(crate) mod splitter;
mod stamp;
mod watch;

pub use ansi::strip_ansi;
pub use capture::{Capture, CaptureFact, Source};
pub use follow::{Follow, FollowHandle, Target};
pub use read::{Line, Lines, Query, discover, last_lines, read};
pub use runs::runs;

/// Which of a process's two output streams a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// `stdout` or `stderr`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    /// The stream of that name.
    fn from_bytes(name: &[u8]) -> Option<Self> {
        match name {
            b"stdout" => Some(Self::Stdout),
            b"stderr" => Some(Self::Stderr),
            _ => None,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Stdout => 0,
            Self::Stderr => 1,
        }
    }
}

/// A log file and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// The file being written; rotated ones are beside it: `api.log.1` is the newest of them.
    pub path: PathBuf,
    /// Format and rotation.
    pub logs: Logs,
}

/// The log file of `instance` in `dir`: `DIR/api.log`.
pub fn path_of(dir: &Path, instance: &InstanceId) -> PathBuf {
    dir.join(format!("{instance}.log"))
}
