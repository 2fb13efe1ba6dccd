//! The caller's end of the API: HTTP/1.1 over the project's unix socket, one connection per request.
//!
//! A connection is driven by whoever waits for its answer: nothing is spawned, and dropping a future or a
//! [`Lines`] closes its connection. Never retries, never decides what a failure means: the caller does.

use std::future::{Future, poll_fn};
use std::io;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::wire;
use crate::sys::Place;

/// The header in which either side states its [`wire::SCHEMA_VERSION`].
pub const SCHEMA_HEADER: &str = "tspm-schema";

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody listens: the project is not running.
    #[error("the project is not running")]
    NotRunning,
    /// Somebody may listen, but not for us.
    #[error("cannot connect to `{}`: {error}", path.display())]
    Refused {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The supervisor refused it, with a reason for people.
    #[error("{}", .0.message)]
    Problem(wire::Problem),
    /// The supervisor speaks another version of the API.
    #[error(
        "the running supervisor speaks version {theirs} of the API, this tspm speaks {}",
        wire::SCHEMA_VERSION
    )]
    Version {
        /// The supervisor's [`wire::SCHEMA_VERSION`].
        theirs: u32,
    },
    /// The connection ended before the answer did.
    #[error("the supervisor closed the connection: {0}")]
    Broken(String),
    /// An answer that is not what this version of the API says.
    #[error("the supervisor's answer makes no sense: {0}")]
    Nonsense(#[from] serde_json::Error),
}

/// A running supervisor, as seen by a caller.
#[derive(Debug)]
pub struct Client {
    socket: PathBuf,
    keeper: u32,
    /// The connection that `connect` made, until the first request takes it.
    first: Mutex<Option<UnixStream>>,
}

impl Client {
    /// Connects to the project's socket.
    ///
    /// The listener belongs to the keeper and outlives the supervisor, so a connection says that a keeper lives,
    /// and a request waits while a supervisor is being respawned. A listener of another user is refused.
    pub async fn connect(place: &Place) -> Result<Self, ConnectError> {
        let stream = UnixStream::connect(&place.socket).await.map_err(|error| match error.kind() {
            // ECONNREFUSED: a socket file that a killed keeper left behind.
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ConnectError::NotRunning,
            _ => ConnectError::Refused { path: place.socket.clone(), error },
        })?;
        let refused = |error| ConnectError::Refused { path: place.socket.clone(), error };
        let peer = stream.peer_cred().map_err(refused)?;
        let own = nix::unistd::geteuid().as_raw();
        if peer.uid() != own && peer.uid() != 0 && own != 0 {
            let error = io::Error::other(format!("it belongs to another user (uid {})", peer.uid()));
            return Err(refused(error));
        }
        let keeper = peer.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default();
        Ok(Self { socket: place.socket.clone(), keeper, first: Mutex::new(Some(stream)) })
    }

    /// The pid of the process that made the listener: the keeper (`SO_PEERCRED`).
    pub const fn keeper_pid(&self) -> u32 {
        self.keeper
    }

    /// `GET path`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        Ok(serde_json::from_slice(&self.whole(Method::GET, path, None).await?)?)
    }

    /// `POST path` with a body.
    pub async fn post<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body)?;
        Ok(serde_json::from_slice(&self.whole(Method::POST, path, Some(body)).await?)?)
    }

    /// A request whose answer is a stream of JSON lines. Returns when the answer has begun.
    pub async fn lines<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> Result<Lines<T>, ClientError> {
        let body = body.map(|value| serde_json::to_vec(&value)).transpose()?;
        let (exchange, response) = self.exchange(method, path, body).await?;
        Ok(Lines { exchange, body: response.into_body(), buffer: Vec::new(), item: PhantomData })
    }

    async fn whole(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Bytes, ClientError> {
        let (mut exchange, response) = self.exchange(method, path, body).await?;
        exchange.collect(response.into_body()).await
    }

    /// Sends a request and checks the head of the answer.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<(Exchange, Response<Incoming>), ClientError> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let stream = match first {
            Some(stream) => stream,
            None => UnixStream::connect(&self.socket).await.map_err(|e| ClientError::Broken(e.to_string()))?,
        };
        let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "tspm")
            .header(SCHEMA_HEADER, wire::SCHEMA_VERSION)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.unwrap_or_default())))
            .map_err(|error| ClientError::Broken(error.to_string()))?;
        let answer = requests.send_request(request);
        let mut exchange = Exchange { connection: Box::pin(connection), sender: None, over: false };
        let response = exchange.drive(answer).await.map_err(broken)?;
        exchange.sender = Some(requests);
        let theirs = response.headers().get(SCHEMA_HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
        if let Some(theirs) = theirs.filter(|theirs| *theirs != wire::SCHEMA_VERSION) {
            return Err(ClientError::Version { theirs });
        }
        if response.status().is_success() {
            return Ok((exchange, response));
        }
        let status = response.status();
        let body = exchange.collect(response.into_body()).await?;
        Err(ClientError::Problem(serde_json::from_slice(&body).unwrap_or_else(|_| wire::Problem {
            code: "internal".to_owned(),
            message: format!("the supervisor answered HTTP {status}: {}", String::from_utf8_lossy(&body)),
            hint: None,
        })))
    }
}

/// The answer to [`Client::lines`]: JSON values, one per line.
#[derive(Debug)]
pub struct Lines<T> {
    exchange: Exchange,
    body: Incoming,
    buffer: Vec<u8>,
    item: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Lines<T> {
    /// The next line; none: the stream ended in order. Loses nothing when it is dropped half-way.
    pub async fn next(&mut self) -> Option<Result<T, ClientError>> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer) {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return Some(serde_json::from_slice(&line).map_err(ClientError::Nonsense));
            }
            match self.exchange.drive(self.body.frame()).await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => return Some(Err(broken(error))),
                None if self.buffer.is_empty() => return None,
                None => {
                    self.buffer.clear();
                    return Some(Err(ClientError::Broken("in the middle of a line".to_owned())));
                }
            }
        }
    }
}

/// One connection and its only request.
struct Exchange {
    connection: Pin<Box<http1::Connection<TokioIo<UnixStream>, Full<Bytes>>>>,
    /// Kept: without it the connection closes itself.
    sender: Option<http1::SendRequest<Full<Bytes>>>,
    over: bool,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("over", &self.over).finish_non_exhaustive()
    }
}

impl Exchange {
    /// Awaits `work` and keeps the connection going meanwhile.
    async fn drive<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|context| {
            if let Poll::Ready(output) = work.as_mut().poll(context) {
                return Poll::Ready(output);
            }
            // The connection's own error also reaches `work`, which is polled once more below.
            if !self.over && self.connection.as_mut().poll(context).is_ready() {
                self.over = true;
            }
            work.as_mut().poll(context)
        })
        .await
    }

    async fn collect(&mut self, body: Incoming) -> Result<Bytes, ClientError> {
        self.drive(body.collect()).await.map(http_body_util::Collected::to_bytes).map_err(broken)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn broken(error: hyper::Error) -> ClientError {
    // hyper's own text says only "connection error"; the cause is one level down.
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    ClientError::Broken(format!("{error}{}", cause.unwrap_or_default()))
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
