//! The client against a listener that says what it is told to say.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::*;

/// Answers each connection with the next of `answers`, and hands back what was asked.
fn serve(socket: &Path, answers: Vec<String>) -> std::thread::JoinHandle<Vec<String>> {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        answers
            .into_iter()
            .map(|answer| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                while !complete(&request) {
                    let mut chunk = [0; 4096];
                    let count = stream.read(&mut chunk).unwrap();
                    assert_ne!(count, 0, "the client left: {}", String::from_utf8_lossy(&request));
                    request.extend_from_slice(&chunk[..count]);
                }
                stream.write_all(answer.as_bytes()).unwrap();
                String::from_utf8(request).unwrap()
            })
            .collect()
    })
}

fn complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    body.len() >= length.map_or(0, |l| l.parse().unwrap())
}

fn answer(status: &str, schema: u32, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ntspm-schema: {schema}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn place(dir: &tempfile::TempDir) -> Place {
    let place = Place::of(dir.path(), None, Some(dir.path())).unwrap();
    std::fs::create_dir(&place.dir).unwrap();
    place
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn nobody_listens_means_not_running() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(&dir);
    block_on(async {
        assert!(matches!(Client::connect(&place).await, Err(ConnectError::NotRunning)));
        drop(UnixListener::bind(&place.socket).unwrap());
        assert!(place.socket.exists());
        assert!(matches!(Client::connect(&place).await, Err(ConnectError::NotRunning)), "a stale socket file");
    });
}

#[test]
fn requests_carry_the_version_and_answers_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(&dir);
    let version = r#"{"schema_version":1,"tspm":"9.9.9","supervisor_pid":7,"keeper_pid":6}"#;
    let server = serve(&place.socket, vec![answer("200 OK", 1, version), answer("200 OK", 1, version)]);
    block_on(async {
        let client = Client::connect(&place).await.unwrap();
        assert_eq!(client.keeper_pid(), std::process::id());
        let got: wire::Version = client.get("/v1/version").await.unwrap();
        assert_eq!(got.tspm, "9.9.9");
        let body = wire::DownRequest { force: true, timeout_ms: None };
        let got: wire::Version = client.post("/v1/down", &body).await.unwrap();
        assert_eq!(got.keeper_pid, 6);
    });
    let asked = server.join().unwrap();
    assert!(asked[0].starts_with("GET /v1/version HTTP/1.1\r\n"), "{}", asked[0]);
    assert!(asked[0].contains("tspm-schema: 1\r\n"), "{}", asked[0]);
    assert!(asked[1].ends_with(r#"{"force":true,"timeout_ms":null}"#), "{}", asked[1]);
}

#[test]
fn refusals_and_other_versions_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(&dir);
    let problem = r#"{"code":"unknown-service","message":"no service is called `x`","hint":null}"#;
    let server = serve(
        &place.socket,
        vec![answer("404 Not Found", 1, problem), answer("500 Oops", 1, "boom"), answer("200 OK", 2, "{}")],
    );
    block_on(async {
        let client = Client::connect(&place).await.unwrap();
        let refused = client.get::<wire::State>("/v1/services/x").await.unwrap_err();
        assert!(matches!(&refused, ClientError::Problem(p) if p.code == "unknown-service"), "{refused:?}");
        let refused = client.get::<wire::State>("/v1/state").await.unwrap_err();
        assert_eq!(refused.to_string(), "the supervisor answered HTTP 500 Internal Server Error: boom");
        let other = client.get::<wire::State>("/v1/state").await.unwrap_err();
        assert!(matches!(other, ClientError::Version { theirs: 2 }), "{other:?}");
    });
    server.join().unwrap();
}

#[test]
fn streams_are_read_line_by_line_across_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(&dir);
    let head = "HTTP/1.1 200 OK\r\ntspm-schema: 1\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let whole = [head, &chunk("{\"is\":\"by"), &chunk("e\"}\n{\"is\":\"bye\"}\n"), "0\r\n\r\n"].concat();
    let broken = [head, &chunk("{\"is\":\"bye\"}\n{\"is\"")].concat();
    let server = serve(&place.socket, vec![whole, broken]);
    block_on(async {
        let client = Client::connect(&place).await.unwrap();
        let mut lines: Lines<wire::Update> = client.lines(Method::GET, "/v1/watch", None).await.unwrap();
        assert!(matches!(lines.next().await, Some(Ok(wire::Update::Bye))));
        assert!(matches!(lines.next().await, Some(Ok(wire::Update::Bye))));
        assert!(lines.next().await.is_none());
        let mut lines: Lines<wire::Update> = client.lines(Method::GET, "/v1/watch", None).await.unwrap();
        assert!(matches!(lines.next().await, Some(Ok(wire::Update::Bye))));
        assert!(matches!(lines.next().await, Some(Err(ClientError::Broken(_)))), "cut off is not the end");
    });
    server.join().unwrap();
}
