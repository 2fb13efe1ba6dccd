//! `devdown` is `tspm down`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tspm::cli::main(tspm::cli::Program::Devdown)
}
