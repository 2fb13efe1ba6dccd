//! Following logs beside other things: the follower's thread hands its lines to whoever waits for them.
//!
//! Knows what it has handed out, so that at the end [`Tail::rest`] is exactly what is missing: a follower learns of a
//! line a moment after it was written, and nobody should have to guess how long a moment is.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::logs::{self, Follow, FollowHandle, Line, Query, Target};

/// Lines between the follower and the command. Full: the follower waits, nothing is lost.
const CHANNEL: usize = 256;

/// The most lines that [`Tail::rest`] gives back of one log: somebody who fell behind by more was not reading.
const REST: usize = 10_000;

/// Lines as they come.
#[derive(Debug)]
pub(crate) struct Tail {
    /// Dropped before `handle`, so that a follower that waits for room is let go.
    lines: mpsc::Receiver<Line>,
    handle: FollowHandle,
    query: Query,
    /// Logs by name.
    files: BTreeMap<String, PathBuf>,
    /// Of each log the time of the last line that was handed out, and how many lines had that time.
    seen: BTreeMap<Arc<str>, (i64, usize)>,
}

impl Tail {
    /// Follows `targets` from where `query` begins.
    pub(crate) fn start(targets: Vec<Target>, query: Query) -> io::Result<Self> {
        let (sender, lines) = mpsc::channel(CHANNEL);
        let files = targets.iter().filter_map(file).collect();
        let handle = Follow::start(targets, query.clone(), move |line| {
            // Nobody takes it: the command is ending.
            let _ = sender.blocking_send(line);
        })?;
        Ok(Self { lines, handle, query, files, seen: BTreeMap::new() })
    }

    /// Follows one more.
    pub(crate) fn add(&mut self, target: Target) {
        self.files.extend(file(&target));
        self.handle.add(target);
    }

    /// The next line; none: there will be no more. Loses nothing when it is dropped half-way.
    pub(crate) async fn next(&mut self) -> Option<Line> {
        let line = self.lines.recv().await?;
        Some(self.see(line))
    }

    /// A line that is there already.
    pub(crate) fn ready(&mut self) -> Option<Line> {
        let line = self.lines.try_recv().ok()?;
        Some(self.see(line))
    }

    /// Ends the following: what the named logs hold that was not handed out, in order of time.
    pub(crate) fn rest(self) -> Vec<Line> {
        let Self { lines, handle, query, files, seen } = self;
        drop(lines);
        drop(handle);
        let mut rest = Vec::new();
        for (name, path) in files {
            let (since, skip) = seen.get(name.as_str()).copied().unzip();
            let query = Query { since_ns: since.or(query.since_ns), last: None, ..query.clone() };
            rest.extend(logs::read(&[(name, path)], &query).skip(skip.unwrap_or(0)).take(REST));
        }
        rest.sort_by_key(|line| line.time_ns);
        rest
    }

    fn see(&mut self, line: Line) -> Line {
        let (time, count) = self.seen.entry(line.name.clone()).or_insert((line.time_ns, 0));
        if *time == line.time_ns {
            *count += 1;
        } else {
            (*time, *count) = (line.time_ns, 1);
        }
        line
    }
}

fn file(target: &Target) -> Option<(String, PathBuf)> {
    match target {
        Target::File { name, path } => Some((name.clone(), path.clone())),
        Target::Dir(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn texts(lines: Vec<Line>) -> Vec<String> {
        lines.into_iter().map(|line| format!("{} {}", line.name, String::from_utf8(line.text).unwrap())).collect()
    }

    #[test]
    fn the_rest_is_what_was_not_handed_out() {
        let dir = tempfile::tempdir().unwrap();
        let at = |ns: u32, text: &str| format!("2026-11-20T12:00:00.{ns:09}Z stdout F {text}\n");
        let (a, b) = (dir.path().join("a.log"), dir.path().join("b.log"));
        std::fs::write(&a, [at(1, "one"), at(2, "two")].concat()).unwrap();
        let target = |name: &str, path: &PathBuf| Target::File { name: name.to_owned(), path: path.clone() };
        let mut tail = Tail::start(vec![target("a", &a)], Query::default()).unwrap();
        tail.add(target("b", &b));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let handed = runtime.block_on(async { vec![tail.next().await.unwrap(), tail.next().await.unwrap()] });
        assert_eq!(texts(handed), ["a one", "a two"]);
        let mut file = std::fs::OpenOptions::new().append(true).open(&a).unwrap();
        // Two more with the time of the last one.
        write!(file, "{}{}{}", at(2, "three"), at(2, "four"), at(9, "six")).unwrap();
        std::fs::write(&b, at(5, "five")).unwrap();
        assert_eq!(texts(tail.rest()), ["a three", "a four", "b five", "a six"]);
    }
}
