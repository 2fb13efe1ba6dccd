//! What the fuzz targets (`fuzz/`) do with their bytes: each function reads them as one kind of input and
//! asserts what must hold whatever they are. Below, a test replays the checked-in corpora.
//!
//! Compiled for tests and by `cargo fuzz` only, no part of the library. Never does I/O outside the test.

use std::fmt::Write as _;

use crate::api::wire;
use crate::config::{self, dotenv, interpolate};
use crate::graph;
use crate::keeper::{link, protocol};
use crate::logs::splitter;

#[path = "fuzzing_ops.rs"]
mod ops;

/// A name and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets, by the name of their corpus.
pub const TARGETS: &[Target] = &[
    ("config_text", config_text),
    ("interpolate", interpolate),
    ("dotenv", dotenv),
    ("log_splitter", log_splitter),
    ("wire", wire),
    ("ops", ops),
];

/// Requests, facts and passing time for the core.
pub fn ops(data: &[u8]) {
    ops::run(data);
}

/// A project file and, after a line `%%%`, a `.env` beside it. JSON if the file begins with `{`.
pub fn config_text(data: &[u8]) {
    let divider = b"\n%%%\n";
    let at = data.windows(divider.len()).position(|window| window == divider);
    let (file, env) = at.map_or((data, None), |at| (&data[..at], Some(data[at + divider.len()..].to_vec())));
    let name = if file.first() == Some(&b'{') { "/p/tspm.json" } else { "/p/tspm.yaml" };
    let bundle = config::Bundle {
        sources: vec![(name.into(), file.to_vec())],
        env_files: env.map(|env| ("/p/.env".into(), Some(env))).into_iter().collect(),
        env: vec![("HOME".into(), "/home/me".into()), ("SYNTAX".into(), "a: [${SYNTAX}\n- }".into())],
        dir: "/p".into(),
        profiles: Vec::new(),
        color: false,
    };
    let first = config::load(&bundle, &config::Ports::new());
    assert!(first == config::load(&bundle, &config::Ports::new()), "the same text, another answer");
    match first {
        Ok(loaded) => {
            let order = graph::start_order(&loaded.project);
            let ranks = graph::ranks(&loaded.project);
            assert_eq!(order.len(), loaded.project.services.len());
            for (name, service) in &loaded.project.services {
                assert!(
                    service.depends_on.iter().all(|edge| ranks[&edge.on] < ranks[name]),
                    "a cycle came through"
                );
            }
            assert!(!loaded.warnings.has_errors());
            assert!(serde_json::to_string(&config::resolved(&loaded)).is_ok());
        }
        Err(report) => {
            assert!(report.has_errors(), "refused without a word");
            assert!(!report.render(false).is_empty() && !report.render(true).is_empty());
            for place in report.problems.iter().filter_map(|problem| problem.place.as_ref()) {
                assert!(place.source.get(place.range.clone()).is_some(), "{place:?} {:?}", place.range);
            }
        }
    }
}

/// Output of a service, cut into chunks whose lengths are the bytes before it: `count, length …, output`.
pub fn log_splitter(data: &[u8]) {
    use splitter::{End, MAX_PIECE, Splitter};

    let Some((count, rest)) = data.split_first() else { return };
    let (lengths, output) = rest.split_at(rest.len().min(usize::from(*count)));
    // The last byte says how often the output is repeated: long lines are what is interesting.
    let output = output.repeat(1 + lengths.last().map_or(0, |times| usize::from(*times) * 4));
    let split = |chunks: &mut dyn Iterator<Item = &[u8]>| {
        let mut splitter = Splitter::default();
        let mut pieces: Vec<(Vec<u8>, bool)> = Vec::new();
        let mut take = |text: &[u8], end: End| pieces.push((text.to_vec(), end == End::Full));
        for chunk in chunks {
            splitter.feed(chunk, &mut take);
        }
        splitter.finish(&mut take);
        pieces
    };
    let whole = split(&mut std::iter::once(&output[..]));
    let mut left = &output[..];
    let mut sizes = lengths.iter().map(|length| usize::from(*length) * 97).chain(std::iter::repeat(usize::MAX));
    let chunked = split(&mut std::iter::from_fn(|| {
        let (chunk, rest) = left.split_at(left.len().min(sizes.next()?));
        let more = !left.is_empty();
        left = rest;
        more.then_some(chunk)
    }));
    assert!(whole == chunked, "cut otherwise, split otherwise");
    let mut joined = Vec::with_capacity(output.len());
    for (text, full) in &whole {
        assert!(text.len() <= MAX_PIECE && !text.contains(&b'\n'));
        joined.extend_from_slice(text);
        joined.extend(full.then_some(b'\n'));
    }
    if output.last().is_some_and(|last| *last != b'\n') {
        joined.pop();
    }
    assert!(joined == output, "bytes were lost or made up");
}

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
    // Whatever the chunks, the decoder gives a message, waits for more or refuses; it never panics.
    let mut decoder = link::Decoder::default();
    for chunk in data.chunks(7) {
        decoder.push(chunk);
        while matches!(decoder.decode::<T>(), Ok(Some(_))) {}
    }
    let Ok(message) = postcard::from_bytes::<T>(data) else { return };
    decoder = link::Decoder::default();
    decoder.push(&link::encode(&message));
    let framed = decoder.decode::<T>().expect("our own frame is one");
    assert!(framed.as_ref() == Some(&message), "another message came back");
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
