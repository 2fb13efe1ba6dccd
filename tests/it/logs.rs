//! Captured output: every byte kept, in order, with time and stream, through stop, restart and rotation.

use crate::support::{Project, Signal};

/// Time, stream, tag and text of a line in the CRI format.
fn cri(line: &str) -> (&str, &str, &str, &str) {
    let mut parts = line.splitn(4, ' ');
    let mut part = || parts.next().unwrap_or_else(|| panic!("no CRI line: `{line}`"));
    (part(), part(), part(), part())
}

/// The text of every line that `service` wrote on `stream`.
fn written(project: &Project, service: &str, stream: &str) -> Vec<String> {
    let log = project.log(service);
    let lines = log.lines().map(cri).filter(|(_, s, _, text)| *s == stream && !text.starts_with("tspm: "));
    lines.map(|(.., text)| text.to_owned()).collect()
}

#[test]
fn the_file_is_in_the_cri_format() {
    let project = Project::new(
        "services:\n  it: {command: 'echo to stdout; echo to stderr >&2; echo up >>facts; exec sleep 1000'}\n",
    );
    project.up();
    project.wait_fact("up");
    project.down();
    let log = project.log("it");
    let lines: Vec<_> = log.lines().map(cri).collect();
    assert!(
        lines.contains(&(lines[0].0, "stdout", "F", "to stdout")) || log.contains("stdout F to stdout"),
        "{log}"
    );
    assert!(log.contains("stderr F to stderr"), "{log}");
    let time = regex::Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$").expect("the pattern is right");
    assert!(lines.iter().all(|(at, ..)| time.is_match(at)), "{log}");
}

#[test]
fn every_line_is_kept_in_order_and_so_is_the_last_without_a_newline() {
    let project = Project::new("services:\n  it: {command: [./hostile, lines, \"20000\"]}\n");
    project.up();
    project.wait_fact("up");
    project.down();
    let lines = written(&project, "it", "stdout");
    assert_eq!(lines.len(), 20_001, "{:?} …", &lines[..lines.len().min(3)]);
    for (n, line) in lines[..20_000].iter().enumerate() {
        assert_eq!(*line, format!("line {}", n + 1));
    }
    assert_eq!(lines[20_000], "the last line");
}

#[test]
fn output_of_a_short_life_is_kept() {
    let project = Project::new("services:\n  it: {command: 'printf \"a\\nb\"', type: oneshot}\n");
    project.up();
    project.tspm("logs it --no-prefix").ok().says(&["a", "b"]);
    assert_eq!(written(&project, "it", "stdout"), ["a", "b"]);
}

#[test]
fn output_written_while_stopping_is_kept() {
    let project = Project::new("services:\n  it: {command: [./hostile, last-words]}\n");
    project.up();
    project.wait_fact("up");
    project.down();
    assert_eq!(written(&project, "it", "stdout"), ["first words", "stopping now", "last words"]);
}

#[test]
fn bytes_are_kept_and_long_lines_are_split() {
    let project = Project::new("services:\n  it: {command: [./hostile, raw]}\n");
    project.up();
    project.wait_fact("up");
    project.down();
    let bytes = std::fs::read(project.path(".tspm/logs/it.log")).expect("the log is there");
    assert!(memchr::memmem::find(&bytes, b" F caf\xe9 \xff\xfe\n").is_some(), "invalid UTF-8 is kept as it was");
    let mut long = String::new();
    let mut parts = Vec::new();
    let log = project.log("it");
    for (_, stream, tag, text) in log.lines().map(cri) {
        if stream == "stdout" && text.starts_with('x') {
            parts.push((tag, text.len()));
            long.push_str(text);
        }
    }
    assert_eq!(long.len(), 40_000);
    assert!(parts.len() >= 3 && parts.iter().all(|(_, length)| *length <= 16 << 10), "{parts:?}");
    let (last, others) = parts.split_last().expect("there are parts");
    assert!(last.0 == "F" && others.iter().all(|(tag, _)| *tag == "P"), "{parts:?}");
    assert!(log.lines().any(|line| line.ends_with(" stdout F short")));
    assert!(log.lines().any(|line| line.ends_with(" stderr F to stderr")));
    // What reads it puts it together again.
    let whole = project.tspm("logs it --no-prefix").ok();
    assert!(whole.lines().iter().any(|line| line.len() == 40_000 && line.bytes().all(|byte| byte == b'x')));
}

#[test]
fn files_are_rotated_by_size_and_count() {
    let project = Project::new(
        "logs: {max_size: 64KiB, max_files: 3}\nservices:\n  it: {command: [./hostile, lines, \"20000\"]}\n",
    );
    project.up();
    project.wait_fact("up");
    project.down();
    let names = |project: &Project| {
        let entries = std::fs::read_dir(project.path(".tspm/logs")).expect("the folder is there").flatten();
        let sizes =
            entries.map(|e| (e.file_name().to_string_lossy().into_owned(), e.metadata().expect("a file").len()));
        sizes.filter(|(name, _)| name.starts_with("it.log")).collect::<Vec<_>>()
    };
    let files = names(&project);
    assert_eq!(files.len(), 3, "{files:?}");
    assert!(files.iter().all(|(_, size)| *size <= 70 << 10), "{files:?}");
    // The tail is complete across files, and in order.
    let tail = project.tspm("logs it -n 2000 --no-prefix").ok();
    let lines = tail.lines();
    assert_eq!(lines.len(), 2000);
    assert_eq!(lines[1999], "the last line");
    for (n, line) in lines[..1999].iter().enumerate() {
        assert_eq!(*line, format!("line {}", 20_000 - 1998 + n));
    }
}

