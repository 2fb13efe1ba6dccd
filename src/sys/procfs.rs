//! Reading `/proc/PID/…` with little memory: shims are forks without an `exec`, and pay for each page
//! they touch.

use std::ffi::CStr;
use std::io::{self, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, RawDir, openat};

/// A path built on the stack.
struct Path([u8; 64]);

impl Path {
    fn new(parts: std::fmt::Arguments<'_>) -> Self {
        let mut bytes = [0; 64];
        let end = bytes.len() - 1;
        (&mut bytes[..end]).write_fmt(parts).expect("paths below /proc that tspm reads are shorter than 63 bytes");
        Self(bytes)
    }

    fn as_c(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).expect("the last byte is never written")
    }
}

/// `/proc/PID/NAME`, opened.
pub(super) fn open(pid: u32, name: &str, flags: OFlags) -> io::Result<OwnedFd> {
    let path = Path::new(format_args!("/proc/{pid}/{name}"));
    Ok(openat(CWD, path.as_c(), flags | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// `TID/children` below an open `/proc/PID/task`.
pub(super) fn open_children(task: impl AsFd, tid: u32) -> io::Result<OwnedFd> {
    let path = Path::new(format_args!("{tid}/children"));
    Ok(openat(task, path.as_c(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// As much of `/proc/PID/NAME` as one `read` gives: whole for files such as `stat`.
pub(super) fn read_once<'b>(pid: u32, name: &str, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    let file = open(pid, name, OFlags::empty())?;
    let read = rustix::io::read(&file, &mut *buffer)?;
    Ok(&buffer[..read])
}

/// All of `/proc/PID/NAME`, in place of what `buffer` held.
pub(super) fn read_all(pid: u32, name: &str, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    let mut file = std::fs::File::from(open(pid, name, OFlags::empty())?);
    io::Read::read_to_end(&mut file, buffer).map(|_| ())
}

/// Calls `each` with every entry of an open directory whose name is a number.
pub(super) fn numbers(dir: impl AsFd, mut each: impl FnMut(u32)) {
    let mut buffer = [MaybeUninit::uninit(); 2048];
    let mut entries = RawDir::new(dir, &mut buffer);
    while let Some(Ok(entry)) = entries.next() {
        if let Some(number) = number(entry.file_name().to_bytes()) {
            each(number);
        }
    }
}

/// Every pid in `/proc`.
pub(super) fn pids() -> Vec<u32> {
    let mut all = Vec::new();
    if let Ok(dir) = openat(CWD, c"/proc", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        numbers(&dir, |pid| all.push(pid));
    }
    all
}

/// A decimal number, and nothing else.
pub(super) fn number(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
