//! The shop's store: keys and queues in memory, every change appended to a file, over TCP.
//!
//! The protocol is in `src/store.rs`. The file is a list of requests in that protocol; replaying it restores
//! the store. A last line that was cut off by a kill is dropped.
//!
//! Settings: `PORT`; `SHOP_DATA`, the folder of the file.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tspm_example_shop::{port, run, setting};

/// How often a waiting `POP` looks whether its client is still there.
const GLANCE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    run(keep)
}

fn keep() -> io::Result<()> {
    let folder = setting("SHOP_DATA")?;
    fs::create_dir_all(&folder)?;
    let shelf = Shelf::open(&Path::new(&folder).join("store.log"))?;
    println!("{} keys, {} queues", shelf.keys.len(), shelf.queues.len());

    let shared = Arc::new(Shared { shelf: Mutex::new(shelf), pushed: Condvar::new() });
    let listener = TcpListener::bind(("127.0.0.1", port()?))?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept()?;
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            // A client that goes away is no news.
            let _gone = shared.converse(&stream);
        });
    }
}

/// What all connections share.
struct Shared {
    shelf: Mutex<Shelf>,
    pushed: Condvar,
}

impl Shared {
    fn converse(&self, stream: &TcpStream) -> io::Result<()> {
        for line in BufReader::new(stream).lines() {
            let answer = self.answer(&line?, stream).unwrap_or_else(|error| format!("ERROR {error}"));
            let mut out = stream;
            out.write_all(format!("{answer}\n").as_bytes())?;
        }
        Ok(())
    }

    fn answer(&self, request: &str, client: &TcpStream) -> io::Result<String> {
        let mut words = request.splitn(3, ' ');
        let request = (words.next().unwrap_or_default(), words.next(), words.next());
        match request {
            ("PING", None, None) => Ok("OK".to_owned()),
            ("GET", Some(key), None) => Ok(value(self.shelf().keys.get(key))),
            ("SET", Some(key), Some(text)) => self.shelf().change(&Change::Set(key, text)),
            ("INCR", Some(key), None) => self.increment(key),
            ("PUSH", Some(queue), Some(text)) => {
                let answer = self.shelf().change(&Change::Push(queue, text));
                self.pushed.notify_all();
                answer
            }
            ("POP", Some(queue), Some(seconds)) => {
                let seconds = seconds.parse().map_err(io::Error::other)?;
                self.pop(queue, Duration::from_secs(seconds), client)
            }
            (verb, ..) => Err(io::Error::other(format!("cannot do `{verb}` with that"))),
        }
    }

    fn increment(&self, key: &str) -> io::Result<String> {
        let mut shelf = self.shelf();
        let old = shelf.keys.get(key).map_or(Ok(0), |text| text.parse::<u64>()).map_err(io::Error::other)?;
        let new = (old + 1).to_string();
        shelf.change(&Change::Set(key, &new))?;
        Ok(value(Some(&new)))
    }

    fn pop(&self, queue: &str, mut patience: Duration, client: &TcpStream) -> io::Result<String> {
        let mut shelf = self.shelf();
        loop {
            // What a client that was killed while it waited would have got stays in the queue.
            if has_left(client)? {
                return Err(ErrorKind::ConnectionAborted.into());
            }
            let front = shelf.queues.get(queue).and_then(VecDeque::front).cloned();
            if front.is_some() {
                shelf.change(&Change::Pop(queue))?;
                return Ok(value(front.as_ref()));
            }
            if patience.is_zero() {
                return Ok(value(None));
            }
            let turn = patience.min(GLANCE);
            let waited = self.pushed.wait_timeout(shelf, turn).unwrap_or_else(PoisonError::into_inner);
            shelf = waited.0;
            if waited.1.timed_out() {
                patience -= turn;
            }
        }
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        // A thread that panicked has not left a half change behind: the file is written first.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys and queues, and their file.
struct Shelf {
    keys: BTreeMap<String, String>,
    queues: BTreeMap<String, VecDeque<String>>,
    file: File,
}

/// Something that is written down.
enum Change<'a> {
    Set(&'a str, &'a str),
    Push(&'a str, &'a str),
    Pop(&'a str),
}

impl Shelf {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        let mut old = fs::read(path)?;
        old.truncate(old.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1));
        file.set_len(old.len() as u64)?;
        let old = String::from_utf8(old).map_err(io::Error::other)?;

        let mut shelf = Self { keys: BTreeMap::new(), queues: BTreeMap::new(), file };
        for line in old.lines() {
            let mut words = line.splitn(3, ' ');
            match (words.next(), words.next(), words.next()) {
                (Some("SET"), Some(key), Some(text)) => shelf.apply(&Change::Set(key, text)),
                (Some("PUSH"), Some(queue), Some(text)) => shelf.apply(&Change::Push(queue, text)),
                (Some("POP"), Some(queue), None) => shelf.apply(&Change::Pop(queue)),
                _ => return Err(io::Error::other(format!("{} holds a strange line: {line}", path.display()))),
            }
        }
        Ok(shelf)
    }

    /// Writes `change` down, then makes it.
    fn change(&mut self, change: &Change<'_>) -> io::Result<String> {
        let line = match change {
            Change::Set(key, text) => format!("SET {key} {text}\n"),
            Change::Push(queue, text) => format!("PUSH {queue} {text}\n"),
            Change::Pop(queue) => format!("POP {queue}\n"),
        };
        self.file.write_all(line.as_bytes())?;
        self.apply(change);
        Ok("OK".to_owned())
    }

    fn apply(&mut self, change: &Change<'_>) {
        match *change {
            Change::Set(key, text) => {
                self.keys.insert(key.to_owned(), text.to_owned());
            }
            Change::Push(queue, text) => {
                self.queues.entry(queue.to_owned()).or_default().push_back(text.to_owned());
            }
            Change::Pop(queue) => {
                self.queues.get_mut(queue).and_then(VecDeque::pop_front);
            }
        }
    }
}

fn value(text: Option<&String>) -> String {
    text.map_or_else(|| "NONE".to_owned(), |text| format!("VALUE {text}"))
}

/// Whether the client has closed its end.
fn has_left(client: &TcpStream) -> io::Result<bool> {
    client.set_nonblocking(true)?;
    let peeked = client.peek(&mut [0]);
    client.set_nonblocking(false)?;
    match peeked {
        Ok(read) => Ok(read == 0),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(_) => Ok(true),
    }
}
