//! `tspm` in a terminal: a PTY of its own, whose keys can be pressed and which can be closed.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Child, Stdio};

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use rustix::event::PollFlags;

use super::patience::Deadline;
use super::project::Project;

/// A session with a controlling terminal.
pub(crate) struct Terminal {
    master: Option<File>,
    child: Child,
    heard: Vec<u8>,
}

impl Terminal {
    /// Runs `tspm` with `args` as the foreground program of a new terminal.
    pub(crate) fn run(project: &Project, args: &str) -> Self {
        // Not `openpty`: nobody may inherit the master, or the terminal could never be closed.
        let master =
            posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).expect("a terminal can be had");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("the terminal is ours");
        let name = ptsname_r(&master).expect("the terminal has a name");
        let terminal = File::options().read(true).write(true).custom_flags(libc::O_NOCTTY).open(name);
        let terminal = terminal.expect("the terminal is ours");
        let line =
            ["--ctty", "/bin/sh", "-c", "stty rows 40 cols 120 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_tspm")];
        let line: Vec<&str> = line.into_iter().chain(args.split_whitespace()).collect();
        let mut command = project.command("setsid", &line);
        command.env("TERM", "xterm-256color");
        let clone = || Stdio::from(terminal.try_clone().expect("a descriptor can be duplicated"));
        command.stdin(clone()).stdout(clone()).stderr(clone());
        let child = command.spawn().expect("setsid is part of util-linux");
        Self { master: Some(File::from(OwnedFd::from(master))), child, heard: Vec::new() }
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) {
        self.master.as_mut().expect("it is open").write_all(keys.as_bytes()).expect("it is open");
    }

    /// Blocks until the screen has shown `part`; colours and cursor movements are left in.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, part: &str) {
        let deadline = Deadline::start();
        while memchr::memmem::find(&self.heard, part.as_bytes()).is_none() {
            assert!(self.read_more(deadline), "never shown: `{part}`; shown:\n{}", self.shown());
        }
    }

    /// Reads until the other side is closed, then gives back how the program ended.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let deadline = Deadline::start();
        while self.read_more(deadline) {}
        assert!(deadline.left().is_some(), "it did not end; shown:\n{}", self.shown());
        self.child.wait().expect("the child is ours").code()
    }

    /// Closes the window: the program gets SIGHUP.
    pub(crate) fn close(&mut self) {
        self.master = None;
    }

    /// Everything shown so far.
    pub(crate) fn shown(&self) -> String {
        String::from_utf8_lossy(&self.heard).into_owned()
    }

    /// False: the terminal was closed on the other side (EIO), or the deadline passed.
    fn read_more(&mut self, deadline: Deadline) -> bool {
        let Some(master) = &mut self.master else { return false };
        if !deadline.poll(master.as_fd(), PollFlags::IN) {
            return false;
        }
        let mut buffer = [0; 4096];
        let read = master.read(&mut buffer).unwrap_or(0);
        self.heard.extend_from_slice(&buffer[..read]);
        read > 0
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
