//! Facts in words: reasons, events, plans. Every text that a person reads about an instance begins here.

use crate::core::{
    EventKind, Failure, HookOutcome, InstanceView, Leftover, Phase, PhaseName, ProbeOutcome, ProbeWhich,
    Readiness, RestartReason, SkipCause, SpawnFailure, StartStage, StepWhy, StopReason, StopStage,
};
use crate::model::{Condition, ProbeKind, Service};
use crate::supervisor::Told;

use super::time_text::duration;

/// Why an instance is in `phase`; none where there is nothing to add. The phase may be an earlier one than the
/// view's: an event tells of the phase that began with it.
pub(super) fn reason(phase: &Phase, view: &InstanceView, service: &Service) -> Option<String> {
    match phase {
        Phase::Stopped { .. } | Phase::Disabled | Phase::Ready { .. } => None,
        Phase::Pending { .. } => {
            let waits: Vec<String> = view
                .waiting_for
                .iter()
                .map(|wait| format!("{} ({}, now {})", wait.on, condition(wait.condition), wait.now))
                .collect();
            (!waits.is_empty()).then(|| format!("waits for {}", waits.join(", ")))
        }
        Phase::Starting { stage, .. } => start_stage(stage, service),
        // It was asked nothing: its stage is only the wait for what it may have left behind.
        Phase::Stopping { reason: StopReason::Ended, stage: StopStage::Asked { .. }, .. } => {
            Some(stop_reason(&StopReason::Ended))
        }
        Phase::Stopping { reason, stage, .. } => Some(format!("{}{}", stop_reason(reason), stop_stage(stage))),
        Phase::Backoff { attempt, reason, .. } => {
            let loops = view.restarts_last_minute;
            if loops > 1 {
                Some(format!("{loops} restarts in 1 min, {}", restart_reason(reason)))
            } else {
                Some(format!("restart {attempt}, {}", restart_reason(reason)))
            }
        }
        Phase::Completed { exit, .. } => Some(exit.to_string()),
        Phase::Failed { why, .. } => Some(failure(why)),
        Phase::Skipped { because, .. } => Some(skip_chain(because)),
    }
}

/// Whether `ready_timeout` has passed.
pub(super) const fn is_late(phase: &Phase) -> bool {
    matches!(phase, Phase::Starting { stage: StartStage::Running { readiness: Readiness::Late { .. }, .. }, .. })
}

/// The word of `depends_on`.
pub(super) const fn condition(condition: Condition) -> &'static str {
    match condition {
        Condition::Started => "started",
        Condition::Ready => "ready",
        Condition::Completed => "completed",
        Condition::Succeeded => "succeeded",
    }
}

fn start_stage(stage: &StartStage, service: &Service) -> Option<String> {
    match stage {
        StartStage::PreStart(_) => Some("pre_start hook".to_owned()),
        StartStage::Spawning | StartStage::Running { readiness: Readiness::Awaited { .. }, .. } => None,
        StartStage::Running { readiness: Readiness::Late { last }, .. } => {
            let late = format!("not ready within {}", duration(service.ready_timeout));
            Some(match last {
                Some(last) => format!("{late}, the last probe saw: {last}"),
                None => late,
            })
        }
        StartStage::PostStart { .. } => Some("post_start hook".to_owned()),
    }
}

fn stop_stage(stage: &StopStage) -> String {
    match stage {
        StopStage::PreStop(_) => ": pre_stop hook".to_owned(),

        StopStage::Killed { left, .. } if left.is_empty() => ": killed".to_owned(),
        StopStage::Killed { left, .. } => format!(": could not be killed: {}", leftovers(left)),
        StopStage::Asked { .. } | StopStage::Draining => String::new(),
        StopStage::PostStop(_) => ": post_stop hook".to_owned(),
        StopStage::Ports => ": waits for its ports to be free".to_owned(),
    }
}

fn stop_reason(reason: &StopReason) -> String {
    match reason {
        StopReason::Asked => "stopped by request".to_owned(),
        StopReason::Restart => "restart requested".to_owned(),
        StopReason::Changed => "its definition changed".to_owned(),
        StopReason::Removed => "removed from the file".to_owned(),
        StopReason::DependencyReplaced(name) => format!("{name} was replaced"),
        StopReason::Ended => "it ended by itself".to_owned(),
        StopReason::NotSpawned(failure) => spawn_failure(failure),
        StopReason::HookFailed(kind, how) => format!("its {} hook failed: {how}", kind.as_str()),
        StopReason::NotReady(last) => not_ready(last.as_ref()),
        StopReason::Unhealthy(last) => format!("unhealthy: {last}"),
        StopReason::Shutdown => "shutting down".to_owned(),
    }
}

