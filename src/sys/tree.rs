//! Who is whose child, read from `/proc`. It never guesses: what it cannot read is not there.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::OnceLock;

use rustix::fs::OFlags;

use super::procfs;

/// `/proc/PID/stat`, as far as tspm needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// The process.
    pub pid: u32,
    /// The name the kernel shows, at most 15 bytes.
    pub comm: String,
    /// `R`, `S`, `D`, `T`, `t`, `Z`, `X`, `I`.
    pub state: char,
    /// Its parent.
    pub ppid: u32,
    /// Its process group.
    pub pgrp: u32,
    /// Its session.
    pub session: u32,
    /// User time in clock ticks.
    pub utime: u64,
    /// System time in clock ticks.
    pub stime: u64,
    /// Number of threads.
    pub threads: u32,
    /// Start time in clock ticks since boot.
    pub start: u64,
    /// Resident pages.
    pub rss_pages: u64,
}

impl Stat {
    /// A zombie counts as dead; but where only its first thread has ended, the others live and hold its
    /// files open.
    pub fn is_dead(&self) -> bool {
        self.state == 'X' || self.state == 'Z' && self.threads <= 1
    }

    fn parse(text: &[u8]) -> Option<Self> {
        // The name may hold anything, also `)` and spaces: it ends at the last `)`.
        let open = text.iter().position(|&byte| byte == b'(')?;
        let close = text.iter().rposition(|&byte| byte == b')')?;
        let pid = procfs::number(text.get(..open)?.trim_ascii_end())?;
        let rest = std::str::from_utf8(text.get(close + 2..)?).ok()?;
        let mut fields = rest.split(' ');
        // `fields` begins at field 3 of proc(5); each `nth` counts on from the one before.
        let state = fields.next()?.chars().next()?;
        let ppid = fields.next()?.parse().ok()?;
        let pgrp = fields.next()?.parse().ok()?;
        let session = fields.next()?.parse().ok()?;
        let utime = fields.nth(14 - 7)?.parse().ok()?;
        let stime = fields.next()?.parse().ok()?;
        let threads = fields.nth(20 - 16)?.parse().ok()?;
        let start = fields.nth(22 - 21)?.parse().ok()?;
        let rss_pages = fields.nth(24 - 23)?.parse().ok()?;
        let comm = String::from_utf8_lossy(text.get(open + 1..close)?).into_owned();
        Some(Self { pid, comm, state, ppid, pgrp, session, utime, stime, threads, start, rss_pages })
    }
}

/// What the kernel says of a process. A zombie still has it.
pub fn stat(pid: u32) -> io::Result<Stat> {
    let mut buffer = [0; 1024];
    let text = procfs::read_once(pid, "stat", &mut buffer)?;
    Stat::parse(text)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("`/proc/{pid}/stat` reads strangely")))
}

/// Its children, zombies included. A list made while they come and go may miss one: ask again.
pub fn children(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    if has_children_files() {
        listed_children(pid, &mut found);
    } else {
        found.extend(parents().iter().filter(|pair| pair.1 == pid).map(|pair| pair.0));
    }
    found
}

/// Everything below it, zombies included, parents before their children, without itself.
pub fn descendants(pid: u32) -> Vec<u32> {
    descendants_except(pid, |_| false)
}

/// As [`descendants`], but without those that `spare` names and all that is below them.
pub fn descendants_except(pid: u32, mut spare: impl FnMut(u32) -> bool) -> Vec<u32> {
    let parents = if has_children_files() { Vec::new() } else { parents() };
    // One that gets another parent meanwhile may be seen twice.
    let mut seen = BTreeSet::new();
    let (mut found, mut fresh, mut parent, mut next) = (Vec::new(), Vec::new(), pid, 0);
    loop {
        if has_children_files() {
            listed_children(parent, &mut fresh);
        } else {
            fresh.extend(parents.iter().filter(|pair| pair.1 == parent).map(|pair| pair.0));
        }
        found.extend(fresh.drain(..).filter(|&pid| seen.insert(pid) && !spare(pid)));
        let Some(&member) = found.get(next) else { return found };
        (parent, next) = (member, next + 1);
    }
}

/// What [`descendants`] finds, with what can be read of each. Cheap: for whoever looks at many trees at once.
pub fn descendant_stats(pid: u32) -> Vec<Stat> {
    if !has_children_files() {
        return descendants(pid).into_iter().filter_map(|pid| stat(pid).ok()).collect();
    }
    let Ok(root) = stat(pid) else { return Vec::new() };
    let (mut found, mut fresh): (Vec<Stat>, Vec<u32>) = (Vec::new(), Vec::new());
    let (mut parent, mut threads, mut next) = (root.pid, root.threads, 0);
    loop {
        // Nearly every process has one thread, whose id is the process's: no folder needs to be listed.
        if threads == 1 {
            children_of_thread(parent, &mut fresh);
        } else {
            listed_children(parent, &mut fresh);
        }
        found.extend(fresh.drain(..).filter_map(|pid| stat(pid).ok()));
        let Some(member) = found.get(next) else { return found };
        (parent, threads, next) = (member.pid, member.threads, next + 1);
    }
}

/// Its command line, arguments joined by spaces, shortened to 120 characters; `[name]` if it has none.
pub fn command_line(pid: u32) -> String {
    const LONGEST: usize = 120;
    let mut buffer = [0; 4 * LONGEST + 8];
    let bytes = procfs::read_once(pid, "cmdline", &mut buffer).unwrap_or_default();
    // NUL ends each argument; a script passed as one may hold line breaks, which would tear the line it is shown in.
    let text = String::from_utf8_lossy(bytes).replace(char::is_control, " ");
    let text = text.trim_end();
    if text.is_empty() {
        return stat(pid).map_or_else(|_| "[gone]".to_owned(), |stat| format!("[{}]", stat.comm));
    }
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(std::iter::once('…')).collect()
}

