//! The keeper's tests: real processes, hostile ones, behind a built binary.
//!
//! Subreaper, SIGCHLD and `wait4(-1)` are per process, and a keeper forks: so this binary (without the usual
//! harness) is all there is, by its first argument: keeper, test supervisor, workload, or the tests.

#![allow(unsafe_code, clippy::unwrap_used, reason = "tests; without the harness clippy does not see it")]

mod bench;
mod crashes;
mod env;
mod hostile;
mod relay;
mod spawning;
mod work;

use std::ffi::OsString;
use std::panic;
use std::process::ExitCode;
use std::sync::Mutex;

use tspm::keeper::Args;

/// A test and its name.
type Test = (&'static str, fn());

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("__keeper") => {
            let mut args = Args::parse(arguments.by_ref().skip(1)).expect("the tests pass what it takes");
            // The test supervisor: what the tests say to it, it says to the keeper.
            let role = if args.place.project_id.starts_with("bench") { "__bench" } else { "__relay" };
            args.arguments = vec!["tspm".into(), OsString::from(role)];
            tspm::keeper::main(args)
        }
        Some("__relay") => relay::main(),
        Some("__bench") => bench::supervisor(),
        Some("__work") => work::main(&words[1..]),
        _ => run(&words),
    }
}

/// Understands filters and `--ignored`; of the rest of libtest's options nothing.
fn run(words: &[String]) -> ExitCode {
    let (options, filters): (Vec<&String>, Vec<&String>) = words.iter().partition(|word| word.starts_with('-'));
    let ignored = options.iter().any(|option| *option == "--ignored");
    let mut tests: Vec<Test> = if ignored { bench::TESTS.to_vec() } else { Vec::new() };
    if !ignored {
        tests.extend(spawning::TESTS.iter().chain(hostile::TESTS).chain(crashes::TESTS));
    }
    tests.retain(|(name, _)| filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str())));
    if options.iter().any(|option| *option == "--list") {
        for (name, _) in &tests {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let (todo, failed) = (Mutex::new(tests.iter()), Mutex::new(0));
    let threads = if ignored { 1 } else { 4 };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = todo.lock().unwrap().next();
                    let Some((name, test)) = next else { return };
                    let done = panic::catch_unwind(test);
                    println!("test {name} ... {}", if done.is_ok() { "ok" } else { "FAILED" });
                    *failed.lock().unwrap() += i32::from(done.is_err());
                }
            });
        }
    });
    let failed = *failed.lock().unwrap();
    println!(
        "\ntest result: {}. {} run, {failed} failed\n",
        if failed == 0 { "ok" } else { "FAILED" },
        tests.len()
    );
    ExitCode::from(u8::from(failed != 0))
}
