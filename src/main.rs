//! `tspm`: everything is in the library, which `devup` and `devdown` share.

use std::process::ExitCode;

fn main() -> ExitCode {
    tspm::cli::main(tspm::cli::Program::Tspm)
}
