//! Reading logs back: a question, lines in answer. Works on the files alone, no supervisor is needed.

use std::collections::{VecDeque, vec_deque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regex::bytes::Regex;

use super::ansi::strip_ansi;
use super::cursor::{Cursor, Until};
use super::decode::Joined;
use super::merge::Merge;
use super::runs::runs;
use super::{Stream, seek};

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Whose: the name given with the file.
    pub name: Arc<str>,
    /// Nanoseconds since 1970; 0 in a plain file, which holds no times.
    pub time_ns: i64,
    /// Where it was written to; standard output for a plain file.
    pub stream: Stream,
    /// The bytes as the service wrote them, without the newline; terminal codes and `\r` are kept.
    pub text: Vec<u8>,
    /// Its end is not in here: it never came (yet), or the line has more than 1 MiB.
    pub partial: bool,
}

/// Which lines are wanted. The default: all.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Not before this time, in nanoseconds since 1970. Lines without a time pass.
    pub since_ns: Option<i64>,
    /// Before this time.
    pub until_ns: Option<i64>,
    /// Only the last so many lines of the merged result.
    pub last: Option<usize>,
    /// Only lines that match, without terminal codes.
    pub grep: Option<Regex>,
    /// Only lines of this stream.
    pub stream: Option<Stream>,
    /// Only lines of each service's run before the last one.
    pub previous: bool,
}

/// What a line must be, for one log.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) since_ns: Option<i64>,
    until_ns: Option<i64>,
    grep: Option<Regex>,
    stream: Option<Stream>,
}

impl Filter {
    /// What `query` means for the log `base`. None: there is nothing to read (no previous run).
    pub(super) fn new(query: &Query, base: &Path) -> Option<Self> {
        let mut filter = Self {
            since_ns: query.since_ns,
            until_ns: query.until_ns,
            grep: query.grep.clone(),
            stream: query.stream,
        };
        if query.previous {
            let [.., previous, last] = runs(base)[..] else {
                return None;
            };
            filter.since_ns = Some(filter.since_ns.map_or(previous, |since| since.max(previous)));
            filter.until_ns = Some(filter.until_ns.map_or(last, |until| until.min(last)));
        }
        Some(filter)
    }

    pub(super) fn accepts(&self, line: &Joined<'_>) -> bool {
        let timed = line.time_ns != 0;
        self.stream.is_none_or(|stream| stream == line.stream)
            && !(timed && self.since_ns.is_some_and(|since| line.time_ns < since))
            && !(timed && self.until_ns.is_some_and(|until| line.time_ns >= until))
            && self.grep.as_ref().is_none_or(|grep| grep.is_match(&strip_ansi(&line.text)))
    }
}

/// The answer: lines in order of time. Holds one line of each log, or as many as `last` asks for.
#[derive(Debug)]
pub struct Lines {
    merge: Merge,
    kept: Option<vec_deque::IntoIter<Line>>,
    problems: Vec<(PathBuf, io::Error)>,
}

impl Lines {
    /// Logs that could not be read (further), with the reason. Complete once the iterator is at its end.
    pub fn problems(&self) -> impl Iterator<Item = (&Path, &io::Error)> {
        let early = self.problems.iter().map(|(path, error)| (path.as_path(), error));
        let late =
            self.merge.cursors().iter().filter_map(|cursor| Some((cursor.base().as_path(), cursor.error()?)));
        early.chain(late)
    }
}

impl Iterator for Lines {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        match &mut self.kept {
            Some(kept) => kept.next(),
            None => self.merge.next_line(),
        }
    }
}

/// What the logs hold now, each `(name, path)` with its rotations, merged by time. A log that does not exist has
/// no lines.
pub fn read(files: &[(String, PathBuf)], query: &Query) -> Lines {
    let (merge, problems) = cursors(files, query, Until::Now);
    let mut lines = Lines { merge, kept: None, problems };
    if let Some(last) = query.last {
        lines.kept = Some(keep_last(&mut lines.merge, last, i64::MAX).into_iter());
    }
    lines
}

/// Cursors at where `query` begins.
pub(super) fn cursors(
    files: &[(String, PathBuf)],
    query: &Query,
    until: Until,
) -> (Merge, Vec<(PathBuf, io::Error)>) {
    let mut merge = Merge::default();
    let mut problems = Vec::new();
    for (name, base) in files {
        let Some(filter) = Filter::new(query, base) else {
            continue;
        };
        match seek::start(base, &filter, query.last) {
            Ok(start) => merge.push(Cursor::new(Arc::from(&**name), base.clone(), Arc::new(filter), start, until)),
            Err(error) => problems.push((base.clone(), error)),
        }
    }
    (merge, problems)
}

/// The last `count` lines of what `merge` has, up to and with the first one that is not older than `now_ns`: behind a
/// service that writes faster than one can read, there is no end.
pub(super) fn keep_last(merge: &mut Merge, count: usize, now_ns: i64) -> VecDeque<Line> {
    let mut kept = VecDeque::new();
    while let Some(line) = merge.next_line() {
        let new = line.time_ns >= now_ns;
        kept.push_back(line);
        if kept.len() > count && !new {
            kept.pop_front();
        }
        if new {
            break;
        }
    }
    kept
}

/// The last `count` lines of the last run whose log is `path`, as text without terminal codes: for error messages.
/// None where nothing can be read.
pub fn last_lines(path: &Path, count: usize) -> Vec<String> {
    let query = Query { since_ns: runs(path).last().copied(), last: Some(count), ..Query::default() };
    read(&[(String::new(), path.to_owned())], &query)
        .map(|line| String::from_utf8_lossy(&strip_ansi(&line.text)).trim_end_matches('\r').to_owned())
        .collect()
}

/// The logs in a folder, by name: `(api, DIR/api.log)`. None where there is no folder.
pub fn discover(dir: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?.strip_suffix(".log")?.to_owned();
            Some((name, path))
        })
        .collect();
    found.sort();
    found
}
