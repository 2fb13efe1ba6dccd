//! What 100 idle services cost: processor time and memory of keeper, shims and supervisor over a minute, without and
//! with a liveness probe each; and `tspm ps --json` on that project. `TSPM_BENCH_SECONDS` shortens the minute.

mod support;

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use support::{
    Project, free_ports, median, proportional_set, report_absolute, rest, stay, time, worker_arguments,
};

const SERVICES: usize = 100;

fn main() {
    if let Some(arguments) = worker_arguments() {
        // Held, and never accepted from: a connect succeeds.
        let _listener = arguments.first().map(|port| {
            TcpListener::bind(("127.0.0.1", port.parse().expect("a port"))).expect("the port is free")
        });
        stay();
    }
    let seconds = std::env::var("TSPM_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let quiet = project(|_, me| format!("{{command: [{me}, worker]}}"));
    quiet.tspm("up -d");
    ps(&quiet);
    idle("idle, 100 services", &quiet, seconds, 0.1);
    let kib = quiet.tspm_pids().into_iter().map(proportional_set).sum::<u32>();
    report_absolute("memory (PSS) of keeper, shims and supervisor", f64::from(kib) / 1024.0, 16.0, "MiB");
    drop(quiet);
    let ports = free_ports(SERVICES);
    let probed = project(|n, me| {
        let port = ports[n];
        format!("{{command: [{me}, worker, \"{port}\"], ports: [{port}], readiness: {port}, liveness: {port}}}")
    });
    probed.tspm("up -d");
    idle("idle, 100 services with a liveness probe each", &probed, seconds, 0.5);
}

fn project(body: impl Fn(usize, &str) -> String) -> Project {
    Project::new(|me, _| {
        let services = (0..SERVICES).map(|n| format!("  s{n}: {}", body(n, me)));
        format!("services:\n{}\n", services.collect::<Vec<_>>().join("\n"))
    })
}

fn idle(name: &str, project: &Project, seconds: u64, must: f64) {
    let used = || project.tspm_pids().into_iter().map(processor_time).sum::<Duration>();
    // The start's own aftermath is no idleness.
    rest(Duration::from_secs(2));
    let before = used();
    rest(Duration::from_secs(seconds));
    let percent = used().saturating_sub(before).div_duration_f64(Duration::from_secs(seconds)) * 100.0;
    report_absolute(name, percent, must, "% of a core");
    assert!(project.tspm_pids().len() > SERVICES, "keeper, supervisor and a shim each");
}

/// Processor time of all its threads: the first field of `schedstat`.
fn processor_time(pid: u32) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let used = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
    };
    threads.filter_map(|thread| used(thread.path())).sum()
}

#[expect(clippy::disallowed_methods, reason = "the floor is an empty program")]
fn ps(project: &Project) {
    let runs = |work: &dyn Fn()| median((0..51).map(|_| time(work)).collect());
    let floor = runs(&|| {
        Command::new("/bin/true").env_clear().status().expect("/bin/true is there");
    });
    let figure = runs(&|| project.tspm("ps --json"));
    println!("exec of an empty program: {:.1} ms", floor.as_secs_f64() * 1e3);
    report_absolute("tspm ps --json, 100 services", figure.as_secs_f64() * 1e3, 6.0, "ms");
}
