//! A client of the shop's store. One request is one line, and so is its answer.
//!
//! | request | answer | |
//! |---|---|---|
//! | `PING` | `OK` | |
//! | `GET key` | `VALUE text` or `NONE` | |
//! | `SET key text` | `OK` | |
//! | `INCR key` | `VALUE number` | one more than before, from 1 |
//! | `PUSH queue text` | `OK` | |
//! | `POP queue seconds` | `VALUE text` or `NONE` | waits that long for something to pop |
//!
//! Anything else is answered with `ERROR` and a reason. Keys and queues are single words.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;

/// A connection to the store.
#[derive(Debug)]
pub struct Store {
    stream: BufReader<TcpStream>,
}

impl Store {
    /// Connects to `address`, `host:port`. The error says where nobody was.
    pub fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)
            .map_err(|error| io::Error::new(error.kind(), format!("no store at {address}: {error}")))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Whether it answers.
    pub fn ping(&mut self) -> io::Result<()> {
        self.ask("PING").map(drop)
    }

    /// The value of `key`.
    pub fn get(&mut self, key: &str) -> io::Result<Option<String>> {
        self.ask(&format!("GET {key}"))
    }

    /// Sets the value of `key`, one line.
    pub fn set(&mut self, key: &str, value: &str) -> io::Result<()> {
        self.ask(&format!("SET {key} {value}")).map(drop)
    }

    /// Adds one to the number at `key` and returns it.
    pub fn increment(&mut self, key: &str) -> io::Result<u64> {
        let answer = self.ask(&format!("INCR {key}"))?;
        let number = answer.and_then(|text| text.parse().ok());
        number.ok_or_else(|| io::Error::other(format!("`{key}` is not a number")))
    }

    /// Appends `value`, one line, to `queue`.
    pub fn push(&mut self, queue: &str, value: &str) -> io::Result<()> {
        self.ask(&format!("PUSH {queue} {value}")).map(drop)
    }

    /// Takes the oldest value from `queue`, waiting up to `seconds` for one.
    pub fn pop(&mut self, queue: &str, seconds: u64) -> io::Result<Option<String>> {
        self.ask(&format!("POP {queue} {seconds}"))
    }

    fn ask(&mut self, request: &str) -> io::Result<Option<String>> {
        if request.contains('\n') {
            return Err(io::Error::other("a request to the store is one line"));
        }
        // One write: two small ones would wait for each other's acknowledgement.
        self.stream.get_mut().write_all(format!("{request}\n").as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let answer = line.strip_suffix('\n').ok_or_else(|| io::Error::other("the store closed the connection"))?;
        match answer.split_once(' ') {
            Some(("VALUE", text)) => Ok(Some(text.to_owned())),
            Some(("ERROR", reason)) => Err(io::Error::other(format!("the store refused: {reason}"))),
            _ => Ok(None),
        }
    }
}
