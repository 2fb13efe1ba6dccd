//! Who listens where, and whose socket it is.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::netlink::{self, LISTENING, u32_at};
use super::{procfs, tree};

/// A listening TCP socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Listener {
    /// Where it listens.
    pub local: SocketAddr,
    /// Its inode: what `/proc/PID/fd` names.
    pub inode: u32,
    /// The user who made it.
    pub uid: u32,
}

/// Every listening TCP socket of this network namespace, IPv4 and IPv6.
pub fn listeners() -> io::Result<Vec<Listener>> {
    // Some sandboxes and small kernels have no `sock_diag`.
    dumped().or_else(|_| listed())
}

fn dumped() -> io::Result<Vec<Listener>> {
    let mut found = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        // struct inet_diag_req_v2: family, protocol, ext, pad, states, then a 48 byte socket id.
        let mut request = [0; 56];
        request[0] = u8::try_from(family).unwrap_or(0);
        request[1] = u8::try_from(libc::IPPROTO_TCP).unwrap_or(0);
        request[4..8].copy_from_slice(&LISTENING.to_ne_bytes());
        match netlink::dump(&request, |body| found.extend(Listener::parse(body))) {
            // A kernel without IPv6 has no such family.
            Err(error) if family == libc::AF_INET6 && error.raw_os_error() == Some(libc::ENOENT) => {}
            done => done?,
        }
    }
    Ok(found)
}

impl Listener {
    /// struct inet_diag_msg: family, state, timer, retrans; sport, dport (big endian), src\[4\], dst\[4\], if,
    /// cookie\[2\]; expires, rqueue, wqueue, uid, inode.
    fn parse(body: &[u8]) -> Option<Self> {
        let port = u16::from_be_bytes([*body.get(4)?, *body.get(5)?]);
        let source: [u8; 16] = body.get(8..24)?.try_into().ok()?;
        let address: IpAddr = if i32::from(body[0]) == libc::AF_INET {
            Ipv4Addr::new(source[0], source[1], source[2], source[3]).into()
        } else {
            Ipv6Addr::from(source).into()
        };
        Some(Self { local: SocketAddr::new(address, port), uid: u32_at(body, 64), inode: u32_at(body, 68) })
    }
}

/// The slow way: `/proc/net/tcp` and `tcp6`.
fn listed() -> io::Result<Vec<Listener>> {
    /// `TCP_LISTEN`, as it is written there.
    const LISTEN: &str = "0A";
    let line = |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (address, port) = fields.next()?.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        // Words of four bytes, each in the machine's own order.
        let word = |n: usize| Some(u32::from_str_radix(address.get(8 * n..8 * n + 8)?, 16).ok()?.to_ne_bytes());
        let address = match address.len() {
            8 => Ipv4Addr::from(word(0)?).into(),
            _ => Ipv6Addr::from(<[u8; 16]>::try_from([word(0)?, word(1)?, word(2)?, word(3)?].concat()).ok()?)
                .into(),
        };
        let state = fields.nth(1)?;
        let (uid, inode) = (fields.nth(3)?.parse().ok()?, fields.nth(1)?.parse().ok()?);
        (state == LISTEN).then_some(Listener { local: SocketAddr::new(address, port), inode, uid })
    };
    let four = std::fs::read_to_string("/proc/net/tcp")?;
    let six = std::fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    Ok(four.lines().chain(six.lines()).filter_map(line).collect())
}

