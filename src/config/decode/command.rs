//! Commands: a string for a shell, as it stands but for dotted names, or a list, interpolated.

use crate::config::interpolate::Mode;
use crate::config::issues::Issue;
use crate::config::reader::Reader;
use crate::config::tree::{Node, Value};
use crate::model::Command;

const WANTED: &str = "a string or a list of strings";

/// What `shell` is unless the file says otherwise.
pub(super) fn default_shell() -> Vec<String> {
    vec!["/bin/sh".to_owned(), "-c".to_owned()]
}

/// Variables that every shell sets for itself: that a script mentions them does not make the caller's count.
const SHELL_OWN: [&str; 5] = ["PWD", "OLDPWD", "SHLVL", "_", "IFS"];

/// Reads the commands of one service.
#[derive(Clone, Copy)]
pub(super) struct Commands<'a> {
    pub(super) reader: Reader<'a>,
    /// For strings.
    pub(super) shell: &'a [String],
}

impl Commands<'_> {
    /// One command.
    pub(super) fn read(&self, node: &Node) -> Option<Command> {
        match &node.value {
            Value::List(_) => self.argv(node).map(Command::Argv),
            Value::Scalar(_) | Value::Map(_) => self.script(node),
        }
    }

    fn script(&self, node: &Node) -> Option<Command> {
        let script = self.reader.text_in(node, WANTED, Mode::DottedOnly)?.text;
        if script.trim().is_empty() {
            self.reader.issue(Issue::error("bad-value", node.span, "a command cannot be empty"));
            return None;
        }
        if let Value::Scalar(scalar) = &node.value {
            self.look_at_variables(node, &scalar.text);
        }
        Some(Command::Shell { shell: self.shell.to_vec(), script })
    }

    fn look_at_variables(&self, node: &Node, script: &str) {
        for name in shell_variables(script).filter(|name| !SHELL_OWN.contains(name)) {
            // Asking marks it as used, so that a change of it counts as one of the command.
            self.reader.scope.var(name);
        }
        let named =
            |at: &usize| script[at + 2..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '{');
        if let Some(at) = script.match_indices("$$").map(|(at, _)| at).find(named) {
            let name: String =
                script[at + 2..].chars().take_while(|c| c.is_ascii_alphanumeric() || "_{}".contains(*c)).collect();
            let span = self.reader.inside(node.span, script, at..at + 2 + name.len());
            let message = format!("a shell reads `$${name}` as its own process id, followed by `{name}`");
            let issue = Issue::warning("shell-pid", span, message);
            self.reader.issue(issue.help(format!("a string command is the shell's alone: write `${name}`")));
        }
    }

    /// A list: a program and its arguments. Not empty.
    pub(super) fn argv(&self, node: &Node) -> Option<Vec<String>> {
        let items = self.reader.list(node, WANTED)?;
        // Numbers are arguments as they stand: nothing ever makes numbers of them.
        let words: Vec<_> = items.iter().map(|item| self.reader.any_text(item, "a string")).collect();
        let words: Vec<String> =
            words.into_iter().collect::<Option<Vec<_>>>()?.into_iter().map(|word| word.text).collect();
        let (Some(program), Some(first)) = (words.first(), items.first()) else {
            self.reader.issue(Issue::error("bad-value", node.span, "a command cannot be empty"));
            return None;
        };
        if program.is_empty() {
            self.reader.issue(Issue::error("bad-value", first.span, "the program of a command cannot be empty"));
            return None;
        }
        if program.contains(' ') && !program.contains('/') {
            let issue =
                Issue::warning("argv-spaces", first.span, format!("this runs one program named `{program}`"));
            self.reader
                .issue(issue.help("write each word as an item of its own, or the whole command as a string"));
        }
        Some(words)
    }
}

/// The variables that a shell may read in `script`, whatever it then makes of them: `$A`, `${A%/}`, `${#A}`.
/// Quotes and backslashes are not looked at: a script may be passed on to another shell.
fn shell_variables(script: &str) -> impl Iterator<Item = &str> {
    let mut rest = script;
    std::iter::from_fn(move || {
        loop {
            let after = &rest[memchr::memchr(b'$', rest.as_bytes())? + 1..];
            if let Some(behind) = after.strip_prefix('$') {
                // The shell's own process id.
                rest = behind;
                continue;
            }
            let (braced, start) = match after.strip_prefix('{') {
                Some(inside) => (true, inside.trim_start_matches(['#', '!'])),
                None => (false, after),
            };
            let end = start.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(start.len());
            let (name, behind) = start.split_at(end);
            rest = behind;
            let dotted = braced && behind.starts_with('.');
            if !dotted && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                return Some(name);
            }
        }
    })
}
