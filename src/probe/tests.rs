//! Probes against real sockets.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};

use super::*;
use crate::model::{HttpProbe, ProbeTarget, TcpTarget};

/// Always the same owner; remembers what it was asked.
struct Always(Ownership, Mutex<Vec<Local>>);

impl Owners for Always {
    fn owner_of(&self, local: &Local) -> Ownership {
        self.1.lock().unwrap().push(local.clone());
        self.0.clone()
    }
}

fn always(ownership: Ownership) -> Always {
    Always(ownership, Mutex::default())
}

fn probe(kind: ProbeKind) -> Probe {
    Probe {
        kind,
        interval: Probe::DEFAULT_INTERVAL,
        // Generous: no test waits for it but those of timeouts.
        timeout: Duration::from_secs(60),
        retries: 3,
        success: 1,
        start_period: Duration::ZERO,
        owner: ProbeOwner::Service,
    }
}

fn target(port: u16) -> TcpTarget {
    TcpTarget { host: "127.0.0.1".to_owned(), port }
}

fn http(port: u16) -> HttpProbe {
    HttpProbe {
        target: ProbeTarget::Plain(target(port)),
        path: "/health?x=1".to_owned(),
        method: "GET".to_owned(),
        headers: Vec::new(),
        status: vec![(200, 399)],
        body: None,
    }
}

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn good() -> Answer {
    Answer::Good { note: None }
}

fn bad(answer: Answer) -> String {
    match answer {
        Answer::Bad { output } => output,
        other => panic!("{other:?}"),
    }
}

/// Answers one request with `response`; returns the request's head.
async fn serve<S: AsyncReadExt + AsyncWriteExt + Unpin>(mut stream: S, response: &[u8]) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    stream.write_all(response).await?;
    stream.shutdown().await?;
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// Asks `probe` of a server that gives `response` once.
async fn asked(probe: &Probe, listener: TcpListener, response: &[u8]) -> (Answer, String) {
    let owners = always(Ownership::Own);
    let server = async { serve(listener.accept().await.unwrap().0, response).await.unwrap() };
    tokio::join!(ask(probe, &owners), server)
}

#[tokio::test]
async fn tcp_by_owner() {
    let (_listener, port) = listener().await;
    let foreign = Ownership::Foreign { pid: Some(12), command: Some("x".to_owned()), owner: None };
    for (ownership, answer) in [
        (Ownership::Own, good()),
        (Ownership::Unknown("who knows".to_owned()), Answer::Good { note: Some("who knows".to_owned()) }),
        (Ownership::Nobody, Answer::bad(format!("connection refused on 127.0.0.1:{port}"))),
        (foreign, Answer::Foreign { port, pid: Some(12), command: Some("x".to_owned()), owner: None }),
    ] {
        let owners = always(ownership);
        let mut probe = probe(ProbeKind::Tcp(target(port)));
        assert_eq!(ask(&probe, &owners).await, answer);
        assert_eq!(*owners.1.lock().unwrap(), [Local::Tcp(port)]);
        probe.owner = ProbeOwner::Any;
        assert_eq!(ask(&probe, &owners).await, good());
        assert_eq!(owners.1.lock().unwrap().len(), 1, "not asked where anybody will do");
    }
}

#[tokio::test]
async fn tcp_refused() {
    let (listener, port) = listener().await;
    drop(listener);
    let owners = always(Ownership::Own);
    let answer = ask(&probe(ProbeKind::Tcp(target(port))), &owners).await;
    assert_eq!(bad(answer), format!("connection refused on 127.0.0.1:{port}"));
    assert!(owners.1.lock().unwrap().is_empty(), "nobody is asked about nothing");
    let localhost = TcpTarget { host: "localhost".to_owned(), port };
    assert!(bad(ask(&probe(ProbeKind::Tcp(localhost)), &owners).await).ends_with(&format!(" localhost:{port}")));
}

#[tokio::test]
async fn unix_sockets() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let probe = probe(ProbeKind::Unix(path.clone()));
    let own = always(Ownership::Own);
    assert_eq!(bad(ask(&probe, &own).await), format!("no socket at `{}`", path.display()));
    let listener = UnixListener::bind(&path).unwrap();
    assert_eq!(ask(&probe, &own).await, good());
    assert_eq!(*own.1.lock().unwrap(), [Local::Unix(path.clone())]);
    let foreign =
        Ownership::Foreign { pid: Some(12), command: Some("db".to_owned()), owner: Some("me".to_owned()) };
    let said = bad(ask(&probe, &always(foreign)).await);
    assert_eq!(said, format!("somebody else listens on `{}`: pid 12 (db), me", path.display()));
    drop(listener);
    assert_eq!(bad(ask(&probe, &own).await), format!("connection refused on `{}`", path.display()));
}

