//! `tspm doctor`: what this machine offers, and how the project is.

use std::path::Path;

use nix::sys::resource::{Resource, getrlimit};
use serde_json::json;

use crate::api::client::{Client, ClientError, ConnectError};
use crate::api::launch::lock_holder;
use crate::api::wire::{SCHEMA_VERSION, State, Version};
use crate::cli::args::JsonArgs;
use crate::cli::context::{Context, Home};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::out;
use crate::cli::render::doctor::{Finding, Grade, text};
use crate::cli::render::units::count;
use crate::sys::signals;

/// Below that a larger project runs out of descriptors: three pipes and a notify socket per service.
const FEW_FILES: u64 = 1024;

/// Prints what was found. Exit code 1 if something will not work.
pub(crate) async fn run(context: &Context, args: &JsonArgs) -> Result<Exit, CliError> {
    let mut findings = machine();
    match context.home() {
        Ok(home) => {
            findings.push(project_file(context));
            findings.push(state_folder(&home));
            findings.extend(running(&home).await);
        }
        Err(error) => {
            let found = error.render(crate::cli::term::Paint::new(
                crate::cli::term::Color::Never,
                crate::cli::term::Target::Plain,
                None,
            ));
            findings.push(finding("project", "file", Grade::Info, found.trim().to_owned()));
        }
    }
    let worst = findings.iter().map(|finding| finding.grade).max().unwrap_or(Grade::Good);
    if args.json {
        out::print_json(&json!({
            "schema_version": SCHEMA_VERSION,
            "ok": worst < Grade::Bad,
            "findings": findings,
        }));
    } else {
        out::print(&text(&findings, context.paint));
    }
    Ok(if worst == Grade::Bad { Exit::Failed } else { Exit::Done })
}

fn finding(about: &'static str, what: &'static str, grade: Grade, found: impl Into<String>) -> Finding {
    Finding { about, what, grade, found: found.into(), help: None }
}

fn machine() -> Vec<Finding> {
    let here = |what, grade, found: String| finding("machine", what, grade, found);
    let own = std::process::id();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let children = Path::new(&format!("/proc/{own}/task/{own}/children")).exists();
    let containment = if children {
        here("containment", Grade::Good, "rung 2: a subreaper shim per run holds its whole process tree".into())
    } else {
        let found = "`/proc/PID/task/TID/children` is missing: escaped processes cannot be found".into();
        Finding {
            help: Some("a kernel with CONFIG_PROC_CHILDREN".into()),
            ..here("containment", Grade::Bad, found)
        }
    };
    let pidfd = match signals::open_if(own, |_| true) {
        Ok(_) => here("pidfd", Grade::Good, "signals reach the process that is meant, or nobody".into()),
        Err(error) => Finding {
            help: Some("Linux 5.3 or newer; a container's seccomp profile may forbid it".into()),
            ..here("pidfd", Grade::Bad, format!("not available: {error}"))
        },
    };
    let cgroup = match cgroup2_mount(&std::fs::read_to_string("/proc/self/mounts").unwrap_or_default()) {
        Some(mount) => format!("version 2 at {mount}; not used yet"),
        None => "no version 2 hierarchy; not used yet".to_owned(),
    };
    vec![
        here("kernel", Grade::Good, kernel.trim().to_owned()),
        containment,
        pidfd,
        here("cgroups", Grade::Info, cgroup),
        open_files(),
    ]
}

/// Where the unified hierarchy is mounted (beside version 1: a hybrid), by `/proc/self/mounts`.
fn cgroup2_mount(mounts: &str) -> Option<&str> {
    let mut fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    fields.find(|fields| fields.get(2) == Some(&"cgroup2")).map(|fields| fields[1])
}

fn open_files() -> Finding {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) => {
            let found = format!("{soft}, at most {hard}: tspm raises its own, services get yours");
            let grade = if hard < FEW_FILES { Grade::Warning } else { Grade::Good };
            finding("machine", "open files", grade, found)
        }
        Err(error) => finding("machine", "open files", Grade::Warning, error.to_string()),
    }
}

