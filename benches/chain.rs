//! A chain of 10 services, each listening 20 ms after its start, with HTTP readiness: the whole of `tspm up -d`. The
//! floor starts each one at the very moment at which the one before it listens.

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use support::{Project, Spawned, free_ports, median, now, report, rest, spawn, tell, time, worker_arguments};

const LENGTH: usize = 10;
const ROUNDS: usize = 5;
const DELAY: Duration = Duration::from_millis(20);

fn main() {
    if let Some(arguments) = worker_arguments() {
        serve(&arguments[0], &arguments[1]);
        return;
    }
    let (mut figures, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        floors.push(floor());
        figures.push(tspm());
    }
    report("chain of 10, http readiness", median(figures), median(floors), 1.3);
}

fn serve(port: &str, fifo: &str) {
    rest(DELAY);
    let listener = TcpListener::bind(("127.0.0.1", port.parse().expect("a port"))).expect("the port is free");
    tell(fifo, now());
    for connection in listener.incoming() {
        let Ok(mut connection) = connection else { continue };
        let mut request = [0; 1024];
        let _ = connection.read(&mut request);
        let _ = connection.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
    }
}

fn floor() -> Duration {
    let mut project = Project::new(|_, _| "services: {}\n".to_owned());
    let fifo = project.fifo();
    let mut spawned: Vec<Spawned> = Vec::new();
    time(|| {
        for port in free_ports(LENGTH) {
            spawned.push(spawn(&[&port.to_string(), &fifo]));
            project.last_of(1);
        }
    })
}

fn tspm() -> Duration {
    let ports = free_ports(LENGTH);
    let project = Project::new(|me, fifo| {
        let service = |n: usize, port: u16| {
            let needs = if n == 0 { String::new() } else { format!(", depends_on: [s{}]", n - 1) };
            format!(
                "  s{n}: {{command: [{me}, worker, \"{port}\", {fifo}], ports: [{port}], readiness: /{needs}}}"
            )
        };
        let services: Vec<String> = ports.iter().enumerate().map(|(n, port)| service(n, *port)).collect();
        format!("services:\n{}\n", services.join("\n"))
    });
    time(|| project.tspm("up -d"))
}