/// The inode of the Unix socket that listens at `path`, if one does.
pub fn unix_listener(path: &Path) -> Option<u32> {
    /// `UDIAG_SHOW_NAME | UDIAG_SHOW_VFS`
    const SHOW: u32 = 1 | 2;
    const NAME: u16 = 0;
    const VFS: u16 = 1;
    // By inode, as the path may have been given to `bind` in another form; by name, as file systems that
    // are stacked (overlayfs) may show another inode.
    let wanted = std::fs::metadata(path).ok()?.ino();
    let mut found = None;
    // struct unix_diag_req: family, protocol, pad, states, ino, show, cookie[2].
    let mut request = [0; 24];
    request[0] = u8::try_from(libc::AF_UNIX).unwrap_or(0);
    request[4..8].copy_from_slice(&LISTENING.to_ne_bytes());
    request[12..16].copy_from_slice(&SHOW.to_ne_bytes());
    // struct unix_diag_msg: family, type, state, pad, ino, cookie[2]; then attributes: length, type, bytes.
    let answer = netlink::dump(&request, |body| {
        let mut rest = body.get(16..).unwrap_or_default();
        while let [a, b, c, d, ..] = *rest {
            let length = usize::from(u16::from_ne_bytes([a, b])).clamp(4, rest.len());
            let value = &rest[4..length];
            let hit = match u16::from_ne_bytes([c, d]) {
                NAME => value.strip_suffix(b"\0").unwrap_or(value) == path.as_os_str().as_bytes(),
                VFS => u64::from(u32_at(value, 0)) == wanted & 0xffff_ffff && same_device(path, u32_at(value, 4)),
                _ => false,
            };
            if hit {
                found = Some(u32_at(body, 4));
            }
            rest = &rest[length.next_multiple_of(4).min(rest.len())..];
        }
    });
    answer.ok().and(found)
}

/// Whether `path` is on this device, in the kernel's own form: 12 bits major, 20 bits minor.
fn same_device(path: &Path, device: u32) -> bool {
    let (major, minor) = (device >> 20, device & 0xf_ffff);
    std::fs::metadata(path).is_ok_and(|meta| meta.dev() == libc::makedev(major, minor))
}

/// The inodes of the sockets that a process holds open. Empty if it cannot be read (another user's).
pub fn inodes_of(pid: u32) -> HashSet<u32> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return HashSet::new() };
    let inode = |entry: std::fs::DirEntry| {
        let link = std::fs::read_link(entry.path()).ok()?;
        procfs::number(link.as_os_str().as_bytes().strip_prefix(b"socket:[")?.strip_suffix(b"]")?)
    };
    entries.flatten().filter_map(inode).collect()
}

/// A process that listens on this TCP port, and its command line. None: nobody does, or it cannot be seen
/// who (another user's process).
pub fn holder(port: u16) -> Option<(u32, String)> {
    let wanted: Vec<u32> = listeners().ok()?.iter().filter(|l| l.local.port() == port).map(|l| l.inode).collect();
    let pid = process_with(&wanted)?;
    Some((pid, tree::command_line(pid)))
}

/// A process that holds any of these sockets open. None: it cannot be seen (another user's).
pub fn process_with(inodes: &[u32]) -> Option<u32> {
    if inodes.is_empty() {
        return None;
    }
    let holds = |pid: &u32| {
        let held = inodes_of(*pid);
        inodes.iter().any(|inode| held.contains(inode))
    };
    procfs::pids().into_iter().find(holds)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn check(address: &str) {
        let Ok(listener) = TcpListener::bind(address) else { return };
        let local = listener.local_addr().unwrap();
        let found: Vec<_> = listeners().unwrap().into_iter().filter(|l| l.local == local).collect();
        assert_eq!(found.len(), 1, "{address}");
        assert!(inodes_of(std::process::id()).contains(&found[0].inode));
        assert!(listed().unwrap().contains(&found[0]), "the slow way finds the same");
        assert_eq!(holder(local.port()).unwrap().0, std::process::id());
        drop(listener);
        assert!(!listeners().unwrap().iter().any(|l| l.local == local && l.inode == found[0].inode));
    }

    #[test]
    fn finds_tcp_listeners_and_their_holder() {
        check("127.0.0.1:0");
        check("[::1]:0");
    }

    #[test]
    fn finds_a_unix_listener() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        assert_eq!(unix_listener(&path), None);
        let listener = UnixListener::bind(&path).unwrap();
        assert!(inodes_of(std::process::id()).contains(&unix_listener(&path).unwrap()));
        let roundabout = dir.path().join(".").join("socket");
        assert!(unix_listener(&roundabout).is_some(), "whatever the form of the path");
        drop(listener);
        assert_eq!(unix_listener(&path), None, "the file is there, nobody listens");
    }
}
