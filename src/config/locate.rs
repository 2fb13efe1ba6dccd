//! Finding the project file. Never reads it: `ps`, `logs` and `down` work with a broken one.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::bundle::exists;
use super::problem::{Problem, Report};

/// What a project file may be called. Two of them in one folder are refused.
const NAMES: [&str; 4] = ["tspm.yaml", "tspm.yml", "tspm.json", "tspm.jsonc"];

/// Files that would be merged over it.
const OVERRIDES: [&str; 2] = ["tspm.override.yaml", "tspm.override.yml"];

/// `-f`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileArg {
    /// A file.
    Path(PathBuf),
    /// `-f -`.
    Stdin,
}

/// Where to look for a project, and in which circumstances to load it.
#[derive(Clone, PartialEq)]
pub struct Locate {
    /// `-f`; none: searched from `cwd` upward.
    pub file: Option<FileArg>,
    /// The current folder, absolute.
    pub cwd: PathBuf,
    /// `--profile` and `TSPM_PROFILES`.
    pub profiles: Vec<String>,
    /// The caller's environment.
    pub env: Vec<(OsString, OsString)>,
    /// Whether services are told to use colours.
    pub color: bool,
    /// `--name`, over the file's.
    pub name: Option<String>,
}

impl fmt::Debug for Locate {
    /// Without the values of variables: they may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locate")
            .field("file", &self.file)
            .field("cwd", &self.cwd)
            .field("profiles", &self.profiles)
            .field("env", &format_args!("{} variables", self.env.len()))
            .field("color", &self.color)
            .field("name", &self.name)
            .finish()
    }
}

/// A project file that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file; `-` for standard input.
    pub path: PathBuf,
    /// The project folder: the file's; the current one for standard input.
    pub dir: PathBuf,
}

/// Finds the project file.
///
/// # Errors
///
/// There is none, or there are two.
pub fn find(locate: &Locate) -> Result<Found, Report> {
    match &locate.file {
        Some(FileArg::Stdin) => Ok(Found { path: PathBuf::from("-"), dir: locate.cwd.clone() }),
        Some(FileArg::Path(path)) => named(&locate.cwd, path),
        None => search(&locate.cwd),
    }
}

fn named(cwd: &Path, path: &Path) -> Result<Found, Report> {
    let path = cwd.join(path);
    if !path.exists() {
        return Err(Problem::error("no-file", format!("`{}` does not exist", path.display())).into());
    }
    if path.is_dir() {
        let problem = Problem::error("no-file", format!("`{}` is a folder", path.display()));
        return Err(problem.with_help("name the file in it").into());
    }
    let name = path.file_name().unwrap_or_default().to_owned();
    if name.to_string_lossy().starts_with("Procfile") {
        return Err(Problem::error("not-yet", "a Procfile is not yet supported by this version").into());
    }
    let parent = path.parent().unwrap_or(Path::new("/"));
    // Without `..`, so that it reads well; the file itself may be a link to somewhere else.
    let dir = parent.canonicalize().unwrap_or_else(|_| parent.to_owned());
    Ok(Found { path: dir.join(name), dir })
}

fn search(cwd: &Path) -> Result<Found, Report> {
    for dir in cwd.ancestors() {
        let here: Vec<&str> = NAMES.into_iter().filter(|name| exists(&dir.join(name))).collect();
        match here.as_slice() {
            [] => {}
            [name] => return Ok(Found { path: dir.join(name), dir: dir.to_owned() }),
            [first, second, ..] => {
                let message = format!("`{}` has both `{first}` and `{second}`", dir.display());
                let help = format!("remove one of them, or choose with `-f {first}`");
                return Err(Problem::error("two-files", message).with_help(help).into());
            }
        }
    }
    let message = format!("no project file in `{}` or any folder above it", cwd.display());
    let mut problem = Problem::error("no-file", message);
    problem.notes.push(format!("looked for {}", NAMES.map(|name| format!("`{name}`")).join(", ")));
    Err(problem.with_help("name one with `-f FILE`, or write a `tspm.yaml`").into())
}

/// Refuses what would have to be merged: nothing is ignored silently.
pub(super) fn refuse_overrides(locate: &Locate, found: &Found) -> Result<(), Report> {
    if locate.file.is_some() {
        return Ok(());
    }
    match OVERRIDES.into_iter().find(|name| exists(&found.dir.join(name))) {
        None => Ok(()),
        Some(name) => {
            let problem = Problem::error("not-yet", format!("`{name}` is not yet supported by this version"));
            Err(problem.with_help("move it away, or name the project file with `-f`").into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locate(cwd: &Path, file: Option<&str>) -> Locate {
        Locate {
            file: file.map(|file| if file == "-" { FileArg::Stdin } else { FileArg::Path(file.into()) }),
            cwd: cwd.to_owned(),
            profiles: Vec::new(),
            env: vec![("SECRET".into(), "hunter2".into())],
            color: false,
            name: None,
        }
    }

    fn message(result: Result<Found, Report>) -> String {
        result.unwrap_err().problems[0].message.clone()
    }

    #[test]
    fn searches_upward_and_refuses_two() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().canonicalize().unwrap();
        let deep = dir.join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        assert!(message(find(&locate(&deep, None))).starts_with("no project file in"));
        std::fs::write(dir.join("tspm.json"), "{}").unwrap();
        let found = find(&locate(&deep, None)).unwrap();
        assert_eq!(found, Found { path: dir.join("tspm.json"), dir: dir.clone() });
        std::fs::write(dir.join("a/tspm.yml"), "").unwrap();
        assert_eq!(find(&locate(&deep, None)).unwrap().dir, dir.join("a"), "the first hit wins");
        std::fs::write(dir.join("a/tspm.yaml"), "").unwrap();
        let both = message(find(&locate(&deep, None)));
        assert!(both.ends_with("has both `tspm.yaml` and `tspm.yml`"), "{both}");
        assert!(find(&locate(&deep, Some("../tspm.yml"))).is_ok_and(|found| found.path == dir.join("a/tspm.yml")));
    }

    #[test]
    fn takes_the_file_that_is_named() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().canonicalize().unwrap();
        assert!(message(find(&locate(&dir, Some("x.yaml")))).ends_with("does not exist"));
        assert!(message(find(&locate(&dir, Some(".")))).ends_with("is a folder"));
        std::fs::write(dir.join("Procfile"), "").unwrap();
        assert!(message(find(&locate(&dir, Some("Procfile")))).contains("not yet supported"));
        let found = find(&locate(&dir, Some("-"))).unwrap();
        assert_eq!(found, Found { path: PathBuf::from("-"), dir });
    }

    #[test]
    fn debugging_output_has_no_secrets() {
        assert!(!format!("{:?}", locate(Path::new("/"), None)).contains("hunter2"));
    }
}
