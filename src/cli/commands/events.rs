//! `tspm events`: the journal of what happened. Reads the file: no supervisor is needed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use notify::{RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::api::wire::EventView;
use crate::cli::args::EventsArgs;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Trouble};
use crate::cli::exit::Exit;
use crate::cli::select::Catalog;
use crate::cli::{out, render};
use crate::sys::clock;

/// Shows what happened, and with `-f` what happens.
pub(crate) async fn run(context: &Context, args: &EventsArgs) -> Result<Exit, CliError> {
    let home = context.home()?;
    let since = args.since.as_ref().map(|when| when.nanos(clock::wall_now_ns(), &TimeZone::system()) / 1_000_000);
    let mut journal = Journal::new(home.place.events());
    // Full: a look is due already, and it will see this too.
    let (wake, mut woken) = mpsc::channel(1);
    let mut watcher = notify::recommended_watcher(move |_: notify::Result<notify::Event>| {
        let _ = wake.try_send(());
    })
    .map_err(|error| Trouble::new(Exit::Failed, format!("the journal cannot be watched: {error}")))?;
    if args.follow {
        // Watched before it is read: nothing falls between.
        watcher.watch(&home.place.dir, RecursiveMode::NonRecursive).map_err(|_| {
            let what = format!("nothing has happened yet: there is no `{}`", home.place.dir.display());
            Trouble::new(Exit::NotRunning, what).hint("start the project with `tspm up`")
        })?;
    }
    let mut first = journal.read()?;
    let known: BTreeSet<String> = first.iter().filter_map(|event| event.service.clone()).collect();
    let width = known.iter().map(String::len).max().unwrap_or(0).max("tspm".len());
    let chosen: Option<BTreeSet<String>> = if args.select.select.is_empty() {
        None
    } else {
        let catalog = match context.read_quietly() {
            Ok((_, loaded)) => Catalog::of_project(&loaded.project).with_names(&known),
            Err(_) => Catalog::of_names(known),
        };
        Some(catalog.select(&args.select.select)?.into_iter().map(|entry| entry.name.clone()).collect())
    };
    let zone = TimeZone::system();
    let shows = |event: &EventView| {
        since.is_none_or(|since| event.at_ms >= since)
            && chosen.as_ref().is_none_or(|names| event.service.as_ref().is_some_and(|name| names.contains(name)))
    };
    let mut gone = std::pin::pin!(out::reader_gone());
    loop {
        for event in first.iter().filter(|event| shows(event)) {
            let line = if args.json {
                out::json_line(event)
            } else {
                render::event::journal(event, width, &zone, context.paint) + "\n"
            };
            if !out::print(&line) {
                return Ok(Exit::Done);
            }
        }
        if !args.follow {
            return Ok(Exit::Done);
        }
        let more = tokio::select! {
            more = woken.recv() => more,
            () = &mut gone => None,
        };
        if more.is_none() {
            return Ok(Exit::Done);
        }
        first = journal.read()?;
    }
}

/// A journal and how far it has been read.
struct Journal {
    path: PathBuf,
    open: Option<(BufReader<File>, u64)>,
    /// A line whose end is not written yet.
    partial: Vec<u8>,
}

impl Journal {
    fn new(path: PathBuf) -> Self {
        Self { path, open: None, partial: Vec::new() }
    }

    /// What is new. A journal that was begun anew is read from its beginning; a line that is none is left out.
    fn read(&mut self) -> io::Result<Vec<EventView>> {
        let mut events = Vec::new();
        self.take(&mut events)?;
        // Replaced by another file: what the old one still held has been taken.
        let now = inode(&self.path);
        if now.is_some() && self.open.as_ref().map(|(_, inode)| *inode) != now {
            let file = File::open(&self.path)?;
            let inode = file.metadata()?.ino();
            self.open = Some((BufReader::new(file), inode));
            self.partial.clear();
            self.take(&mut events)?;
        }
        Ok(events)
    }

    fn take(&mut self, events: &mut Vec<EventView>) -> io::Result<()> {
        let Some((reader, _)) = &mut self.open else { return Ok(()) };
        while reader.read_until(b'\n', &mut self.partial)? > 0 && self.partial.ends_with(b"\n") {
            events.extend(serde_json::from_slice(&self.partial).ok());
            self.partial.clear();
        }
        Ok(())
    }
}

fn inode(path: &Path) -> Option<u64> {
    Some(std::fs::metadata(path).ok()?.ino())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn line(message: &str) -> String {
        let event = EventView {
            schema_version: 1,
            at_ms: 1,
            generation: 1,
            service: None,
            event: "applied".into(),
            message: message.into(),
            view: None,
        };
        out::json_line(&event)
    }

    #[test]
    fn a_journal_is_read_on_over_torn_lines_and_replacement() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let mut journal = Journal::new(path.clone());
        let read = |journal: &mut Journal| -> Vec<String> {
            journal.read().unwrap().into_iter().map(|event| event.message).collect()
        };
        assert!(read(&mut journal).is_empty(), "there is none yet");
        let mut file = File::create(&path).unwrap();
        let (torn, rest) = (line("b")[..10].to_owned(), line("b")[10..].to_owned());
        write!(file, "{}not json\n{torn}", line("a")).unwrap();
        assert_eq!(read(&mut journal), ["a"]);
        write!(file, "{rest}").unwrap();
        assert_eq!(read(&mut journal), ["b"]);
        write!(file, "{}", line("c")).unwrap();
        std::fs::rename(&path, dir.path().join("old")).unwrap();
        std::fs::write(&path, line("d")).unwrap();
        assert_eq!(read(&mut journal), ["c", "d"]);
    }
}
