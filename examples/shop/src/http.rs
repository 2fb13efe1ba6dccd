//! Just enough HTTP/1.1 for the shop: one request per connection, bodies of known length.
//!
//! Never a model for a real server: it knows no keep-alive, no chunks and no TLS.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// The longest body that is read, in bytes.
const MAX_BODY: usize = 64 << 10;

/// The longest request line, or line of a header, in bytes.
const MAX_LINE: u64 = 8 << 10;

/// How long the other side may be silent before it is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: String,
    /// The path, its query included.
    pub path: String,
    /// The body, empty if there is none.
    pub body: String,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The type of the body.
    pub content_type: String,
    /// The body.
    pub body: String,
}

impl Response {
    /// A JSON document.
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self { status, content_type: "application/json".to_owned(), body: body.into() }
    }

    /// Plain text.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8".to_owned(), body: body.into() }
    }

    /// An HTML page.
    pub fn html(body: impl Into<String>) -> Self {
        Self { status: 200, content_type: "text/html; charset=utf-8".to_owned(), body: body.into() }
    }
}

/// Answers every request with `handler`, each on a thread of its own. Returns only if it can no longer accept.
pub fn serve(
    listener: &TcpListener,
    handler: impl Fn(&Request) -> Response + Send + Sync + 'static,
) -> io::Result<()> {
    let handler = Arc::new(handler);
    loop {
        let (stream, _) = listener.accept()?;
        let handler = Arc::clone(&handler);
        thread::spawn(move || {
            if let Err(error) = answer(stream, &*handler) {
                eprintln!("a request went wrong: {error}");
            }
        });
    }
}

/// Sends a request to `address`, `host:port`, and returns the response.
pub fn fetch(address: &str, request: &Request) -> io::Result<Response> {
    let Request { method, path, body } = request;
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes())?;

    let mut stream = BufReader::new(stream);
    let first = line(&mut stream)?;
    let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("{address} does not speak HTTP")))?;
    let headers = headers(&mut stream)?;
    let content_type = headers.content_type.clone();
    Ok(Response { status, content_type, body: read_body(&mut stream, &headers)? })
}

fn answer(stream: TcpStream, handler: &dyn Fn(&Request) -> Response) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut stream = BufReader::new(stream);
    let first = line(&mut stream)?;
    if first.is_empty() {
        return Ok(()); // somebody looked whether the port is open
    }
    let mut words = first.split(' ');
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return send(stream.get_mut(), &Response::text(400, "that is not HTTP\n"));
    };
    let (method, path) = (method.to_owned(), path.to_owned());
    let headers = headers(&mut stream)?;
    if headers.length > MAX_BODY {
        return send(stream.get_mut(), &Response::text(413, "the body is too long\n"));
    }
    let body = read_body(&mut stream, &headers)?;
    let response = handler(&Request { method, path, body });
    send(stream.get_mut(), &response)
}

fn send(stream: &mut TcpStream, response: &Response) -> io::Result<()> {
    let Response { status, content_type, body } = response;
    let reason = match status {
        200..=299 => "OK",
        400..=499 => "Not like this",
        _ => "Not now",
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status} {reason}\r\nContent-Type: {content_type}\r\n");
    let head = format!("{head}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes())
}

/// The headers that matter here.
struct Headers {
    length: usize,
    content_type: String,
}

fn headers(stream: &mut impl BufRead) -> io::Result<Headers> {
    let mut headers = Headers { length: 0, content_type: "text/plain".to_owned() };
    loop {
        let line = line(stream)?;
        if line.is_empty() {
            return Ok(headers);
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => headers.length = value.trim().parse().map_err(io::Error::other)?,
            "content-type" => value.trim().clone_into(&mut headers.content_type),
            _ => {}
        }
    }
}

/// One line without its end; empty at the end of the stream too.
fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.take(MAX_LINE).read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn read_body(stream: &mut impl Read, headers: &Headers) -> io::Result<String> {
    let mut body = vec![0; headers.length.min(MAX_BODY)];
    stream.read_exact(&mut body)?;
    String::from_utf8(body).map_err(io::Error::other)
}
