//! Finding the project's keeper, or starting one.
//!
//! Sixteen callers at once end up with one keeper: whoever gets the lock says `ready`, the others are told
//! `locked` and connect to it. Never waits for ever, never removes a file.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use super::client::{Client, ConnectError};
use crate::sys::Place;

/// How long a keeper may take to say its line: it does a few system calls, but on a machine that may be building.
const KEEPER_LINE: Duration = Duration::from_secs(8);

/// How often a keeper that holds the lock without answering is looked at: 10 s, as one that is ending takes at most the
/// 5 s of its last kill.
const LOOKS: u32 = 1000;

/// Between two looks at a keeper that is starting or ending. There is no event for «a lock became free» that does
/// not also take the lock.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Whose keeper it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Launched {
    /// This call started it.
    New,
    /// It was there.
    Existing,
}

/// Why there is no keeper to talk to.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// See [`ConnectError`].
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The program could not be executed.
    #[error("cannot run `{} __keeper`: {error}", program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The keeper said why it cannot work.
    #[error("{0}")]
    Keeper(String),
    /// The keeper ended without a word, or says nothing.
    #[error("the keeper ended without saying why")]
    Silent,
    /// Somebody holds the lock and does not answer.
    #[error("another keeper holds `{}` and does not answer", lock.display())]
    Locked {
        /// The lock file.
        lock: PathBuf,
        /// Who holds it, where the kernel tells.
        holder: Option<u32>,
    },
}

/// Connects to the project's supervisor; starts a keeper (which starts a supervisor) where there is none.
///
/// `program` is the binary that understands `__keeper`; `project_dir` the folder the project is in.
pub async fn connect_or_launch(
    place: &Place,
    program: &Path,
    project_dir: &Path,
) -> Result<(Client, Launched), LaunchError> {
    let mut pause = tokio::time::interval(LOOK_AGAIN);
    for _ in 0..LOOKS {
        pause.tick().await;
        match Client::connect(place).await {
            Ok(client) => return Ok((client, Launched::Existing)),
            Err(ConnectError::NotRunning) => {}
            Err(error) => return Err(error.into()),
        }
        // As long as somebody is seen to hold the lock, another keeper could only say `locked`.
        if lock_holder(place).is_none()
            && let Word::Ready = launch(place, program, project_dir).await?
        {
            return Ok((Client::connect(place).await?, Launched::New));
        }
    }
    Err(LaunchError::Locked { lock: place.lock(), holder: lock_holder(place) })
}

/// Who holds the project's lock, by the kernel's own list. Takes no lock, so it disturbs nobody.
pub fn lock_holder(place: &Place) -> Option<u32> {
    let meta = std::fs::metadata(place.lock()).ok()?;
    holder_in(&std::fs::read_to_string("/proc/locks").ok()?, meta.ino())
}

/// A keeper's first and only line.
enum Word {
    Ready,
    Locked,
}

/// Runs the keeper and hears its line. Its first process ends at once: it goes to the background by itself.
async fn launch(place: &Place, program: &Path, project_dir: &Path) -> Result<Word, LaunchError> {
    let failed = |error| LaunchError::Program { program: program.to_owned(), error };
    #[expect(clippy::disallowed_methods, reason = "the keeper itself cannot be the keeper's child")]
    let mut command = Command::new(program);
    command.arg("__keeper").arg(&place.dir).arg(&place.socket).arg(&place.project_id).arg(project_dir);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    // Out of the terminal's foreground group: a Ctrl-C in these milliseconds is for the caller.
    command.process_group(0);
    let mut child = command.spawn().map_err(failed)?;
    let stdout = child.stdout.take().expect("stdout is piped");
    let mut pipe = pipe::Receiver::from_owned_fd(OwnedFd::from(stdout)).map_err(failed)?;
    let mut text = String::new();
    let heard = tokio::time::timeout(KEEPER_LINE, pipe.read_to_string(&mut text)).await;
    // It has ended or is about to: the pipe is closed. A slow one is reaped by init after us.
    let _ = child.try_wait();
    match heard {
        Ok(Ok(_)) => word(&text),
        Ok(Err(_)) | Err(_) => Err(LaunchError::Silent),
    }
}

fn word(text: &str) -> Result<Word, LaunchError> {
    match text.trim_end() {
        "ready" => Ok(Word::Ready),
        "locked" => Ok(Word::Locked),
        "" => Err(LaunchError::Silent),
        other => Err(LaunchError::Keeper(other.strip_prefix("error: ").unwrap_or(other).to_owned())),
    }
}

/// Finds the flock on `inode` in the text of `/proc/locks`:
/// `1: FLOCK  ADVISORY  WRITE 812 08:01:1234567 0 EOF`.
fn holder_in(locks: &str, inode: u64) -> Option<u32> {
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, _, pid, place, ..] = fields[..] else { return None };
        let found: u64 = place.rsplit(':').next()?.parse().ok()?;
        (found == inode).then(|| pid.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keeper_says_one_of_three_things() {
        assert!(matches!(word("ready\n"), Ok(Word::Ready)));
        assert!(matches!(word("locked\n"), Ok(Word::Locked)));
        assert_eq!(
            word("error: `/p/.tspm` is not writable\n").err().map(|e| e.to_string()).as_deref(),
            Some("`/p/.tspm` is not writable")
        );
        assert!(matches!(word(""), Err(LaunchError::Silent)));
    }

    #[test]
    fn the_holder_is_read_from_the_kernels_list() {
        let locks = "1: POSIX  ADVISORY  WRITE 700 08:01:42 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 812 08:01:42 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 813 08:01:42 0 EOF\n";
        assert_eq!(holder_in(locks, 42), Some(812));
        assert_eq!(holder_in(locks, 43), None);
    }

    #[test]
    fn a_held_lock_is_seen_and_a_free_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::of(dir.path(), None, None).unwrap();
        assert_eq!(lock_holder(&place), None);
        std::fs::create_dir(&place.dir).unwrap();
        let file = std::fs::File::create(place.lock()).unwrap();
        assert_eq!(lock_holder(&place), None);
        file.try_lock().unwrap();
        assert_eq!(lock_holder(&place), Some(std::process::id()));
    }
}
