//! The exit codes: one enum, one match.
//!
//! Never decides which one: each command does.

use std::process::ExitCode;

/// How a command ended, as scripts see it (`cli.md`, exit codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is as was asked.
    Done,
    /// A service failed, was not ready in time, or tspm itself could not do it.
    Failed,
    /// Bad usage, or a project file with mistakes: nothing was changed.
    Usage,
    /// Something is left running or could not be stopped.
    Left,
    /// The project is not running.
    NotRunning,
    /// Ctrl-C, SIGTERM, SIGHUP.
    Interrupted,
}

impl Exit {
    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Left => 3,
            Self::NotRunning => 4,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn the_codes_are_those_of_the_manual() {
        let all = [Exit::Done, Exit::Failed, Exit::Usage, Exit::Left, Exit::NotRunning, Exit::Interrupted];
        assert_eq!(all.map(Exit::code), [0, 1, 2, 3, 4, 130]);
    }
}
