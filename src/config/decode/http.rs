//! HTTP probes: a URL, or `{url, method, status, headers, body, insecure}`.

use super::probe::{LOCAL, Probes, regex};
use crate::config::issues::Issue;
use crate::config::keys::HTTP;
use crate::config::reader::{self, Reader, Text};
use crate::config::tree::{Node, Value};
use crate::model::{HttpProbe, ProbeTarget, TcpTarget};

/// What is done with a server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// It must be good.
    Certificate,
    /// `insecure: true`.
    Nothing,
}

/// Anything below 400 is an answer of a server that works.
const GOOD: (u16, u16) = (200, 399);

/// Reads `http`.
pub(super) fn read(probes: &Probes<'_>, node: &Node) -> Option<HttpProbe> {
    let reader = probes.reader();
    let Value::Map(_) = &node.value else {
        let text = reader.text(node, "a URL, a path or a map")?;
        return parse(probes, node, &text, Check::Certificate);
    };
    let fields = reader.fields(node, &HTTP)?;
    let insecure = fields.get("insecure").and_then(|node| reader.boolean(node)).unwrap_or(false);
    let check = if insecure { Check::Nothing } else { Check::Certificate };
    let method = fields.get("method").and_then(|node| method(reader, node));
    let status = fields.get("status").map(|node| status(reader, node));
    let headers = fields.get("headers").map(|node| headers(reader, node)).unwrap_or_default();
    let body = fields.get("body").and_then(|node| regex(reader, node));
    let Some(url) = fields.get("url") else {
        reader.issue(Issue::error("missing-key", node.span, "an HTTP probe needs a `url`"));
        return None;
    };
    let base = parse(probes, url, &reader.text(url, "a string")?, check)?;
    Some(HttpProbe {
        method: method.unwrap_or(base.method),
        status: status.unwrap_or(base.status),
        headers,
        body,
        ..base
    })
}

/// `http://host:port/path`, `https://…`, or `/path` on the service's first port.
pub(super) fn parse(probes: &Probes<'_>, node: &Node, whole: &Text, check: Check) -> Option<HttpProbe> {
    let text = &*whole.text;
    let probe = |target, path: &str| {
        let path = path.split('#').next().unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        HttpProbe { target, path, method: "GET".to_owned(), headers: Vec::new(), status: vec![GOOD], body: None }
    };
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return refuse(probes, node, text, "it has spaces or control characters in it");
    }
    if text.starts_with('/') {
        let target = TcpTarget { host: LOCAL.to_owned(), port: probes.first_port(node)? };
        return Some(probe(ProbeTarget::Plain(target), text));
    }
    let (rest, tls) = match text.split_once("://") {
        Some(("http", rest)) => (rest, false),
        Some(("https", rest)) => (rest, true),
        Some(_) | None => return refuse(probes, node, text, "it begins with `http://`, `https://` or `/`"),
    };
    if tls && !cfg!(feature = "tls") {
        return refuse(probes, node, text, "this tspm was built without TLS");
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains('@') {
        return refuse(probes, node, text, "a name and a password go into `headers`");
    }
    let has_port = authority.rfind(':').is_some_and(|colon| !authority[colon..].contains(']'));
    let (host, port) = match authority.rsplit_once(':').filter(|_| has_port) {
        Some((host, port)) => (host, probes.port(node, port, whole)?),
        None => (authority, if tls { 443 } else { 80 }),
    };
    if host.is_empty() {
        return refuse(probes, node, text, "it names no host");
    }
    let target = TcpTarget { host: probes.host(node, host)?, port };
    let target = match (tls, check) {
        (false, _) => ProbeTarget::Plain(target),
        (true, Check::Certificate) => ProbeTarget::Tls(target),
        (true, Check::Nothing) => ProbeTarget::TlsUnchecked(target),
    };
    Some(probe(target, path))
}

fn refuse<T>(probes: &Probes<'_>, node: &Node, text: &str, why: &str) -> Option<T> {
    let message = format!("`{}` is no URL for a probe: {why}", text.escape_debug());
    probes.reader().issue(Issue::error("bad-url", node.span, message));
    None
}

fn method(reader: &Reader<'_>, node: &Node) -> Option<String> {
    let text = reader.string(node)?;
    if text.chars().all(|c| c.is_ascii_uppercase()) {
        return Some(text);
    }
    let issue = Issue::error("bad-value", node.span, format!("`{}` is no HTTP method", text.escape_debug()));
    reader.issue(issue.help("methods are in capitals: `GET`, `HEAD`, `POST`"));
    None
}

/// `200`, `200-299`, or a list of both.
fn status(reader: &Reader<'_>, node: &Node) -> Vec<(u16, u16)> {
    let one = |node: &Node| {
        let text = reader.any_text(node, "a status code or a range such as `200-299`")?.text;
        let (from, to) = text.split_once('-').unwrap_or((&text, &text));
        match (from.parse::<u16>(), to.parse::<u16>()) {
            (Ok(from), Ok(to)) if (100..=599).contains(&from) && (from..=599).contains(&to) => Some((from, to)),
            _ => {
                let message = format!("`{}` is no status code and no range of them", text.escape_debug());
                reader.issue(Issue::error("bad-value", node.span, message).help("write `200`, or `200-299`"));
                None
            }
        }
    };
    match &node.value {
        Value::List(items) if items.is_empty() => {
            reader.issue(Issue::error("bad-value", node.span, "this cannot be empty"));
            Vec::new()
        }
        Value::List(items) => items.iter().filter_map(|item| one(item)).collect(),
        Value::Scalar(_) | Value::Map(_) => one(node).into_iter().collect(),
    }
}

fn headers(reader: &Reader<'_>, node: &Node) -> Vec<(String, String)> {
    let good_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
    };
    let pairs = reader::pairs(reader, node);
    for (name, value) in &pairs {
        if !good_name(name) || value.contains(|c: char| c.is_control() && c != '\t') {
            let message = format!("`{}` cannot be sent as a header", name.escape_debug());
            reader.issue(Issue::error("bad-value", node.span, message));
        }
    }
    pairs.into_iter().collect()
}
