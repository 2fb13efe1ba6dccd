//! Phase 3 of `down`: processes that carry this project's run token and are no run's any more.
//!
//! A process is touched only if its environment proves that a service of this project is its ancestor
//! (`lifecycle.md` P6), and never if its program is on a `release` list.

use std::collections::BTreeSet;
use std::path::Path;

use crate::core::Leftover;
use crate::model::{Project, Signal};
use crate::sys::{signals, token, tree};

/// Kills every process with a token of `project_id`, except `spared` programs; says which were found.
pub(super) fn sweep(project_id: &str, spared: &BTreeSet<&str>) -> Vec<Leftover> {
    let prefix = format!("{project_id}.");
    let mut found = Vec::new();
    for pid in token::scan(&prefix) {
        // Named before it is killed: afterwards there is nothing to read.
        let command = tree::command_line(pid);
        if is_spared(&command, spared) {
            continue;
        }
        // Opened, then checked again: a recycled pid is not what gets the signal.
        let opened = signals::open_if(pid, |_| token::is_on(pid, &prefix));
        let why = match opened.and_then(|(process, _)| process.send(Signal::KILL.number())) {
            Ok(()) => "killed".to_owned(),
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => continue,
            Err(error) => format!("could not be killed: {error}"),
        };
        found.push(Leftover { pid, command, why });
    }
    found
}

/// The programs that services of `project` may leave running.
pub(super) fn released_programs(project: &Project) -> BTreeSet<&str> {
    project.services.values().flat_map(|service| service.release.iter().map(String::as_str)).collect()
}

fn is_spared(command: &str, spared: &BTreeSet<&str>) -> bool {
    let program = command.split_ascii_whitespace().next().unwrap_or_default();
    let base = Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or(program);
    spared.contains(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn released_programs_are_known_by_their_base_name() {
        let spared = BTreeSet::from(["gradle"]);
        assert!(is_spared("/opt/gradle/bin/gradle --daemon", &spared));
        assert!(is_spared("gradle", &spared));
        assert!(!is_spared("/bin/sh gradle", &spared));
        assert!(!is_spared("", &spared));
    }
}
