//! `tspm`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|word| word == "__keeper") {
        return match tspm::keeper::Args::parse(arguments) {
            Some(args) => tspm::keeper::main(args),
            None => ExitCode::from(2),
        };
    }
    ExitCode::SUCCESS
}
