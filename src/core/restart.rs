//! The restart policy: what follows an end that nobody asked for (`lifecycle.md` 7).
//!
//! Pure: it sees the policy, the reason and the count, and never the slot.

use std::time::Duration;

use crate::model::{Backoff, RestartMode, RestartPolicy, ServiceType};

use super::{Exit, Failure, RestartReason, SpawnFailure};

/// Half the width of the jitter: services that died together do not come back in step.
const JITTER: f64 = 0.1;

/// The shortest delay, whatever the file says: a restart is never in the same turn as its cause.
const LEAST_DELAY: Duration = Duration::from_millis(1);

/// What follows.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// It did what it was for.
    Complete(Exit),
    /// It starts again after the delay.
    Again {
        /// Before the next start.
        delay: Duration,
        /// Restarts without health, this one included.
        attempt: u32,
    },
    /// It does not start again.
    GiveUp(Failure),
}

/// What follows an end for `reason` after `attempts` restarts without health; `spread` is in `[-1, 1]`.
pub(super) fn decide(
    policy: &RestartPolicy,
    kind: ServiceType,
    reason: &RestartReason,
    attempts: u32,
    spread: f64,
) -> Verdict {
    let success = succeeded(policy, reason);
    if let Some(exit) = success
        && ends_well(policy.mode, kind)
    {
        return Verdict::Complete(exit);
    }
    if policy.mode == RestartMode::No || cannot_help(reason) {
        return Verdict::GiveUp(failure(reason, attempts));
    }
    if policy.max_restarts != 0 && attempts >= policy.max_restarts {
        return Verdict::GiveUp(Failure::CrashLoop { attempts, last: reason.clone() });
    }
    Verdict::Again { delay: delay(&policy.backoff, attempts, spread), attempt: attempts.saturating_add(1) }
}

/// The exit, if it is a success by the policy.
pub(super) fn succeeded(policy: &RestartPolicy, reason: &RestartReason) -> Option<Exit> {
    match reason {
        RestartReason::Ended(exit @ Exit::Code(code)) => {
            (*code == 0 || policy.success_exit_codes.contains(code)).then_some(*exit)
        }
        RestartReason::Ended(Exit::Signal(_) | Exit::Unknown)
        | RestartReason::NotSpawned(_)
        | RestartReason::HookFailed(..)
        | RestartReason::NotReady(_)
        | RestartReason::Unhealthy(_)
        | RestartReason::Asked
        | RestartReason::Changed
        | RestartReason::DependencyReplaced(_) => None,
    }
}

/// Whether such an end is a success by the policy.
pub(super) fn is_success(policy: &RestartPolicy, exit: Exit) -> bool {
    succeeded(policy, &RestartReason::Ended(exit)).is_some()
}

/// Whether a successful end is the end: always for a oneshot, or nothing could ever depend on its success.
const fn ends_well(mode: RestartMode, kind: ServiceType) -> bool {
    match (kind, mode) {
        (ServiceType::Oneshot, _) | (ServiceType::Service, RestartMode::No | RestartMode::OnFailure) => true,
        (ServiceType::Service, RestartMode::Always | RestartMode::UnlessStopped) => false,
    }
}

/// A spawn that fails because the file is wrong fails again in 200 ms; a person has to look at it.
const fn cannot_help(reason: &RestartReason) -> bool {
    matches!(
        reason,
        RestartReason::NotSpawned(
            SpawnFailure::NotFound(_) | SpawnFailure::Cwd(_) | SpawnFailure::NotExecutable(_)
        )
    )
}

fn failure(reason: &RestartReason, attempts: u32) -> Failure {
    match reason {
        RestartReason::Ended(exit) => Failure::Ended(*exit),
        RestartReason::NotSpawned(why) => Failure::NotSpawned(why.clone()),
        RestartReason::HookFailed(kind, text) => Failure::HookFailed(*kind, text.clone()),
        RestartReason::NotReady(last) => Failure::NotReady(last.clone()),
        RestartReason::Unhealthy(last) => Failure::Unhealthy(last.clone()),
        RestartReason::Asked | RestartReason::Changed | RestartReason::DependencyReplaced(_) => {
            Failure::CrashLoop { attempts, last: reason.clone() }
        }
    }
}

