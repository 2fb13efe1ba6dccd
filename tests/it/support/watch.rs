//! A stream of what happens, read straight from the project's socket: HTTP/1.1 by hand, on purpose, so that the tests
//! share no code with the client that they test.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::Value;

use super::patience::Deadline;

/// `GET /v1/watch`.
pub(crate) struct Watch {
    from: BufReader<UnixStream>,
    text: Vec<u8>,
    seen: Vec<String>,
}

impl Watch {
    /// Connects to the socket at `path`.
    #[track_caller]
    pub(crate) fn open(path: &Path) -> Self {
        let mut stream =
            UnixStream::connect(path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        stream.write_all(b"GET /v1/watch HTTP/1.1\r\nhost: tspm\r\n\r\n").expect("the supervisor reads");
        let mut watch = Self { from: BufReader::new(stream), text: Vec::new(), seen: Vec::new() };
        watch.be_patient(Deadline::start());
        let status = watch.header();
        assert!(status.contains(" 200 "), "watch: {status}");
        let mut chunked = false;
        loop {
            let header = watch.header().to_lowercase();
            if header.is_empty() {
                break;
            }
            chunked |= header == "transfer-encoding: chunked";
        }
        assert!(chunked, "a stream has no length");
        watch
    }

    fn be_patient(&self, deadline: Deadline) {
        self.from.get_ref().set_read_timeout(deadline.left()).expect("a timeout can be set");
    }

    fn header(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("the supervisor answers");
        line.trim_end().to_owned()
    }

    /// The next update; none: the stream ended or patience did.
    pub(crate) fn next(&mut self, deadline: Deadline) -> Option<Value> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.text) {
                let line: Vec<u8> = self.text.drain(..=end).collect();
                let value: Value = serde_json::from_slice(&line).expect("every line is JSON");
                return Some(value);
            }
            deadline.left()?;
            self.be_patient(deadline);
            let mut size = String::new();
            self.from.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim_end(), 16).ok().filter(|size| *size > 0)?;
            let mut chunk = vec![0; size + 2];
            self.from.read_exact(&mut chunk).ok()?;
            self.text.extend_from_slice(&chunk[..size]);
        }
    }

    /// Blocks until `holds` is true of the view of `service`, and gives the view back.
    #[track_caller]
    pub(crate) fn until(&mut self, service: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let deadline = Deadline::start();
        while let Some(update) = self.next(deadline) {
            let body = &update["body"];
            let views = match update["is"].as_str() {
                Some("state") => body["services"].as_array().cloned().unwrap_or_default(),
                _ => vec![body["view"].clone()],
            };
            let seen = |view: &Value| format!("{} {} {}", view["name"], view["state"], view["reason"]);
            self.seen.extend(views.iter().filter(|view| view.is_object()).map(seen));
            if let Some(view) = views.into_iter().find(|view| view["name"] == service && holds(view)) {
                return view;
            }
        }
        panic!("`{service}` never was `{what}`; it was:\n{}", self.seen.join("\n"));
    }

    /// Blocks until an event of this kind comes (about `service`, or about the project), and gives it back.
    #[track_caller]
    pub(crate) fn event(&mut self, service: Option<&str>, kind: &str) -> Value {
        let deadline = Deadline::start();
        while let Some(update) = self.next(deadline) {
            let body = &update["body"];
            self.seen.push(format!("{} {} {}", body["service"], body["event"], body["message"]));
            if update["is"] == "event" && body["event"] == kind && body["service"].as_str() == service {
                return body.clone();
            }
        }
        panic!("no `{kind}` of {service:?}; there were:\n{}", self.seen.join("\n"));
    }
}
