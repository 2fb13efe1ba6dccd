//! What a load reads besides the project file: from the disk for the client, from its bundle for the supervisor,
//! so that both see the same project.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file larger than this is no env file.
pub(super) const MAX_ENV_FILE: usize = 1 << 20;

/// What all env files of a project together may have: they travel in the bundle.
const MAX_TOGETHER: usize = 32 << 20;

/// Gives the content of `.env` and `env_file` files.
pub(super) trait Files {
    /// The content of `path`, at most one byte more than [`MAX_ENV_FILE`]; none: there is no such file. `Err`
    /// says in words why it cannot be read. Asked once for each path.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String>;
}

/// Files that were looked for: content, or none where there is no file.
pub(super) type Seen = Vec<(PathBuf, Option<Vec<u8>>)>;

/// The disk. Remembers what was read.
#[derive(Debug, Default)]
pub(super) struct Disk {
    seen: RefCell<Seen>,
}

impl Disk {
    /// Everything that was looked for.
    pub(super) fn into_seen(self) -> Seen {
        self.seen.into_inner()
    }
}

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        let together: usize =
            self.seen.borrow().iter().filter_map(|(_, content)| content.as_ref()).map(Vec::len).sum();
        let content = match regular(path) {
            Ok(bytes) => Some(bytes),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
            Err(error) => return Err(error.to_string()),
        };
        if together + content.as_ref().map_or(0, Vec::len) > MAX_TOGETHER {
            return Err(format!("all env files together are larger than {} MiB", MAX_TOGETHER >> 20));
        }
        self.seen.borrow_mut().push((path.to_owned(), content.clone()));
        Ok(content)
    }
}

/// The beginning of a regular file. Anything else is refused before it is read: it may never end, or never
/// begin.
fn regular(path: &Path) -> io::Result<Vec<u8>> {
    // Not to wait for the other end of a pipe.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    let kind = file.metadata()?.file_type();
    if !kind.is_file() {
        let what = if kind.is_dir() { "it is a folder" } else { "it is no regular file" };
        return Err(io::Error::other(what));
    }
    let mut bytes = Vec::new();
    file.take(MAX_ENV_FILE as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What somebody else read.
#[derive(Debug)]
pub(super) struct Given<'a>(HashMap<&'a Path, Option<&'a [u8]>>);

impl<'a> Given<'a> {
    /// Gives what `seen` has.
    pub(super) fn new(seen: &'a [(PathBuf, Option<Vec<u8>>)]) -> Self {
        Self(seen.iter().map(|(path, content)| (path.as_path(), content.as_deref())).collect())
    }
}

impl Files for Given<'_> {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.get(path).copied().flatten().map(<[u8]>::to_vec))
    }
}
