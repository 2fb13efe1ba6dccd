//! Following: every line once and in order, whatever happens to the files.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};

use super::*;

fn follow(targets: Vec<Target>, query: Query) -> (FollowHandle, Receiver<Line>) {
    let (sender, lines) = mpsc::channel();
    let handle = Follow::start(targets, query, move |line| drop(sender.send(line))).unwrap();
    (handle, lines)
}

fn file(path: &Path) -> Target {
    Target::File { name: "a".to_owned(), path: path.to_owned() }
}

fn append(path: &Path, lines: &[&str]) -> File {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    write(&mut file, lines);
    file
}

fn write(file: &mut File, lines: &[&str]) {
    for line in lines {
        let stamp = stamp::render(stamp::now_ns());
        writeln!(file, "{} stdout F {line}", String::from_utf8_lossy(&stamp)).unwrap();
    }
}

/// Waits for so many lines.
fn next(lines: &Receiver<Line>, count: usize) -> Vec<String> {
    (0..count).map(|_| String::from_utf8(lines.recv().unwrap().text).unwrap()).collect()
}

fn rotate(path: &Path) {
    fs::rename(sink::rotated(path, 1), sink::rotated(path, 2)).unwrap_or_default();
    fs::rename(path, sink::rotated(path, 1)).unwrap();
}

#[test]
fn history_then_news_across_rotation_truncation_and_removal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    append(&path, &["1", "2", "3"]);
    let (handle, lines) = follow(vec![file(&path)], Query { last: Some(2), ..Query::default() });
    assert_eq!(next(&lines, 2), ["2", "3"]);
    let mut old = append(&path, &["4"]);
    assert_eq!(next(&lines, 1), ["4"]);

    // Written just before the rename, and to several new files at once.
    write(&mut old, &["5"]);
    rotate(&path);
    append(&path, &["6"]);
    rotate(&path);
    append(&path, &["7, which is longer than what comes next"]);
    assert_eq!(next(&lines, 3), ["5", "6", "7, which is longer than what comes next"]);

    fs::write(&path, "").unwrap();
    append(&path, &["8"]);
    assert_eq!(next(&lines, 1), ["8"]);
    fs::remove_file(&path).unwrap();
    append(&path, &["9"]);
    assert_eq!(next(&lines, 1), ["9"]);
    handle.stop();
    assert!(lines.recv().is_err(), "nothing more, nothing twice");
}

#[test]
fn a_record_is_handed_out_once_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let (_handle, lines) = follow(vec![file(&path)], Query::default());
    let mut file = append(&path, &["whole"]);
    file.write_all(b"2026-11-20T10:00:00.0").unwrap();
    assert_eq!(next(&lines, 1), ["whole"]);
    file.write_all(b"00000001Z stderr P a\n2026-11-20T10:00:00.000000002Z stderr F b\n").unwrap();
    let line = lines.recv().unwrap();
    assert_eq!((&line.text[..], line.stream, line.partial), (&b"ab"[..], Stream::Stderr, false));
}

#[test]
fn folders_and_logs_that_come_later_and_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let logs: PathBuf = dir.path().join("state/logs");
    let (handle, lines) = follow(vec![Target::Dir(logs.clone())], Query::default());
    let mut open = Vec::new();
    for round in ["first", "second", "third"] {
        fs::create_dir_all(&logs).unwrap();
        append(&logs.join("api.log"), &[round]);
        assert_eq!(next(&lines, 1), [round]);
        let held = append(&logs.join("web.log"), &["web"]);
        let line = lines.recv().unwrap();
        assert_eq!((&*line.name, &line.text[..]), ("web", &b"web"[..]));
        if round == "first" {
            drop(held);
            fs::remove_dir_all(dir.path().join("state")).unwrap();
        } else {
            // While a supervisor has the file open: the kernel does not say that the folder it was in is gone.
            fs::remove_dir_all(&logs).unwrap();
            open.push(held);
        }
    }
    let other = dir.path().join("other.log");
    append(&other, &["there already"]);
    handle.add(file(&other));
    assert_eq!(next(&lines, 1), ["there already"]);
}

#[test]
fn new_lines_are_filtered_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    append(&path, &["keep 0", "drop"]);
    let grep = Some(regex::bytes::Regex::new("keep").unwrap());
    let (_handle, lines) = follow(vec![file(&path)], Query { grep, last: Some(0), ..Query::default() });
    // What is there at the start is read by a thread: until it has, a line written may count as there already.
    let mut number = 1;
    let first = loop {
        append(&path, &["drop", &format!("keep {number}")]);
        match lines.try_recv() {
            Ok(line) => break line,
            Err(_) => number += 1,
        }
    };
    assert!(first.text.starts_with(b"keep ") && first.text != b"keep 0");
}

#[test]
fn two_logs_are_merged() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a.log"), dir.path().join("b.log"));
    for round in 0..100 {
        append(&a, &[&format!("a{round}")]);
        append(&b, &[&format!("b{round}")]);
    }
    let (_handle, lines) = follow(vec![Target::Dir(dir.path().to_owned())], Query::default());
    let expected: Vec<String> = (0..100).flat_map(|round| [format!("a{round}"), format!("b{round}")]).collect();
    assert_eq!(next(&lines, 200), expected);
}
