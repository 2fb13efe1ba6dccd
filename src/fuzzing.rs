//! What the fuzz targets (`fuzz/`) do with their bytes: each function reads them as one kind of input and
//! asserts what must hold whatever they are. Below, a test replays the checked-in corpora.
//!
//! Compiled for tests and by `cargo fuzz` only, no part of the library. Never does I/O outside the test.

use std::fmt::Write as _;

use crate::api::wire;
use crate::config::{dotenv, interpolate};
use crate::keeper::protocol;

/// A name and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets, by the name of their corpus.
pub const TARGETS: &[Target] = &[("interpolate", interpolate), ("dotenv", dotenv), ("wire", wire)];

/// Knows half of all names.
struct Names;

impl Names {
    fn get(name: &str) -> Option<String> {
        (name.len() % 2 == 1).then(|| format!("<{name}>${{{name}}}$$"))
    }
}

impl interpolate::Lookup for Names {
    fn var(&self, name: &str) -> Option<String> {
        Self::get(name)
    }

    fn dotted(&self, path: &str) -> Result<String, String> {
        Self::get(path).ok_or_else(|| format!("no `{path}`"))
    }
}

/// Text through interpolation, both ways.
pub fn interpolate(data: &[u8]) {
    use interpolate::{Mode, expand, references};

    let text = &*String::from_utf8_lossy(data);
    for mode in [Mode::Full, Mode::DottedOnly] {
        let references = references(text, mode);
        match expand(text, mode, &Names) {
            Ok(value) if references.is_empty() && mode == Mode::DottedOnly => assert_eq!(value, text),
            Ok(value) if !text.contains('$') => assert_eq!(value, text),
            Ok(value) => assert!(value.len() <= text.len() + interpolate::MAX_GROWTH),
            Err(faults) => {
                assert!(!faults.is_empty());
                for fault in faults {
                    assert!(!fault.message.is_empty());
                    assert!(text.get(fault.range.clone()).is_some_and(|part| !part.is_empty()), "{fault:?}");
                }
            }
        }
    }
    let escaped = text.replace('$', "$$");
    assert_eq!(expand(&escaped, Mode::Full, &Names).as_deref(), Ok(text));
}

/// A `.env` file.
pub fn dotenv(data: &[u8]) {
    use dotenv::{Raw, parse};

    let text = &*String::from_utf8_lossy(data);
    let without_mark = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines: Vec<&str> = without_mark.split('\n').collect();
    for raw in [Raw::Literal, Raw::Expand] {
        match parse(text, raw, &Names::get) {
            Ok(entries) => {
                let mut written = String::new();
                for entry in &entries {
                    assert!(lines[entry.line - 1].contains(&entry.key));
                    assert!(!entry.value.contains('\0'));
                    let value = entry.value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
                    writeln!(written, "{}=\"{}\"", entry.key, value.replace('\r', "\\r"))
                        .expect("a `String` takes all");
                }
                let again = parse(&written, Raw::Expand, &|_| None).expect("escaped values are correct");
                assert_eq!(again.len(), entries.len());
                assert!(again.iter().zip(&entries).all(|(a, b)| (&a.key, &a.value) == (&b.key, &b.value)));
            }
            Err(faults) => {
                assert!(!faults.is_empty());
                for fault in faults {
                    let columns = lines[fault.line - 1].chars().count() + 1;
                    assert!((1..=columns).contains(&fault.column), "{fault:?}");
                }
            }
        }
    }
}

/// What clients and supervisor say to each other, and what keeper and supervisor do.
pub fn wire(data: &[u8]) {
    json::<wire::Version>(data);
    json::<wire::UpRequest>(data);
    json::<wire::SelectRequest>(data);
    json::<wire::SignalRequest>(data);
    json::<wire::DownRequest>(data);
    json::<wire::Done>(data);
    json::<wire::State>(data);
    json::<wire::Detail>(data);
    json::<wire::Update>(data);
    json::<wire::DownUpdate>(data);
    json::<wire::Problem>(data);
    binary::<protocol::ToKeeper>(data);
    binary::<protocol::FromKeeper>(data);
}

/// What can be read can be written, and is then read as the same.
fn json<T: serde::Serialize + serde::de::DeserializeOwned>(data: &[u8]) {
    let Ok(message) = serde_json::from_slice::<T>(data) else { return };
    // Compared as text: a float may lose its last bit in the first reading, not in the second.
    let text = serde_json::to_string(&message).expect("our messages can be written");
    let again = serde_json::from_str::<T>(&text).expect("our own text can be read");
    let floats_aside = |text: &str| text.replace(|c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | '-'), "");
    let second = serde_json::to_string(&again).expect("our messages can be written");
    assert_eq!(floats_aside(&second), floats_aside(&text));
}

/// As [`json`], for `postcard`.
fn binary<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq>(data: &[u8]) {
    let Ok(message) = postcard::from_bytes::<T>(data) else { return };
    let bytes = postcard::to_stdvec(&message).expect("our messages can be written");
    let again = postcard::from_bytes::<T>(&bytes).expect("our own bytes can be read");
    assert!(again == message, "another message came back");
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn corpora_are_replayed() {
        let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        for (name, run) in TARGETS {
            let files = fs::read_dir(corpora.join(name)).unwrap_or_else(|e| panic!("fuzz/corpus/{name}: {e}"));
            let mut count = 0;
            for file in files {
                let file = file.unwrap().path();
                // Shown when the assertion below it fails.
                println!("{}", file.display());
                run(&fs::read(file).unwrap());
                count += 1;
            }
            assert!(count > 0, "fuzz/corpus/{name} is empty");
        }
    }

    #[test]
    fn every_corpus_has_a_target() {
        let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        for folder in fs::read_dir(corpora).unwrap() {
            let folder = folder.unwrap().file_name();
            assert!(TARGETS.iter().any(|(name, _)| folder == *name), "nothing reads fuzz/corpus/{folder:?}");
        }
    }
}
