//! Capture against real pipes: what goes in comes out, in order, whatever else happens.

use std::fs;
use std::io::{PipeWriter, Write, pipe};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};

use regex::bytes::Regex;

use super::*;
use crate::model::{LogFormat, RunId};

struct Fixture {
    capture: Capture,
    facts: Receiver<CaptureFact>,
    dir: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let (sender, facts) = mpsc::channel();
    let capture = Capture::start(move |fact| drop(sender.send(fact))).unwrap();
    Fixture { capture, facts, dir: tempfile::tempdir().unwrap() }
}

impl Fixture {
    fn log(&self) -> PathBuf {
        self.dir.path().join("logs/api.log")
    }

    /// A source over two fresh pipes; their write ends.
    fn source(&self, run: u64) -> (Source, PipeWriter, PipeWriter) {
        let (stdout, out) = pipe().unwrap();
        let (stderr, err) = pipe().unwrap();
        let file = LogFile { path: self.log(), logs: Logs::default() };
        let source = Source {
            run: RunId(run),
            stdout: stdout.into(),
            stderr: stderr.into(),
            file: Some(file),
            tail: 0,
            patterns: Vec::new(),
            marks_run: true,
        };
        (source, out, err)
    }

    fn add(&self, run: u64, change: impl FnOnce(&mut Source)) -> (PipeWriter, PipeWriter) {
        let (mut source, out, err) = self.source(run);
        change(&mut source);
        self.capture.add(source);
        (out, err)
    }

    /// Drains, and returns what was reported until then and the tail.
    fn drain(&self, run: u64) -> (Vec<CaptureFact>, Vec<u8>) {
        self.capture.drain(RunId(run));
        let mut before = Vec::new();
        loop {
            match self.facts.recv().unwrap() {
                CaptureFact::Drained { run: drained, tail } if drained == RunId(run) => return (before, tail),
                other => before.push(other),
            }
        }
    }
}

/// `stream tag text` of each record, and that the stamps are in order.
fn records(path: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(path).unwrap();
    let whole = bytes.strip_suffix(b"\n").expect("a record ends with a newline");
    let records: Vec<&[u8]> = whole.split(|byte| *byte == b'\n').collect();
    let mut parser = stamp::Parser::default();
    let stamps: Vec<i64> = records.iter().map(|record| parser.parse(&record[..stamp::LEN]).unwrap()).collect();
    assert!(stamps.is_sorted());
    records.iter().map(|record| record[stamp::LEN + 1..].to_vec()).collect()
}

#[test]
fn bytes_are_kept_as_they_are() {
    let fixture = fixture();
    let (mut out, mut err) = fixture.add(1, |_| ());
    out.write_all(b"one\r\n\n\xff\xfe\0\nlast without newline").unwrap();
    err.write_all(b"trouble\n").unwrap();
    // The write ends stay open, as an escapee's would.
    assert_eq!(fixture.drain(1), (Vec::new(), Vec::new()));
    let expected: [&[u8]; 5] = [
        b"stdout F one\r",
        b"stdout F ",
        b"stdout F \xff\xfe\0",
        b"stdout F last without newline",
        b"stderr F trouble",
    ];
    let mut found = records(&fixture.log());
    found.sort_by_key(|record| record.starts_with(b"stderr"));
    assert_eq!(found, expected);
    assert_eq!(runs(&fixture.log()).len(), 1);
    drop((out, err));
}

#[test]
fn long_lines_are_pieces_and_the_ends_of_pipes_are_noticed() {
    let fixture = fixture();
    let (mut out, err) = fixture.add(1, |_| ());
    let text = vec![b'x'; 40_000];
    out.write_all(&text).unwrap();
    drop((out, err));
    fixture.drain(1);
    let pieces: Vec<_> = records(&fixture.log());
    let tags: Vec<&[u8]> = pieces.iter().map(|piece| &piece[..9]).collect();
    assert_eq!(tags, [&b"stdout P "[..], b"stdout P ", b"stdout F "]);
    let lines: Vec<Line> = read(&[("api".to_owned(), fixture.log())], &Query::default()).collect();
    assert_eq!((lines.len(), &lines[0].text, lines[0].partial), (1, &text, false));
}

#[test]
fn a_flood_is_whole_and_in_order_across_rotations() {
    const COUNT: usize = 60_000;
    let fixture = fixture();
    let (mut out, mut err) = fixture.add(1, |source| {
        let logs = Logs { max_size: 64 << 10, max_files: 1000, ..Logs::default() };
        source.file = Some(LogFile { path: fixture.log(), logs });
    });
    let quiet = std::thread::spawn(move || {
        for number in 0..100 {
            writeln!(err, "e{number}").unwrap();
        }
    });
    for chunk in (0..COUNT).collect::<Vec<_>>().chunks(97) {
        let lines: Vec<String> = chunk.iter().map(|number| format!("line {number}\n")).collect();
        out.write_all(lines.concat().as_bytes()).unwrap();
    }
    quiet.join().unwrap();
    fixture.drain(1);
    let files = chain::list(&fixture.log()).unwrap();
    assert!(files.len() > 40, "{}", files.len());
    let all = |stream| {
        let query = Query { stream: Some(stream), ..Query::default() };
        read(&[("api".to_owned(), fixture.log())], &query).map(|line| line.text).collect::<Vec<_>>()
    };
    let expected: Vec<Vec<u8>> = (0..COUNT).map(|number| format!("line {number}").into_bytes()).collect();
    assert!(all(Stream::Stdout) == expected);
    assert_eq!(all(Stream::Stderr).len(), 100);
}

#[test]
fn empty_lines_by_the_thousand() {
    let fixture = fixture();
    let (mut out, _err) = fixture.add(1, |_| ());
    out.write_all(&b"\n".repeat(200_000)).unwrap();
    fixture.drain(1);
    assert_eq!(records(&fixture.log()).len(), 200_000);
}

