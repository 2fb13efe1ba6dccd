//! Start and stop 400 independent services. Start: from `exec` of `tspm up -d` to the last one's first instruction;
//! the floor is a loop of `posix_spawn`. Stop: the whole of `tspm down`; the floor is one `kill` each and `waitpid`.

mod support;

use std::time::Duration;

use support::{Project, Spawned, median, now, report, spawn, stay, tell, time, worker_arguments};

const SERVICES: usize = 400;
const ROUNDS: usize = 5;

fn main() {
    let first_instruction = now();
    if let Some(arguments) = worker_arguments() {
        tell(&arguments[0], first_instruction);
        stay();
    }
    let mut figures = Figures::default();
    for _ in 0..ROUNDS {
        floor(&mut figures);
        tspm(&mut figures);
    }
    report("start 400 services (shims)", median(figures.start), median(figures.start_floor), 2.0);
    report("stop 400 services (shims)", median(figures.stop), median(figures.stop_floor), 4.0);
}

#[derive(Default)]
struct Figures {
    start: Vec<Duration>,
    start_floor: Vec<Duration>,
    stop: Vec<Duration>,
    stop_floor: Vec<Duration>,
}

fn floor(figures: &mut Figures) {
    let mut project = Project::new(|_, _| "services: {}\n".to_owned());
    let fifo = project.fifo();
    let start = now();
    let spawned: Vec<Spawned> = (0..SERVICES).map(|_| spawn(&[&fifo])).collect();
    figures.start_floor.push(Duration::from_nanos(project.last_of(SERVICES) - start));
    figures.stop_floor.push(time(|| {
        spawned.iter().for_each(Spawned::terminate);
        spawned.into_iter().for_each(Spawned::wait);
    }));
}

fn tspm(figures: &mut Figures) {
    let mut project = Project::new(|me, fifo| {
        let services = (0..SERVICES).map(|n| format!("  s{n}: {{command: [{me}, worker, {fifo}]}}"));
        format!("services:\n{}\n", services.collect::<Vec<_>>().join("\n"))
    });
    let start = now();
    let mut up = project.command("up -d").spawn().expect("tspm is built");
    figures.start.push(Duration::from_nanos(project.last_of(SERVICES) - start));
    assert!(up.wait().expect("it is ours").success(), "`tspm up -d` succeeds");
    figures.stop.push(time(|| project.tspm("down")));
}
