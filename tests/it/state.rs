//! Where a project keeps its state, who may read it, and whose it is.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};

use crate::support::Project;

const ONE: &str = "services:\n  it: {command: [./hostile, named, it]}\n";

#[test]
fn the_state_folder_is_private_and_ignored() {
    let project = Project::new(ONE);
    project.up();
    let mode = |name: &str| fs::metadata(project.path(name)).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(".tspm"), 0o700);
    assert_eq!(mode(".tspm/tspm.sock"), 0o600);
    assert_eq!(project.read(".tspm/.gitignore").trim(), "*");
    project.down();
    project.wait_empty();
    assert!(!project.path(".tspm/tspm.sock").exists(), "tracking files are removed");
    project.tspm("logs").ok();
}

#[test]
fn the_state_folder_can_be_elsewhere() {
    let project = Project::new(ONE);
    let elsewhere = project.path("state of mine");
    let project = project.env("TSPM_STATE_DIR", elsewhere.to_str().expect("a plain path"));
    project.up();
    assert!(elsewhere.join("logs").exists());
    assert!(!project.path(".tspm").exists());
    project.tspm("ps").ok().says(&["it", "ready"]);
    project.down();
}

#[test]
fn a_deep_folder_is_no_obstacle() {
    let project = Project::empty();
    let deep = "a-folder-with-a-rather-long-name/".repeat(4);
    fs::create_dir_all(project.path(&deep)).expect("the folder is ours");
    project.write(&format!("{deep}tspm.yaml"), "services:\n  it: {command: sleep 1000}\n");
    project
        .shell(&format!("cd {deep} && \"$TSPM\" up -d && \"$TSPM\" ps && \"$TSPM\" down"))
        .ok()
        .says(&["it", "ready"]);
    project.assert_nothing_left();
}

#[test]
fn from_a_folder_below_the_project_is_found() {
    let project = Project::new(ONE);
    fs::create_dir_all(project.path("below/deeper")).expect("the folder is ours");
    project.up();
    project.shell("cd below/deeper && \"$TSPM\" ps --json && \"$TSPM\" down").ok().says(&["ready"]);
    project.assert_nothing_left();
}

#[test]
fn a_copied_folder_owns_nothing() {
    let project = Project::new(ONE);
    project.up();
    project.wait_fact("it up");
    let copy = Project::empty();
    fs::create_dir_all(copy.path(".tspm/logs")).expect("the folder is ours");
    fs::copy(project.path("tspm.yaml"), copy.path("tspm.yaml")).expect("both are ours");
    for entry in fs::read_dir(project.path(".tspm")).expect("it is there").flatten() {
        if entry.file_type().expect("it is there").is_file() {
            fs::copy(entry.path(), copy.path(".tspm").join(entry.file_name())).expect("both are ours");
        }
    }
    assert!(fs::metadata(project.path(".tspm/tspm.sock")).expect("it is there").file_type().is_socket());
    copy.tspm("ps").code(4);
    copy.tspm("down --force").ok();
    assert_eq!(project.view("it")["state"], "ready");
    copy.up();
    copy.wait_fact("it up");
    copy.down();
    assert_eq!(project.view("it")["state"], "ready");
}
