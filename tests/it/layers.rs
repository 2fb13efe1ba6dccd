//! The rules of the house, read from the source: layers, length, bans. It never compiles or runs anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// What each room may import of the others. Itself goes without saying.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("graph", &["model"]),
    ("config", &["model", "graph"]),
    ("core", &["model", "graph"]),
    ("sys", &["model"]),
    ("keeper", &["model", "sys"]),
    ("probe", &["model"]),
    ("logs", &["model"]),
    ("supervisor", &["model", "graph", "config", "core", "sys", "keeper", "probe", "logs"]),
    ("api", &["model", "graph", "config", "core", "sys", "keeper", "probe", "logs", "supervisor"]),
    ("cli", &["model", "graph", "config", "core", "sys", "keeper", "probe", "logs", "supervisor", "api"]),
];

/// The only crates that the pure rooms may name.
const PURE: &[(&str, &[&str])] =
    &[("model", &["thiserror"]), ("graph", &["petgraph", "thiserror"]), ("core", &["thiserror"])];

/// Crates that a room must never name.
const NEVER: &[(&str, &[&str])] = &[
    ("config", &["tokio", "axum", "hyper", "nix", "rustix", "clap"]),
    ("keeper", &["tokio", "tokio_util", "axum", "hyper", "clap", "tracing"]),
    ("sys", &["tokio", "tokio_util", "axum", "hyper", "clap"]),
];

/// The one file of `sys` that knows the runtime: it registers descriptors, which takes `unsafe`. The keeper, which
/// has no runtime, must not name it.
const BRIDGE: &str = "src/sys/reactor.rs";

const LONGEST: usize = 400;

/// A source file of ours.
struct Source {
    path: String,
    lines: Vec<String>,
    /// The number of leading lines that are not tests.
    product: usize,
}

impl Source {
    fn read(root: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("the repository can be read");
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let path = path.strip_prefix(root).expect("it is below the root").to_string_lossy().into_owned();
        let all_test = !path.starts_with("src/")
            || name == "tests"
            || name.ends_with("_tests")
            || name == "sim"
            || path.contains("/tests/")
            || path.contains("/sim/");
        // Tests come last in a file; `#[cfg(test)]` before a `mod x;` line only names another file.
        let inline = (0..lines.len()).find(|n| {
            lines[*n].trim() == "#[cfg(test)]"
                && lines[n + 1..].iter().any(|l| l.starts_with("mod ") && l.ends_with('{'))
        });
        let product = if all_test { 0 } else { inline.unwrap_or(lines.len()) };
        Self { path, lines, product }
    }

    /// The room it is in; none: `lib.rs`, `main.rs`, `bin/`.
    fn room(&self) -> Option<&str> {
        let (room, _) = self.path.strip_prefix("src/")?.split_once('/')?;
        ROOMS.iter().map(|(name, _)| *name).find(|name| *name == room)
    }

    /// Files that are modules of tests only, without `.rs`: `#[cfg(test)]` and then `mod x;`.
    fn test_modules(&self) -> Vec<String> {
        let stem = self.path.trim_end_matches(".rs");
        let folder = stem.strip_suffix("/mod").or(stem.strip_suffix("/lib")).unwrap_or(stem);
        let pairs = self.lines.windows(2).filter(|pair| pair[0].trim() == "#[cfg(test)]");
        let names = pairs.filter_map(|pair| pair[1].trim().trim_start_matches("pub(crate) ").strip_prefix("mod "));
        names.filter_map(|name| name.strip_suffix(';')).map(|name| format!("{folder}/{name}")).collect()
    }

    /// Lines of code with their numbers: no comments, no documentation.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.lines.iter().enumerate().map(|(n, line)| (n + 1, line.as_str()));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// As [`Self::code`], without tests.
    fn product(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code().filter(|(n, _)| *n <= self.product)
    }

    fn at(&self, n: usize, what: &str) -> String {
        format!("{}:{n}: {what}", self.path)
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && name != "node_modules" && !name.starts_with('.') {
                files(&path, extension, found);
            }
        } else if path.extension().is_some_and(|ext| ext == extension) {
            found.push(path);
        }
    }
}

