//! `quality.md`'s capture row: 2,000,000 lines of 80 bytes from one service through [`Capture`], against the same
//! program writing straight to a file, in the same run. Once in large writes, once with one `write` per line.
//!
//! `cargo bench --bench capture`, or the built program itself; an argument sets the number of lines. Exits 1 if a line
//! is missing or out of order, or (with `--check`) if a ratio is over its limit.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tspm::logs::{Capture, CaptureFact, LogFile, Source};
use tspm::model::{Logs, RunId};

const LINES: u64 = 2_000_000;
const LINE: usize = 80;
const ROUNDS: usize = 5;

/// Bytes of one write in the first row.
const BLOCK: usize = 64 << 10;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let [mode, lines] = &args[..]
        && mode.starts_with("flood")
    {
        flood(lines.parse().expect("a number"), if mode == "flood-lines" { LINE } else { BLOCK });
        return ExitCode::SUCCESS;
    }
    let lines = args.iter().find_map(|arg| arg.parse().ok()).unwrap_or(LINES);
    let mut good = true;
    for (what, mode, limit) in [("large writes", "flood", 2.0), ("one write per line", "flood-lines", 1.5)] {
        let dir = tempfile::tempdir_in(".").expect("a folder here");
        let mut floors = Vec::new();
        let mut captures = Vec::new();
        for round in 0..ROUNDS {
            floors.push(floor(dir.path(), mode, lines));
            captures.push(capture(dir.path(), mode, lines, round == 0));
        }
        let (floor, capture) = (median(floors), median(captures));
        let ratio = capture.as_secs_f64() / floor.as_secs_f64();
        println!(
            "capture, {lines} lines, {what}: floor {floor:.3?}, tspm {capture:.3?}, ratio {ratio:.2} (limit {limit:.1})"
        );
        good &= ratio <= limit || !args.iter().any(|arg| arg == "--check");
    }
    let status = fs::read_to_string("/proc/self/status").expect("/proc is mounted");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    println!("capture, most memory this program ever had, all of it included: {}", peak.trim());
    ExitCode::from(u8::from(!good))
}

/// The service: numbered lines to standard output.
fn flood(lines: u64, block: usize) {
    // `stdout()` itself is line-buffered.
    let mut out = File::from(std::io::stdout().as_fd().try_clone_to_owned().expect("standard output is open"));
    let mut buffer = Vec::with_capacity(block + LINE);
    for number in 0..lines {
        write!(buffer, "{number:09} ").expect("into memory");
        buffer.resize(buffer.len() + LINE - 11, b'x');
        buffer.push(b'\n');
        if buffer.len() >= block {
            out.write_all(&buffer).expect("standard output takes it");
            buffer.clear();
        }
    }
    out.write_all(&buffer).expect("standard output takes it");
}

#[expect(clippy::disallowed_methods, reason = "a measurement owns its clock and its children")]
fn start(mode: &str, lines: u64, stdout: Stdio) -> (Instant, Child) {
    let mut command = std::process::Command::new(std::env::current_exe().expect("this program has a path"));
    command.args([mode, &lines.to_string()]).stdin(Stdio::null()).stdout(stdout);
    (Instant::now(), command.spawn().expect("this program can be started again"))
}

fn floor(dir: &Path, mode: &str, lines: u64) -> Duration {
    let path = dir.join("floor");
    let (began, mut child) = start(mode, lines, File::create(&path).expect("a file here").into());
    assert!(child.wait().expect("it is our child").success());
    let took = began.elapsed();
    fs::remove_file(path).expect("it was written just now");
    took
}

fn capture(dir: &Path, mode: &str, lines: u64, check: bool) -> Duration {
    let path = dir.join("api.log");
    let (facts, heard) = mpsc::channel();
    let capture = Capture::start(move |fact| facts.send(fact).expect("it is waited for")).expect("a thread");
    let (stdout, service) = std::io::pipe().expect("a pipe");
    let (stderr, _) = std::io::pipe().expect("a pipe");
    let run = RunId(1);
    capture.add(Source {
        run,
        stdout: stdout.into(),
        stderr: stderr.into(),
        file: Some(LogFile { path: path.clone(), logs: Logs { max_size: 1 << 40, ..Logs::default() } }),
        tail: 0,
        patterns: Vec::new(),
        marks_run: true,
    });
    let (began, mut child) = start(mode, lines, service.into());
    assert!(child.wait().expect("it is our child").success());
    capture.drain(run);
    assert_eq!(heard.recv().expect("an answer"), CaptureFact::Drained { run, tail: Vec::new() });
    let took = began.elapsed();
    if check {
        let mut number = 0_u64;
        for line in BufReader::new(File::open(&path).expect("the log")).lines() {
            let line = line.expect("text");
            let text = line.split_once(" stdout F ").expect("a whole record").1;
            assert!(text.len() == LINE - 1 && text[..9].parse() == Ok(number), "line {number}: {text}");
            number += 1;
        }
        assert_eq!(number, lines, "every line is there");
    }
    fs::remove_file(path).expect("it was written just now");
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