#[test]
fn following_goes_on_across_restart_and_rotation() {
    let project = Project::new(
        "logs: {max_size: 64KiB}\nservices:\n  it: {command: 'echo started as $$; i=0; while [ $i -lt 3000 ]; do \
         echo this is line number $i of many, so many that files fill; i=$((i+1)); done; echo end of $$; \
         echo done >>facts; exec sleep 1000'}\n",
    );
    project.up();
    let follow = project.spawn("logs -f it --no-prefix");
    let first = project.pid("it");
    follow.wait_stdout(&format!("end of {first}"));
    project.tspm("restart it").ok();
    let second = project.pid("it");
    follow.wait_stdout(&format!("end of {second}"));
    let said = follow.stdout();
    for pid in [first, second] {
        let from = said.find(&format!("started as {pid}")).expect("its first line");
        let numbers = said[from..].lines().filter(|line| line.starts_with("this is line")).take(3000);
        for (n, line) in numbers.enumerate() {
            assert!(line.starts_with(&format!("this is line number {n} of")), "{line} at {n} of {pid}");
        }
    }
    follow.signal(Signal::SIGINT);
    follow.wait().interrupted();
}

#[test]
fn a_followers_ctrl_c_is_no_error_of_the_services() {
    let project = Project::new("services:\n  it: {command: 'echo hello; exec sleep 1000'}\n");
    project.up();
    let follow = project.spawn("logs -f");
    follow.wait_stdout("hello");
    follow.signal(Signal::SIGINT);
    follow.wait().interrupted();
    assert_eq!(project.view("it")["state"], "ready");
}

#[test]
fn the_previous_run_can_be_read() {
    let project = Project::new("services:\n  it: {command: 'echo I am $$; echo up >>facts; exec sleep 1000'}\n");
    project.up();
    project.wait_fact("up");
    let first = project.pid("it");
    project.tspm("restart it").ok();
    project.wait_facts("up", 2);
    let second = project.pid("it");
    let (first, second) = (format!("I am {first}"), format!("I am {second}"));
    project.tspm("logs it --previous").ok().says(&[&first]).never_says(&[&second]);
    project.tspm("logs it").ok().says(&[&first, &second]);
}

#[test]
fn lines_are_merged_by_time_and_named() {
    let project = Project::new(
        "services:\n  \
           a: {command: 'echo one; touch one; while [ ! -e two ]; do sleep 0.01; done; echo three; echo a >>facts; exec sleep 1000'}\n  \
           b: {command: 'while [ ! -e one ]; do sleep 0.01; done; sleep 0.02; echo two; sleep 0.02; touch two; exec sleep 1000'}\n",
    );
    project.up();
    project.wait_fact("a");
    project.down();
    let ran = project.tspm("logs").ok();
    let texts: Vec<&str> = ran.lines().iter().filter_map(|line| line.split_whitespace().last()).collect();
    assert_eq!(texts, ["one", "two", "three"], "{ran}");
    let names: Vec<&str> = ran.lines().iter().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, ["a", "b", "a"], "{ran}");
    let json = project.tspm("logs --json").ok().json_lines();
    let named: Vec<&str> =
        json.iter().filter_map(|line| line["service"].as_str().or(line["name"].as_str())).collect();
    assert_eq!(named, ["a", "b", "a"], "{json:?}");
}

#[test]
fn lines_can_be_chosen() {
    let project = Project::new(
        "services:\n  it: {command: 'echo apple; echo pear >&2; echo apple pie; echo up >>facts; exec sleep 1000'}\n",
    );
    project.up();
    project.wait_fact("up");
    project.down();
    let run = |args: &str| {
        let ran = project.tspm(args).ok();
        let mut lines: Vec<String> = ran.lines().into_iter().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(run("logs it --no-prefix --grep apple"), ["apple", "apple pie"]);
    assert_eq!(run("logs it --no-prefix --grep ^apple$"), ["apple"]);
    assert_eq!(run("logs it --no-prefix --stream stderr"), ["pear"]);
    assert_eq!(run("logs it --no-prefix -n 1 --stream stdout"), ["apple pie"]);
    assert_eq!(run("logs it --no-prefix --since 1h").len(), 3);
    let stamped = project.tspm("logs it --timestamps --no-prefix --grep pear").ok();
    assert!(stamped.stdout.contains("20") && stamped.stdout.contains(':'), "{stamped}");
    project.tspm("logs nobody").code(2).says(&["nobody"]);
}

#[test]
fn colours_are_kept_in_the_file_and_stripped_off_a_terminal() {
    let project = Project::new(
        "services:\n  it: {command: 'printf \"\\033[31mred\\033[0m\\n\"; echo up >>facts; exec sleep 1000'}\n",
    );
    project.up();
    project.wait_fact("up");
    project.down();
    assert!(project.log("it").contains("\u{1b}[31mred"));
    let ran = project.tspm("logs it --no-prefix").ok();
    assert_eq!(ran.stdout, "red\n");
}

#[test]
fn capture_can_be_turned_off() {
    let project = Project::new(
        "services:\n  it: {command: 'echo never; echo up >>facts; exec sleep 1000', logs: {disable: true}}\n",
    );
    project.up();
    project.wait_fact("up");
    project.down();
    assert!(!project.log("it").contains("never"));
}

/// As `tail -f | head` does: the follower ends with its reader, not with the next line.
#[test]
fn following_ends_with_its_reader() {
    let project = Project::new("services:\n  it: {command: echo hello; exec sleep 1000}\n");
    project.up();
    for follow in ["logs -f -n 1", "events -f"] {
        let script = format!("bash -o pipefail -c 'timeout 60 \"$0\" {follow} | head -1' \"$TSPM\"");
        let ran = project.shell(&script);
        assert!(ran.stdout.lines().count() == 1, "{ran}");
        ran.ok();
    }
}
