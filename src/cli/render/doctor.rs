//! `tspm doctor`: findings, good and bad.

use std::fmt::Write as _;

use serde::Serialize;

use crate::cli::term::Paint;

/// How good a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Grade {
    /// As it should be.
    Good,
    /// Worth knowing.
    Info,
    /// Works, but not as well as it could.
    Warning,
    /// Something will not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// `machine` or `project`.
    pub(crate) about: &'static str,
    /// What was looked at.
    pub(crate) what: &'static str,
    /// How good it is.
    pub(crate) grade: Grade,
    /// What was found.
    pub(crate) found: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
}

/// A line per finding, by subject.
pub(crate) fn text(findings: &[Finding], paint: Paint) -> String {
    let mut text = String::new();
    let mut about = "";
    for finding in findings {
        if finding.about != about {
            about = finding.about;
            let _ = writeln!(text, "{}", paint.bold(about));
        }
        let mark = match finding.grade {
            Grade::Good => paint.good("✔"),
            Grade::Info => paint.dim("·"),
            Grade::Warning => paint.warn("!"),
            Grade::Bad => paint.bad("✘"),
        };
        let _ = writeln!(text, "  {mark} {:<14} {}", finding.what, finding.found);
        if let Some(help) = &finding.help {
            let _ = writeln!(text, "    {:<14} {} {help}", "", paint.bold("help:"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_grouped_and_graded() {
        let finding = |about, what, grade, found: &str, help: Option<&str>| Finding {
            about,
            what,
            grade,
            found: found.into(),
            help: help.map(str::to_owned),
        };
        let findings = [
            finding("machine", "kernel", Grade::Good, "6.18", None),
            finding("project", "state folder", Grade::Bad, "not writable", Some("set TSPM_STATE_DIR")),
        ];
        assert_eq!(
            text(&findings, Paint::PLAIN),
            "machine\n  ✔ kernel         6.18\nproject\n  ✘ state folder   not writable\n                   \
             help: set TSPM_STATE_DIR\n"
        );
    }
}
