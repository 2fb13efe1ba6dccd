//! The tests' own eyes: whatever a workload does to itself, its processes are seen, with and without a cgroup, and
//! they are gone when the project is dropped. Otherwise «nothing is left» would mean nothing.

use crate::support::Project;

/// Starts the workload without tspm and sees at least `processes` of it.
fn seen(args: &[&str], processes: usize) {
    let project = Project::empty();
    let workload = project.unsupervised(args);
    project.wait_fact("up");
    let (all, marked) = (project.workers(), project.marked());
    assert!(all.len() >= processes, "{args:?}: {all:#?}");
    assert!(marked.len() >= processes, "{args:?} by their marks: {marked:#?}");
    let dir = project.dir().to_owned();
    drop(workload);
    assert!(!project.workers().is_empty() || processes == 1, "{args:?}: its family outlives its leader");
    drop(project);
    assert!(!dir.exists());
}

macro_rules! seen {
    ($($name:ident: $args:expr, $processes:expr;)*) => {
        $(#[test]
        fn $name() {
            seen(&$args, $processes);
        })*
    };
}

seen! {
    a_plain_one: ["plain"], 1;
    a_tree: ["tree"], 7;
    a_session_of_its_own: ["setsid"], 2;
    a_daemon: ["daemon"], 2;
    a_scrubbed_environment: ["scrubbed"], 2;
    clobbered_memory: ["clobbered"], 2;
    a_moving_target: ["reforks"], 2;
    a_zombie_with_a_living_thread: ["zombie-leader"], 1;
    a_child_beside_its_leader: ["sibling"], 2;
    stopped_ones: ["stopped"], 2;
    orphans: ["leader-exits"], 2;
    a_guard_of_stdout: ["holds-stdout"], 2;
}
