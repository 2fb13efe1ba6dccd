//! Modes that listen, or that say by `sd_notify` that they are ready.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::{UnixDatagram, UnixListener};

use crate::process::{fact, forever, sleep_ms, up};

fn bind(port: &str) -> TcpListener {
    // The spelled-out number, or that of `$PORT`.
    let port =
        if port.is_empty() || port == "-" { std::env::var("PORT").expect("PORT is set") } else { port.to_owned() };
    match TcpListener::bind(("127.0.0.1", port.parse::<u16>().expect("a port is a number"))) {
        Ok(listener) => listener,
        Err(problem) => {
            eprintln!("cannot listen on {port}: {problem}");
            fact("bind failed");
            std::process::exit(98);
        }
    }
}

fn after(delay_ms: Option<&str>) {
    if let Some(ms) = delay_ms {
        sleep_ms(ms.parse().expect("a delay is a number of milliseconds"));
    }
}

/// Listens on `port` after a delay, and closes every connection.
pub(crate) fn listen(port: &str, delay_ms: Option<&str>) {
    after(delay_ms);
    let listener = bind(port);
    up();
    for connection in listener.incoming() {
        drop(connection);
    }
}

/// Answers HTTP: 200, or what the file `status` in the working directory says.
pub(crate) fn http(port: &str, delay_ms: Option<&str>) {
    after(delay_ms);
    let listener = bind(port);
    up();
    for connection in listener.incoming() {
        let Ok(mut connection) = connection else { continue };
        let mut request = [0; 2048];
        let _ = connection.read(&mut request);
        let status = std::fs::read_to_string("status").unwrap_or_else(|_| "200 OK".to_owned());
        let status = status.trim();
        let body = format!("status is {status}\n");
        let length = body.len();
        let _ = write!(
            connection,
            "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
    }
}

/// Listens on a unix socket.
pub(crate) fn unix(path: &str) {
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path).expect("the socket's folder is there");
    up();
    for connection in listener.incoming() {
        drop(connection);
    }
}

/// Says `READY=1` to `$NOTIFY_SOCKET`, once the file `go` exists if it is told to wait for it.
pub(crate) fn notify(wait_for: Option<&str>) {
    if let Some(path) = wait_for {
        while !std::path::Path::new(path).exists() {
            sleep_ms(2);
        }
    }
    let address = std::env::var_os("NOTIFY_SOCKET").expect("NOTIFY_SOCKET is set");
    let socket = UnixDatagram::unbound().expect("a socket can be made");
    let message = b"READY=1\nSTATUS=all is well\n";
    let sent = match address.to_str().and_then(|a| a.strip_prefix('@')) {
        Some(name) => {
            use std::os::linux::net::SocketAddrExt as _;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name).expect("the name fits");
            socket.send_to_addr(message, &address)
        }
        None => socket.send_to(message, &address),
    };
    if let Err(problem) = sent {
        fact(&format!("notify failed: {problem}"));
    }
    up();
    forever();
}
