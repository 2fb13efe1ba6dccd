//! A run of `tspm` that is over.

use std::time::Duration;

/// How it ended and what it said.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    /// Its arguments, for messages.
    pub(crate) line: String,
    /// Its exit code; none: a signal ended it.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
    /// From its start to its end.
    pub(crate) took: Duration,
}

impl Ran {
    /// It exited with this code.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert!(self.code == Some(expected), "expected exit code {expected} of {self}");
        self
    }

    /// It exited with 0.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.code(0)
    }

    /// Ctrl-C ended it: by itself, or by the signal (a shell makes 130 of either).
    #[track_caller]
    pub(crate) fn interrupted(self) -> Self {
        assert!(self.code == Some(130) || self.signal == Some(2), "expected the end by Ctrl-C of {self}");
        self
    }

    /// It said all of these somewhere, whatever the case.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        let said = format!("{}{}", self.stdout, self.stderr).to_lowercase();
        for part in parts {
            assert!(said.contains(&part.to_lowercase()), "expected `{part}` from {self}");
        }
        self
    }

    /// It said none of these anywhere, whatever the case.
    #[track_caller]
    pub(crate) fn never_says(self, parts: &[&str]) -> Self {
        let said = format!("{}{}", self.stdout, self.stderr).to_lowercase();
        for part in parts {
            assert!(!said.contains(&part.to_lowercase()), "expected no `{part}` from {self}");
        }
        self
    }

    /// Its standard output as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|problem| panic!("no JSON ({problem}) from {self}"))
    }

    /// Its standard output as one JSON value per line.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| {
            serde_json::from_str(line)
                .unwrap_or_else(|problem| panic!("no JSON ({problem}) in `{line}` from {self}"))
        };
        self.stdout.lines().map(parse).collect()
    }

    /// Lines of standard output.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, code, signal, stdout, stderr, took } = self;
        write!(
            f,
            "`{line}` (exit {code:?}, signal {signal:?}, after {took:?})\n── stdout\n{stdout}\n── stderr\n{stderr}"
        )
    }
}
