//! Connecting, and whether the one who accepted may answer. A refused connection costs a few system calls.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;

use tokio::net::{TcpStream, UnixStream};

use super::{Answer, Check, Local, no_listener};
use crate::model::TcpTarget;

/// A connection to `target` whose listener may answer, with a note if that could not be told.
pub(super) async fn tcp(target: &TcpTarget, check: &Check<'_>) -> Result<(TcpStream, Option<String>), Answer> {
    let address = shown(target);
    let mut refused = Answer::bad(format!("no address for `{}`", target.host));
    for candidate in resolve(target).await? {
        match TcpStream::connect(candidate).await {
            Ok(stream) => {
                let (Ok(own), Ok(peer)) = (stream.local_addr(), stream.peer_addr()) else {
                    refused = Answer::bad(format!("connection to {address} was closed at once"));
                    continue;
                };
                // A connect to a free port of the ephemeral range can come out at its own socket.
                if own == peer {
                    refused = Answer::bad(format!("connection refused on {address}"));
                    continue;
                }
                let note = if is_local(peer.ip()) {
                    check.listener(Local::Tcp(target.port)).map_err(|answer| named(answer, &address))?
                } else {
                    None
                };
                return Ok((stream, note));
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                refused = Answer::bad(format!("connection refused on {address}"));
            }
            Err(error) => refused = Answer::bad(format!("cannot connect to {address}: {error}")),
        }
    }
    Err(refused)
}

/// Connects to a unix stream socket.
pub(super) async fn unix(path: &Path, check: &Check<'_>) -> Result<Option<String>, Answer> {
    match UnixStream::connect(path).await {
        Ok(_) => check.listener(Local::Unix(path.to_owned())),
        Err(error) => Err(Answer::bad(match error.kind() {
            io::ErrorKind::NotFound => format!("no socket at `{}`", path.display()),
            io::ErrorKind::ConnectionRefused => no_listener(path),
            io::ErrorKind::WouldBlock => {
                format!("`{}` does not accept connections: its queue is full", path.display())
            }
            _ => format!("cannot connect to `{}`: {error}", path.display()),
        })),
    }
}

/// `127.0.0.1:8080`, `[::1]:8080`.
pub(super) fn shown(target: &TcpTarget) -> String {
    let host = bare(&target.host);
    if host.contains(':') { format!("[{host}]:{}", target.port) } else { format!("{host}:{}", target.port) }
}

/// The host without the brackets of an IPv6 address in a URL.
pub(super) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

async fn resolve(target: &TcpTarget) -> Result<Vec<SocketAddr>, Answer> {
    let host = bare(&target.host);
    let at = |ip| SocketAddr::new(ip, target.port);
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![at(ip)]);
    }
    // RFC 6761: always the loopback. Spares a look-up on another thread for the usual case.
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![at(Ipv4Addr::LOCALHOST.into()), at(Ipv6Addr::LOCALHOST.into())]);
    }
    match tokio::net::lookup_host((host, target.port)).await {
        Ok(found) => Ok(found.collect()),
        Err(error) => Err(Answer::bad(format!("cannot look up `{host}`: {error}"))),
    }
}

/// Whether the address is this machine's own: the loopback, or one that a socket may be bound to.
fn is_local(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    ip.is_loopback() || ip.is_unspecified() || UdpSocket::bind((ip, 0)).is_ok()
}

/// The same answer with the address as the file has it.
fn named(answer: Answer, address: &str) -> Answer {
    match answer {
        Answer::Bad { .. } => Answer::bad(format!("connection refused on {address}")),
        other @ (Answer::Good { .. } | Answer::Foreign { .. }) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let target = |host: &str| TcpTarget { host: host.to_owned(), port: 80 };
        assert_eq!(shown(&target("127.0.0.1")), "127.0.0.1:80");
        assert_eq!(shown(&target("::1")), "[::1]:80");
        assert_eq!(shown(&target("[::1]")), "[::1]:80");
        assert!(is_local("127.3.2.1".parse().unwrap()));
        assert!(is_local("::ffff:127.0.0.1".parse().unwrap()));
        // TEST-NET-1: nobody's.
        assert!(!is_local("192.0.2.1".parse().unwrap()));
    }
}
