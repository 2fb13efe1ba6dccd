//! What is said when a command cannot do what it was asked: what happened, why, the last lines of the log, and
//! the command that helps. Rendered once, by `cli::run`.

use super::exit::Exit;
use super::term::Paint;
use crate::api::client::{ClientError, ConnectError};
use crate::api::launch::LaunchError;
use crate::api::wire;
use crate::config::Report;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum CliError {
    /// Mistakes in the project file.
    Report(Report),
    /// Anything else.
    Trouble(Box<Trouble>),
}

/// One thing that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// What happened, to which service: a lower-case sentence, names in backticks.
    pub(crate) what: String,
    /// Why, if that is another sentence.
    pub(crate) why: Option<String>,
    /// Whose last lines, and the lines.
    pub(crate) log: Option<(String, Vec<String>)>,
    /// The command that helps.
    pub(crate) hint: Option<String>,
    /// The exit code it leads to.
    pub(crate) exit: Exit,
}

impl Trouble {
    /// Only what happened.
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { what: what.into(), why: None, log: None, hint: None, exit }
    }

    /// And why.
    pub(crate) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// And the command that helps.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The text, with a newline at its end.
    pub(crate) fn render(&self, paint: Paint) -> String {
        let mut text = format!("{} {}\n", paint.error("error:"), self.what);
        if let Some(why) = &self.why {
            for line in why.lines() {
                text += &format!("  {line}\n");
            }
        }
        if let Some((service, lines)) = &self.log {
            text += &format!("  the last lines of `{service}`:\n");
            for line in lines {
                text += &format!("    {} {line}\n", paint.dim("|"));
            }
        }
        if let Some(hint) = &self.hint {
            text += &format!("  {} {hint}\n", paint.bold("help:"));
        }
        text
    }
}

impl CliError {
    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Report(_) => Exit::Usage,
            Self::Trouble(trouble) => trouble.exit,
        }
    }

    /// The text, with a newline at its end.
    pub(crate) fn render(&self, paint: Paint) -> String {
        match self {
            Self::Report(report) => {
                let mut text = report.render(paint.is_on());
                if !text.ends_with('\n') {
                    text.push('\n');
                }
                text
            }
            Self::Trouble(trouble) => trouble.render(paint),
        }
    }
}

impl From<Trouble> for CliError {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(Box::new(trouble))
    }
}

impl From<Report> for CliError {
    fn from(report: Report) -> Self {
        Self::Report(report)
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Trouble::new(Exit::Failed, error.to_string()).into()
    }
}

impl From<ConnectError> for CliError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::NotRunning => {
                Trouble::new(Exit::NotRunning, "the project is not running").hint("start it with `tspm up`").into()
            }
            ConnectError::Refused { .. } => Trouble::new(Exit::Failed, error.to_string()).into(),
        }
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Problem(problem) => Trouble::from(problem).into(),
            ClientError::Version { theirs } => other_version(theirs).into(),
            ClientError::Broken(_) => Trouble::new(Exit::Failed, error.to_string())
                .hint("`tspm doctor` tells whether it is alive, `.tspm/tspm.log` what it had to say")
                .into(),
            ClientError::Nonsense(_) => Trouble::new(Exit::Failed, error.to_string())
                .hint("`tspm version` shows which version runs and which one asks")
                .into(),
        }
    }
}

impl From<wire::Problem> for Trouble {
    fn from(problem: wire::Problem) -> Self {
        let exit = match problem.code.as_str() {
            "unknown-service" | "disabled" | "bad-project" | "bad-request" => Exit::Usage,
            _ => Exit::Failed,
        };
        Self { hint: problem.hint, ..Self::new(exit, problem.message) }
    }
}

impl From<LaunchError> for CliError {
    fn from(error: LaunchError) -> Self {
        match error {
            LaunchError::Connect(error) => error.into(),
            LaunchError::Program { .. } => Trouble::new(Exit::Failed, error.to_string()).into(),
            LaunchError::Keeper(message) => Trouble::new(Exit::Failed, "the project cannot be started")
                .why(message)
                .hint(
                    "the state folder must be writable and able to hold sockets; TSPM_STATE_DIR names another one",
                )
                .into(),
            LaunchError::Silent => Trouble::new(Exit::Failed, "the project cannot be started")
                .why(error.to_string())
                .hint("`.tspm/tspm.log` has what it had to say")
                .into(),
            LaunchError::Locked { holder, .. } => {
                let who = holder.map_or_else(String::new, |pid| format!(" (pid {pid})"));
                Trouble::new(Exit::Failed, format!("{error}{who}"))
                    .hint("if it hangs: `kill` that pid; it takes its services down in order before it ends")
                    .into()
            }
        }
    }
}

fn other_version(theirs: u32) -> Trouble {
    let ours = wire::SCHEMA_VERSION;
    let what = format!("the running supervisor speaks version {theirs} of the API, this tspm speaks {ours}");
    let trouble = Trouble::new(Exit::Failed, what);
    if theirs > ours {
        trouble
            .why("this tspm is the older one")
            .hint("update this tspm, or use the one that the project was started with")
    } else {
        trouble.why("the running supervisor is the older one").hint(
            "`tspm down` with the tspm that started it (or `kill` its keeper: `tspm doctor`), then `tspm up`",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_says_what_why_where_and_what_helps() {
        let mut trouble = Trouble::new(Exit::Failed, "`db` failed: exit 1").why("it ended before it was ready");
        trouble.log = Some(("db".to_owned(), vec!["FATAL: no such user".to_owned()]));
        let text = trouble.hint("tspm why db").render(Paint::PLAIN);
        assert_eq!(
            text,
            "error: `db` failed: exit 1\n  it ended before it was ready\n  the last lines of `db`:\n    \
             | FATAL: no such user\n  help: tspm why db\n"
        );
    }

    #[test]
    fn every_kind_of_failure_has_its_exit_code() {
        let problem = |code: &str| wire::Problem { code: code.to_owned(), message: String::new(), hint: None };
        let exit = |error: CliError| error.exit();
        assert_eq!(exit(ConnectError::NotRunning.into()), Exit::NotRunning);
        assert_eq!(exit(ClientError::Problem(problem("unknown-service")).into()), Exit::Usage);
        assert_eq!(exit(ClientError::Problem(problem("shutting-down")).into()), Exit::Failed);
        assert_eq!(exit(ClientError::Version { theirs: 2 }.into()), Exit::Failed);
        assert_eq!(exit(LaunchError::Silent.into()), Exit::Failed);
        assert_eq!(exit(Report { problems: Vec::new() }.into()), Exit::Usage);
    }

    #[test]
    fn another_version_says_which_side_to_update() {
        let text = |theirs| CliError::from(ClientError::Version { theirs }).render(Paint::PLAIN);
        assert!(text(2).contains("help: update this tspm"), "{}", text(2));
        assert!(text(0).contains("the running supervisor is the older one"), "{}", text(0));
    }
}
