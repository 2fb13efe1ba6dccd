//! The server: HTTP over the project's unix socket, one handler per line of `wire`'s table.
//!
//! It translates and forwards; it knows nothing that the supervisor does not tell it. The socket is 0600: who
//! can connect is the user.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{DefaultBodyLimit, Path, State as Shared};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::IncomingStream;
use axum::{Json, Router};
use serde::Serialize;
use tokio::net::UnixListener;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use crate::core::{Recreate, Request, ShutdownMode, WithDeps};
use crate::model::{InstanceId, ServiceName, Signal};
use crate::supervisor::{Attach, Handle, Outcome, Rehearsal, UpOrder};

use super::refusal::Refused;
use super::wire::{self, Done, EventView, SCHEMA_VERSION, Update};
use super::{detail, teardown, view};

/// What every handler needs.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    /// The way to the supervisor.
    pub(super) handle: Handle,
    /// Events as they happen.
    pub(super) events: broadcast::Sender<Arc<EventView>>,
    /// The keeper's pid.
    pub(super) keeper: u32,
    /// Cancelled when everything is down: streams say goodbye and end.
    pub(super) over: CancellationToken,
}

/// A bundle holds the project files and the caller's environment: 64 MiB is far beyond both.
const MAX_BODY: usize = 64 << 20;

/// Who is at the other end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    pid: Option<u32>,
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let pid = stream.io().peer_cred().ok().and_then(|credentials| credentials.pid());
        Self { pid: pid.and_then(|pid| u32::try_from(pid).ok()) }
    }
}

/// The routes.
pub(super) fn router(desk: Desk) -> Router {
    Router::new()
        .route("/v1/version", get(version))
        .route("/v1/state", get(state))
        .route("/v1/services/{instance}", get(service))
        .route("/v1/up", post(up))
        .route("/v1/start", post(start))
        .route("/v1/stop", post(stop))
        .route("/v1/restart", post(restart))
        .route("/v1/signal", post(signal))
        .route("/v1/down", post(down))
        .route("/v1/watch", get(watch))
        .fallback(async || Refused::unknown_route())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(axum::middleware::map_response(async |mut response: Response| {
            response.headers_mut().insert("tspm-schema", HeaderValue::from(SCHEMA_VERSION));
            response
        }))
        .with_state(desk)
}

async fn version(Shared(desk): Shared<Desk>) -> Json<wire::Version> {
    Json(wire::Version {
        schema_version: SCHEMA_VERSION,
        tspm: env!("CARGO_PKG_VERSION").to_owned(),
        supervisor_pid: std::process::id(),
        keeper_pid: desk.keeper,
    })
}

async fn state(Shared(desk): Shared<Desk>) -> Result<Json<wire::State>, Refused> {
    Ok(Json(view::state(&desk.handle.look().await?)))
}

async fn service(Shared(desk): Shared<Desk>, Path(name): Path<String>) -> Result<Json<wire::Detail>, Refused> {
    let instance = instance(&name)?;
    let seen = desk.handle.examine(instance).await?;
    Ok(Json(detail::detail(&*seen.ok_or_else(|| Refused::unknown_service(&name))?)))
}

async fn up(
    Shared(desk): Shared<Desk>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Json(request): Json<wire::UpRequest>,
) -> Result<Json<Done>, Refused> {
    let order = UpOrder {
        services: names(&request.services)?,
        bundle: request.bundle.into(),
        deps: deps(request.no_deps),
        recreate: if request.force_recreate { Recreate::All } else { Recreate::Changed },
        attach: match (request.attach, peer.pid) {
            (wire::Attach::Own, Some(pid)) => Attach::Own(pid),
            (wire::Attach::Own, None) => {
                return Err(Refused::bad("the kernel does not say who is at the other end"));
            }
            (wire::Attach::View, _) => Attach::View,
            (wire::Attach::Detach, _) => Attach::Detach,
        },
        rehearsal: if request.dry_run { Rehearsal::Plan } else { Rehearsal::Perform },
    };
    Ok(done(&desk.handle.up(order).await?))
}

async fn start(
    Shared(desk): Shared<Desk>,
    Json(request): Json<wire::SelectRequest>,
) -> Result<Json<Done>, Refused> {
    let services = names(&request.services)?.into_iter().collect();
    let request = Request::Start { services, deps: deps(request.no_deps) };
    Ok(done(&desk.handle.request(request).await?))
}

async fn stop(
    Shared(desk): Shared<Desk>,
    Json(request): Json<wire::SelectRequest>,
) -> Result<Json<Done>, Refused> {
    let services = names(&request.services)?.into_iter().collect();
    let request = Request::Stop { services, timeout: millis(request.timeout_ms) };
    Ok(done(&desk.handle.request(request).await?))
}

