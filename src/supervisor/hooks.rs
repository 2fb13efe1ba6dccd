//! One hook, from its guard to its outcome. What an outcome *means* is core's business.

use std::time::Duration;

use crate::core::{Exit, HookOutcome};
use crate::model::{Guard, Hook};

use super::helper::{HelperResult, HookStep};

/// What to do next for a hook.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// Run this command, as this step.
    Run(&'a crate::model::Command, HookStep),
    /// It is over.
    Over(HookOutcome),
}

/// The first step of `hook`.
pub(super) fn first(hook: &Hook) -> Next<'_> {
    match &hook.guard {
        Some(Guard::Unless(command)) => Next::Run(command, HookStep::Guard),
        Some(Guard::Creates(path)) if path.exists() => Next::Over(HookOutcome::Skipped),
        Some(Guard::Creates(_)) | None => Next::Run(&hook.command, HookStep::Main),
    }
}

/// The step after `step` ended with `result`.
pub(super) fn after(hook: &Hook, step: HookStep, result: HelperResult, output: String) -> Next<'_> {
    let good = matches!(result, HelperResult::Exited(Exit::Code(0)));
    match step {
        HookStep::Guard if good => Next::Over(HookOutcome::Skipped),
        HookStep::Guard => Next::Run(&hook.command, HookStep::Main),
        HookStep::Main if good => match &hook.guard {
            Some(Guard::Unless(command)) => Next::Run(command, HookStep::Recheck),
            Some(Guard::Creates(path)) if !path.exists() => Next::Over(HookOutcome::Failed {
                how: format!("it exited 0, but `{}` still does not exist", path.display()),
                output,
            }),
            Some(Guard::Creates(_)) | None => Next::Over(HookOutcome::Done),
        },
        HookStep::Recheck if good => Next::Over(HookOutcome::Done),
        HookStep::Recheck => Next::Over(HookOutcome::Failed {
            how: "it exited 0, but its `unless` guard still fails".to_owned(),
            output,
        }),
        HookStep::Main => Next::Over(outcome(result, output, hook.timeout)),
    }
}

/// The outcome of a helper that has no steps: a hook's command, a stop command.
pub(super) fn outcome(result: HelperResult, output: String, timeout: Duration) -> HookOutcome {
    match result {
        HelperResult::Exited(Exit::Code(0)) => HookOutcome::Done,
        HelperResult::Exited(exit) => HookOutcome::Failed { how: exit.to_string(), output },
        HelperResult::NotSpawned(how) => HookOutcome::Failed { how, output },
        HelperResult::TimedOut => HookOutcome::TimedOut(timeout),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Command, HookFailure};

    fn hook(guard: Option<Guard>) -> Hook {
        let command = Command::Argv(vec!["make".into()]);
        Hook { command, timeout: Duration::from_secs(30), on_failure: HookFailure::Fail, guard }
    }

    const OK: HelperResult = HelperResult::Exited(Exit::Code(0));
    const BAD: HelperResult = HelperResult::Exited(Exit::Code(1));

    #[test]
    fn an_unless_guard_is_asked_before_and_after() {
        let guard = Command::Argv(vec!["test".into()]);
        let hook = hook(Some(Guard::Unless(guard.clone())));
        assert_eq!(first(&hook), Next::Run(&guard, HookStep::Guard));
        assert_eq!(after(&hook, HookStep::Guard, OK, String::new()), Next::Over(HookOutcome::Skipped));
        assert_eq!(after(&hook, HookStep::Guard, BAD, String::new()), Next::Run(&hook.command, HookStep::Main));
        assert_eq!(after(&hook, HookStep::Main, OK, String::new()), Next::Run(&guard, HookStep::Recheck));
        let Next::Over(HookOutcome::Failed { how, .. }) = after(&hook, HookStep::Recheck, BAD, String::new())
        else {
            panic!()
        };
        assert!(how.contains("guard still fails"), "{how}");
    }

    #[test]
    fn a_file_that_exists_skips_and_one_that_was_not_made_fails() {
        assert_eq!(first(&hook(Some(Guard::Creates("/".into())))), Next::Over(HookOutcome::Skipped));
        let missing = hook(Some(Guard::Creates("/no/such/file".into())));
        assert_eq!(first(&missing), Next::Run(&missing.command, HookStep::Main));
        let end = after(&missing, HookStep::Main, OK, String::new());
        assert!(matches!(end, Next::Over(HookOutcome::Failed { .. })), "{end:?}");
    }
}
