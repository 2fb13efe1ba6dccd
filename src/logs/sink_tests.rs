//! The sink by itself: rotation, and files that change under it.

use std::fs;
use std::path::PathBuf;

use super::batch::{Batch, Style};
use super::sink::Sink;
use super::splitter::End;
use super::{LogFile, Stream};
use crate::model::{LogFormat, Logs};

/// One second in nanoseconds.
const SECOND: i64 = 1_000_000_000;

struct Fixture {
    dir: tempfile::TempDir,
    sink: Sink,
}

fn fixture(max_size: u64, max_files: u32, format: LogFormat) -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let logs = Logs { max_size, max_files, format, ..Logs::default() };
    let sink = Sink::new(LogFile { path: dir.path().join("x.log"), logs });
    Fixture { dir, sink }
}

impl Fixture {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn write(&mut self, continued: bool, pieces: &[(&str, End)], now_ns: i64) -> Option<String> {
        let style = Style::new(self.sink.format(), Stream::Stdout, now_ns);
        let mut batch = Batch::default();
        batch.begin(continued);
        for (text, end) in pieces {
            batch.push(&style, text.as_bytes(), *end);
        }
        self.sink.write(&batch, now_ns)
    }

    fn lines(&mut self, lines: &[&str]) {
        let pieces: Vec<_> = lines.iter().map(|line| (*line, End::Full)).collect();
        assert_eq!(self.write(false, &pieces, 0), None);
    }
}

#[test]
fn rotates_by_size_and_count() {
    let mut fixture = fixture(6, 3, LogFormat::Plain);
    fs::write(fixture.path("x.log.3"), "left from a larger max_files").unwrap();
    fixture.lines(&["11", "22", "33", "44", "55"]);
    fixture.lines(&["66"]);
    assert_eq!(fixture.names(), ["x.log", "x.log.1", "x.log.2"]);
    assert_eq!((fixture.text("x.log.2"), fixture.text("x.log.1")), ("11\n22\n".into(), "33\n44\n".into()));
    fixture.lines(&["77", "a line larger than a file", "88"]);
    assert_eq!(fixture.text("x.log.2"), "77\n", "55 and 66 filled theirs");
    assert_eq!(fixture.text("x.log.1"), "a line larger than a file\n");
    assert_eq!(fixture.text("x.log"), "88\n");
}

#[test]
fn one_file_alone_begins_again() {
    let mut fixture = fixture(6, 1, LogFormat::Plain);
    fixture.lines(&["11", "22", "33"]);
    assert_eq!(fixture.names(), ["x.log"]);
    assert_eq!(fixture.text("x.log"), "33\n");
}

#[test]
fn zero_is_never() {
    let mut fixture = fixture(0, 3, LogFormat::Plain);
    fixture.lines(&["11"; 1000]);
    assert_eq!(fixture.names(), ["x.log"]);
}

#[test]
fn a_line_in_pieces_stays_in_one_file() {
    let mut fixture = fixture(150, 5, LogFormat::Cri);
    fixture.write(false, &[("a", End::Full), ("b", End::Part)], 0);
    assert_eq!(fixture.write(false, &[("other stream", End::Full)], 0), None);
    fixture.write(true, &[("b", End::Part)], 0);
    fixture.write(true, &[("b", End::Full), ("c", End::Full)], 0);
    assert_eq!(fixture.text("x.log").lines().count(), 1, "c alone");
    assert_eq!(fixture.text("x.log.1").lines().count(), 5);
}

#[test]
fn a_line_without_end_does_not_fill_the_disk() {
    let mut fixture = fixture(500, 3, LogFormat::Cri);
    for round in 0..1000 {
        fixture.write(round > 0, &[("xxxxxxxxxx", End::Part)], 0);
    }
    assert_eq!(fixture.names(), ["x.log", "x.log.1", "x.log.2"]);
    let sizes = fixture.names().iter().map(|name| fs::metadata(fixture.path(name)).unwrap().len()).max().unwrap();
    assert!(sizes <= 1100, "{sizes}");
}

#[test]
fn plain_pieces_of_two_streams_do_not_run_together() {
    let mut fixture = fixture(0, 3, LogFormat::Plain);
    fixture.write(false, &[("begin ", End::Part)], 0);
    fixture.write(false, &[("other", End::Full)], 0);
    fixture.write(true, &[("end", End::Full)], 0);
    assert_eq!(fixture.text("x.log"), "begin \nother\nend\n");
}

#[test]
fn goes_on_after_a_torn_record() {
    let mut fixture = fixture(0, 3, LogFormat::Plain);
    fs::write(fixture.path("x.log"), "whole\ntorn").unwrap();
    fixture.lines(&["next"]);
    assert_eq!(fixture.text("x.log"), "whole\ntorn\nnext\n");
}

#[test]
fn notices_a_file_that_was_removed_or_truncated() {
    let mut fixture = fixture(12, 3, LogFormat::Plain);
    fixture.lines(&["11", "22", "33"]);
    fs::remove_file(fixture.path("x.log")).unwrap();
    fixture.write(false, &[("44", End::Full)], 2 * SECOND);
    assert_eq!(fixture.text("x.log"), "44\n");
    fixture.write(false, &[("55", End::Full), ("66", End::Full)], 2 * SECOND);
    fs::write(fixture.path("x.log"), "").unwrap();
    fixture.write(false, &[("77", End::Full), ("88", End::Full), ("99", End::Full)], 4 * SECOND);
    assert_eq!(fixture.text("x.log"), "77\n88\n99\n");
    assert_eq!(fixture.names(), ["x.log"], "not rotated by a size it no longer had");
}

#[test]
fn writes_on_where_it_cannot_rotate() {
    let mut fixture = fixture(6, 3, LogFormat::Plain);
    // A folder with something in it cannot be renamed over.
    fs::create_dir_all(fixture.path("x.log.1/full")).unwrap();
    fixture.lines(&["11", "22", "33", "44", "55", "66", "77"]);
    let found: usize = ["x.log"].iter().map(|name| fixture.text(name).lines().count()).sum();
    assert!(found > 0);
    fs::remove_dir_all(fixture.path("x.log.2")).unwrap_or_default();
    fixture.lines(&["88"]);
}
