//! The keeper's hold on the project's state folder: the lock, the socket, what is removed at the end.
//!
//! A live lock file is never unlinked: whoever waits for it would then lock a file that nobody else sees.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::umask;

use crate::sys::Place;

/// What a keeper holds while it lives.
#[derive(Debug)]
pub(super) struct Home {
    /// Where everything is.
    pub place: Place,
    /// The API socket, listening. Clients ask the kernel who listens, and get the keeper.
    pub listener: OwnedFd,
    _lock: File,
}

/// Why there is no hold.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// Another keeper lives.
    #[error("locked")]
    Locked,
    /// A step failed.
    #[error("error: cannot {step} `{path}`: {error}")]
    Failed { step: &'static str, path: PathBuf, error: io::Error },
}

impl Home {
    /// Takes hold. What an earlier keeper left behind (its socket) is replaced.
    pub(super) fn take(place: Place) -> Result<Self, Refused> {
        let failed = |step, path: &Path| {
            let path = path.to_owned();
            move |error| Refused::Failed { step, path, error }
        };
        let dir = &place.dir;
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed("create the folder", dir))?;
        let ignore = dir.join(".gitignore");
        if !ignore.exists() {
            fs::write(&ignore, "*\n").map_err(failed("write", &ignore))?;
        }
        let lock = lock(&place.lock())?;
        let listener = listen(&place.socket).map_err(failed("listen at", &place.socket))?;
        Ok(Self { place, listener: listener.into(), _lock: lock })
    }

    /// Nobody listens any more.
    pub(super) fn close(&self) {
        let _ = fs::remove_file(&self.place.socket);
    }

    /// Nothing is left that the journals could lead to. The lock stays, its file too.
    pub(super) fn forget(&self) {
        let _ = fs::remove_file(self.place.journal());
        let _ = fs::remove_file(old(&self.place.journal()));
    }
}

/// Where the journal of the keeper before this one is kept.
pub(super) fn old(journal: &Path) -> PathBuf {
    journal.with_extension("jsonl.old")
}

fn lock(path: &Path) -> Result<File, Refused> {
    let failed = |error| Refused::Failed { step: "lock", path: path.to_owned(), error };
    loop {
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Refused::Locked),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // Somebody may have removed the folder in between: then this is the lock of nothing.
        let locked = file.metadata().map_err(failed)?;
        if fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (locked.dev(), locked.ino())) {
            // Whose it is, for people.
            file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
            return Ok(file);
        }
    }
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let before = umask(Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(path);
    umask(before);
    listener
}
