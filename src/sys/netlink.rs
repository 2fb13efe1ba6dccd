//! The kernel's `sock_diag` dump: one question, all sockets of a kind, without reading `/proc/net`.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// `SOCK_DIAG_BY_FAMILY` (linux/sock_diag.h).
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `1 << TCP_LISTEN`, for Unix sockets too.
pub(super) const LISTENING: u32 = 1 << 10;
/// `struct nlmsghdr`.
const HEADER: usize = 16;

/// Sends one dump request (the bytes after the netlink header) and calls `each` with every answer's bytes.
pub(super) fn dump(request: &[u8], mut each: impl FnMut(&[u8])) -> io::Result<()> {
    // SAFETY: no memory is passed; the result is checked before it is owned.
    let socket = unsafe {
        let raw = libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_SOCK_DIAG);
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(raw)
    };
    let mut message = Vec::with_capacity(HEADER + request.len());
    message.extend(u32::try_from(HEADER + request.len()).unwrap_or(u32::MAX).to_ne_bytes());
    message.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend(u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_DUMP).unwrap_or(0).to_ne_bytes());
    message.extend([0; 8]); // sequence, port id
    message.extend(request);
    // SAFETY: the pointer and the length are of one live slice.
    let sent = unsafe { libc::send(socket.as_raw_fd(), message.as_ptr().cast(), message.len(), 0) };
    if sent < 0 {
        return Err(io::Error::last_os_error());
    }
    let mut buffer = vec![0_u8; 32 << 10];
    loop {
        // SAFETY: the pointer and the length are of one live slice.
        let got = unsafe { libc::recv(socket.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
        let mut rest = &buffer[..got];
        while rest.len() >= HEADER {
            let length = (u32_at(rest, 0) as usize).clamp(HEADER, rest.len());
            let body = &rest[HEADER..length];
            match i32::from(u16::from_ne_bytes([rest[4], rest[5]])) {
                libc::NLMSG_DONE => return Ok(()),
                libc::NLMSG_ERROR => return Err(io::Error::from_raw_os_error(-u32_at(body, 0).cast_signed())),
                _ => each(body),
            }
            rest = &rest[length.next_multiple_of(4).min(rest.len())..];
        }
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// The native-endian `u32` at this offset; 0 beyond the end.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    bytes.get(offset..offset + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_ne_bytes)
}