#[test]
fn patterns_match_once_per_read_and_can_be_given_up() {
    let fixture = fixture();
    let (mut out, mut err) = fixture.add(1, |source| {
        source.patterns = vec![(7, Regex::new("^ready$").unwrap()), (8, Regex::new("beat").unwrap())];
        source.file = None;
    });
    err.write_all(b"not ready\nbeat\nbeat\n").unwrap();
    let run = RunId(1);
    assert_eq!(fixture.facts.recv().unwrap(), CaptureFact::Matched { run, tag: 8 });
    out.write_all(b"\x1b[32mready\x1b[m\r\n").unwrap();
    assert_eq!(fixture.facts.recv().unwrap(), CaptureFact::Matched { run, tag: 7 });
    fixture.capture.unwatch(run, 7);
    out.write_all(b"ready\nbeat").unwrap();
    assert_eq!(fixture.drain(1).0, [CaptureFact::Matched { run, tag: 8 }], "also in the unfinished last line");
    assert!(!fixture.log().exists());
}

#[test]
fn the_tail_holds_the_last_bytes() {
    let fixture = fixture();
    let (mut out, _err) = fixture.add(1, |source| {
        source.tail = 10;
        source.file = None;
    });
    out.write_all(&vec![b'x'; 5000]).unwrap();
    out.write_all(b"the end\n").unwrap();
    assert_eq!(fixture.drain(1).1, b"xxthe end\n");
    assert_eq!(fixture.drain(99), (Vec::new(), Vec::new()), "a run that is not known");
}

#[test]
fn one_file_for_several_runs_and_notes() {
    let fixture = fixture();
    let (mut first, _err) = fixture.add(1, |_| ());
    let (mut hook, _err) = fixture.add(2, |source| source.marks_run = false);
    let file = LogFile { path: fixture.log(), logs: Logs::default() };
    first.write_all(b"service\n").unwrap();
    fixture.drain(1);
    hook.write_all(b"hook\n").unwrap();
    fixture.drain(2);
    fixture.capture.note(file, "restarted");
    fixture.drain(3);
    let expected: [&[u8]; 3] = [b"stdout F service", b"stdout F hook", b"stdout F tspm: restarted"];
    assert_eq!(records(&fixture.log()), expected);
    assert_eq!(runs(&fixture.log()).len(), 1);
}

#[test]
fn a_full_disk_blocks_nobody_and_is_said_once() {
    let fixture = fixture();
    let (mut out, _err) = fixture.add(1, |source| {
        source.marks_run = false;
        source.file = Some(LogFile { path: "/dev/full".into(), logs: Logs::default() });
    });
    for _ in 0..50 {
        // More than the pipe holds: it is drained all the same.
        out.write_all(&b"lost\n".repeat(10_000)).unwrap();
    }
    let (facts, _) = fixture.drain(1);
    let [CaptureFact::Trouble { message: first, .. }, CaptureFact::Trouble { message: last, .. }] = &facts[..]
    else {
        panic!("{facts:?}")
    };
    assert!(first.starts_with("cannot write `/dev/full`: No space left"), "{first}");
    assert!(last.starts_with("500000 lines of output were lost"), "{last}");
}

#[test]
fn says_what_was_lost_once_it_works_again() {
    let fixture = fixture();
    let blocker = fixture.dir.path().join("logs");
    fs::write(&blocker, "a file where the folder should be").unwrap();
    let (mut out, _err) = fixture.add(1, |source| source.marks_run = false);
    out.write_all(b"one\ntwo\n").unwrap();
    let CaptureFact::Trouble { message, .. } = fixture.facts.recv().unwrap() else { panic!() };
    assert!(message.contains("the service runs on"), "{message}");
    fs::remove_file(&blocker).unwrap();
    out.write_all(b"three\n").unwrap();
    let CaptureFact::Trouble { message, .. } = fixture.facts.recv().unwrap() else { panic!() };
    assert!(message.contains("can be written again; 2 lines of output were lost"), "{message}");
    fixture.drain(1);
    let found = records(&fixture.log());
    assert!(found[0].starts_with(b"stdout F tspm: 2 lines of output were lost here: "));
    assert_eq!(found[1..], [b"stdout F three"]);
}

#[test]
fn the_other_formats_read_back_the_same() {
    for format in [LogFormat::Json, LogFormat::Plain] {
        let fixture = fixture();
        let (mut out, _err) = fixture.add(1, |source| {
            source.file = Some(LogFile { path: fixture.log(), logs: Logs { format, ..Logs::default() } });
        });
        let long = "é".repeat(20_000);
        writeln!(out, "\"quoted\"\t\x1b[0m\n{long}\nlast").unwrap();
        fixture.drain(1);
        let lines: Vec<_> = read(&[("api".to_owned(), fixture.log())], &Query::default()).collect();
        let texts: Vec<&[u8]> = lines.iter().map(|line| &line.text[..]).collect();
        assert_eq!(texts, [b"\"quoted\"\t\x1b[0m", long.as_bytes(), b"last"], "{format:?}");
        assert_eq!(lines.iter().all(|line| line.time_ns > 0), format == LogFormat::Json);
    }
}

#[test]
fn dropping_the_handle_drains_everything() {
    let fixture = fixture();
    let (mut out, _err) = fixture.add(1, |_| ());
    out.write_all(b"x\ny").unwrap();
    let Fixture { capture, facts, dir } = fixture;
    drop(capture);
    assert_eq!(facts.recv().unwrap(), CaptureFact::Drained { run: RunId(1), tail: Vec::new() });
    assert_eq!(records(&dir.path().join("logs/api.log")).len(), 2);
}
