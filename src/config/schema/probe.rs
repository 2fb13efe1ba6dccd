//! Probes.

use schemars::JsonSchema;

use super::values::{Command, Count, Duration, Flag, Pairs, PortNumber};

/// A question asked of a running service, again and again.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Probe {
    /// TCP: a connect to this port.
    Port(PortNumber),
    /// A path on the service's first port (`/health`), a URL, or `host:port`.
    Short(String),
    /// The long form: one kind of question, and how it is asked.
    Full(Box<ProbeBody>),
}

/// One kind of question, and how it is asked.
#[derive(JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend("patternProperties" = {"^x-": true}),
    extend("oneOf" = [
        {"required": ["http"]}, {"required": ["tcp"]}, {"required": ["unix"]},
        {"required": ["exec"]}, {"required": ["log"]}, {"required": ["notify"]},
    ])
)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct ProbeBody {
    /// An HTTP request.
    http: Option<Http>,
    /// A connect to a port, or to `host:port`.
    tcp: Option<Tcp>,
    /// A connect to a unix socket.
    unix: Option<String>,
    /// A command that must exit 0.
    exec: Option<Command>,
    /// A regular expression that a line of output must match.
    log: Option<String>,
    /// true: systemd's sd_notify, READY=1.
    #[schemars(extend("const" = true))]
    notify: Option<bool>,
    /// Time between two questions, once it has answered well. Default: 10s.
    interval: Option<Duration>,
    /// How long an answer may take. Default: 1s.
    timeout: Option<Duration>,
    /// Failures in a row that mean bad. Default: 3.
    retries: Option<Count>,
    /// Successes in a row that mean good. Default: 1.
    success: Option<Count>,
    /// Failures this long after the start do not count. Default: 0s.
    start_period: Option<Duration>,
    /// Whose listener counts: the `service`'s own (the default), or `any`.
    owner: Option<Owner>,
}

/// A port, or `host:port`.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Tcp {
    /// On this machine.
    Port(PortNumber),
    /// `host:port`.
    Address(String),
}

/// An HTTP request.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Http {
    /// A URL, or a path on the service's first port.
    Url(String),
    /// The long form.
    Full(HttpBody),
}

/// An HTTP request, and the answer it wants.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct HttpBody {
    /// A URL, or a path on the service's first port.
    url: String,
    /// In capitals. Default: GET.
    #[schemars(regex(pattern = r"^[A-Z]+$|\$"))]
    method: Option<String>,
    /// Good status codes: 200, "200-299", or a list of both. Default: 200-399.
    status: Option<Statuses>,
    /// Sent with the request.
    headers: Option<Pairs>,
    /// A regular expression that the first 64 KiB of the body must match.
    body: Option<String>,
    /// true: any certificate is good. Default: false.
    insecure: Option<Flag>,
}

/// Good status codes.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Statuses {
    /// One code, or one range.
    One(Status),
    /// Several.
    Several(#[schemars(length(min = 1))] Vec<Status>),
}

/// A status code or a range.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Status {
    /// 200.
    Code(#[schemars(range(min = 100, max = 599))] u16),
    /// "200-299".
    Range(#[schemars(regex(pattern = r"^[1-5][0-9]{2}(-[1-5][0-9]{2})?$|\$"))] String),
}

/// Whose listener counts.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Owner {
    /// The service's own.
    Service,
    /// Anybody's.
    Any,
}
