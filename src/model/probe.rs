//! Health probes.

use std::path::PathBuf;
use std::time::Duration;

use super::Command;

/// A question asked of a running service, again and again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Probe {
    /// What is asked.
    pub kind: ProbeKind,
    /// Time between two questions, once the service has answered well.
    pub interval: Duration,
    /// How long one answer may take.
    pub timeout: Duration,
    /// Failures in a row that mean «bad».
    pub retries: u32,
    /// Successes in a row that mean «good».
    pub success: u32,
    /// Failures this long after the spawn do not count (liveness).
    pub start_period: Duration,
    /// Whose listener counts.
    pub owner: ProbeOwner,
}

/// The kinds of question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ProbeKind {
    /// A TCP connect.
    Tcp(TcpTarget),
    /// A connect to a unix stream socket.
    Unix(PathBuf),
    /// An HTTP request.
    Http(HttpProbe),
    /// A command that must exit 0.
    Exec(Command),
    /// A line of output that matches this regular expression (checked at load).
    Log(String),
    /// systemd's `sd_notify`: `READY=1`, `WATCHDOG=1`.
    Notify,
}

/// Host and port of a TCP probe.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TcpTarget {
    /// `127.0.0.1` unless the file says otherwise.
    pub host: String,
    /// The port. 0 only where an `auto` port has not been allocated yet.
    pub port: u16,
}

/// An HTTP request and the answer it wants.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpProbe {
    /// Scheme, host and port.
    pub target: ProbeTarget,
    /// Path and query, from the first `/`.
    pub path: String,
    /// `GET` by default.
    pub method: String,
    /// Sent beside `Host` and `User-Agent`.
    pub headers: Vec<(String, String)>,
    /// Accepted status codes, as inclusive ranges; 200 to 399 by default.
    pub status: Vec<(u16, u16)>,
    /// A regular expression that the first 64 KiB of the body must match.
    pub body: Option<String>,
}

/// Where an HTTP probe goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ProbeTarget {
    /// `http://host:port`
    Plain(TcpTarget),
    /// `https://host:port`, the certificate checked.
    Tls(TcpTarget),
    /// `https://host:port`, any certificate (`insecure: true`).
    TlsUnchecked(TcpTarget),
}

impl ProbeTarget {
    /// Host and port.
    pub const fn tcp(&self) -> &TcpTarget {
        match self {
            Self::Plain(target) | Self::Tls(target) | Self::TlsUnchecked(target) => target,
        }
    }
}

/// Whose listener may answer a TCP, unix or HTTP probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProbeOwner {
    /// Only a process of the service's own run.
    Service,
    /// Anybody (`docker run -p` listens as dockerd).
    Any,
}

impl Probe {
    /// Defaults of `config.md`.
    pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(10);
    /// Defaults of `config.md`.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);
    /// Defaults of `config.md`.
    pub const DEFAULT_RETRIES: u32 = 3;

    /// The local TCP port this probe asks, if it asks one.
    pub const fn tcp(&self) -> Option<&TcpTarget> {
        match &self.kind {
            ProbeKind::Tcp(target) => Some(target),
            ProbeKind::Http(http) => Some(http.target.tcp()),
            ProbeKind::Unix(_) | ProbeKind::Exec(_) | ProbeKind::Log(_) | ProbeKind::Notify => None,
        }
    }
}
