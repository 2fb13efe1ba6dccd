//! `tspm config`: the project file as tspm understands it.

use crate::cli::args::{ConfigArgs, ConfigFormat};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Trouble};
use crate::cli::exit::Exit;
use crate::cli::out;
use crate::{config, graph};

/// Prints it.
pub(crate) fn run(context: &Context, args: &ConfigArgs) -> Result<Exit, CliError> {
    let (_, loaded) = context.read()?;
    if args.services {
        for name in graph::start_order(&loaded.project) {
            out::print(&format!("{name}\n"));
        }
        return Ok(Exit::Done);
    }
    let value = config::resolved(&loaded);
    match args.format {
        ConfigFormat::Json => out::print_json(&value),
        ConfigFormat::Yaml => {
            let text = yaml_serde::to_string(&value)
                .map_err(|error| Trouble::new(Exit::Failed, format!("it cannot be written as YAML: {error}")))?;
            out::print(&text);
        }
    }
    Ok(Exit::Done)
}
