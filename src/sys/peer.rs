//! Who is at the other end of a Unix socket, as the kernel says.

use std::io;
use std::os::unix::net::UnixStream;

/// The pid and uid of the process that connected or, seen from a client, that called `listen`.
pub fn credentials(stream: &UnixStream) -> io::Result<(u32, u32)> {
    let credentials = rustix::net::sockopt::socket_peercred(stream)?;
    Ok((credentials.pid.as_raw_nonzero().get().cast_unsigned(), credentials.uid.as_raw()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_pair_is_both_ours() {
        let (left, _right) = std::os::unix::net::UnixStream::pair().unwrap();
        assert_eq!(super::credentials(&left).unwrap().0, std::process::id());
    }
}