fn sources(folders: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    for folder in folders {
        files(&root().join(folder), "rs", &mut found);
    }
    found.sort();
    let mut sources: Vec<Source> = found.iter().map(|path| Source::read(&root(), path)).collect();
    let tests: BTreeSet<String> = sources.iter().flat_map(Source::test_modules).collect();
    for source in &mut sources {
        let stem = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
        if tests.iter().any(|test| stem == test || stem.starts_with(&format!("{test}/"))) {
            source.product = 0;
        }
    }
    sources
}

#[track_caller]
fn none(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

fn matches(rule: &str, pattern: &str, sources: &[Source], part: impl Fn(&Source) -> Vec<(usize, &str)>) {
    let pattern = Regex::new(pattern).expect("the pattern is right");
    let mut broken = Vec::new();
    for source in sources {
        let lines = part(source);
        broken.extend(lines.into_iter().filter(|(_, l)| pattern.is_match(l)).map(|(n, l)| source.at(n, l.trim())));
    }
    none(rule, &broken);
}

#[test]
fn every_room_is_on_the_map() {
    let known: BTreeSet<&str> = ROOMS.iter().map(|(name, _)| *name).collect();
    let rooms = fs::read_dir(root().join("src")).expect("src is there").flatten();
    let strangers: Vec<String> = rooms
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "bin" && !known.contains(name.as_str()))
        .collect();
    none("a room has a line in `ROOMS`", &strangers);
}

#[test]
fn imports_go_down_only() {
    let rooms: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let named = Regex::new(r"\bcrate::(?:\{([^}]*)|(\w+))").expect("the pattern is right");
    let mut broken = Vec::new();
    for source in sources(&["src"]) {
        let Some(room) = source.room() else { continue };
        for (n, line) in source.code() {
            for found in named.captures_iter(line) {
                let names = found.get(1).or_else(|| found.get(2)).expect("one of them matched").as_str();
                let names = names.split(',').map(|name| name.trim().split("::").next().unwrap_or_default());
                for name in names.filter(|name| rooms.contains_key(name) && *name != room) {
                    if !rooms[room].contains(&name) {
                        broken.push(source.at(n, &format!("`{room}` imports `{name}`")));
                    }
                }
            }
            if source.path.ends_with("/mod.rs")
                && source.path.matches('/').count() == 2
                && line.starts_with("use super::")
            {
                broken.push(source.at(n, "`super` of a room is the whole crate: say `crate::ROOM`"));
            }
        }
    }
    none("imports go down only, and neighbours do not import each other", &broken);
}

#[test]
fn pure_rooms_know_no_foreign_crate() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest is there");
    let dependency = Regex::new(r"(?m)^([a-z][a-z0-9_-]*) = ").expect("the pattern is right");
    let dependencies = manifest.split("\n[dependencies]").nth(1).and_then(|rest| rest.split("\n[").next());
    let crates: Vec<String> = dependency
        .captures_iter(dependencies.expect("there are dependencies"))
        .map(|found| found[1].replace('-', "_"))
        .collect();
    assert!(crates.len() > 20, "the manifest was not understood: {crates:?}");
    let mut broken = Vec::new();
    for source in sources(&["src"]) {
        let Some(room) = source.room() else { continue };
        if source.path.ends_with(BRIDGE) {
            continue;
        }
        let pure = PURE.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed);
        let never = NEVER.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, crates)| *crates);
        for (n, line) in source.product() {
            let named = crates.iter().find(|name| {
                let banned = pure.is_some_and(|allowed| !allowed.contains(&name.as_str()))
                    || never.contains(&name.as_str());
                banned && names_crate(line, name)
            });
            broken.extend(named.map(|name| source.at(n, &format!("`{room}` names the crate `{name}`"))));
            if room == "keeper" && line.contains("reactor") {
                broken.push(source.at(n, "the keeper has no runtime"));
            }
        }
    }
    none("`core` and what is below it do no I/O; `keeper` and `sys` know no runtime", &broken);
}

/// Whether `line` holds `name::` as a path of its own: not `self::name::`, not part of a longer word.
fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

#[test]
fn a_file_is_a_page() {
    let all = sources(&["src", "tests", "benches", "examples"]);
    let long = all.iter().filter(|source| source.lines.len() >= LONGEST);
    let long: Vec<String> = long.map(|source| source.at(source.lines.len(), "too long")).collect();
    none("a file has fewer than 400 lines", &long);
    let mute = all.iter().filter(|source| !source.lines.first().is_some_and(|line| line.starts_with("//!")));
    let mute: Vec<String> = mute.map(|source| source.at(1, "opens without `//!`")).collect();
    none("a file opens with why it exists", &mute);
}

