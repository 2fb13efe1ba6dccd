//! Copies of the example projects, to run in folders of their own.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::support::Project;

/// Where the examples are.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The folders that every program is looked for in, but for tspm and the toolchain.
const SYSTEM: &str = "/usr/local/bin:/usr/bin:/bin";

/// The shop of the README, or none (and a message) where there is no toolchain to build it with.
pub(crate) fn shop() -> Option<Project> {
    let toolchain = Path::new(env!("CARGO")).parent().expect("a program is in a folder");
    if !has("the shop", &[&toolchain.join("cargo"), &toolchain.join("rustc")]) {
        return None;
    }
    let project = Project::empty().env("PATH", &format!("{}:{}:{SYSTEM}", bin(), toolchain.display()));
    fs::copy(Path::new(ROOT).join("tspm.yaml"), project.path("tspm.yaml")).expect("the shop has a file");
    copy(&Path::new(ROOT).join("examples/shop"), &project.path("examples/shop"));
    Some(project)
}

/// The project in `examples/NAME`, or none (and a message) where one of the programs it `needs` is missing.
pub(crate) fn example(name: &str, needs: &[&Path]) -> Option<Project> {
    if !has(name, needs) {
        return None;
    }
    let project = Project::empty().env("PATH", &format!("{}:{SYSTEM}", bin()));
    copy(&Path::new(ROOT).join("examples").join(name), project.dir());
    Some(project)
}

/// Whether all programs are there; says so where one is not.
fn has(what: &str, programs: &[&Path]) -> bool {
    let Some(missing) = programs.iter().find(|program| fs::File::open(program).is_err()) else { return true };
    skipped(&format!("{what} needs {}, which is not here", missing.display()));
    false
}

/// Says that a test cannot be run here; with `TSPM_TEST_ALL` set, that is a failure.
pub(crate) fn skipped(why: &str) {
    assert!(std::env::var_os("TSPM_TEST_ALL").is_none(), "{why}");
    // Not `eprintln`, which the test harness keeps to itself.
    std::io::stderr().write_all(format!("SKIPPED: {why}\n").as_bytes()).expect("somebody listens to stderr");
}

/// The folder of the built programs.
fn bin() -> String {
    let tspm = Path::new(env!("CARGO_BIN_EXE_tspm"));
    tspm.parent().expect("a program is in a folder").display().to_string()
}

/// Copies a folder's files, and its folders but for what runs leave behind.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder is ours");
    for entry in fs::read_dir(from).unwrap_or_else(|problem| panic!("{}: {problem}", from.display())) {
        let entry = entry.expect("the folder can be read");
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type().expect("it is there").is_file() {
            fs::copy(&path, to.join(&name)).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        } else if !["target", "data", ".tspm"].iter().any(|left| name == *left) {
            copy(&path, &to.join(&name));
        }
    }
}
