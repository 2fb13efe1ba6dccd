//! The workload that the integration tests supervise: well-behaved or hostile, one mode per trick.
//!
//! `hostile MODE [ARGUMENT]`. When everything a mode has promised is in place (children forked, signals ignored),
//! it appends the line `up` to the file `facts` in its working directory: tests wait for that, never for time. It
//! never kills anybody but its own children, and it never changes its working directory: both that and its
//! executable's path mark its processes as a test's own, whatever they do to their environment and arguments.
#![expect(clippy::disallowed_methods, reason = "this is the child, not the supervisor: it sleeps and exits")]

mod families;
mod process;
mod servers;
mod signals;
mod talkers;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let mode = args.next().unwrap_or_default();
    let argument = args.next().unwrap_or_default();
    let number = argument.parse::<u64>();
    let number = || number.expect("this mode takes a number");
    match mode.as_str() {
        "plain" => signals::plain(),
        "named" => signals::named(&argument, args.next().as_deref()),
        "slow" => signals::slow(number()),
        "stopped" => signals::stopped(),
        "forks-on-term" => signals::forks_on_term(),
        "child-ignores-term" => families::child_ignores_term(),
        "tree" => families::tree(),
        "many" => families::many(number()),
        "setsid" => families::setsid(),
        "daemon" => families::daemon(),
        "scrubbed" => families::scrubbed(),
        "ignore-term" | "scrubbed-child" => signals::ignore_term(),
        "clobbered" => families::clobbered(),
        "reforks" => families::reforks(),
        "leader-exits" => families::leader_exits(),
        "exclusive" => return ExitCode::from(families::exclusive()),
        "sibling" => families::sibling(),
        "zombie-leader" => families::zombie_leader(),
        "holds-stdout" => families::holds_stdout(),
        "floods" => talkers::floods(),
        "lines" => talkers::lines(number()),
        "last-words" => talkers::last_words(),
        "raw" => talkers::raw(),
        "stdin" => talkers::stdin(),
        "exit" => return ExitCode::from(u8::try_from(number()).unwrap_or(u8::MAX)),
        "listen" => servers::listen(&argument, args.next().as_deref()),
        "http" => servers::http(&argument, args.next().as_deref()),
        "unix" => servers::unix(&argument),
        "notify" => servers::notify(args.next().as_deref()),
        other => {
            eprintln!("hostile: no mode is called `{other}`");
            return ExitCode::from(64);
        }
    }
    ExitCode::SUCCESS
}
