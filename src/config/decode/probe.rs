//! Probes, long and short: exactly one kind of question, and how it is asked.

use std::path::Path;
use std::time::Duration;

use super::command::Commands;
use super::http;
use crate::config::issues::Issue;
use crate::config::keys::{PROBE, PROBE_KINDS};
use crate::config::merge::SHORT_FORM;
use crate::config::reader::{Fields, Reader, Text};
use crate::config::tree::{Map, Node, Value};
use crate::model::{Port, Probe, ProbeKind, ProbeOwner, TcpTarget};

/// Where a probe goes that names no host.
pub(super) const LOCAL: &str = "127.0.0.1";

/// What probes of one service may refer to.
pub(super) struct Probes<'a> {
    pub(super) commands: Commands<'a>,
    /// The service's ports: `auto` means the first.
    pub(super) ports: &'a [Port],
    /// Relative socket paths start here.
    pub(super) cwd: &'a Path,
}

impl Probes<'_> {
    pub(super) fn reader(&self) -> &Reader<'_> {
        &self.commands.reader
    }

    /// Reads `readiness` or `liveness`.
    pub(super) fn read(&self, node: &Node) -> Option<Probe> {
        let reader = self.reader();
        let map = match &node.value {
            Value::Scalar(_) => return Some(plain(self.short(node)?)),
            Value::Map(map) => map,
            Value::List(_) => {
                reader.wrong_type(node, "a probe: a map, a port, a path or a URL");
                return None;
            }
        };
        if let Some(short) = map.get(SHORT_FORM) {
            let rest = map.entries.iter().filter(|entry| &*entry.key != SHORT_FORM).cloned().collect();
            let rest = Node { span: node.span, value: Value::Map(Map { entries: rest }) };
            let fields = reader.fields(&rest, &PROBE)?;
            return Some(self.settings(&fields, self.short(&short.value)?));
        }
        let fields = reader.fields(node, &PROBE)?;
        let mut kinds: Vec<_> = PROBE_KINDS.iter().filter_map(|kind| fields.entry(kind)).collect();
        kinds.sort_by_key(|entry| entry.key_span);
        match kinds.as_slice() {
            [entry] => {
                let kind = self.kind(&entry.key, &entry.value);
                // The other keys are checked, whatever the kind is.
                let probe = self.settings(&fields, kind.clone().unwrap_or(ProbeKind::Notify));
                kind.map(|_| probe)
            }
            [] => {
                let issue = Issue::error("missing-key", node.span, "a probe asks one question");
                reader.issue(issue.help("give it one of `http`, `tcp`, `unix`, `exec`, `log`, `notify`"));
                None
            }
            [first, second, ..] => {
                let message =
                    format!("a probe asks one question, and this has `{}` and `{}`", first.key, second.key);
                reader.issue(Issue::error("conflict", second.key_span, message).also(first.key_span, "the first"));
                None
            }
        }
    }

    fn kind(&self, key: &str, node: &Node) -> Option<ProbeKind> {
        let reader = self.reader();
        match key {
            "http" => http::read(self, node).map(ProbeKind::Http),
            "tcp" => self.tcp(node, &reader.any_text(node, "a port or `host:port`")?).map(ProbeKind::Tcp),
            "unix" => reader.path(node, self.cwd).map(ProbeKind::Unix),
            "exec" => self.commands.read(node).map(ProbeKind::Exec),
            "log" => regex(reader, node).map(ProbeKind::Log),
            "notify" => {
                if !reader.boolean(node)? {
                    reader.issue(Issue::error("bad-value", node.span, "`notify` is `true` or not there"));
                }
                Some(ProbeKind::Notify)
            }
            // `ipc`: `fields` has said that it is not yet supported.
            _ => None,
        }
    }

    /// `8080`, `host:8080`, `/health`, `http://…`.
    fn short(&self, node: &Node) -> Option<ProbeKind> {
        let wanted = "a probe: a map, a port, a path or a URL";
        let whole = self.reader().any_text(node, wanted)?;
        let text = &*whole.text;
        if text.starts_with('/') || text.contains("://") {
            return http::parse(self, node, &whole, http::Check::Certificate).map(ProbeKind::Http);
        }
        let looks_like_port = text == "auto" || text.contains(':') || text.parse::<i64>().is_ok();
        if !looks_like_port {
            let message = format!("`{}` is no short form of a probe", text.escape_debug());
            let issue = Issue::error("bad-value", node.span, message);
            let help = "write a port, a path such as `/health`, a URL, or a map: `{log: ready}`, `{exec: …}`";
            self.reader().issue(issue.help(help));
            return None;
        }
        self.tcp(node, &whole).map(ProbeKind::Tcp)
    }

    /// `8080`, `auto`, `host:8080`, `[::1]:8080`.
    fn tcp(&self, node: &Node, whole: &Text) -> Option<TcpTarget> {
        let (host, port) = whole.text.rsplit_once(':').unwrap_or((LOCAL, &whole.text));
        let host = if host.is_empty() { LOCAL } else { host };
        Some(TcpTarget { host: self.host(node, host)?, port: self.port(node, port, whole)? })
    }

    /// A host, an IPv6 address without its brackets.
    pub(super) fn host(&self, node: &Node, text: &str) -> Option<String> {
        let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let good = if inner.contains(':') {
            text.starts_with('[') && inner.parse::<std::net::Ipv6Addr>().is_ok()
        } else {
            inner.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
        };
        if good {
            return Some(inner.to_owned());
        }
        let issue = Issue::error("bad-value", node.span, format!("`{}` is no host", text.escape_debug()));
        self.reader().issue(issue.help("write a name, an IPv4 address, or an IPv6 address in brackets: `[::1]`"));
        None
    }

    /// A port by number, or `auto`: the service's first. 0 where it has no number yet.
    pub(super) fn port(&self, node: &Node, text: &str, whole: &Text) -> Option<u16> {
        match text {
            // The port of some service that has not been allocated reads the same.
            "auto" if whole.pending => return Some(0),
            "auto" => return self.first_port(node),
            _ => {}
        }
        match text.parse::<u16>() {
            Ok(number) if number > 0 => Some(number),
            Ok(_) | Err(_) => {
                let message = format!("`{}` is no port: 1 to 65535, or `auto`", text.escape_debug());
                self.reader().issue(Issue::error("bad-port", node.span, message));
                None
            }
        }
    }

    /// The service's first port.
    pub(super) fn first_port(&self, node: &Node) -> Option<u16> {
        if let Some(first) = self.ports.first() {
            return Some(first.number.get().unwrap_or(0));
        }
        let issue =
            Issue::error("missing-port", node.span, "this means the service's first port, and it has none");
        self.reader().issue(issue.help("declare it under `ports`, or write the port here"));
        None
    }

    fn settings(&self, fields: &Fields<'_>, kind: ProbeKind) -> Probe {
        const OWNERS: &[(&str, ProbeOwner)] = &[("service", ProbeOwner::Service), ("any", ProbeOwner::Any)];
        let reader = self.reader();
        let duration = |key: &str| fields.get(key).and_then(|node| reader.some_duration(node));
        let count = |key: &str| fields.get(key).and_then(|node| reader.integer(node, 1..=1_000_000_u32));
        let base = plain(kind);
        Probe {
            interval: duration("interval").unwrap_or(base.interval),
            timeout: duration("timeout").unwrap_or(base.timeout),
            retries: count("retries").unwrap_or(base.retries),
            success: count("success").unwrap_or(base.success),
            start_period: fields
                .get("start_period")
                .and_then(|node| reader.duration(node))
                .unwrap_or(base.start_period),
            owner: fields.get("owner").and_then(|node| reader.word(node, OWNERS)).unwrap_or(base.owner),
            kind: base.kind,
        }
    }
}

fn plain(kind: ProbeKind) -> Probe {
    Probe {
        kind,
        interval: Probe::DEFAULT_INTERVAL,
        timeout: Probe::DEFAULT_TIMEOUT,
        retries: Probe::DEFAULT_RETRIES,
        success: 1,
        start_period: Duration::ZERO,
        owner: ProbeOwner::Service,
    }
}

/// A regular expression that compiles, for bytes.
pub(super) fn regex(reader: &Reader<'_>, node: &Node) -> Option<String> {
    let text = reader.string(node)?;
    match regex::bytes::Regex::new(&text) {
        Ok(_) => Some(text),
        Err(error) => {
            let why = error.to_string();
            // The first lines of a syntax error draw the expression; the last says what is wrong.
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            reader.issue(Issue::error("bad-regex", node.span, format!("this is no regular expression: {why}")));
            None
        }
    }
}
