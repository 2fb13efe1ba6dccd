//! Freeze, rescan, kill: how a set of processes that fork faster than they can be counted is ended.
//!
//! A stopped process forks no more. So everything found is stopped first, and searched for again until
//! nothing new appears; only then is it killed. A fork that was under way escapes one blow, not the next:
//! the caller strikes until the set is empty. Nothing is signalled that is not proven, after its pidfd
//! was opened, to be of the set.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::sys::{signals, tree, tree::Stat};

use super::protocol::Process;
use super::report::LONGEST_LIST;

/// How often one blow looks again. A set that still grows then is struck as far as it is known.
const ROUNDS: usize = 50;

/// One blow at the set that `find` finds. `proves` is asked of each one found, with all that were found at
/// the time: is it really of the set?
pub(super) fn strike(mut find: impl FnMut() -> Vec<u32>, proves: impl Fn(&Stat, &BTreeSet<u32>) -> bool) {
    let mut frozen = BTreeMap::new();
    for _ in 0..ROUNDS {
        let set: BTreeSet<u32> = find().into_iter().collect();
        let mut grew = false;
        for &pid in set.iter().filter(|pid| !frozen.contains_key(*pid)).collect::<Vec<_>>() {
            match signals::open_if(pid, |stat| !stat.is_dead() && proves(stat, &set)) {
                Ok((process, _)) if process.send(libc::SIGSTOP).is_ok() => {
                    frozen.insert(pid, process);
                    grew = true;
                }
                // No descriptor left: strike what is held, the next blow gets the rest.
                Err(error) if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => {
                    grew = false;
                    break;
                }
                // Gone, or not permitted.
                Ok(_) | Err(_) => {}
            }
        }
        if !grew {
            break;
        }
    }
    for process in frozen.values() {
        // It can only fail because the process is dead.
        let _ = process.send(libc::SIGKILL);
    }
}

/// Strikes everything below `root` (this process) but what `spare` names and what is below that.
pub(super) fn strike_below(root: u32, mut spare: impl FnMut(u32) -> bool) {
    strike(|| tree::descendants_except(root, &mut spare), |stat, set| descends(stat, root, set));
}

/// The proof of descent: its parent is the root or one of the set.
pub(super) fn descends(stat: &Stat, root: u32, set: &BTreeSet<u32>) -> bool {
    stat.ppid == root || set.contains(&stat.ppid)
}

/// Those of the set that live, and why they may have survived a kill.
pub(super) fn census(set: &[u32]) -> Vec<Process> {
    let living = set.iter().filter_map(|&pid| {
        let why = match signals::open_if(pid, |stat| !stat.is_dead()) {
            Ok((process, stat)) => match process.send(0) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => "not permitted".to_owned(),
                _ => format!("state {}", stat.state),
            },
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return None,
            Err(error) => error.to_string(),
        };
        Some(Process { pid, command: tree::command_line(pid), why, label: None })
    });
    living.take(LONGEST_LIST).collect()
}

/// The same, of the run with this label.
pub(super) fn labelled(mut processes: Vec<Process>, label: &str) -> Vec<Process> {
    for process in &mut processes {
        process.label = Some(label.to_owned());
    }
    processes
}