fn project_file(context: &Context) -> Finding {
    match context.read_quietly() {
        Ok((bundle, loaded)) => {
            let file = bundle.sources.first().map(|(path, _)| path.display().to_string()).unwrap_or_default();
            let services = count(loaded.project.services.len(), "service");
            let warnings = loaded.warnings.problems.len();
            let but = if warnings > 0 { format!(", {}", count(warnings, "warning")) } else { String::new() };
            finding("project", "file", Grade::Good, format!("{file}: {services}{but}"))
        }
        Err(CliError::Report(report)) => Finding {
            help: Some("`tspm check` shows them".into()),
            ..finding("project", "file", Grade::Bad, count(report.problems.len(), "mistake"))
        },
        Err(CliError::Trouble(trouble)) => finding("project", "file", Grade::Bad, trouble.what),
    }
}

fn state_folder(home: &Home) -> Finding {
    let dir = &home.place.dir;
    // Before the first `up` there is none: then its parent must be writable.
    let probe = if dir.exists() { dir.as_path() } else { home.dir.as_path() };
    match tempfile::Builder::new().prefix(".tspm-doctor").tempfile_in(probe) {
        Ok(_) if dir.exists() => finding("project", "state folder", Grade::Good, dir.display().to_string()),
        Ok(_) => {
            finding("project", "state folder", Grade::Good, format!("{} (made by the first up)", dir.display()))
        }
        Err(error) => Finding {
            help: Some("TSPM_STATE_DIR names another folder".into()),
            ..finding("project", "state folder", Grade::Bad, format!("`{}`: {error}", probe.display()))
        },
    }
}

async fn running(home: &Home) -> Vec<Finding> {
    let here = |what, grade, found: String| finding("project", what, grade, found);
    let client = match Client::connect(&home.place).await {
        Ok(client) => client,
        Err(ConnectError::NotRunning) => return vec![not_running(home)],
        Err(error) => return vec![here("keeper", Grade::Bad, error.to_string())],
    };
    let mut findings = vec![here("keeper", Grade::Good, format!("pid {}", client.keeper_pid()))];
    match client.get::<Version>("/v1/version").await {
        Ok(version) => {
            let same = version.tspm == env!("CARGO_PKG_VERSION");
            let found = format!("pid {}, tspm {}", version.supervisor_pid, version.tspm);
            findings.push(Finding {
                help: (!same)
                    .then(|| format!("this tspm is {}: `tspm down`, then `tspm up`", env!("CARGO_PKG_VERSION"))),
                ..here("supervisor", if same { Grade::Good } else { Grade::Warning }, found)
            });
        }
        Err(error) => {
            let grade = if matches!(error, ClientError::Version { .. }) { Grade::Warning } else { Grade::Bad };
            findings.push(Finding {
                help: Some(format!("`{}` has what it had to say", home.place.diagnostics().display())),
                ..here("supervisor", grade, error.to_string())
            });
            return findings;
        }
    }
    if let Ok(state) = client.get::<State>("/v1/state").await {
        findings.push(services(&state));
    }
    findings
}

fn not_running(home: &Home) -> Finding {
    match lock_holder(&home.place) {
        Some(pid) => Finding {
            help: Some(format!("`kill {pid}` makes it take its services down and end")),
            ..finding("project", "keeper", Grade::Bad, format!("pid {pid} holds the lock but does not listen"))
        },
        None if home.place.socket.exists() => finding(
            "project",
            "keeper",
            Grade::Info,
            "not running; a socket was left behind, the next up replaces it",
        ),
        None => finding("project", "keeper", Grade::Info, "not running"),
    }
}

fn services(state: &State) -> Finding {
    let ill: Vec<&str> = state
        .services
        .iter()
        .filter(|view| {
            matches!(view.state.as_str(), "failed" | "skipped" | "backoff")
                || view.late
                || view.health.as_deref() == Some("unhealthy")
        })
        .map(|view| view.name.as_str())
        .collect();
    if ill.is_empty() {
        let found = format!("{}, none of them in trouble", count(state.services.len(), "service"));
        return finding("project", "services", Grade::Good, found);
    }
    Finding {
        help: Some(format!("`tspm why {}`", ill.join(" "))),
        ..finding("project", "services", Grade::Warning, format!("in trouble: {}", ill.join(", ")))
    }
}
