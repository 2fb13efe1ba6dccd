//! What a leader executes, laid out in memory before the forks, so that nothing is allocated after them.

#![allow(unsafe_code)]

use std::ffi::{CString, c_char, c_int};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use super::order::Strings;
use super::protocol::{Bytes, SpawnStep};

/// Program, working directory, `argv` and `envp` of one spawn, as C wants them.
#[derive(Debug)]
pub(super) struct Image {
    program: CString,
    cwd: CString,
    /// What `pointers` points into: never changed once made.
    strings: [Strings; 2],
    /// `argv`, null, `envp`, null.
    pointers: Vec<*const c_char>,
    /// Where `envp` begins.
    environment: usize,
}

/// What a leader says when it could not become the program.
pub(super) type Failure = (SpawnStep, c_int);

impl Image {
    /// Fails with `EINVAL` if a string holds a NUL.
    pub(super) fn of(program: Bytes, cwd: Bytes, argv: Strings, env: Strings) -> Result<Self, Failure> {
        let invalid = || (SpawnStep::Exec, libc::EINVAL);
        let owned = |bytes| CString::new(bytes).map_err(|_| invalid());
        let mut pointers = Vec::with_capacity(argv.count + env.count + 2);
        let mut add = |strings: &Strings| {
            let pieces = strings.bytes.split_inclusive(|&byte| byte == 0);
            let before = pointers.len();
            pointers.extend(pieces.map(|piece| piece.as_ptr().cast::<c_char>()));
            let whole = pointers.len() - before == strings.count;
            pointers.push(std::ptr::null());
            whole.then_some(pointers.len()).ok_or_else(invalid)
        };
        let environment = add(&argv)?;
        add(&env)?;
        Ok(Self { program: owned(program)?, cwd: owned(cwd)?, strings: [argv, env], pointers, environment })
    }

    /// Whether it is worth its memory to drop it: beyond this the allocator maps pages for it alone.
    pub(super) fn is_large(&self) -> bool {
        self.strings.iter().any(|strings| strings.bytes.len() > 128 << 10)
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
        // SAFETY: every pointer is to memory of this process that outlives the call: NUL-ended strings,
        // null-ended arrays of pointers to such, a live `rlimit`, a mask on the stack.
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
            if libc::chdir(self.cwd.as_ptr()) != 0 {
                return last(SpawnStep::Cwd);
            }
            let mut none = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
            libc::execve(
                self.program.as_ptr(),
                self.pointers.as_ptr(),
                self.pointers[self.environment..].as_ptr(),
            );
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
