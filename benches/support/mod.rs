//! What the measurements share: a project in a folder of its own, a worker that is this very program, and the floor,
//! made of the system calls that nobody can do without. Every figure is a ratio of two measurements of one run.
#![expect(clippy::disallowed_methods, reason = "a measurement needs a clock and starts programs")]
#![allow(dead_code, unused_imports, reason = "each program needs another part")]

mod floor;
mod project;

use std::net::TcpListener;
use std::time::{Duration, Instant};

pub(crate) use floor::{Spawned, spawn, spawn_to};
pub(crate) use project::Project;

/// A point in time that means the same in every process.
pub(crate) fn now() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// How long `work` takes.
pub(crate) fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// The median.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Prints one line: the figure, the floor beside it, the ratio and what was promised.
pub(crate) fn report(name: &str, figure: Duration, floor: Duration, must: f64) {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let ratio = figure.as_secs_f64() / floor.as_secs_f64();
    let verdict = if ratio <= must { "" } else { "  MISSED" };
    println!(
        "{name}: {:.1} ms, floor {:.1} ms, ratio {ratio:.2} (must ≤ {must:.1}){verdict}",
        ms(figure),
        ms(floor)
    );
}

/// Prints one line for a promise that is no ratio.
pub(crate) fn report_absolute(name: &str, figure: f64, must: f64, unit: &str) {
    let verdict = if figure <= must { "" } else { "  MISSED" };
    println!("{name}: {figure:.3} {unit} (must ≤ {must} {unit}){verdict}");
}

/// The arguments after `worker`, if this process is to be one.
pub(crate) fn worker_arguments() -> Option<Vec<String>> {
    let mut args = std::env::args().skip(1);
    (args.next().as_deref() == Some("worker")).then(|| args.collect())
}

/// Tells the time of the first instruction through the FIFO at `path`.
pub(crate) fn tell(path: &str, moment: u64) {
    use std::io::Write as _;
    let fifo = std::fs::OpenOptions::new().write(true).open(path);
    // Fewer than PIPE_BUF bytes: they stay together.
    fifo.and_then(|mut fifo| fifo.write_all(&moment.to_ne_bytes())).expect("the measurement reads");
}

/// Ports that nobody listens on.
pub(crate) fn free_ports(count: usize) -> Vec<u16> {
    let listeners = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port can be had"));
    let listeners: Vec<TcpListener> = listeners.collect();
    listeners.iter().map(|listener| listener.local_addr().expect("it is bound").port()).collect()
}

/// Stays until it is killed.
pub(crate) fn stay() -> ! {
    loop {
        nix::unistd::pause();
    }
}

/// Does nothing for a while: what a worker may do, and a measurement of idleness.
pub(crate) fn rest(time: Duration) {
    std::thread::sleep(time);
}

/// The memory of a process, shared pages counted by their share, in KiB.
pub(crate) fn proportional_set(pid: u32) -> u32 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
