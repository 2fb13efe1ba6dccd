//! HTTP probes: one request over a connection whose listener was checked first, so that a stranger on the port neither
//! gets the request nor is believed. Redirects are answers like any other.

use std::fmt::Write as _;
use std::pin::pin;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use regex::bytes::Regex;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Answer, Check, connect};
use crate::model::{HttpProbe, ProbeTarget};

/// As much of a body as the pattern is tried on.
const MAX_BODY: usize = 64 << 10;

/// As much of a body as is shown.
const SNIPPET: usize = 200;

/// How long a bad answer's body is waited for: the status alone is worth more than a timeout.
const SNIPPET_WAIT: Duration = Duration::from_millis(100);

/// Good (with a note) or another answer.
pub(super) async fn ask(probe: &HttpProbe, check: &Check<'_>) -> Result<Option<String>, Answer> {
    let request = request(probe)?;
    let body = probe.body.as_deref().map(Regex::new).transpose();
    let body = body.map_err(|error| Answer::bad(format!("`body` is no regular expression: {error}")))?;
    let (stream, note) = connect::tcp(probe.target.tcp(), check).await?;
    match &probe.target {
        ProbeTarget::Plain(_) => exchange(stream, request, probe, body.as_ref()).await?,
        #[cfg(feature = "tls")]
        ProbeTarget::Tls(target) => {
            let stream = super::tls::connect(stream, target, super::tls::Trust::Checked).await?;
            exchange(stream, request, probe, body.as_ref()).await?;
        }
        #[cfg(feature = "tls")]
        ProbeTarget::TlsUnchecked(target) => {
            let stream = super::tls::connect(stream, target, super::tls::Trust::Anything).await?;
            exchange(stream, request, probe, body.as_ref()).await?;
        }
        #[cfg(not(feature = "tls"))]
        ProbeTarget::Tls(_) | ProbeTarget::TlsUnchecked(_) => {
            return Err(Answer::bad("this tspm was built without https (cargo feature `tls`)"));
        }
    }
    Ok(note)
}

fn request(probe: &HttpProbe) -> Result<Request<Empty<Bytes>>, Answer> {
    let mut builder = Request::builder().method(probe.method.as_bytes()).uri(&*probe.path);
    let has = |name: header::HeaderName| {
        probe.headers.iter().any(|(other, _)| name.as_str().eq_ignore_ascii_case(other))
    };
    if !has(header::HOST) {
        builder = builder.header(header::HOST, connect::shown(probe.target.tcp()));
    }
    if !has(header::USER_AGENT) {
        builder = builder.header(header::USER_AGENT, concat!("tspm/", env!("CARGO_PKG_VERSION")));
    }
    if !has(header::CONNECTION) {
        builder = builder.header(header::CONNECTION, "close");
    }
    for (name, value) in &probe.headers {
        builder = builder.header(name, value);
    }
    builder.body(Empty::new()).map_err(|error| Answer::bad(format!("the probe's request is not valid: {error}")))
}

/// Sends the request and judges the answer.
async fn exchange<S>(
    stream: S,
    request: Request<Empty<Bytes>>,
    probe: &HttpProbe,
    body: Option<&Regex>,
) -> Result<(), Answer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let address = connect::shown(probe.target.tcp());
    let broken = |error: hyper::Error| Answer::bad(format!("no HTTP answer from {address}: {}", causes(&error)));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let mut answer = pin!(async {
        let response = sender.send_request(request).await.map_err(broken)?;
        judge(response, probe, body).await
    });
    // The connection does the reading and writing; it may be done before its last bytes are looked at.
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        answer = &mut answer => return answer,
        _ = &mut connection => {}
    }
    answer.await
}

async fn judge(response: Response<Incoming>, probe: &HttpProbe, pattern: Option<&Regex>) -> Result<(), Answer> {
    let status = response.status();
    let body = response.into_body();
    if !accepted(status, &probe.status) {
        let mut seen = Vec::new();
        let wait = tokio::time::timeout(SNIPPET_WAIT, read(body, &mut seen, |seen| seen.len() >= 4 * SNIPPET));
        // Whatever came by then is shown.
        let _ = wait.await;
        let mut output = format!("HTTP {} (wanted {})", status.as_u16(), wanted(&probe.status));
        append(&mut output, &seen);
        return Err(Answer::Bad { output });
    }
    let Some(pattern) = pattern else {
        return Ok(());
    };
    let mut seen = Vec::new();
    let mut tried = 0;
    let found = read(body, &mut seen, |seen| {
        tried = seen.len();
        pattern.is_match(&seen[..tried.min(MAX_BODY)]) || tried >= MAX_BODY
    });
    let ended = found.await;
    if pattern.is_match(&seen[..seen.len().min(MAX_BODY)]) {
        return Ok(());
    }
    let mut output = format!("HTTP {}, but the body does not match `{pattern}`", status.as_u16());
    if let Err(error) = ended {
        let _ = write!(output, " and broke off ({})", causes(&error));
    }
    append(&mut output, &seen);
    Err(Answer::Bad { output })
}

/// Reads the body until `enough` of it is there.
async fn read(
    mut body: Incoming,
    seen: &mut Vec<u8>,
    mut enough: impl FnMut(&[u8]) -> bool,
) -> Result<(), hyper::Error> {
    while let Some(frame) = body.frame().await {
        if let Some(data) = frame?.data_ref() {
            seen.extend_from_slice(data);
            if enough(seen) {
                break;
            }
        }
    }
    Ok(())
}

fn accepted(status: StatusCode, ranges: &[(u16, u16)]) -> bool {
    ranges.iter().any(|(low, high)| (*low..=*high).contains(&status.as_u16()))
}

/// `200-399`, `200, 204`.
fn wanted(ranges: &[(u16, u16)]) -> String {
    let range = |(low, high): &(u16, u16)| if low == high { low.to_string() } else { format!("{low}-{high}") };
    ranges.iter().map(range).collect::<Vec<_>>().join(", ")
}

/// The beginning of a body, on one line.
fn append(output: &mut String, body: &[u8]) {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * SNIPPET)]);
    let shown: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(SNIPPET).collect();
    if !shown.is_empty() {
        let _ = write!(output, ": {shown}");
    }
}

/// An error with its causes.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
