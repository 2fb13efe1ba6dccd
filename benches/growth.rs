//! What a long life costs: memory of keeper and supervisor after 1,000,000 log lines and 10,000 restarts, beside what it
//! was after the first tenth of each. Promised is «flat»: a leak of 100 bytes per line or restart would show as
//! 1 MiB per 10,000.

mod support;

use std::io::Write as _;

use support::{Project, proportional_set, report_absolute, stay, tell, worker_arguments};

const RESTARTING: usize = 10;
const RESTARTS: usize = 10_000;
const LINES: usize = 1_000_000;

/// Allocators round up and fault pages in late: this much is no growth.
const FLAT_KIB: f64 = 512.0;

fn main() {
    if let Some(arguments) = worker_arguments() {
        match arguments.as_slice() {
            [fifo] => tell(fifo, 0),
            [fifo, _lines] => {
                print(LINES / 10);
                tell(fifo, 0);
                print(LINES - LINES / 10);
                tell(fifo, 0);
                stay();
            }
            _ => unreachable!("the projects below give one or two arguments"),
        }
        return;
    }
    let forever = "restart: always, max_restarts: 0, backoff: {initial: 1ms, max: 1ms}";
    let mut restarts = Project::new(|me, fifo| {
        let services = (0..RESTARTING).map(|n| format!("  s{n}: {{command: [{me}, worker, {fifo}], {forever}}}"));
        format!("services:\n{}\n", services.collect::<Vec<_>>().join("\n"))
    });
    growth("10,000 restarts", &mut restarts, [RESTARTS / 10, RESTARTS - RESTARTS / 10]);
    drop(restarts);
    let mut lines =
        Project::new(|me, fifo| format!("services:\n  it: {{command: [{me}, worker, {fifo}, lines]}}\n"));
    growth("1,000,000 log lines", &mut lines, [1, 1]);
}

/// Waits for each number of messages from the workers and says what memory grew by in between.
fn growth(name: &str, project: &mut Project, [first, rest]: [usize; 2]) {
    project.tspm("up -d --no-wait");
    project.last_of(first);
    let before = memory(project);
    project.last_of(rest);
    let after = memory(project);
    let grown = f64::from(after) - f64::from(before);
    report_absolute(&format!("growth over {name} (from {before} KiB)"), grown, FLAT_KIB, "KiB");
}

/// Of keeper and supervisor, in KiB: shims come and go with their runs.
fn memory(project: &Project) -> u32 {
    project.keeper_and_supervisor().into_iter().map(proportional_set).sum()
}

fn print(lines: usize) {
    let mut out = std::io::BufWriter::new(std::io::stdout());
    for n in 0..lines {
        writeln!(out, "line {n} of many, as long as lines usually are in the log of a web server")
            .expect("tspm reads");
    }
    out.flush().expect("tspm reads");
}
