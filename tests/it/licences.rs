//! What tspm depends on may be depended on: `deny.toml`, without the program that reads all of it, and no dependency
//! is declared that nobody uses.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn licences_are_allowed_and_bans_kept() {
    let Some(metadata) = metadata() else { return };
    let deny = read("deny.toml");
    let allowed = quoted(section(&deny, "allow = ["));
    assert!(allowed.contains(&"MIT"), "deny.toml lists licences: {allowed:?}");
    let bans = section(&deny, "deny = [");
    let banned: Vec<&str> = bans.lines().filter_map(|line| quoted(line).first().copied()).collect();
    assert!(banned.contains(&"serde_yaml"), "deny.toml lists bans: {banned:?}");

    let mut problems = Vec::new();
    for package in metadata["packages"].as_array().expect("cargo lists packages") {
        let name = package["name"].as_str().expect("a package has a name");
        let licence = package["license"].as_str().unwrap_or("no licence");
        if !allows(licence, &allowed) {
            problems.push(format!("{name} is under {licence}"));
        }
        if banned.contains(&name) {
            problems.push(format!("{name} is banned"));
        }
        let source = package["source"].as_str().unwrap_or_default();
        if source.starts_with("git+") {
            problems.push(format!("{name} comes from {source}"));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn tokio_starts_no_processes() {
    let Some(metadata) = metadata() else { return };
    let nodes = metadata["resolve"]["nodes"].as_array().expect("cargo resolves");
    let tokio = nodes
        .iter()
        .find(|node| node["id"].as_str().is_some_and(|id| id.contains("/tokio-1") || id.contains("#tokio@")));
    let features = tokio.expect("tokio is used")["features"].as_array().expect("it has features");
    assert!(!features.iter().any(|feature| feature == "process"), "children belong to the keeper");
}

#[test]
fn every_dependency_is_used() {
    let Some(metadata) = metadata() else { return };
    let packages = metadata["packages"].as_array().expect("cargo lists packages");
    let own = packages.iter().find(|package| package["name"] == "tspm").expect("tspm is one of them");
    let (src, rest) = (text_of(&["src"]), text_of(&["tests", "benches", "examples", "src"]));
    let mut unused = Vec::new();
    for dependency in own["dependencies"].as_array().expect("it has some") {
        let name = dependency["name"].as_str().expect("a dependency has a name");
        let text = if dependency["kind"] == "dev" { &rest } else { &src };
        let krate = name.replace('-', "_");
        if ![format!("{krate}::"), format!("use {krate} as")].iter().any(|use_of| text.contains(use_of)) {
            unused.push(name);
        }
    }
    assert!(unused.is_empty(), "named in Cargo.toml and nowhere else: {unused:?}");
}

/// Whether a licence expression can be satisfied by what is allowed. `AND` binds more tightly than `OR`; an exception
/// (`WITH`) makes another licence of it.
fn allows(expression: &str, allowed: &[&str]) -> bool {
    let expression = expression.trim();
    for (operator, every) in [("OR", false), ("/", false), ("AND", true)] {
        let parts = split(expression, operator);
        if parts.len() > 1 {
            let mut verdicts = parts.iter().map(|part| allows(part, allowed));
            return if every { verdicts.all(|ok| ok) } else { verdicts.any(|ok| ok) };
        }
    }
    let inner = expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    inner.map_or_else(|| allowed.contains(&expression), |inner| allows(inner, allowed))
}

/// Splits at an operator outside of parentheses.
fn split(expression: &str, operator: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for word in expression.replace('/', " / ").replace('(', " ( ").replace(')', " ) ").split_whitespace() {
        depth += i32::from(word == "(") - i32::from(word == ")");
        if depth == 0 && word == operator {
            parts.push(String::new());
            continue;
        }
        let part = parts.last_mut().expect("there is a first part");
        if !part.is_empty() && word != ")" && !part.ends_with('(') {
            part.push(' ');
        }
        part.push_str(word);
    }
    parts
}

/// What cargo knows, or none (and a message) where there is no cargo to ask.
#[expect(clippy::disallowed_methods, reason = "cargo is asked")]
fn metadata() -> Option<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    // The platform: what others need has not been downloaded, and `cargo test` works without a network.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    cargo.args(["metadata", "--format-version=1", "--offline", "--all-features", "--filter-platform", &platform]);
    cargo.current_dir(ROOT);
    match cargo.output() {
        Ok(output) if output.status.success() => {
            Some(serde_json::from_slice(&output.stdout).expect("cargo writes JSON"))
        }
        Ok(output) => panic!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)),
        Err(problem) => {
            crate::copies::skipped(&format!("the licences: {} does not run: {problem}", env!("CARGO")));
            None
        }
    }
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).unwrap_or_else(|problem| panic!("{name}: {problem}"))
}

/// From the line `start` of a file to the `]` that closes it.
fn section<'a>(text: &'a str, start: &str) -> &'a str {
    let from = text.find(&format!("\n{start}\n")).unwrap_or_else(|| panic!("deny.toml has `{start}`"));
    let section = &text[from + 1..];
    &section[..section.find("\n]").expect("the list is closed")]
}

/// Everything in double quotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('"').skip(1).step_by(2).collect()
}

/// All Rust source in these folders.
fn text_of(folders: &[&str]) -> String {
    let mut text = String::new();
    let mut open: Vec<_> = folders.iter().map(|folder| Path::new(ROOT).join(folder)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs::read_dir(&path).expect("it can be read").map(|entry| entry.expect("it is there").path()),
            );
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).expect("source is text"));
        }
    }
    text
}

#[test]
fn expressions_are_understood() {
    let allowed = ["MIT", "Apache-2.0"];
    for good in ["MIT", "GPL-3.0 OR MIT", "(MIT OR GPL-3.0) AND Apache-2.0", "Unlicense/MIT", "MIT AND Apache-2.0"]
    {
        assert!(allows(good, &allowed), "{good}");
    }
    for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0 WITH LLVM-exception", "(MIT OR X) AND GPL-3.0"] {
        assert!(!allows(bad, &allowed), "{bad}");
    }
}
