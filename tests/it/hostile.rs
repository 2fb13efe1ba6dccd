//! Promise P2: every hostile workload, stopped in each way that people stop things, leaves nothing behind.
//!
//! What is left is read from the kernel (cgroup, or marks that no workload can take off), never from tspm, at the very
//! moment at which the client has ended. Each workload is seen alive first: a test cannot pass with nothing to stop.

use std::time::Duration;

use crate::support::{Project, Signal};

/// A workload: the arguments of `hostile`, how many processes it must have, its stop timeout.
struct Workload {
    args: &'static [&'static str],
    processes: usize,
    timeout: &'static str,
}

impl Workload {
    const fn of(args: &'static [&'static str], processes: usize) -> Self {
        Self { args, processes, timeout: "300ms" }
    }

    /// The anchor keeps the environment alive where the workload's leader ends by itself.
    fn project(&self) -> Project {
        let args = self.args.iter().map(|arg| format!("{arg:?}")).collect::<Vec<_>>().join(", ");
        let timeout = self.timeout;
        Project::new(&format!(
            "services:\n  \
               workload:\n    command: [./hostile, {args}]\n    restart: no\n    stop: {{timeout: {timeout}}}\n  \
               anchor:\n    command: echo anchored >>facts; exec sleep 1000\n"
        ))
    }

    /// Blocks until the workload has done what makes it hostile, and sees it alive.
    fn wait_up(&self, project: &Project) {
        project.wait_fact("up");
        project.wait_fact("anchored");
        let alive = project.workers();
        let expected = self.processes + 1;
        assert!(alive.len() >= expected, "there should be {expected} processes: {alive:#?}");
    }
}

fn by_down(workload: &Workload) {
    let project = workload.project();
    project.up();
    workload.wait_up(&project);
    let ran = project.tspm("down");
    project.assert_nothing_left();
    ran.ok();
    project.wait_empty_within(Duration::from_secs(5));
}

fn by_force(workload: &Workload) {
    let project = workload.project();
    project.up();
    workload.wait_up(&project);
    let ran = project.tspm("down --force");
    project.assert_nothing_left();
    let took = ran.took;
    ran.ok();
    assert!(took < Duration::from_secs(6), "`down --force` took {took:?}");
}

fn by_signal(workload: &Workload, signal: Signal, code: i32) {
    let project = workload.project();
    let up = project.spawn("up");
    workload.wait_up(&project);
    up.signal(signal);
    let ran = up.wait();
    project.assert_nothing_left();
    ran.code(code);
    project.wait_empty_within(Duration::from_secs(5));
}

fn by_death_of_the_client(workload: &Workload) {
    let project = workload.project();
    let up = project.spawn("up");
    workload.wait_up(&project);
    up.signal(Signal::SIGKILL);
    // Nobody is there to tell: the owner is gone, and that alone means teardown.
    project.wait_empty();
}

macro_rules! hostile {
    ($($name:ident: $workload:expr;)*) => {
        $(mod $name {
            use super::*;

            const WORKLOAD: Workload = $workload;

            #[test]
            fn down() {
                by_down(&WORKLOAD);
            }

            #[test]
            fn down_force() {
                by_force(&WORKLOAD);
            }

            #[test]
            fn ctrl_c() {
                by_signal(&WORKLOAD, Signal::SIGINT, 130);
            }

            #[test]
            fn closed_terminal() {
                by_signal(&WORKLOAD, Signal::SIGHUP, 130);
            }

            #[test]
            fn killed_client() {
                by_death_of_the_client(&WORKLOAD);
            }
        })*
    };
}

hostile! {
    plain: Workload::of(&["plain"], 1);
    ignores_term: Workload::of(&["ignore-term"], 1);
    child_ignores_term: Workload::of(&["child-ignores-term"], 2);
    tree: Workload::of(&["tree"], 7);
    many: Workload::of(&["many", "60"], 61);
    session_of_its_own: Workload::of(&["setsid"], 2);
    daemon: Workload::of(&["daemon"], 2);
    scrubbed_environment: Workload::of(&["scrubbed"], 2);
    clobbered_memory: Workload::of(&["clobbered"], 2);
    stopped: Workload::of(&["stopped"], 2);
    forks_on_term: Workload::of(&["forks-on-term"], 1);
    floods_its_output: Workload::of(&["floods"], 1);
    forks_all_the_time: Workload::of(&["reforks"], 1);
    holds_stdout_open: Workload::of(&["holds-stdout"], 2);
    // Its children have the grace period from the moment at which their leader ends; under load they may be gone
    // before the test looks.
    leader_exits: Workload { timeout: "1s", ..Workload::of(&["leader-exits"], 0) };
    slow_to_stop: Workload { timeout: "5s", ..Workload::of(&["slow", "150"], 1) };
    beside_its_leader: Workload::of(&["sibling"], 2);
    zombie_with_a_living_thread: Workload::of(&["zombie-leader"], 1);
}

#[test]
fn sigterm_to_the_client_is_like_ctrl_c() {
    by_signal(&Workload::of(&["tree"], 7), Signal::SIGTERM, 130);
}

/// A workload that has time to end in order is not killed.
#[test]
fn who_ends_in_time_is_not_killed() {
    let project = Workload { timeout: "5s", ..Workload::of(&["slow", "150"], 1) }.project();
    project.up();
    project.wait_fact("up");
    project.down().never_says(&["killed workload"]);
    let facts: Vec<String> = project.facts().into_iter().filter(|fact| fact != "anchored").collect();
    assert_eq!(facts, ["up", "asked", "ended"]);
}

/// The others' way out: nothing of one project is touched by the end of another.
#[test]
fn no_innocent_dies() {
    let mine = Workload::of(&["tree"], 7).project();
    let theirs = Workload::of(&["tree"], 7).project();
    mine.up();
    theirs.up();
    mine.wait_fact("up");
    theirs.wait_fact("up");
    let before = theirs.workers();
    mine.tspm("down --force").ok();
    mine.assert_nothing_left();
    assert_eq!(theirs.workers(), before);
}
