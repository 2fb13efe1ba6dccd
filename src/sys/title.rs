//! What `ps` shows for a process that did not `exec`.

#![allow(unsafe_code)]

use std::ffi::CStr;

use super::procfs;

/// Where this process's command line lies in memory.
#[derive(Debug, Clone, Copy)]
pub struct Title {
    start: usize,
    length: usize,
}

impl Title {
    /// Asks the kernel. A fork has the same.
    pub fn find() -> Option<Self> {
        let mut buffer = [0; 1024];
        let text = procfs::read_once(std::process::id(), "stat", &mut buffer).ok()?;
        let close = text.iter().rposition(|&byte| byte == b')')?;
        // `arg_start` and `arg_end` are fields 48 and 49 of proc(5); the first here is 3.
        let mut fields = std::str::from_utf8(text.get(close + 2..)?).ok()?.split_ascii_whitespace().skip(48 - 3);
        let (start, end): (usize, usize) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        (start != 0 && start < end).then_some(Self { start, length: end - start })
    }

    /// Shows `name` in `comm` (15 bytes of it) and `text` as the command line, as far as there is room.
    ///
    /// Afterwards `std::env::args` tells the same.
    pub fn set(self, name: &CStr, text: &[u8]) {
        super::process::set_name(name);
        // SAFETY: the area is this process's own argument block, which the
        // kernel made, writable, at the top of the initial stack; nobody holds a reference into it, as
        // `std::env::args` copies. Its last byte stays NUL.
        unsafe {
            let area = std::ptr::with_exposed_provenance_mut::<u8>(self.start);
            let used = text.len().min(self.length - 1);
            area.copy_from_nonoverlapping(text.as_ptr(), used);
            area.add(used).write_bytes(0, self.length - used);
        }
    }
}
