//! Hooks: a command, or one or several of `{command, timeout, on_failure, unless, creates}`.

use std::path::Path;
use std::time::Duration;

use super::command::Commands;
use crate::config::issues::Issue;
use crate::config::keys::{HOOK, HOOKS};
use crate::config::tree::{Node, Value};
use crate::model::{Guard, Hook, HookFailure, Hooks};

/// `config.md`.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads `hooks`. Paths start from `cwd`.
pub(super) fn hooks(commands: &Commands<'_>, node: &Node, cwd: &Path) -> Hooks {
    let Some(fields) = commands.reader.fields(node, &HOOKS) else { return Hooks::default() };
    let at = |key: &str| fields.get(key).map(|node| list(commands, node, cwd)).unwrap_or_default();
    Hooks {
        pre_start: at("pre_start"),
        post_start: at("post_start"),
        pre_stop: at("pre_stop"),
        post_stop: at("post_stop"),
    }
}

fn list(commands: &Commands<'_>, node: &Node, cwd: &Path) -> Vec<Hook> {
    match &node.value {
        // A list of words is one command, a list of maps is several hooks.
        Value::List(items) if items.iter().any(|item| matches!(item.value, Value::Map(_))) => {
            items.iter().filter_map(|item| item_of_list(commands, item, cwd)).collect()
        }
        Value::Map(_) => full(commands, node, cwd).into_iter().collect(),
        Value::List(_) | Value::Scalar(_) => plain(commands, node).into_iter().collect(),
    }
}

fn item_of_list(commands: &Commands<'_>, node: &Node, cwd: &Path) -> Option<Hook> {
    if !matches!(node.value, Value::Map(_)) {
        let message = format!("expected a hook, found {}", node.describe());
        let issue = Issue::error("wrong-type", node.span, message);
        commands.reader.issue(issue.help("in a list of hooks, write `- command: …`"));
        return None;
    }
    full(commands, node, cwd)
}

fn plain(commands: &Commands<'_>, node: &Node) -> Option<Hook> {
    let command = commands.read(node)?;
    Some(Hook { command, timeout: DEFAULT_TIMEOUT, on_failure: HookFailure::Fail, guard: None })
}

fn full(commands: &Commands<'_>, node: &Node, cwd: &Path) -> Option<Hook> {
    let reader = commands.reader;
    let fields = reader.fields(node, &HOOK)?;
    let timeout = fields.get("timeout").and_then(|node| reader.some_duration(node)).unwrap_or(DEFAULT_TIMEOUT);
    let on_failure = fields
        .get("on_failure")
        .and_then(|node| reader.word(node, &[("fail", HookFailure::Fail), ("ignore", HookFailure::Ignore)]))
        .unwrap_or(HookFailure::Fail);
    let unless = fields.get("unless").and_then(|node| commands.read(node)).map(Guard::Unless);
    let creates = fields.get("creates").and_then(|node| reader.path(node, cwd)).map(Guard::Creates);
    if let (Some(unless), Some(creates)) = (fields.entry("unless"), fields.entry("creates")) {
        let issue = Issue::error("conflict", creates.key_span, "a hook has one guard: `unless` or `creates`");
        reader.issue(issue.also(unless.key_span, "the other one"));
    }
    let Some(command) = fields.get("command") else {
        reader.issue(Issue::error("missing-key", node.span, "a hook needs a `command`"));
        return None;
    };
    Some(Hook { command: commands.read(command)?, timeout, on_failure, guard: unless.or(creates) })
}
