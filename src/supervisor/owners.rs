//! Whose listener is it? The answer that keeps a probe from turning green for somebody else's server.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use crate::core::PortHolder;
use crate::model::Moment;
use crate::probe::{Local, Owners, Ownership};
use crate::sys::sockets::{self, Listener};
use crate::sys::{clock, tree};

use super::ports;

/// One dump of the kernel's listeners, shared by all probes that ask within a short time; and who was found to
/// hold what is not the asker's, as that takes a walk over every process.
#[derive(Debug, Default)]
pub(super) struct ListenerTable {
    dump: RefCell<Option<(Moment, Rc<[Listener]>)>>,
    strangers: RefCell<HashMap<u16, (Moment, PortHolder)>>,
}

impl ListenerTable {
    /// `lifecycle.md` 8: one dump every 2 ms serves all services that wait for a listener.
    const FRESH: Duration = Duration::from_millis(2);

    /// Who holds a foreign port is for people to read: a second is soon enough.
    const STRANGER_FRESH: Duration = Duration::from_secs(1);

    fn stranger(&self, port: u16) -> PortHolder {
        let now = clock::now();
        let mut strangers = self.strangers.borrow_mut();
        match strangers.get(&port) {
            Some((at, holder)) if now.since(*at) < Self::STRANGER_FRESH => holder.clone(),
            Some(_) | None => {
                let holder = ports::holder(port);
                strangers.insert(port, (now, holder.clone()));
                holder
            }
        }
    }

    fn get(&self) -> Rc<[Listener]> {
        let now = clock::now();
        if let Some((at, listeners)) = &*self.dump.borrow()
            && now.since(*at) < Self::FRESH
        {
            return Rc::clone(listeners);
        }
        let listeners: Rc<[Listener]> = sockets::listeners().unwrap_or_default().into();
        *self.dump.borrow_mut() = Some((now, Rc::clone(&listeners)));
        listeners
    }
}

/// Owners from the point of view of one run: its tree hangs below `shim`.
pub(super) struct RunOwners {
    pub(super) table: Rc<ListenerTable>,
    pub(super) shim: u32,
}

impl RunOwners {
    fn holds_any(&self, inodes: &HashSet<u32>) -> bool {
        tree::descendants(self.shim).into_iter().any(|pid| !sockets::inodes_of(pid).is_disjoint(inodes))
    }

    fn foreign_port(&self, port: u16) -> Ownership {
        let holder = self.table.stranger(port);
        if holder.pid.is_none() {
            return Ownership::Unknown(format!(
                "port {port} is held by a process that cannot be seen (another user's)"
            ));
        }
        Ownership::Foreign { pid: holder.pid, command: holder.command, owner: holder.owner }
    }
}

impl Owners for RunOwners {
    fn owner_of(&self, local: &Local) -> Ownership {
        match local {
            Local::Tcp(port) => {
                let listeners = self.table.get();
                let inodes: HashSet<u32> = listeners
                    .iter()
                    .filter(|l| l.local.port() == *port && ports::is_local(&l.local))
                    .map(|l| l.inode)
                    .collect();
                if inodes.is_empty() {
                    Ownership::Nobody
                } else if self.holds_any(&inodes) {
                    Ownership::Own
                } else {
                    self.foreign_port(*port)
                }
            }
            Local::Unix(path) => match sockets::unix_listener(path) {
                None => Ownership::Nobody,
                Some(inode) if self.holds_any(&HashSet::from([inode])) => Ownership::Own,
                Some(inode) => match sockets::process_with(&[inode]) {
                    Some(pid) => Ownership::Foreign {
                        pid: Some(pid),
                        command: Some(tree::command_line(pid)),
                        owner: ports::owner_of_process(pid),
                    },
                    None => Ownership::Unknown(format!(
                        "`{}` is held by a process that cannot be seen",
                        path.display()
                    )),
                },
            },
        }
    }
}
