//! Probes: one question to a running service, one answer. Which question comes when, and what an answer means for the
//! service, is `core`'s business; whose listener it was that answered is told by [`Owners`], which the supervisor has.
//!
//! ```text
//!  ask ─► connect ─► whose listener? ─► (http) request ─► status, body ─► Answer
//! ```
//!
//! Knows `model` only. `exec` probes are processes (the keeper's), `log` probes are matches (capture's), `notify`
//! is [`NotifySocket`].

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::{Probe, ProbeKind, ProbeOwner};

mod connect;
mod http;
mod notify;
#[cfg(test)]
mod tests;
#[cfg(feature = "tls")]
mod tls;

pub use notify::{Notify, NotifySocket};

/// A local address that something listens on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Local {
    /// A TCP port.
    Tcp(u16),
    /// A unix socket.
    Unix(PathBuf),
}

/// Whose listener it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// The run's own.
    Own,
    /// Somebody else's.
    Foreign {
        /// The process that listens, if it can be told.
        pid: Option<u32>,
        /// Its command line, shortened.
        command: Option<String>,
        /// The service it belongs to, in words: `service db of project shop`.
        owner: Option<String>,
    },
    /// It cannot be told; why, for people.
    Unknown(String),
    /// Nobody listens there.
    Nobody,
}

/// Tells whose a listener is, from the point of view of the run that is asked.
pub trait Owners {
    /// Whose listener `local` is now.
    fn owner_of(&self, local: &Local) -> Ownership;
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// As wanted.
    Good {
        /// Something worth knowing all the same: that the owner could not be told.
        note: Option<String>,
    },
    /// Not as wanted.
    Bad {
        /// What was seen, for people.
        output: String,
    },
    /// Somebody else answers at the service's port. (At its unix path: `Bad`, which says who.)
    Foreign {
        /// The port.
        port: u16,
        /// The process that listens, if it can be told.
        pid: Option<u32>,
        /// Its command line, shortened.
        command: Option<String>,
        /// The service it belongs to, in words.
        owner: Option<String>,
    },
}

impl Answer {
    fn bad(output: impl Into<String>) -> Self {
        Self::Bad { output: output.into() }
    }
}

/// Asks `probe`'s question once, within its timeout. Dropping the future breaks the question off.
///
/// For kinds that are not asked over a connection (`exec`, `log`, `notify`) the answer is bad and says so.
pub async fn ask(probe: &Probe, owners: &dyn Owners) -> Answer {
    let asked = async {
        let check = Check { owner: probe.owner, owners };
        match &probe.kind {
            ProbeKind::Tcp(target) => connect::tcp(target, &check).await.map(|(_, note)| note),
            ProbeKind::Unix(path) => connect::unix(path, &check).await,
            ProbeKind::Http(http) => http::ask(http, &check).await,
            ProbeKind::Exec(_) | ProbeKind::Log(_) | ProbeKind::Notify => {
                Err(Answer::bad("this kind of probe is not asked over a connection"))
            }
        }
    };
    match tokio::time::timeout(probe.timeout, asked).await {
        Ok(Ok(note)) => Answer::Good { note },
        Ok(Err(answer)) => answer,
        Err(_) => Answer::bad(format!("timed out after {}", seconds(probe.timeout))),
    }
}

/// Whether the listener may answer.
struct Check<'a> {
    owner: ProbeOwner,
    owners: &'a dyn Owners,
}

impl Check<'_> {
    /// A connection to `local` was accepted: may its listener answer? A note if that cannot be told.
    fn listener(&self, local: Local) -> Result<Option<String>, Answer> {
        if self.owner == ProbeOwner::Any {
            return Ok(None);
        }
        match self.owners.owner_of(&local) {
            Ownership::Own => Ok(None),
            Ownership::Unknown(note) => Ok(Some(note)),
            Ownership::Foreign { pid, command, owner } => Err(match local {
                Local::Tcp(port) => Answer::Foreign { port, pid, command, owner },
                Local::Unix(path) => Answer::bad(foreign_unix(&path, pid, command.as_deref(), owner.as_deref())),
            }),
            // It was closed just now, or the connection went to itself.
            Ownership::Nobody => Err(match local {
                Local::Tcp(port) => Answer::bad(format!("connection refused on port {port}")),
                Local::Unix(path) => Answer::bad(no_listener(&path)),
            }),
        }
    }
}

fn no_listener(path: &Path) -> String {
    format!("connection refused on `{}`", path.display())
}

/// `somebody else listens on `/run/db.sock`: pid 812 (postgres), service db of project shop`
fn foreign_unix(path: &Path, pid: Option<u32>, command: Option<&str>, owner: Option<&str>) -> String {
    let pid = pid.map(|pid| format!("pid {pid}"));
    let command = command.map(|command| format!("({command})"));
    let process = [pid, command].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let known: Vec<&str> =
        [process.as_str(), owner.unwrap_or_default()].into_iter().filter(|s| !s.is_empty()).collect();
    let who = if known.is_empty() { String::new() } else { format!(": {}", known.join(", ")) };
    format!("somebody else listens on `{}`{who}", path.display())
}

/// `1s`, `1.5s`, `250ms`.
fn seconds(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{}ms", duration.as_millis())
    } else {
        format!("{}s", (duration.as_secs_f64() * 1000.0).round() / 1000.0)
    }
}