#[test]
fn unsafe_code_is_at_the_edge() {
    let elsewhere: Vec<Source> =
        sources(&["src"]).into_iter().filter(|source| !matches!(source.room(), Some("sys" | "keeper"))).collect();
    let code = |source: &Source| source.code().map(|(n, line)| (n, line.to_owned())).collect::<Vec<_>>();
    let pattern = Regex::new(r"\bunsafe\b\s*(\{|fn|impl|extern)|unsafe_code").expect("the pattern is right");
    let mut broken = Vec::new();
    for source in &elsewhere {
        broken.extend(
            code(source).iter().filter(|(_, l)| pattern.is_match(l)).map(|(n, l)| source.at(*n, l.trim())),
        );
    }
    none("`unsafe` only in `sys` and `keeper`", &broken);
}

#[test]
fn nothing_is_left_to_do_or_to_chance() {
    let all = sources(&["src"]);
    matches("no unfinished code", r"\b(todo|unimplemented|dbg)!", &all, |source| source.code().collect());
    matches("no `unwrap` outside tests", r"\.unwrap\(\)", &all, |source| source.product().collect());
    matches("no `Arc<Mutex>` in core or supervisor", r"Arc<(\w+::)*(Mutex|RwLock)<", &all, |source| {
        if matches!(source.room(), Some("core" | "supervisor")) { source.product().collect() } else { Vec::new() }
    });
}

#[test]
fn tests_wait_for_facts() {
    let all = sources(&["tests/it"]);
    // Spelled so that this line is not one itself.
    matches("a test never sleeps", r"\bsleep\s*\(|time::slee[p]|park_timeou[t]", &all, |source| {
        source.code().collect()
    });
}

#[test]
fn own_enums_are_matched_whole() {
    let all = sources(&["src"]);
    let declared = Regex::new(r"^\s*pub(?:\([a-z]+\))? enum (\w+)").expect("the pattern is right");
    let enums: BTreeSet<&str> = all
        .iter()
        .filter(|source| matches!(source.room(), Some("model" | "core")))
        .flat_map(Source::product)
        .filter_map(|(_, line)| declared.captures(line).and_then(|found| found.get(1)).map(|name| name.as_str()))
        .collect();
    assert!(enums.len() > 10, "the source was not understood: {enums:?}");
    let mut broken = Vec::new();
    for source in
        all.iter().filter(|source| matches!(source.room(), Some("model" | "graph" | "core" | "supervisor")))
    {
        let code: Vec<(usize, &str)> = source.product().collect();
        for (at, (n, line)) in code.iter().enumerate() {
            if line.trim_start().starts_with("_ =>") && follows_own_arm(&code[..at], line, &enums) {
                broken.push(source.at(*n, "`_` hides variants that are yet to come"));
            }
        }
    }
    none("no `_` arms on our own enums", &broken);
}

/// Whether the arms above `line`, in the same `match`, are about one of `enums`.
fn follows_own_arm(above: &[(usize, &str)], line: &str, enums: &BTreeSet<&str>) -> bool {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let arms = above.iter().rev().map(|(_, l)| *l).take_while(|l| l.trim().is_empty() || depth(l) >= depth(line));
    let mut arms = arms.filter(|l| depth(l) == depth(line)).map(|l| l.trim_start().trim_start_matches("| "));
    arms.any(|arm| {
        let name = arm.split("::").next().unwrap_or_default();
        arm.contains("::") && enums.contains(name)
    })
}

#[test]
fn no_document_installs_somebody_elses_crate() {
    let mut found = Vec::new();
    for extension in ["md", "toml", "yaml", "yml", "rs"] {
        files(&root(), extension, &mut found);
    }
    found.extend(["justfile", ".ci/run"].map(|name| root().join(name)));
    // Spelled so that this file is not one of them.
    let words = ["cargo", "install", "tspm"].join(" ");
    let guilty: Vec<String> = found
        .iter()
        .filter(|path| fs::read_to_string(path).is_ok_and(|text| text.contains(&words)))
        .map(|path| path.display().to_string())
        .collect();
    none("the crate name on the registry belongs to somebody else", &guilty);
}
