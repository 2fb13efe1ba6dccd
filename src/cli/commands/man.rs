//! `tspm man`: the manual page, made from the same definitions as `--help`.

use clap::CommandFactory;

use crate::cli::args::{Cli, ManArgs};
use crate::cli::error::{CliError, Trouble};
use crate::cli::exit::Exit;
use crate::cli::out;

/// Prints it in roff.
pub(crate) fn run(args: &ManArgs) -> Result<Exit, CliError> {
    let mut tspm = Cli::command();
    tspm.build();
    let page = match &args.command {
        None => tspm,
        Some(name) => {
            let unknown =
                || Trouble::new(Exit::Usage, format!("there is no command `{name}`")).hint("see `tspm --help`");
            tspm.find_subcommand(name).ok_or_else(unknown)?.clone()
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    out::print_bytes(&text);
    Ok(Exit::Done)
}