/// The value of a variable in the environment that it was started with. None: unset, or not to be read.
pub fn environment_value(pid: u32, name: &str) -> Option<String> {
    let mut environ = Vec::new();
    procfs::read_all(pid, "environ", &mut environ).ok()?;
    let value = |entry: &[u8]| {
        let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    environ.split(|&byte| byte == 0).find_map(value)
}

/// The names it goes by: the base name of its executable and of its zeroth argument.
pub fn program_names(pid: u32) -> [Option<Vec<u8>>; 2] {
    let base =
        |path: &[u8]| path.rsplit(|&byte| byte == b'/').next().filter(|name| !name.is_empty()).map(<[u8]>::to_vec);
    let link = std::fs::read_link(format!("/proc/{pid}/exe")).ok();
    let executable = link.and_then(|path| {
        let path = std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str());
        base(path.strip_suffix(b" (deleted)").unwrap_or(path))
    });
    let mut buffer = [0; 512];
    let bytes = procfs::read_once(pid, "cmdline", &mut buffer).unwrap_or_default();
    let zeroth = bytes.split(|&byte| byte == 0).next().and_then(base);
    [executable, zeroth]
}

/// Kernels without `CONFIG_PROC_CHILDREN` have no `children` files.
fn has_children_files() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| std::path::Path::new("/proc/thread-self/children").exists())
}

fn listed_children(pid: u32, found: &mut Vec<u32>) {
    let Ok(task) = procfs::open(pid, "task", OFlags::DIRECTORY) else { return };
    procfs::numbers(&task, |tid| {
        let Ok(file) = procfs::open_children(&task, tid) else { return };
        read_numbers(&file, found);
    });
}

/// The children of a process that has one thread.
fn children_of_thread(pid: u32, found: &mut Vec<u32>) {
    if let Ok(file) = procfs::open(pid, &format!("task/{pid}/children"), OFlags::empty()) {
        read_numbers(&file, found);
    }
}

fn read_numbers(file: &OwnedFd, found: &mut Vec<u32>) {
    let (mut buffer, mut half) = ([0; 1024], 0_u32);
    // Each number is followed by a space; one may be cut by the buffer's end.
    while let Ok(read @ 1..) = rustix::io::read(file, &mut buffer) {
        for &byte in &buffer[..read] {
            if byte.is_ascii_digit() {
                half = half.wrapping_mul(10).wrapping_add(u32::from(byte - b'0'));
            } else if half != 0 {
                found.push(std::mem::take(&mut half));
            }
        }
    }
}

/// The slow way: every process there is, with its parent.
fn parents() -> Vec<(u32, u32)> {
    procfs::pids().into_iter().filter_map(|pid| stat(pid).ok()).map(|stat| (stat.pid, stat.ppid)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_name_full_of_brackets() {
        let text = b"42 (a) (b) c) S 1 42 41 0 -1 4194304 93 0 0 0 7 8 0 0 20 0 3 0 12345 1000 250 1 2 3";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.pid, stat.comm.as_str(), stat.state), (42, "a) (b) c", 'S'));
        assert_eq!((stat.ppid, stat.pgrp, stat.session), (1, 42, 41));
        assert_eq!((stat.utime, stat.stime, stat.threads, stat.start, stat.rss_pages), (7, 8, 3, 12345, 250));
    }

    #[test]
    fn a_zombie_with_a_living_thread_is_alive() {
        let with = |state: char, threads: u32| {
            let text =
                format!("42 (a) {state} 1 42 41 0 -1 4194304 93 0 0 0 7 8 0 0 20 0 {threads} 0 12345 1000 250 1");
            Stat::parse(text.as_bytes()).unwrap().is_dead()
        };
        assert!(with('Z', 1) && with('Z', 0) && with('X', 2));
        assert!(!with('Z', 2) && !with('T', 1) && !with('D', 1));
    }

    #[test]
    fn knows_itself() {
        let me = std::process::id();
        let stat = stat(me).unwrap();
        assert_eq!(stat.pid, me);
        assert!(!stat.is_dead() && stat.start > 0);
        assert!(program_names(me)[0].is_some());
        assert!(command_line(me).contains("tspm"));
        assert!(children(stat.ppid).contains(&me));
        assert!(descendants(stat.ppid).contains(&me));
        assert!(descendant_stats(stat.ppid).iter().any(|stat| stat.pid == me));
        assert!(!descendants_except(stat.ppid, |pid| pid == me).contains(&me));
        assert!(parents().contains(&(me, stat.ppid)), "the slow way finds the same");
    }

    #[test]
    fn a_process_dies_with_its_last_thread() {
        let text = |state, threads| format!("1 (a) {state} 1 1 1 0 0 0 0 0 0 0 0 0 0 0 20 0 {threads} 0 1 0 0");
        let dead = |state, threads| Stat::parse(text(state, threads).as_bytes()).unwrap().is_dead();
        assert!(dead('Z', 1) && dead('X', 0));
        assert!(!dead('Z', 2) && !dead('S', 1) && !dead('T', 1));
    }

    #[test]
    fn nobody_is_nobody() {
        assert!(stat(u32::MAX).is_err());
        assert!(children(u32::MAX).is_empty());
        assert_eq!(command_line(u32::MAX), "[gone]");
    }
}
