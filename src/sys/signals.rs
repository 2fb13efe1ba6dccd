//! Signals that hit the process that was meant, or nobody.
//!
//! A pid alone is never enough: it is opened, then checked, and the signal goes through what was opened.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::tree::{self, Stat};

/// One process, whatever becomes of its pid. Readable (poll) once the process is dead.
#[derive(Debug)]
pub struct PidFd(OwnedFd);

/// Opens the process `pid` that started at `start` (clock ticks since boot).
///
/// Fails with `ESRCH` if there is none or if it is another one by now.
pub fn open(pid: u32, start: u64) -> io::Result<PidFd> {
    open_if(pid, |stat| stat.start == start).map(|(process, _)| process)
}

/// Opens `pid` if `proof` holds of it. What `proof` sees was read after the opening: if it was read of
/// another process, then the opened one is dead, and a signal to it reaches nobody.
pub fn open_if(pid: u32, proof: impl FnOnce(&Stat) -> bool) -> io::Result<(PidFd, Stat)> {
    let gone = || io::Error::from_raw_os_error(libc::ESRCH);
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(gone)?;
    let process = PidFd(pidfd_open(raw, PidfdFlags::empty())?);
    let stat =
        tree::stat(pid).map_err(|error| if error.kind() == io::ErrorKind::NotFound { gone() } else { error })?;
    if proof(&stat) { Ok((process, stat)) } else { Err(gone()) }
}

impl PidFd {
    /// Sends a signal by its number. `ESRCH`: it is dead. `EPERM`: not ours to signal.
    pub fn send(&self, signal: i32) -> io::Result<()> {
        // SAFETY: the descriptor is open, a null `siginfo` is allowed, no memory is passed.
        let result = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.0.as_raw_fd(),
                signal,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            )
        };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_the_process_that_was_meant() {
        let me = std::process::id();
        let start = tree::stat(me).unwrap().start;
        open(me, start).unwrap().send(0).unwrap();
        assert_eq!(open(me, start + 1).unwrap_err().raw_os_error(), Some(libc::ESRCH));
        assert!(open(0, 0).is_err());
        assert!(open(u32::MAX, 0).is_err());
    }
}
