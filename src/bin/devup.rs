//! `devup` is `tspm up`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tspm::cli::main(tspm::cli::Program::Devup)
}
