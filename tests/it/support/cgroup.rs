//! A cgroup for each project, where the machine lets us make one: the kernel's own list of what a test started.
//!
//! Nothing in it depends on what a workload does to its environment, session or arguments. Without it (a plain user
//! without delegation) `kernel` reads the marks of processes instead.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::PollFlags;

use super::patience::Deadline;

/// A cgroup that is removed at the end.
pub(crate) struct Cgroup {
    dir: PathBuf,
}

impl Cgroup {
    /// A new one below our own; none where that is not allowed.
    pub(crate) fn create(name: &str) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
        let mount = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|f| f[2] == "cgroup2")?[1];
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let dir = Path::new(mount).join(own).join(name);
        fs::create_dir(&dir).ok()?;
        let group = Self { dir };
        let moved = std::process::Command::new("/bin/sh")
            .args(["-c", "echo $$ >\"$0\"/cgroup.procs"])
            .arg(&group.dir)
            .stderr(std::process::Stdio::null())
            .status();
        moved.is_ok_and(|status| status.success()).then_some(group)
    }

    /// Its folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Pids of everything in it and below it. The kernel leaves zombies out.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let mut pids = Vec::new();
        let mut folders = vec![self.dir.clone()];
        while let Some(folder) = folders.pop() {
            let listed = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
            pids.extend(listed.lines().filter_map(|line| line.parse::<u32>().ok()));
            folders.extend(subfolders(&folder));
        }
        pids
    }

    /// Looks while nothing in it moves: who forks all the time cannot slip through.
    pub(crate) fn frozen<T>(&self, look: impl FnOnce() -> T) -> T {
        let _ = fs::write(self.dir.join("cgroup.freeze"), "1");
        self.wait_event("frozen 1", Deadline::after(Duration::from_secs(1)));
        let seen = look();
        let _ = fs::write(self.dir.join("cgroup.freeze"), "0");
        seen
    }

    /// Blocks until nothing lives in it; false: the deadline passed first.
    pub(crate) fn wait_empty(&self, deadline: Deadline) -> bool {
        self.wait_event("populated 0", deadline)
    }

    fn wait_event(&self, wanted: &str, deadline: Deadline) -> bool {
        loop {
            // A poll reports what changed since the last read of this very file description.
            let mut events = File::open(self.dir.join("cgroup.events")).expect("the cgroup is there");
            let mut text = String::new();
            events.read_to_string(&mut text).expect("the cgroup is there");
            if text.lines().any(|line| line == wanted) {
                return true;
            }
            if !deadline.poll(&events, PollFlags::PRI) {
                return false;
            }
        }
    }

    /// Kills everything in it, in one step of the kernel's.
    pub(crate) fn kill(&self) {
        let _ = fs::write(self.dir.join("cgroup.kill"), "1");
    }
}

fn subfolders(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir())).map(|e| e.path()).collect()
}

fn remove(dir: &Path) {
    for sub in subfolders(dir) {
        remove(&sub);
    }
    let _ = fs::remove_dir(dir);
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        remove(&self.dir);
    }
}
