//! The table of legal phase changes. Every change is checked against it in debug builds and in the simulator.

use super::PhaseName;
use super::PhaseName::{
    Backoff, Completed, Disabled, Failed, Pending, Ready, Skipped, Starting, Stopped, Stopping,
};

/// Where each phase may lead. A phase whose facts change without its name changing is not listed.
const TABLE: &[(PhaseName, &[PhaseName])] = &[
    (Stopped, &[Pending, Disabled]),
    (Pending, &[Starting, Skipped, Stopped, Disabled]),
    (Skipped, &[Pending, Stopped, Disabled]),
    (Starting, &[Ready, Stopping]),
    (Ready, &[Stopping]),
    (Stopping, &[Stopped, Pending, Backoff, Completed, Failed, Disabled]),
    (Backoff, &[Pending, Stopped, Disabled]),
    (Completed, &[Pending, Disabled]),
    // To `stopping` only when what survived a kill is killed again.
    (Failed, &[Pending, Stopping, Disabled]),
    (Disabled, &[Stopped]),
];

/// Whether an instance may go from `from` to `to`.
pub(super) fn is_legal(from: PhaseName, to: PhaseName) -> bool {
    from == to || TABLE.iter().any(|(phase, next)| *phase == from && next.contains(&to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_has_a_row_and_nothing_starts_without_pending() {
        assert_eq!(TABLE.len(), 10);
        for (from, next) in TABLE {
            assert!(!next.contains(from), "{from} lists itself");
            assert_eq!(next.contains(&Starting), *from == Pending, "{from}");
        }
    }
}
