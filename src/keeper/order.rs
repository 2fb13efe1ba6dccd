//! `ToKeeper` as the keeper reads it: the same bytes, in few pieces of memory.
//!
//! A spawn's environment is dozens of strings. As one allocation each they would lie scattered over the
//! keeper's heap, and every shim would hold a copy of every page that the next spawn writes to: half of a
//! shim's own memory. Here all arguments, and all of the environment, are one piece each, as `execve` wants them.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::link::Carries;
use super::protocol::{Bytes, Output, Run, Stdin, Target, Will};

/// The mirror of `ToKeeper`: same variants, same order.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Order {
    Spawn(Box<Launch>),
    Signal { run: Run, signal: i32, to: Target },
    Kill { run: Run },
    Store { key: String },
    Discard { key: String },
    Will { run: Run, will: Will },
    Finish,
}

/// The mirror of `Spawn`: same fields, same order.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Launch {
    pub run: Run,
    pub label: String,
    pub program: Bytes,
    pub argv: Strings,
    pub env: Strings,
    pub cwd: Bytes,
    pub stdin: Stdin,
    pub output: Output,
    pub release: Vec<Bytes>,
    pub will: Will,
}

/// Strings, each ended by NUL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Strings {
    pub bytes: Vec<u8>,
    pub count: usize,
}

impl<'de> Deserialize<'de> for Strings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Strings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("strings")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut strings: A) -> Result<Strings, A::Error> {
                let mut all = Strings { bytes: Vec::with_capacity(512), count: 0 };
                // In postcard a slice of bytes and a list of numbers below 256 are the same.
                while let Some(string) = strings.next_element::<&[u8]>()? {
                    all.bytes.extend_from_slice(string);
                    all.bytes.push(0);
                    all.count += 1;
                }
                Ok(all)
            }
        }
        deserializer.deserialize_seq(Collect)
    }
}

impl Carries for Order {
    fn carried(&self) -> usize {
        match self {
            Self::Store { .. } => 1,
            Self::Spawn(_)
            | Self::Signal { .. }
            | Self::Kill { .. }
            | Self::Discard { .. }
            | Self::Will { .. }
            | Self::Finish => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::{Spawn, ToKeeper};
    use super::*;

    #[test]
    fn reads_what_a_supervisor_writes() {
        let will = Will { rank: 1, signal: 15, timeout_ms: 300, to: Target::Leader };
        let spawn = Spawn {
            run: 7,
            label: "api".to_owned(),
            program: b"/bin/api".to_vec(),
            argv: vec![b"api".to_vec(), Vec::new(), b"\xff".to_vec()],
            env: vec![b"A=1".to_vec()],
            cwd: b"/".to_vec(),
            stdin: Stdin::Pipe,
            output: Output::Pipes,
            release: vec![b"x".to_vec()],
            will,
        };
        let launch = Launch {
            run: 7,
            label: "api".to_owned(),
            program: b"/bin/api".to_vec(),
            argv: Strings { bytes: b"api\0\0\xff\0".to_vec(), count: 3 },
            env: Strings { bytes: b"A=1\0".to_vec(), count: 1 },
            cwd: b"/".to_vec(),
            stdin: Stdin::Pipe,
            output: Output::Pipes,
            release: vec![b"x".to_vec()],
            will,
        };
        let key = || "key".to_owned();
        let same = [
            (ToKeeper::Spawn(Box::new(spawn)), Order::Spawn(Box::new(launch))),
            (
                ToKeeper::Signal { run: 1, signal: 2, to: Target::Rest },
                Order::Signal { run: 1, signal: 2, to: Target::Rest },
            ),
            (ToKeeper::Kill { run: 3 }, Order::Kill { run: 3 }),
            (ToKeeper::Store { key: key() }, Order::Store { key: key() }),
            (ToKeeper::Discard { key: key() }, Order::Discard { key: key() }),
            (ToKeeper::Will { run: 4, will }, Order::Will { run: 4, will }),
            (ToKeeper::Finish, Order::Finish),
        ];
        for (written, read) in same {
            // A new variant of `ToKeeper` must come here too.
            match &written {
                ToKeeper::Spawn(_)
                | ToKeeper::Signal { .. }
                | ToKeeper::Kill { .. }
                | ToKeeper::Store { .. }
                | ToKeeper::Discard { .. }
                | ToKeeper::Will { .. }
                | ToKeeper::Finish => {}
            }
            assert_eq!(written.carried(), read.carried());
            assert_eq!(postcard::from_bytes::<Order>(&postcard::to_stdvec(&written).unwrap()).unwrap(), read);
        }
    }
}
