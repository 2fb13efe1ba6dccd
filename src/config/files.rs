//! What a load reads besides the project file: from the disk for the client, from its bundle for the supervisor,
//! so that both see the same project.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Gives the content of `.env` and `env_file` files.
pub(super) trait Files {
    /// The content of `path`; none: there is no such file. `Err` says in words why it cannot be read.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String>;
}

/// Files that were looked for: content, or none where there is no file.
pub(super) type Seen = Vec<(PathBuf, Option<Vec<u8>>)>;

/// The disk. Remembers what was read; a file is read once.
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
        if let Some((_, content)) = self.seen.borrow().iter().find(|(seen, _)| seen == path) {
            return Ok(content.clone());
        }
        let content = match std::fs::read(path) {
            Ok(bytes) => Some(bytes),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
            Err(error) => return Err(error.to_string()),
        };
        self.seen.borrow_mut().push((path.to_owned(), content.clone()));
        Ok(content)
    }
}

/// What somebody else read.
#[derive(Debug)]
pub(super) struct Given<'a>(pub(super) &'a [(PathBuf, Option<Vec<u8>>)]);

impl Files for Given<'_> {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.iter().find(|(given, _)| given == path).and_then(|(_, content)| content.clone()))
    }
}