/// Why a restart was scheduled.
pub(super) fn restart_reason(reason: &RestartReason) -> String {
    match reason {
        RestartReason::Ended(exit) => exit.to_string(),
        RestartReason::NotSpawned(failure) => spawn_failure(failure),
        RestartReason::HookFailed(kind, how) => format!("its {} hook failed: {how}", kind.as_str()),
        RestartReason::NotReady(last) => not_ready(last.as_ref()),
        RestartReason::Unhealthy(last) => format!("unhealthy: {last}"),
        RestartReason::Asked => "asked for".to_owned(),
        RestartReason::Changed => "its definition changed".to_owned(),
        RestartReason::DependencyReplaced(name) => format!("{name} was replaced"),
    }
}

fn failure(why: &Failure) -> String {
    match why {
        Failure::Ended(exit) => exit.to_string(),
        Failure::NotSpawned(failure) => spawn_failure(failure),
        Failure::HookFailed(kind, how) => format!("its {} hook failed: {how}", kind.as_str()),
        Failure::NotReady(last) => not_ready(last.as_ref()),
        Failure::Unhealthy(last) => format!("unhealthy: {last}"),
        Failure::CrashLoop { attempts, last } => {
            format!("given up after {attempts} restarts, the last: {}", restart_reason(last))
        }
        Failure::Survived(left) => format!("could not be killed: {}", leftovers(left)),
    }
}

fn not_ready(last: Option<&String>) -> String {
    match last {
        Some(last) => format!("not ready within start_timeout, the last probe saw: {last}"),
        None => "not ready within start_timeout".to_owned(),
    }
}

/// Why there is no process.
pub(super) fn spawn_failure(failure: &SpawnFailure) -> String {
    match failure {
        SpawnFailure::NotFound(text)
        | SpawnFailure::Cwd(text)
        | SpawnFailure::NotExecutable(text)
        | SpawnFailure::Other(text) => text.clone(),
        SpawnFailure::PortTaken(holders) => {
            let taken: Vec<String> = holders.iter().map(ToString::to_string).collect();
            format!("{}: stop it, or write `ports: [auto]`", taken.join(", "))
        }
    }
}

/// `db failed (exit 1)` or `api was skipped because db failed (exit 1)`.
pub(super) fn skip_chain(because: &[SkipCause]) -> String {
    let link = |cause: &SkipCause| match cause.phase {
        PhaseName::Failed => match &cause.failure {
            Some(why) => format!("{} failed ({})", cause.service, failure(why)),
            None => format!("{} failed", cause.service),
        },
        PhaseName::Skipped => format!("{} was skipped", cause.service),
        PhaseName::Disabled => format!("{} is disabled", cause.service),
        PhaseName::Completed => format!("{} ended", cause.service),
        PhaseName::Starting => format!("{} was not ready in time", cause.service),
        PhaseName::Stopped | PhaseName::Pending | PhaseName::Ready | PhaseName::Stopping | PhaseName::Backoff => {
            format!("{} is {}", cause.service, cause.phase)
        }
    };
    because.iter().map(link).collect::<Vec<_>>().join(" because ")
}

fn leftovers(left: &[Leftover]) -> String {
    left.iter().map(|one| format!("pid {} ({}, {})", one.pid, one.command, one.why)).collect::<Vec<_>>().join(", ")
}

/// The answer of a probe.
pub(super) fn probe_outcome(outcome: &ProbeOutcome) -> String {
    match outcome {
        ProbeOutcome::Good { note: None } => "ok".to_owned(),
        ProbeOutcome::Good { note: Some(note) } => format!("ok ({note})"),
        ProbeOutcome::Bad { output } => output.clone(),
        ProbeOutcome::Foreign { holder } => format!("{holder}, not by this service"),
    }
}

/// `readiness` or `liveness`.
pub(super) const fn probe_which(which: ProbeWhich) -> &'static str {
    match which {
        ProbeWhich::Readiness => "readiness",
        ProbeWhich::Liveness => "liveness",
    }
}

/// Why a step is in a plan.
pub(super) fn step_why(why: &StepWhy) -> String {
    match why {
        StepWhy::Unchanged => "unchanged".to_owned(),
        StepWhy::AlreadyCompleted => "completed already".to_owned(),
        StepWhy::Asked => "asked for".to_owned(),
        StepWhy::NeededBy(name) => format!("needed by {name}"),
        StepWhy::Changed => "its definition changed".to_owned(),
        StepWhy::Forced => "--force-recreate".to_owned(),
        StepWhy::Removed => "no longer in the file".to_owned(),
        StepWhy::Disabled => "disabled".to_owned(),
        StepWhy::NotWanted => "not selected".to_owned(),
    }
}

