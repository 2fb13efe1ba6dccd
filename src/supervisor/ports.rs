//! Ports: finding free ones, seeing who holds one, waiting until they are free.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::config::Ports;
use crate::core::{Fact, PortHolder};
use crate::model::{Project, RunId, ServiceName};
use crate::sys::sockets::{self, Listener};
use crate::sys::tree;

use super::news::News;

/// `lifecycle.md` 4: how long a stopped service's ports are waited for.
const RELEASE_TIME: Duration = Duration::from_secs(2);

/// Nothing announces that a port became free; a closed listener is usually gone at the first look.
const FIRST_LOOK: Duration = Duration::from_millis(2);

/// Finds a free port for each of `wanted` and adds it to `ports`, avoiding those that `project` has fixed.
///
/// All are held open until the last is found, so that no two are the same.
pub(super) fn allocate(ports: &mut Ports, project: &Project, wanted: &[(ServiceName, usize)]) -> io::Result<()> {
    let fixed: BTreeSet<u16> = project.services.values().flat_map(|service| service.port_numbers()).collect();
    let mut held = Vec::new();
    for key in wanted.iter().filter(|key| !ports.contains_key(*key)).cloned().collect::<Vec<_>>() {
        loop {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = listener.local_addr()?.port();
            held.push(listener);
            if !fixed.contains(&port) {
                ports.insert(key, port);
                break;
            }
        }
    }
    Ok(())
}

/// Who listens on any of `ports` where a service of this machine would: the wildcard or a loopback address.
pub(super) fn holders(ports: &[u16]) -> Vec<PortHolder> {
    if ports.is_empty() {
        return Vec::new();
    }
    let listeners = sockets::listeners().unwrap_or_default();
    let mut taken: Vec<u16> = listeners
        .iter()
        .filter(|l| is_local(&l.local))
        .map(|l| l.local.port())
        .filter(|port| ports.contains(port))
        .collect();
    taken.sort_unstable();
    taken.dedup();
    taken.into_iter().map(holder).collect()
}

/// Whether a listener is in the way of a service on this machine.
pub(super) const fn is_local(address: &SocketAddr) -> bool {
    address.ip().is_unspecified() || address.ip().is_loopback()
}

/// Everything that can be told of who listens on `port`.
pub(super) fn holder(port: u16) -> PortHolder {
    let found = sockets::holder(port);
    let owner = found.as_ref().and_then(|(pid, _)| owner_of_process(*pid));
    let (pid, command) = found.map_or((None, None), |(pid, command)| (Some(pid), Some(command)));
    PortHolder { port, pid, command, owner }
}

/// `service db of project shop`, for a process whose environment says so.
pub(super) fn owner_of_process(pid: u32) -> Option<String> {
    let service = tree::environment_value(pid, "TSPM_SERVICE")?;
    let project = tree::environment_value(pid, "TSPM_PROJECT")?;
    Some(format!("service {service} of project {project}"))
}

/// Waits until nothing listens on `ports` any more, at most 2 s, and reports who still does.
pub(super) async fn await_free(run: RunId, ports: Vec<u16>, news: UnboundedSender<News>) {
    let start = tokio::time::Instant::now();
    let mut pause = FIRST_LOOK;
    while start.elapsed() < RELEASE_TIME && any_listens(&ports) {
        tokio::time::sleep_until(tokio::time::Instant::now() + pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    // The driver may have ended: then nobody wants to know.
    let _ = news.send(News::Fact(Fact::PortsSettled { run, held: holders(&ports) }));
}

fn any_listens(ports: &[u16]) -> bool {
    let listens = |listener: &Listener| is_local(&listener.local) && ports.contains(&listener.local.port());
    sockets::listeners().is_ok_and(|all| all.iter().any(listens))
}