async fn restart(
    Shared(desk): Shared<Desk>,
    Json(request): Json<wire::SelectRequest>,
) -> Result<Json<Done>, Refused> {
    let services = names(&request.services)?.into_iter().collect();
    let request = Request::Restart { services, timeout: millis(request.timeout_ms) };
    Ok(done(&desk.handle.request(request).await?))
}

async fn signal(
    Shared(desk): Shared<Desk>,
    Json(request): Json<wire::SignalRequest>,
) -> Result<Json<Done>, Refused> {
    let signal =
        Signal::from_number(request.signal).ok_or_else(|| Refused::bad("a signal is a number from 1 to 64"))?;
    let result = desk.handle.signal(names(&request.services)?, signal).await?;
    let reached = result.reached.iter().map(|instance| format!("{instance}: {signal} sent"));
    let idle = result.idle.iter().map(|instance| format!("{instance}: has no process"));
    let notes = reached.chain(idle).collect();
    Ok(Json(Done { schema_version: SCHEMA_VERSION, steps: Vec::new(), notes, generation: 0, owner: false }))
}

async fn down(Shared(desk): Shared<Desk>, Json(request): Json<wire::DownRequest>) -> Result<Response, Refused> {
    let mode = if request.force {
        ShutdownMode::Force
    } else {
        ShutdownMode::Graceful { timeout: millis(request.timeout_ms) }
    };
    let mut news = desk.handle.down(mode).await?;
    Ok(lines(async move |lines| {
        while let Some(news) = news.recv().await {
            lines.send(&teardown::update(&news)).await?;
        }
        Ok(())
    }))
}

async fn watch(Shared(desk): Shared<Desk>) -> Result<Response, Refused> {
    // Subscribed before the first look: an event in between is told twice rather than not at all, and its
    // generation says that it is old.
    let mut events = desk.events.subscribe();
    let first = view::state(&desk.handle.look().await?);
    Ok(lines(async move |lines| {
        lines.send(&Update::State(Box::new(first))).await?;
        loop {
            let event = tokio::select! {
                biased;
                event = events.recv() => event,
                () = desk.over.cancelled() => break,
            };
            match event {
                Ok(event) => lines.send(&Update::Event(Box::new(EventView::clone(&event)))).await?,
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    let Ok(scene) = desk.handle.look().await else { break };
                    lines.send(&Update::State(Box::new(view::state(&scene)))).await?;
                }
                Err(broadcast::error::RecvError::Closed) => break,
            }
        }
        lines.send(&Update::Bye).await
    }))
}

fn done(outcome: &Outcome) -> Json<Done> {
    Json(Done {
        schema_version: SCHEMA_VERSION,
        steps: outcome.steps.iter().map(view::step).collect(),
        notes: Vec::new(),
        generation: outcome.generation,
        owner: outcome.owner,
    })
}

const fn deps(no_deps: bool) -> WithDeps {
    if no_deps { WithDeps::Without } else { WithDeps::With }
}

fn millis(millis: Option<u64>) -> Option<std::time::Duration> {
    millis.map(std::time::Duration::from_millis)
}

fn names(names: &[String]) -> Result<Vec<ServiceName>, Refused> {
    names.iter().map(|name| ServiceName::new(name).map_err(|_| Refused::unknown_service(name))).collect()
}

/// `api` or `api.1`.
fn instance(name: &str) -> Result<InstanceId, Refused> {
    let (service, index) = match name.rsplit_once('.') {
        Some((service, index)) => (service, index.parse().map_err(|_| Refused::unknown_service(name))?),
        None => (name, 0),
    };
    let service = ServiceName::new(service).map_err(|_| Refused::unknown_service(name))?;
    Ok(InstanceId { service, index })
}

/// The writing end of a stream of JSON lines.
pub(super) struct LineSender(mpsc::Sender<Bytes>);

/// The reader has gone.
pub(super) struct ReaderGone;

impl LineSender {
    async fn send(&self, line: &impl Serialize) -> Result<(), ReaderGone> {
        let mut bytes = serde_json::to_vec(line).expect("wire types serialise");
        bytes.push(b'\n');
        self.0.send(bytes.into()).await.map_err(|_| ReaderGone)
    }
}

/// A response of JSON lines, written by `write`.
///
/// 64 lines may wait for a slow reader; then the writer waits, which holds up nobody but this reader: the
/// supervisor's channels behind it are unbounded (`down`) or drop the oldest (`watch`).
fn lines<W>(write: impl FnOnce(LineSender) -> W + Send + 'static) -> Response
where
    W: Future<Output = Result<(), ReaderGone>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(64);
    let writer = write(LineSender(sender));
    let body = super::stream::LineBody::new(receiver, writer);
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::new(body)).into_response()
}