/// An event's word and its message.
pub(super) fn event(told: &Told) -> (&'static str, String) {
    match &told.event.kind {
        EventKind::Phase { to, .. } if is_late(to) => ("late", phase_reason(told, to).unwrap_or_default()),
        EventKind::Phase { to, .. } => ("phase", phase_message(told, to)),
        EventKind::Exited { exit } => ("exited", exit.to_string()),
        EventKind::Probe { which, outcome } => {
            ("probe", format!("{}: {}", probe_which(*which), probe_outcome(outcome)))
        }
        EventKind::Hook { kind, outcome } => ("hook", format!("{}: {}", kind.as_str(), hook_outcome(outcome))),
        EventKind::Signalled { signal } if ended_by_itself(told) => (
            "left-behind",
            format!(
                "it ended and left processes behind, which get {signal}: keep them in its foreground, or list their \
                 programs under `release`"
            ),
        ),
        EventKind::Signalled { signal } => ("signalled", signal.to_string()),
        EventKind::Killed => ("killed", "outlived its stop timeout: killed with its whole tree".to_owned()),
        EventKind::Survived { left } => ("survived", format!("could not be killed: {}", leftovers(left))),
        EventKind::Released { left } => ("released", format!("left on purpose: {}", leftovers(left))),
        EventKind::PortsHeld { held } => {
            let held: Vec<String> = held.iter().map(ToString::to_string).collect();
            ("ports-held", format!("2 s after its end {}", held.join(", ")))
        }
        EventKind::Applied => ("applied", "the project file was applied".to_owned()),
        EventKind::ShuttingDown => ("shutting-down", "everything is being taken down".to_owned()),
        EventKind::Down => ("down", "no service is left".to_owned()),
    }
}

/// Whether what is left of the run is only what its leader left behind.
fn ended_by_itself(told: &Told) -> bool {
    told.sight.as_ref().is_some_and(|sight| {
        matches!(
            sight.view.phase,
            Phase::Stopping { reason: StopReason::Ended, stage: StopStage::Asked { .. }, .. }
        )
    })
}

fn phase_reason(told: &Told, to: &Phase) -> Option<String> {
    told.sight.as_ref().and_then(|sight| reason(to, &sight.view, &sight.service))
}

fn phase_message(told: &Told, to: &Phase) -> String {
    let Some(sight) = &told.sight else { return to.name().to_string() };
    match to {
        Phase::Ready { .. } => ready_message(sight.view.time_to_ready, &sight.service),
        Phase::Completed { exit, .. } => match sight.view.time_to_ready {
            Some(time) => format!("completed in {}", duration(time)),
            None => format!("completed ({exit})"),
        },
        Phase::Stopped { .. }
        | Phase::Pending { .. }
        | Phase::Starting { .. }
        | Phase::Stopping { .. }
        | Phase::Backoff { .. }
        | Phase::Failed { .. }
        | Phase::Skipped { .. }
        | Phase::Disabled => match phase_reason(told, to) {
            Some(reason) => format!("{}: {reason}", to.name()),
            None => to.name().to_string(),
        },
    }
}

/// `ready in 412 ms (tcp :5433)`
fn ready_message(time: Option<std::time::Duration>, service: &Service) -> String {
    let how = service.readiness.as_ref().map(|probe| match &probe.kind {
        ProbeKind::Tcp(target) => format!(" (tcp :{})", target.port),
        ProbeKind::Unix(path) => format!(" (unix {})", path.display()),
        ProbeKind::Http(http) => format!(" (http :{}{})", http.target.tcp().port, http.path),
        ProbeKind::Exec(_) => " (exec)".to_owned(),
        ProbeKind::Log(_) => " (log)".to_owned(),
        ProbeKind::Notify => " (notify)".to_owned(),
    });
    let time = time.map_or_else(String::new, |time| format!(" in {}", duration(time)));
    format!("ready{time}{}", how.unwrap_or_default())
}

/// A hook's result.
pub(super) fn hook_outcome(outcome: &HookOutcome) -> String {
    match outcome {
        HookOutcome::Done => "done".to_owned(),
        HookOutcome::Skipped => "skipped: its guard holds".to_owned(),
        HookOutcome::Failed { how, output } if output.is_empty() => how.clone(),
        HookOutcome::Failed { how, output } => format!("{how}: {output}"),
        HookOutcome::TimedOut(after) => format!("timed out after {}", duration(*after)),
    }
}
