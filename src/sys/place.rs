//! Where a project keeps its state: paths only.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The paths of one project's state (`lifecycle.md` 2, «state»).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The state folder: `.tspm` beside the first project file, or `$TSPM_STATE_DIR`.
    pub dir: PathBuf,
    /// The API socket: in `dir`, or under `runtime` where that path would be too long.
    pub socket: PathBuf,
    /// The project's id: the same for the same folder and name, different for a copy of the folder.
    pub project_id: String,
}

impl Place {
    /// `sockaddr_un` holds 108 bytes; 100 leaves room for a suffix.
    const MAX_SOCKET_PATH: usize = 100;

    /// The place of the project in `project_dir`.
    ///
    /// `state_dir` is `TSPM_STATE_DIR`, `runtime_dir` is `XDG_RUNTIME_DIR`. Fails if `project_dir` cannot be read.
    pub fn of(project_dir: &Path, state_dir: Option<&Path>, runtime_dir: Option<&Path>) -> std::io::Result<Self> {
        let meta = std::fs::metadata(project_dir)?;
        let mut hash = DefaultHasher::new();
        (meta.dev(), meta.ino()).hash(&mut hash);
        let project_id = format!("{:012x}", hash.finish() & 0xffff_ffff_ffff);
        let dir = state_dir.map_or_else(|| project_dir.join(".tspm"), |dir| project_dir.join(dir));
        let mut socket = dir.join("tspm.sock");
        if socket.as_os_str().len() > Self::MAX_SOCKET_PATH {
            let runtime = runtime_dir.map_or_else(std::env::temp_dir, Path::to_owned);
            socket = runtime.join(format!("tspm-{project_id}.sock"));
        }
        Ok(Self { dir, socket, project_id })
    }

    /// The file whose lock the keeper holds for its lifetime.
    pub fn lock(&self) -> PathBuf {
        self.dir.join("lock")
    }

    /// The keeper's append-only journal of runs.
    pub fn journal(&self) -> PathBuf {
        self.dir.join("runs.jsonl")
    }

    /// The supervisor's journal of events.
    pub fn events(&self) -> PathBuf {
        self.dir.join("events.jsonl")
    }

    /// Captured output.
    pub fn logs(&self) -> PathBuf {
        self.dir.join("logs")
    }

    /// What the keeper and the supervisor have to say for themselves.
    pub fn diagnostics(&self) -> PathBuf {
        self.dir.join("tspm.log")
    }
}
