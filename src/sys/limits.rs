//! How many files may be open: tspm raises its own limit, services get the caller's back.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard one; returns the soft limit there was (none: no limit).
pub fn raise_open_files() -> io::Result<Option<u64>> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    }
    Ok(limit.current)
}

/// The limit as `setrlimit` of a child takes it.
pub fn open_files() -> libc::rlimit {
    let limit = getrlimit(Resource::Nofile);
    let raw = |value: Option<u64>| value.unwrap_or(libc::RLIM_INFINITY);
    libc::rlimit { rlim_cur: raw(limit.current), rlim_max: raw(limit.maximum) }
}
