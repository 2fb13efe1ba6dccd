//! Capture, end to end: 2,000,000 lines of 80 bytes from one service, through `tspm up -d`, until the oneshot is
//! complete, which is when everything is in the file. The floor is the same program writing straight to a file. Once
//! in large blocks, once with one `write` for each line. Every line is counted and compared afterwards.

mod support;

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use support::{Project, median, now, report, spawn_to, tell, worker_arguments};

const LINES: usize = 2_000_000;
const ROUNDS: usize = 3;
/// What buffered programs write at once.
const BLOCK: usize = 64 << 10;
const TEXT: &str = "the quick brown fox jumps over the lazy dog and then does it once more\n";

fn main() {
    if let Some(arguments) = worker_arguments() {
        let start = now();
        write_lines(&arguments[0]);
        tell(&arguments[1], start);
        return;
    }
    for (mode, name, must) in
        [("blocks", "capture 2,000,000 lines", 2.0), ("lines", "capture 2,000,000 lines, one write each", 1.5)]
    {
        let (mut figures, mut floors) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            floors.push(floor(mode));
            figures.push(tspm(mode));
        }
        report(name, median(figures), median(floors), must);
    }
}

/// A numbered line of 80 bytes, its end included.
fn line(n: usize) -> String {
    format!("{n:08} {TEXT}")
}

fn write_lines(mode: &str) {
    // As programs do: each line is made, every one another, so that none can be lost or stand elsewhere unnoticed.
    // (The standard library's line buffer passes whatever ends with a newline straight on: one `write` a call.)
    let mut stdout = std::io::stdout().lock();
    if mode == "blocks" {
        let mut block = Vec::with_capacity(BLOCK + 80);
        for n in 0..LINES {
            write!(block, "{n:08} {TEXT}").expect("memory takes it");
            if block.len() >= BLOCK {
                stdout.write_all(&block).expect("stdout is read");
                block.clear();
            }
        }
        stdout.write_all(&block).expect("stdout is read");
    } else {
        for n in 0..LINES {
            stdout.write_all(line(n).as_bytes()).expect("stdout is read");
        }
    }
}

fn floor(mode: &str) -> Duration {
    let mut project = Project::new(|_, _| "services: {}\n".to_owned());
    let file = File::create(project.path("direct")).expect("the folder is ours");
    let fifo = project.fifo();
    let worker = spawn_to(&[mode, &fifo], Some(file.as_raw_fd()));
    let start = project.last_of(1);
    worker.wait();
    Duration::from_nanos(now() - start)
}

fn tspm(mode: &str) -> Duration {
    let mut project = Project::new(|me, fifo| {
        format!(
            "logs: {{max_size: 4GiB}}\nservices:\n  it: {{command: [{me}, worker, {mode}, {fifo}], type: oneshot}}\n"
        )
    });
    project.tspm("up -d");
    let end = now();
    let took = Duration::from_nanos(end - project.last_of(1));
    check(&project);
    took
}

fn check(project: &Project) {
    let file = File::open(project.path(".tspm/logs/it.log")).expect("the log is there");
    let mut count = 0;
    for captured in BufReader::new(file).lines() {
        let captured = captured.expect("it is text");
        let text = captured.splitn(4, ' ').nth(3).expect("a CRI line");
        if text.starts_with("tspm: ") {
            continue;
        }
        assert_eq!(text, line(count).trim_end_matches('\n'), "line {count} is in its place");
        count += 1;
    }
    assert_eq!(count, LINES, "every line is kept");
}
