//! `tspm completions`: the script by which a shell asks tspm itself what can follow.

use clap_complete::env::Shells;

use crate::cli::args::CompletionsArgs;
use crate::cli::error::{CliError, Trouble};
use crate::cli::exit::Exit;
use crate::cli::{COMPLETE_VAR, out};

/// Prints the script.
pub(crate) fn run(args: &CompletionsArgs) -> Result<Exit, CliError> {
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(&args.shell) else {
        return Err(Trouble::new(Exit::Usage, format!("no completions for `{}`", args.shell)).into());
    };
    let mut script = Vec::new();
    shell.write_registration(COMPLETE_VAR, "tspm", "tspm", "tspm", &mut script)?;
    out::print_bytes(&script);
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use clap_complete::env::Shells;

    #[test]
    fn every_shell_that_is_offered_is_known() {
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            assert!(Shells::builtins().completer(shell).is_some(), "{shell}");
        }
    }
}
