//! `tspm schema`: the JSON Schema of the project file.

use crate::cli::exit::Exit;
use crate::cli::out;
use crate::config;

/// Prints it, as it is checked in.
pub(crate) fn run() -> Exit {
    out::print_json(&config::schema());
    Exit::Done
}
