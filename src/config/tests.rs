//! The config layer from outside: texts in, projects or reports out. Nothing here touches the disk.

mod diagnostics;
mod environment;
mod hostile;
mod meaning;
mod merging;
mod names;
mod reading;
mod schema;

use std::ffi::OsString;
use std::path::PathBuf;

use super::{Bundle, Loaded, Ports, Report, load};
use crate::model::{Service, ServiceName};

/// A project in `/p`, from one YAML text.
fn bundle(text: &str) -> Bundle {
    named("tspm.yaml", text.as_bytes())
}

fn named(name: &str, text: &[u8]) -> Bundle {
    Bundle {
        sources: vec![(PathBuf::from("/p").join(name), text.to_owned())],
        env_files: Vec::new(),
        env: vec![(OsString::from("HOME"), OsString::from("/home/me"))],
        dir: PathBuf::from("/p"),
        profiles: Vec::new(),
        color: false,
    }
}

fn good(text: &str) -> Loaded {
    must(&bundle(text))
}

fn must(bundle: &Bundle) -> Loaded {
    load(bundle, &Ports::new()).unwrap_or_else(|report| panic!("{}", report.render(false)))
}

fn bad(text: &str) -> Report {
    load(&bundle(text), &Ports::new()).expect_err("this should have been refused")
}

/// The problems as `code line:column message`.
fn lines(report: &Report) -> Vec<String> {
    let line = |problem: &super::Problem| {
        let place =
            problem.place.as_ref().map_or_else(|| "-".to_owned(), |at| format!("{}:{}", at.line, at.column));
        format!("{} {place} {}", problem.code, problem.message)
    };
    report.problems.iter().map(line).collect()
}

fn service<'a>(loaded: &'a Loaded, name: &str) -> &'a Service {
    loaded.project.service(name).expect("the test has that service")
}

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).expect("a good name")
}
