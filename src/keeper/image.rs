//! What a leader executes, laid out in memory before the forks, so that nothing is allocated after them.

#![allow(unsafe_code)]

use std::ffi::{c_char, c_int};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use super::protocol::{Spawn, SpawnStep};

/// Program, working directory, `argv` and `envp` of one spawn, as C wants them.
#[derive(Debug)]
pub(super) struct Image {
    /// Program, working directory, arguments, environment: each ended by NUL. Never changed once made, as
    /// `pointers` points into it.
    bytes: Vec<u8>,
    cwd: usize,
    /// `argv`, null, `envp`, null.
    pointers: Vec<*const c_char>,
    environment: usize,
}

/// What a leader says when it could not become the program.
pub(super) type Failure = (SpawnStep, c_int);

impl Image {
    /// Fails with `EINVAL` if a string holds a NUL.
    pub(super) fn of(spawn: &Spawn) -> Result<Self, Failure> {
        let strings = || [&spawn.program, &spawn.cwd].into_iter().chain(&spawn.argv).chain(&spawn.env);
        if strings().any(|string| string.contains(&0)) {
            return Err((SpawnStep::Exec, libc::EINVAL));
        }
        let mut bytes = Vec::with_capacity(strings().map(|string| string.len() + 1).sum());
        let mut starts = Vec::with_capacity(strings().count());
        for string in strings() {
            starts.push(bytes.len());
            bytes.extend_from_slice(string);
            bytes.push(0);
        }
        let at = |&start: &usize| bytes[start..].as_ptr().cast::<c_char>();
        let (arguments, environment) = starts[2..].split_at(spawn.argv.len());
        let mut pointers = Vec::with_capacity(starts.len());
        pointers.extend(arguments.iter().map(at));
        pointers.push(std::ptr::null());
        let first = pointers.len();
        pointers.extend(environment.iter().map(at));
        pointers.push(std::ptr::null());
        Ok(Self { bytes, cwd: starts[1], pointers, environment: first })
    }

    /// Makes this process, a fresh fork, the leader of a session and executes the program. Every
    /// descriptor but the three is expected to be close-on-exec, the signal dispositions to be the defaults.
    /// A failure goes to `failures` as step and error number.
    pub(super) fn execute(
        &self,
        stdio: [BorrowedFd<'_>; 3],
        files: Option<&libc::rlimit>,
        failures: &OwnedFd,
    ) -> ! {
        let (step, errno) = self.attempt(stdio, files);
        let mut words = [0; 8];
        words[..4].copy_from_slice(&(step as u32).to_ne_bytes());
        words[4..].copy_from_slice(&errno.to_ne_bytes());
        // SAFETY: the buffer lives; `_exit` runs nothing of the process this is a copy of.
        unsafe {
            libc::write(failures.as_raw_fd(), words.as_ptr().cast(), words.len());
            libc::_exit(127)
        }
    }

    /// Returns only on failure.
    fn attempt(&self, stdio: [BorrowedFd<'_>; 3], files: Option<&libc::rlimit>) -> Failure {
        let last = |step: SpawnStep| (step, std::io::Error::last_os_error().raw_os_error().unwrap_or(0));
        let at = |start: usize| self.bytes[start..].as_ptr().cast::<c_char>();
        // SAFETY: every pointer is to memory of this process that outlives the call: NUL-ended strings of
        // `bytes`, null-ended arrays of `pointers`, a live `rlimit`, a mask on the stack.
        unsafe {
            libc::setsid();
            for (fd, target) in stdio.iter().zip(0..) {
                if libc::dup2(fd.as_raw_fd(), target) < 0 {
                    return last(SpawnStep::Setup);
                }
            }
            if files.is_some_and(|limit| libc::setrlimit(libc::RLIMIT_NOFILE, limit) != 0) {
                return last(SpawnStep::Setup);
            }
            if libc::chdir(at(self.cwd)) != 0 {
                return last(SpawnStep::Cwd);
            }
            let mut none = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
            libc::execve(at(0), self.pointers.as_ptr(), self.pointers[self.environment..].as_ptr());
        }
        last(SpawnStep::Exec)
    }
}

/// The failure in what [`Image::execute`] wrote; none if it wrote nothing, so that the program runs.
pub(super) fn failure(words: &[u8]) -> Option<Failure> {
    let (step, errno) = words.split_first_chunk::<4>()?;
    let step = match u32::from_ne_bytes(*step) {
        step if step == SpawnStep::Cwd as u32 => SpawnStep::Cwd,
        step if step == SpawnStep::Exec as u32 => SpawnStep::Exec,
        _ => SpawnStep::Setup,
    };
    Some((step, errno.try_into().map_or(0, c_int::from_ne_bytes)))
}
