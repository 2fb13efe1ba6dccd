//! `posix_spawn`, directly: what starting a process costs at least.
#![expect(unsafe_code, reason = "posix_spawn has no safe face")]

use std::ffi::{CString, c_char};
use std::os::fd::RawFd;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

/// A process that is killed when it is dropped, unless it has been waited for.
pub(crate) struct Spawned(Option<Pid>);

/// Spawns this program as a worker.
pub(crate) fn spawn(args: &[&str]) -> Spawned {
    spawn_to(args, None)
}

/// As [`spawn`], with this descriptor as its standard output.
pub(crate) fn spawn_to(args: &[&str], stdout: Option<RawFd>) -> Spawned {
    let me = std::env::current_exe().expect("a program has an executable");
    let me = CString::new(me.into_os_string().into_encoded_bytes()).expect("a path has no zero");
    let words = ["worker"].iter().chain(args).map(|word| CString::new(*word).expect("an argument has no zero"));
    let words: Vec<CString> = std::iter::once(me.clone()).chain(words).collect();
    let mut argv: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
    argv.push(std::ptr::null_mut());
    let mut env = [c"PATH=/usr/bin:/bin".as_ptr().cast_mut(), std::ptr::null_mut()];
    let mut pid = 0;
    // SAFETY: `argv` and `env` end with null and their strings live until the call is over; the file actions are
    // initialised before they are used and destroyed afterwards.
    let result = unsafe {
        let mut actions = std::mem::zeroed();
        libc::posix_spawn_file_actions_init(&raw mut actions);
        if let Some(fd) = stdout {
            libc::posix_spawn_file_actions_adddup2(&raw mut actions, fd, 1);
        }
        let result = libc::posix_spawn(
            &raw mut pid,
            me.as_ptr(),
            &raw const actions,
            std::ptr::null(),
            argv.as_ptr(),
            env.as_mut_ptr(),
        );
        libc::posix_spawn_file_actions_destroy(&raw mut actions);
        result
    };
    assert_eq!(result, 0, "posix_spawn: {}", std::io::Error::from_raw_os_error(result));
    Spawned(Some(Pid::from_raw(pid)))
}

impl Spawned {
    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        if let Some(pid) = self.0 {
            kill(pid, Signal::SIGTERM).expect("the child is ours");
        }
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) {
        if let Some(pid) = self.0.take() {
            waitpid(pid, None).expect("the child is ours");
        }
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            let _ = kill(pid, Signal::SIGKILL);
            let _ = waitpid(pid, None);
        }
    }
}