#[tokio::test]
async fn http_good_and_what_is_sent() {
    let (listener, port) = listener().await;
    let mut spec = http(port);
    spec.headers = vec![("X-Key".to_owned(), "v".to_owned()), ("host".to_owned(), "shop.test".to_owned())];
    spec.method = "HEAD".to_owned();
    let (answer, head) =
        asked(&probe(ProbeKind::Http(spec)), listener, b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n").await;
    assert_eq!(answer, good());
    assert!(head.starts_with("HEAD /health?x=1 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("x-key: v\r\n") && head.contains("host: shop.test\r\n"), "{head}");
    assert!(head.contains("user-agent: tspm/") && !head.contains("127.0.0.1"), "{head}");
}

#[tokio::test]
async fn http_answers_that_are_not_wanted() {
    let long = format!("HTTP/1.1 503 Busy\r\n\r\nstarting\nup {}", "x".repeat(500));
    let shown = format!("HTTP 503 (wanted 200-399): starting up {}", "x".repeat(188));
    for (response, output) in [
        (long.as_str(), shown.as_str()),
        ("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "HTTP 404 (wanted 200-399)"),
    ] {
        let (listener, port) = listener().await;
        let (answer, _) = asked(&probe(ProbeKind::Http(http(port))), listener, response.as_bytes()).await;
        assert_eq!(bad(answer), output);
    }
    let (listener, port) = listener().await;
    let (answer, _) = asked(&probe(ProbeKind::Http(http(port))), listener, b"SSH-2.0-OpenSSH\r\n").await;
    assert!(bad(answer).starts_with(&format!("no HTTP answer from 127.0.0.1:{port}: ")));
}

#[tokio::test]
async fn http_status_lists_and_bodies() {
    let ok = |body: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let far = ok(&format!("{}needle", " ".repeat(64 << 10)));
    for (status, body, response, output) in [
        (vec![(200, 200), (204, 204)], None, "HTTP/1.1 204 No\r\n\r\n", None),
        (vec![(200, 200), (300, 399)], None, "HTTP/1.1 204 No\r\n\r\n", Some("HTTP 204 (wanted 200, 300-399)")),
        (vec![(200, 399)], Some("\"ok\":\\s*true"), &*ok("{\"ok\": true}"), None),
        (vec![(200, 399)], Some("^up$"), &*ok("down"), Some("HTTP 200, but the body does not match `^up$`: down")),
        (vec![(200, 399)], Some("needle"), &*far, Some("HTTP 200, but the body does not match `needle`")),
    ] {
        let (listener, port) = listener().await;
        let spec = HttpProbe { status, body: body.map(str::to_owned), ..http(port) };
        let owners = always(Ownership::Own);
        let server = async { serve(listener.accept().await.unwrap().0, response.as_bytes()).await };
        // The server may find its last bytes unwanted.
        let (answer, _) = tokio::join!(async { ask(&probe(ProbeKind::Http(spec)), &owners).await }, server);
        match output {
            None => assert_eq!(answer, good(), "{response}"),
            Some(output) => assert_eq!(bad(answer), output),
        }
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_enough_once_it_matches() {
    let (listener, port) = listener().await;
    let spec = HttpProbe { body: Some("hello".to_owned()), ..http(port) };
    let owners = always(Ownership::Own);
    let probe = probe(ProbeKind::Http(spec));
    let server = async {
        let mut stream = listener.accept().await.unwrap().0;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").await.unwrap();
        stream
    };
    let (answer, _stream) = tokio::join!(ask(&probe, &owners), server);
    assert_eq!(answer, good());
}

#[tokio::test]
async fn a_stranger_gets_no_request() {
    let (listener, port) = listener().await;
    let owners = always(Ownership::Foreign { pid: None, command: None, owner: Some("service db".to_owned()) });
    let answer = ask(&probe(ProbeKind::Http(http(port))), &owners).await;
    let owner = Some("service db".to_owned());
    assert_eq!(answer, Answer::Foreign { port, pid: None, command: None, owner });
    let mut heard = Vec::new();
    listener.accept().await.unwrap().0.read_to_end(&mut heard).await.unwrap();
    assert!(heard.is_empty());
}

#[tokio::test]
async fn timeouts() {
    // Accepts (the kernel does) and says nothing.
    let (_listener, port) = listener().await;
    let mut probe = probe(ProbeKind::Http(http(port)));
    probe.timeout = Duration::from_millis(20);
    assert_eq!(bad(ask(&probe, &always(Ownership::Own)).await), "timed out after 20ms");
    assert_eq!(seconds(Duration::from_secs(1)), "1s");
    assert_eq!(seconds(Duration::from_millis(1500)), "1.5s");
}

#[tokio::test]
async fn a_connection_to_itself_is_no_listener() {
    // What a connect to a free ephemeral port can come to: bound and connected to the same port.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    let stream: TcpStream = socket.connect(address).await.unwrap();
    assert_eq!(stream.local_addr().unwrap(), stream.peer_addr().unwrap());
}

#[tokio::test]
async fn kinds_that_are_not_asked() {
    for kind in [ProbeKind::Notify, ProbeKind::Log("x".to_owned())] {
        assert!(bad(ask(&probe(kind), &always(Ownership::Own)).await).contains("not asked"));
    }
    let missing = PathBuf::from("/nonexistent/socket");
    assert!(bad(ask(&probe(ProbeKind::Unix(missing)), &always(Ownership::Own)).await).starts_with("no socket at"));
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn https() {
    use std::sync::Arc;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

    let chain = vec![CertificateDer::from_slice(include_bytes!("testdata/localhost.crt.der"))];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(&include_bytes!("testdata/localhost.key.der")[..]));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (listener, port) = listener().await;
    let server = async || {
        let stream = acceptor.accept(listener.accept().await.unwrap().0).await?;
        serve(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await
    };
    let own = always(Ownership::Own);

    let spec = HttpProbe { target: ProbeTarget::TlsUnchecked(target(port)), ..http(port) };
    let unchecked = probe(ProbeKind::Http(spec));
    let (answer, head) = tokio::join!(ask(&unchecked, &own), server());
    assert_eq!(answer, good());
    assert!(head.unwrap().starts_with("GET /health?x=1"));

    let spec = HttpProbe { target: ProbeTarget::Tls(target(port)), ..http(port) };
    let checked = probe(ProbeKind::Http(spec));
    let (answer, refused) = tokio::join!(ask(&checked, &own), server());
    let output = bad(answer);
    assert!(
        output.starts_with(&format!("no TLS with 127.0.0.1:{port}: ")) && output.contains("insecure"),
        "{output}"
    );
    assert!(refused.is_err());
}
