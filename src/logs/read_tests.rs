//! Reading logs back: merged, filtered, and from the end of large ones.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::model::RunId;

fn record(time_ns: i64, stream: &str, tag: char, text: &str) -> String {
    format!("{} {stream} {tag} {text}\n", String::from_utf8_lossy(&stamp::render(time_ns)))
}

/// `out` lines with times and texts `from..to`.
fn numbered(from: i64, to: i64) -> String {
    (from..to).fold(String::new(), |mut text, n| {
        let _ = write!(text, "{}", record(n, "stdout", 'F', &n.to_string()));
        text
    })
}

fn write(dir: &Path, files: &[(&str, String)]) -> Vec<(String, PathBuf)> {
    for (name, text) in files {
        fs::write(dir.join(name), text).unwrap();
    }
    discover(dir)
}

fn texts(lines: impl Iterator<Item = Line>) -> Vec<String> {
    lines.map(|line| String::from_utf8(line.text).unwrap()).collect()
}

#[test]
fn merges_by_time_over_rotations_and_joins_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let files = write(
        dir.path(),
        &[
            ("a.log.2", record(1, "stdout", 'F', "a1")),
            ("a.log.1", record(3, "stdout", 'P', "a3 ") + &record(4, "stderr", 'F', "a4")),
            ("a.log", record(6, "stdout", 'F', "joined") + &record(8, "stdout", 'P', "a8")),
            ("b.log", record(2, "stdout", 'F', "b2") + &record(7, "stdout", 'F', "b7") + "2026-torn"),
            ("b.runs", String::new()),
        ],
    );
    assert_eq!(files.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["a", "b"]);
    let lines: Vec<Line> = read(&files, &Query::default()).collect();
    let found: Vec<_> =
        lines.iter().map(|line| (&*line.name, line.time_ns, &line.text[..], line.partial)).collect();
    let expected: [(&str, i64, &[u8], bool); 6] = [
        ("a", 1, b"a1", false),
        ("b", 2, b"b2", false),
        ("a", 4, b"a4", false),
        ("a", 3, b"a3 joined", false),
        ("b", 7, b"b7", false),
        ("a", 8, b"a8", true),
    ];
    assert_eq!(found, expected);
}

#[test]
fn filters() {
    let dir = tempfile::tempdir().unwrap();
    let mut text = numbered(1, 10);
    text += &record(10, "stderr", 'F', "\u{1b}[31mred\u{1b}[0m 10");
    let files = write(dir.path(), &[("a.log", text), ("p.log", "plain 1\nplain 2".to_owned())]);
    let a = &files[..1];
    let found = |query: Query| texts(read(a, &query));
    let grep = |text| Some(regex::bytes::Regex::new(text).unwrap());
    assert_eq!(found(Query { since_ns: Some(8), until_ns: Some(10), ..Query::default() }), ["8", "9"]);
    assert_eq!(found(Query { stream: Some(Stream::Stderr), ..Query::default() }).len(), 1);
    assert_eq!(found(Query { grep: grep("^red 10$"), ..Query::default() }).len(), 1);
    assert_eq!(found(Query { grep: grep("^[13]$"), last: Some(1), ..Query::default() }), ["3"]);
    assert_eq!(found(Query { last: Some(0), ..Query::default() }), Vec::<String>::new());
    let all = Query { since_ns: Some(8), last: Some(100), ..Query::default() };
    assert_eq!(texts(read(&files, &all)).len(), 5, "lines without a time pass");
    assert_eq!(texts(read(&[("none".into(), dir.path().join("none.log"))], &all)), Vec::<String>::new());
}

#[test]
fn the_last_lines_of_a_large_log() {
    let dir = tempfile::tempdir().unwrap();
    let long = record(30_000, "stdout", 'P', &"x".repeat(90_000)) + &record(30_000, "stdout", 'F', "end");
    let files = write(
        dir.path(),
        &[
            ("a.log.2", numbered(1, 10_000)),
            ("a.log.1", numbered(10_000, 20_000)),
            ("a.log", numbered(20_000, 30_000) + &long),
        ],
    );
    for (last, first, len) in [(1, 30_000, 1), (2, 29_999, 2), (5000, 25_001, 5000), (15_000, 15_001, 15_000)] {
        let query = Query { last: Some(last), ..Query::default() };
        let lines: Vec<Line> = read(&files, &query).collect();
        assert_eq!((lines[0].time_ns, lines.len()), (first, len), "{last}");
        assert_eq!(lines.last().unwrap().text.len(), 90_003);
    }
    let rare = Query {
        last: Some(3),
        grep: Some(regex::bytes::Regex::new("^(7|11|19999)$").unwrap()),
        ..Query::default()
    };
    assert_eq!(texts(read(&files, &rare)), ["7", "11", "19999"]);
    let more = Query { last: Some(1_000_000), ..Query::default() };
    assert_eq!(read(&files, &more).count(), 30_000);
}

#[test]
fn since_finds_its_place_in_a_large_log() {
    const SECOND: i64 = 1_000_000_000;
    let dir = tempfile::tempdir().unwrap();
    let text = (1..=20_000).map(|n| record(n * SECOND, "stdout", 'F', &n.to_string())).collect();
    let files = write(dir.path(), &[("a.log", text)]);
    for since in [0, 1, 12_345, 20_000, 30_000] {
        let query = Query { since_ns: Some(since * SECOND), ..Query::default() };
        let found = texts(read(&files, &query));
        let expected: Vec<String> = (since.max(1)..=20_000).map(|n| n.to_string()).collect();
        assert!(found == expected, "{since}: {}", found.len());
    }
}

#[test]
fn previous_is_the_run_before_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let files = write(dir.path(), &[("a.log", numbered(1, 40))]);
    let previous = Query { previous: true, ..Query::default() };
    assert_eq!(read(&files, &previous).count(), 0, "nothing is known of runs");
    for (run, start) in [(1, 1), (2, 10)] {
        runs::mark(&files[0].1, RunId(run), start).unwrap();
    }
    assert_eq!(texts(read(&files, &previous)).len(), 9);
    runs::mark(&files[0].1, RunId(3), 30).unwrap();
    let found = texts(read(&files, &Query { last: Some(3), ..previous }));
    assert_eq!(found, ["27", "28", "29"]);
    assert_eq!(last_lines(&files[0].1, 2), ["38", "39"]);
    runs::mark(&files[0].1, RunId(4), 38).unwrap();
    assert_eq!(last_lines(&files[0].1, 20), ["38", "39"], "of the last run only");
    assert_eq!(last_lines(&dir.path().join("none.log"), 20), Vec::<String>::new());
}

#[test]
fn a_log_that_cannot_be_read_is_a_problem() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let path = dir.path().join("file/a.log");
    let mut lines = read(&[("a".to_owned(), path.clone())], &Query::default());
    assert_eq!(lines.next(), None);
    let problems: Vec<_> = lines.problems().map(|(path, _)| path.to_owned()).collect();
    assert_eq!(problems, [path]);
}
