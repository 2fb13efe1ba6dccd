//! What makes a pid mean one process: boot id, pid namespace, start time.

use std::io;
use std::os::unix::fs::MetadataExt;

use super::tree;

/// This boot's id: a UUID in text.
pub fn boot_id() -> io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim_end().to_owned())
}

/// The inode of this process's pid namespace.
pub fn pid_namespace() -> io::Result<u64> {
    Ok(std::fs::metadata("/proc/self/ns/pid")?.ino())
}

/// When a process started, in clock ticks since boot. Fails if there is no such process; a zombie is one.
pub fn start_time(pid: u32) -> io::Result<u64> {
    tree::stat(pid).map(|stat| stat.start)
}
