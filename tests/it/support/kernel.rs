//! Which processes a project has, as the kernel tells it: never as tspm does.
//!
//! A process belongs to a project if it is in the project's cgroup, or if its executable or working directory lies in
//! the project's folder, or if its environment holds the project's marker. Every thread is asked: a process whose main
//! thread has ended has neither executable nor environment of its own, and is alive.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A live process of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its pid.
    pub(crate) pid: u32,
    /// Its command line.
    pub(crate) command: String,
    /// Whether it is tspm itself: client, keeper, shim or supervisor.
    pub(crate) is_tspm: bool,
}

/// Every live process that bears a mark of the project in `dir`, or that is among `members`.
pub(crate) fn processes(dir: &Path, marker: &str, members: &[u32]) -> Vec<Process> {
    // The youngest first, and each to its end: who forks all the time is young and does not wait.
    let mut found: Vec<Process> = all_pids()
        .into_iter()
        .rev()
        .filter(|pid| members.contains(pid) || bears_mark(*pid, dir, marker))
        .filter(|pid| is_alive(*pid))
        .map(|pid| Process { pid, command: command(pid), is_tspm: is_tspm(pid) })
        .collect();
    found.sort_by_key(|process| process.pid);
    found
}

/// Kills every process that bears the mark, and gives back how many there were. Each one is looked at again with its
/// pidfd in hand, so that nobody dies who has got the pid of one that is gone.
pub(crate) fn kill(dir: &Path, marker: &str) -> usize {
    let marked = |pid: &u32| bears_mark(*pid, dir, marker) && is_alive(*pid);
    let mut killed = 0;
    for pid in all_pids().into_iter().rev().filter(marked) {
        if let Some(pidfd) = open(pid).filter(|_| marked(&pid)) {
            let _ = pidfd_send_signal(&pidfd, Signal::KILL);
            killed += 1;
        }
    }
    killed
}

/// A descriptor that means this process and never another one; none: it is gone.
pub(crate) fn open(pid: u32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(i32::try_from(pid).ok()?)?, PidfdFlags::empty()).ok()
}

/// Whether a thread of it is neither dead nor a zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    threads(pid).iter().any(|thread| state(thread).is_some_and(|state| !matches!(state, 'Z' | 'X')))
}

/// The executable of the supervisor and everything else that is tspm.
fn is_tspm(pid: u32) -> bool {
    fs::read_link(format!("/proc/{pid}/exe"))
        .is_ok_and(|exe| exe.to_string_lossy().starts_with(env!("CARGO_BIN_EXE_tspm")))
}

fn all_pids() -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("/proc is mounted");
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn threads(pid: u32) -> Vec<String> {
    let folder = format!("/proc/{pid}/task");
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    entries.map(|entry| format!("{folder}/{}", entry.file_name().to_string_lossy())).collect()
}

fn bears_mark(pid: u32, dir: &Path, marker: &str) -> bool {
    threads(pid).iter().any(|thread| {
        let below = |link: &str| fs::read_link(format!("{thread}/{link}")).is_ok_and(|path| path.starts_with(dir));
        below("exe") || below("cwd") || environment_holds(thread, marker)
    })
}

fn environment_holds(thread: &str, marker: &str) -> bool {
    let environment = fs::read(format!("{thread}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|entry| entry == marker.as_bytes())
}

fn state(folder: &str) -> Option<char> {
    let stat = fs::read(format!("{folder}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat).into_owned();
    // The name in parentheses may hold anything, parentheses included.
    stat.rsplit_once(") ")?.1.chars().next()
}

fn command(pid: u32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).replace('\0', " ").trim_end().to_owned()
}
