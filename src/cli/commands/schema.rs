//! `tspm schema`: the JSON Schema of the project file.

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::out;
use crate::config;

/// Prints it, as it is checked in.
pub(crate) fn run() -> Result<Exit, CliError> {
    out::print_json(&config::schema());
    Ok(Exit::Done)
}
