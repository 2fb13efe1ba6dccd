//! A project to measure, in a folder of its own, taken down at the end.

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A folder with a `tspm.yaml` and a FIFO through which workers tell times.
pub(crate) struct Project {
    dir: TempDir,
    times: File,
}

impl Project {
    /// A new folder; `yaml` gets the path of this program and that of the FIFO.
    pub(crate) fn new(yaml: impl Fn(&str, &str) -> String) -> Self {
        let dir =
            tempfile::Builder::new().prefix("tspm-bench-").tempdir().expect("a temporary folder can be made");
        let fifo = dir.path().join("times");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("the folder is ours");
        // Open for both: no open of a worker waits, and no read ends.
        let times = OpenOptions::new().read(true).write(true).open(&fifo).expect("the FIFO is ours");
        let me = std::env::current_exe().expect("a program has an executable");
        let text = yaml(me.to_str().expect("a plain path"), fifo.to_str().expect("a plain path"));
        fs::write(dir.path().join("tspm.yaml"), text).expect("the folder is ours");
        Self { dir, times }
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The FIFO's path.
    pub(crate) fn fifo(&self) -> String {
        self.path("times").to_str().expect("a plain path").to_owned()
    }

    /// Reads `count` times, and gives back the latest.
    pub(crate) fn last_of(&mut self, count: usize) -> u64 {
        let mut bytes = vec![0; count * 8];
        self.times.read_exact(&mut bytes).expect("workers write");
        let moments = bytes.chunks_exact(8).map(|m| u64::from_ne_bytes(m.try_into().expect("8 bytes")));
        moments.max().expect("there is one")
    }

    /// `tspm` with these arguments, ready to be started.
    pub(crate) fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tspm"));
        command.args(args.split_whitespace()).current_dir(self.dir.path()).stdin(Stdio::null());
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", self.dir.path());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Runs `tspm` with these arguments; it must succeed.
    pub(crate) fn tspm(&self, args: &str) {
        let status = self.command(args).stderr(Stdio::inherit()).status().expect("tspm is built");
        assert!(status.success(), "tspm {args}: {status}");
    }

    /// Pids of keeper and supervisor: they name this folder.
    pub(crate) fn keeper_and_supervisor(&self) -> Vec<u32> {
        let dir = self.dir.path().to_str().expect("a plain path");
        let names_us = |pid: &u32| {
            let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            memchr::memmem::find(&command, dir.as_bytes()).is_some()
        };
        pids().into_iter().filter(|pid| is_tspm(*pid) && names_us(pid)).collect()
    }

    /// Pids of everything that is tspm: keeper, supervisor and the keeper's shims.
    pub(crate) fn tspm_pids(&self) -> Vec<u32> {
        let bosses = self.keeper_and_supervisor();
        let ours = |pid: &u32| is_tspm(*pid) && (bosses.contains(pid) || bosses.contains(&parent(*pid)));
        pids().into_iter().filter(ours).collect()
    }
}

fn pids() -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("/proc is mounted").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn is_tspm(pid: u32) -> bool {
    fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.starts_with(env!("CARGO_BIN_EXE_tspm")))
}

fn parent(pid: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    parent.and_then(|pid| pid.trim().parse().ok()).unwrap_or(0)
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = self.command("down --force").status();
    }
}