/// `initial × factor^attempts`, at most `max`, then the jitter.
fn delay(backoff: &Backoff, attempts: u32, spread: f64) -> Duration {
    let exponent = i32::try_from(attempts).unwrap_or(i32::MAX);
    let longest = backoff.max.as_secs_f64();
    let seconds = (backoff.initial.as_secs_f64() * backoff.factor.max(1.0).powi(exponent)).min(longest);
    let jittered = seconds * spread.mul_add(JITTER, 1.0);
    Duration::try_from_secs_f64(jittered).unwrap_or(backoff.max).max(LEAST_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HookKind, Signal};

    fn policy(mode: RestartMode, max_restarts: u32) -> RestartPolicy {
        RestartPolicy { mode, max_restarts, backoff: Backoff::default(), success_exit_codes: vec![0, 42] }
    }

    #[test]
    fn modes_exits_and_kinds() {
        use RestartMode::{Always, No, OnFailure, UnlessStopped};
        use ServiceType::{Oneshot, Service};
        let kill = Exit::Signal(Signal::KILL);
        // mode, kind, exit: what follows (c completed, r restarted, f failed)
        let table = [
            (No, Service, Exit::Code(0), 'c'),
            (No, Service, Exit::Code(42), 'c'),
            (No, Service, Exit::Code(1), 'f'),
            (No, Oneshot, kill, 'f'),
            (No, Oneshot, Exit::Unknown, 'f'),
            (OnFailure, Service, Exit::Code(0), 'c'),
            (OnFailure, Service, Exit::Code(1), 'r'),
            (OnFailure, Service, kill, 'r'),
            (OnFailure, Oneshot, Exit::Code(42), 'c'),
            (OnFailure, Oneshot, Exit::Code(2), 'r'),
            (Always, Service, Exit::Code(0), 'r'),
            (Always, Service, Exit::Code(1), 'r'),
            (Always, Oneshot, Exit::Code(0), 'c'),
            (UnlessStopped, Service, Exit::Code(0), 'r'),
            (UnlessStopped, Oneshot, Exit::Unknown, 'r'),
        ];
        for (mode, kind, exit, expected) in table {
            let verdict = decide(&policy(mode, 5), kind, &RestartReason::Ended(exit), 0, 0.0);
            let got = match verdict {
                Verdict::Complete(_) => 'c',
                Verdict::Again { .. } => 'r',
                Verdict::GiveUp(_) => 'f',
            };
            assert_eq!(got, expected, "{mode:?} {kind:?} {exit:?}");
        }
    }

    #[test]
    fn delays_double_up_to_the_cap_with_jitter() {
        let backoff = Backoff::default();
        let millis: Vec<u128> = (0..9).map(|n| delay(&backoff, n, 0.0).as_millis()).collect();
        assert_eq!(millis, [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000]);
        assert_eq!(delay(&backoff, u32::MAX, 0.0), backoff.max);
        assert_eq!(delay(&backoff, 0, 1.0), Duration::from_millis(220));
        assert_eq!(delay(&backoff, 0, -1.0), Duration::from_millis(180));
        let none = Backoff { initial: Duration::ZERO, ..backoff };
        assert_eq!(delay(&none, 3, -1.0), LEAST_DELAY);
    }

    #[test]
    fn gives_up_after_max_restarts_and_never_with_zero() {
        let reason = RestartReason::Unhealthy("HTTP 500".to_owned());
        let kind = ServiceType::Service;
        let verdict = |max, attempts| decide(&policy(RestartMode::OnFailure, max), kind, &reason, attempts, 0.0);
        assert!(matches!(verdict(5, 4), Verdict::Again { attempt: 5, .. }));
        let given_up = Failure::CrashLoop { attempts: 5, last: reason.clone() };
        assert_eq!(verdict(5, 5), Verdict::GiveUp(given_up));
        assert!(matches!(verdict(0, 1_000_000), Verdict::Again { .. }));
    }

    #[test]
    fn what_a_retry_cannot_help_fails_at_once() {
        let retried = |reason: RestartReason| {
            let verdict = decide(&policy(RestartMode::Always, 5), ServiceType::Service, &reason, 0, 0.0);
            matches!(verdict, Verdict::Again { .. })
        };
        let text = || "x".to_owned();
        assert!(!retried(RestartReason::NotSpawned(SpawnFailure::NotFound(text()))));
        assert!(!retried(RestartReason::NotSpawned(SpawnFailure::Cwd(text()))));
        assert!(!retried(RestartReason::NotSpawned(SpawnFailure::NotExecutable(text()))));
        assert!(retried(RestartReason::NotSpawned(SpawnFailure::PortTaken(Vec::new()))));
        assert!(retried(RestartReason::NotSpawned(SpawnFailure::Other(text()))));
        assert!(retried(RestartReason::HookFailed(HookKind::PreStart, text())));
        assert!(retried(RestartReason::NotReady(None)));
    }
}
