//! Colours: whether, and which.
//!
//! Never writes: it wraps text. With colours off it returns the text as it is.

use std::io::IsTerminal;

use clap::ValueEnum;
use console::Style;

/// `--color`: `auto` is on a terminal unless `NO_COLOR` is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Color {
    // No doc comments: clap would make a paragraph of each in every `--help`.
    #[default]
    Auto,
    Always,
    Never,
}

/// Where text goes, as far as colours are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// Somebody looks at it.
    Terminal,
    /// A pipe, a file, a terminal that cannot (`TERM=dumb`).
    Plain,
}

impl Target {
    /// What standard output is.
    pub(crate) fn stdout() -> Self {
        Self::of(std::io::stdout().is_terminal())
    }

    /// What standard error is.
    pub(crate) fn stderr() -> Self {
        Self::of(std::io::stderr().is_terminal())
    }

    fn of(terminal: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if terminal && !dumb { Self::Terminal } else { Self::Plain }
    }
}

/// Puts colours on text, or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// No colours.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { on: false };

    /// Colours for `target`, by `--color` and `NO_COLOR` (any value but an empty one turns `auto` off).
    pub(crate) fn new(choice: Color, target: Target, no_color: Option<&std::ffi::OsStr>) -> Self {
        let on = match choice {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => target == Target::Terminal && no_color.is_none_or(std::ffi::OsStr::is_empty),
        };
        Self { on }
    }

    /// Whether there are any.
    pub(crate) const fn is_on(self) -> bool {
        self.on
    }

    /// Done, ready.
    pub(crate) fn good(self, text: &str) -> String {
        self.with(Style::new().green(), text)
    }

    /// Failed, killed, left.
    pub(crate) fn bad(self, text: &str) -> String {
        self.with(Style::new().red(), text)
    }

    /// On its way, or worth a look.
    pub(crate) fn warn(self, text: &str) -> String {
        self.with(Style::new().yellow(), text)
    }

    /// Beside the point.
    pub(crate) fn dim(self, text: &str) -> String {
        self.with(Style::new().dim(), text)
    }

    /// A heading.
    pub(crate) fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    /// `error:`.
    pub(crate) fn error(self, text: &str) -> String {
        self.with(Style::new().red().bold(), text)
    }

    /// A service's name: the same colour for the same name, in every command and every terminal.
    pub(crate) fn service(self, name: &str, text: &str) -> String {
        // FNV-1a: any hash would do, but this one stays the same from build to build.
        let hash = name.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
        let style = match hash % 6 {
            0 => Style::new().cyan(),
            1 => Style::new().magenta(),
            2 => Style::new().blue(),
            3 => Style::new().cyan().bright(),
            4 => Style::new().magenta().bright(),
            _ => Style::new().blue().bright(),
        };
        self.with(style, text)
    }

    fn with(self, style: Style, text: &str) -> String {
        if self.on { style.force_styling(true).apply_to(text).to_string() } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn colours_are_for_terminals_unless_told_otherwise() {
        let on =
            |choice, target, no_color: Option<&str>| Paint::new(choice, target, no_color.map(OsStr::new)).is_on();
        assert!(on(Color::Auto, Target::Terminal, None));
        assert!(on(Color::Auto, Target::Terminal, Some("")));
        assert!(!on(Color::Auto, Target::Terminal, Some("1")));
        assert!(!on(Color::Auto, Target::Plain, None));
        assert!(on(Color::Always, Target::Plain, Some("1")));
        assert!(!on(Color::Never, Target::Terminal, None));
    }

    #[test]
    fn a_name_keeps_its_colour_and_plain_text_stays_plain() {
        let paint = Paint { on: true };
        assert_eq!(paint.service("api", "x"), paint.service("api", "x"));
        assert!(paint.good("ready").starts_with("\u{1b}["));
        assert_eq!(Paint::PLAIN.good("ready"), "ready");
    }
}
