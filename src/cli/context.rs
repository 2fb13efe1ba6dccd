//! What every command needs to know: where the project is, whether it runs, whether to use colours.
//!
//! Looks nothing up before it is asked to: `ps` must not pay for what only `up` needs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::args::Cli;
use super::error::{CliError, Trouble};
use super::exit::Exit;
use super::select::Catalog;
use super::term::{Paint, Target};
use crate::api::client::{Client, ConnectError};
use crate::api::wire;
use crate::config::{self, Bundle, FileArg, Loaded, Locate};
use crate::sys::Place;

/// The surroundings of one command.
#[derive(Debug)]
pub(crate) struct Context {
    /// Colours on standard output.
    pub(crate) paint: Paint,
    /// Colours on standard error.
    pub(crate) paint_err: Paint,
    /// What standard output is.
    pub(crate) stdout: Target,
    file: Option<PathBuf>,
    profiles: Vec<String>,
}

/// A project's folder and its state folder.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    /// The folder of the project file.
    pub(crate) dir: PathBuf,
    /// Where its state is.
    pub(crate) place: Place,
}

impl Context {
    /// Of a parsed command line.
    pub(crate) fn new(cli: &Cli) -> Self {
        let no_color = std::env::var_os("NO_COLOR");
        let paint = |target| Paint::new(cli.global.color, target, no_color.as_deref());
        let mut profiles = cli.global.profile.clone();
        let from_env = std::env::var("TSPM_PROFILES").unwrap_or_default();
        profiles.extend(from_env.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned));
        Self {
            paint: paint(Target::stdout()),
            paint_err: paint(Target::stderr()),
            stdout: Target::stdout(),
            file: cli.command.file().or(cli.file.as_ref()).cloned(),
            profiles,
        }
    }

    /// Whether a person sees standard output.
    pub(crate) fn is_terminal(&self) -> bool {
        self.stdout == Target::Terminal
    }

    /// The project file as the person named it.
    fn file_arg(&self) -> Option<FileArg> {
        let file = self.file.as_ref()?;
        Some(if file.as_os_str() == "-" { FileArg::Stdin } else { FileArg::Path(file.clone()) })
    }

    fn locate(&self, env: Vec<(OsString, OsString)>) -> Result<Locate, CliError> {
        let cwd = std::env::current_dir()
            .map_err(|error| Trouble::new(Exit::Failed, format!("the current folder cannot be used: {error}")))?;
        let color = self.paint.is_on() && self.is_terminal();
        Ok(Locate { file: self.file_arg(), cwd, profiles: self.profiles.clone(), env, color, name: None })
    }

    /// Where the project is. Works with a broken project file, and with a deleted one whose state folder is still
    /// there.
    pub(crate) fn home(&self) -> Result<Home, CliError> {
        let locate = self.locate(Vec::new())?;
        let dir = match config::find(&locate) {
            Ok(found) => found.dir,
            Err(report) => match state_above(&locate.cwd).filter(|_| self.file.is_none()) {
                Some(dir) => dir,
                None => return Err(report.into()),
            },
        };
        Self::home_in(dir)
    }

    /// The home of the project in `dir`.
    pub(crate) fn home_in(dir: PathBuf) -> Result<Home, CliError> {
        let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let place = Place::of(&dir, var("TSPM_STATE_DIR").as_deref(), var("XDG_RUNTIME_DIR").as_deref()).map_err(
            |error| {
                Trouble::new(
                    Exit::Failed,
                    format!("the project folder `{}` cannot be read: {error}", dir.display()),
                )
            },
        )?;
        Ok(Home { dir, place })
    }

    /// Reads the project file and all that it reads. Warnings go to standard error, but for those that only
    /// `check` gives: they would come with every `up`.
    pub(crate) fn read(&self) -> Result<(Bundle, Loaded), CliError> {
        let (bundle, loaded) = self.read_quietly()?;
        let mut warnings = loaded.warnings.clone();
        warnings.problems.retain(|problem| problem.code != "ready-without-probe");
        if !warnings.problems.is_empty() {
            super::out::note(warnings.render(self.paint_err.is_on()).trim_end());
        }
        Ok((bundle, loaded))
    }

    /// The same without the warnings.
    pub(crate) fn read_quietly(&self) -> Result<(Bundle, Loaded), CliError> {
        Ok(config::read(&self.locate(std::env::vars_os().collect())?)?)
    }

    /// Connects to the running project; exit code 4 if it is not running.
    pub(crate) async fn connect(&self) -> Result<Client, CliError> {
        let home = self.home()?;
        Client::connect(&home.place).await.map_err(|error| match error {
            ConnectError::NotRunning => not_running(&home.dir).into(),
            ConnectError::Refused { .. } => error.into(),
        })
    }

    /// The running project's state, and the client that fetched it.
    pub(crate) async fn state(&self) -> Result<(Client, wire::State), CliError> {
        let client = self.connect().await?;
        let state = client.get("/v1/state").await?;
        Ok((client, state))
    }

    /// The running project and the services that `terms` select in it.
    pub(crate) async fn selected(&self, terms: &[String]) -> Result<(Client, wire::State, Vec<String>), CliError> {
        let (client, state) = self.state().await?;
        let services = Catalog::of_state(&state).services(terms)?;
        Ok((client, state, services))
    }
}

/// The error of exit code 4.
pub(crate) fn not_running(dir: &Path) -> Trouble {
    Trouble::new(Exit::NotRunning, format!("the project in `{}` is not running", dir.display()))
        .hint("start it with `tspm up`")
}

/// The nearest folder, from `start` upwards, in which a tspm has kept its state.
fn state_above(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|dir| dir.join(".tspm/lock").is_file()).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_folder_leads_home_when_the_file_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(state_above(&deep), None);
        std::fs::create_dir(dir.path().join(".tspm")).unwrap();
        std::fs::write(dir.path().join(".tspm/lock"), "").unwrap();
        assert_eq!(state_above(&deep).as_deref(), Some(dir.path()));
    }
}
