//! A load: everything it reads, and what comes of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::builder::MAX_BYTES;
use super::decode::{self, Input};
use super::files::{Disk, Files, Given};
use super::issues::Issues;
use super::locate::{self, FileArg, Locate};
use super::problem::{Problem, Report};
use super::reader::Shared;
use super::{Color, NAME_VARIABLE};
use crate::model::{Project, ServiceName};

/// Numbers that were allocated for `auto` ports: of which service, and which of its `ports`.
pub type Ports = BTreeMap<(ServiceName, usize), u16>;

/// Everything that a load reads.
#[derive(Clone, PartialEq)]
pub struct Bundle {
    /// The project files: path and content. One, for now.
    pub sources: Vec<(PathBuf, Vec<u8>)>,
    /// `.env` and `env_file` files that were looked for: content, or none where there is no file.
    pub env_files: Vec<(PathBuf, Option<Vec<u8>>)>,
    /// The caller's environment.
    pub env: Vec<(OsString, OsString)>,
    /// The project folder, absolute.
    pub dir: PathBuf,
    /// Selected profiles.
    pub profiles: Vec<String>,
    /// Whether services are told to use colours.
    pub color: bool,
}

impl fmt::Debug for Bundle {
    /// Without contents and values: they may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources: Vec<_> = self.sources.iter().map(|(path, bytes)| (path, bytes.len())).collect();
        let env_files: Vec<_> =
            self.env_files.iter().map(|(path, bytes)| (path, bytes.as_ref().map(Vec::len))).collect();
        f.debug_struct("Bundle")
            .field("sources", &sources)
            .field("env_files", &env_files)
            .field("env", &format_args!("{} variables", self.env.len()))
            .field("dir", &self.dir)
            .field("profiles", &self.profiles)
            .field("color", &self.color)
            .finish()
    }
}

/// A project that can be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The project.
    pub project: Project,
    /// What is worth knowing about it.
    pub warnings: Report,
    /// Its `auto` ports, allocated or not.
    pub auto_ports: Vec<(ServiceName, usize)>,
}

/// Finds and loads a project, and keeps what was read. `auto` ports have no number yet.
///
/// # Errors
///
/// Everything that is wrong with the project.
pub fn read(locate: &Locate) -> Result<(Bundle, Loaded), Report> {
    let found = locate::find(locate)?;
    locate::refuse_overrides(locate, &found)?;
    let bytes = match &locate.file {
        Some(FileArg::Stdin) => limited(&mut std::io::stdin().lock()),
        Some(FileArg::Path(_)) | None => File::open(&found.path).and_then(|mut file| limited(&mut file)),
    };
    let bytes = bytes.map_err(|error| {
        let message = format!("`{}` cannot be read: {error}", found.path.display());
        Report::from(Problem::error("unreadable", message))
    })?;
    let mut env = locate.env.clone();
    if let Some(name) = &locate.name {
        env.retain(|(key, _)| key != NAME_VARIABLE);
        env.push((NAME_VARIABLE.into(), name.into()));
    }
    let mut bundle = Bundle {
        sources: vec![(found.path, bytes)],
        env_files: Vec::new(),
        env,
        dir: found.dir,
        profiles: locate.profiles.clone(),
        color: locate.color,
    };
    let disk = Disk::default();
    let loaded = load_with(&bundle, &Ports::new(), &disk)?;
    bundle.env_files = disk.into_seen();
    Ok((bundle, loaded))
}

/// Loads a project from what was read before, with numbers for its `auto` ports. Looks at nothing else.
///
/// # Errors
///
/// Everything that is wrong with the project.
pub fn load(bundle: &Bundle, ports: &Ports) -> Result<Loaded, Report> {
    load_with(bundle, ports, &Given::new(&bundle.env_files))
}

fn load_with(bundle: &Bundle, ports: &Ports, files: &dyn Files) -> Result<Loaded, Report> {
    let (path, bytes) = match bundle.sources.as_slice() {
        [source] => source,
        [] => return Err(Problem::error("no-file", "there is no project file").into()),
        [_, _, ..] => {
            return Err(Problem::error("not-yet", "several files are not yet supported by this version").into());
        }
    };
    let shared = Shared::new(Issues::default(), &bundle.dir);
    let input = Input {
        env: &bundle.env,
        profiles: &bundle.profiles,
        color: if bundle.color { Color::Yes } else { Color::No },
        ports,
        files,
    };
    let root = super::parse(path, bytes, &shared.issues);
    let project = root.and_then(|root| decode::project(&shared, &root, &input));
    let failed = shared.issues.failed();
    let report = shared.issues.into_report();
    match project {
        Some((project, auto_ports)) if !failed => Ok(Loaded { project, warnings: report, auto_ports }),
        Some(_) | None => Err(report),
    }
}

/// At most one byte more than a project may have: enough to know that it is too large.
fn limited(from: &mut dyn Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether `path` is there, whatever it is.
pub(super) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
