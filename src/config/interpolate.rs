//! compose's interpolation grammar, whole, and tspm's dotted names beside it.
//!
//! ```text
//! text   = { plain | "$$" | "$" NAME | "${" NAME "}" | "${" NAME op word "}" | "${" path "}" }
//! op     = [":"] ("-" | "+" | "?")                 with ":" an empty value counts as unset
//! word   = text, up to the "}" that closes it      plain "{" and "}" inside a word come in pairs
//! NAME   = [A-Za-z_][A-Za-z0-9_]*
//! path   = NAME "." [A-Za-z0-9_.-]+                `vars.X`, `service.api.port.http`
//! ```
//!
//! Two steps: a recursive-descent parser makes pieces of the text (and finds every mistake in it), then
//! the pieces are evaluated. Values are never parsed again, so what a variable holds can never become
//! syntax. It never looks into the environment by itself, never overflows the stack (nesting is limited)
//! and never exhausts memory (the result is limited): both are faults.

mod parser;

use std::ops::Range;

use self::parser::{Action, Empty, Form, HEADS, Piece, parse};

/// How much longer than its text a result may get, in bytes. Linux takes 128 KiB per environment string.
pub(crate) const MAX_GROWTH: usize = 1 << 20;

/// After this many faults in one value the rest is not worth reading.
const MAX_FAULTS: usize = 50;

/// Where values come from.
pub(crate) trait Lookup {
    /// The variable `name`; none: it is not set.
    fn var(&self, name: &str) -> Option<String>;

    /// The dotted name `path`, for instance `service.api.port`. `Err` says why there is none.
    fn dotted(&self, path: &str) -> Result<String, String>;

    /// What whoever wrote `name`, which is not set, probably meant: a next step.
    fn hint(&self, _name: &str) -> Option<String> {
        None
    }
}

/// What is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The whole grammar.
    Full,
    /// Only `${vars.…}`, `${project.…}` and `${service.…}`: string commands, which otherwise belong to the
    /// shell as they stand. `$$` and `\$` belong to it too, and what follows them is then no dotted name (not
    /// in single quotes either: quotes are the shell's, and are not looked at).
    DottedOnly,
}

/// A mistake in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where, in bytes of the text.
    pub(crate) range: Range<usize>,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
}

/// `text` with everything replaced that `mode` says, or every fault in it, in order.
pub(crate) fn expand(text: &str, mode: Mode, lookup: &dyn Lookup) -> Result<String, Vec<Fault>> {
    let (pieces, faults) = parse(text, mode);
    let mut evaluation = Evaluation { text, mode, lookup, faults };
    let mut out = String::with_capacity(text.len());
    // With faults already found this still runs, to find the unset variables too. Its `Err` is among them.
    drop(evaluation.append(&pieces, &mut out));
    let mut faults = evaluation.faults;
    if faults.is_empty() {
        return Ok(out);
    }
    faults.sort_by_key(|fault| (fault.range.start, fault.range.end));
    faults.truncate(MAX_FAULTS);
    Err(faults)
}

/// The names and dotted names that `text` uses, also those inside words, each once, in order.
pub(crate) fn references(text: &str, mode: Mode) -> Vec<String> {
    fn collect(text: &str, pieces: &[Piece], names: &mut Vec<String>) {
        for piece in pieces {
            let (name, word) = match piece {
                Piece::Text(_) | Piece::Dollar => continue,
                Piece::Dotted(path) => (path, None),
                Piece::Variable { name, form: Form::Plain, .. } => (name, None),
                Piece::Variable { name, form: Form::Word { word, .. }, .. } => (name, Some(word)),
            };
            let name = &text[name.clone()];
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
            if let Some(word) = word {
                collect(text, word, names);
            }
        }
    }
    let mut names = Vec::new();
    collect(text, &parse(text, mode).0, &mut names);
    names
}

/// The evaluation stops: the result is too long.
struct TooLong;

struct Evaluation<'a> {
    text: &'a str,
    mode: Mode,
    lookup: &'a dyn Lookup,
    faults: Vec<Fault>,
}

impl Evaluation<'_> {
    fn append(&mut self, pieces: &[Piece], out: &mut String) -> Result<(), TooLong> {
        for piece in pieces {
            match piece {
                Piece::Text(range) => self.push(range, &self.text[range.clone()], out)?,
                Piece::Dollar => out.push('$'),
                Piece::Dotted(path) => match self.lookup.dotted(&self.text[path.clone()]) {
                    Ok(value) => self.push(path, &value, out)?,
                    Err(message) => {
                        let help = match self.mode {
                            Mode::Full => None,
                            Mode::DottedOnly => Some(self.help_foreign(path)),
                        };
                        self.fault(path, message, help);
                    }
                },
                Piece::Variable { whole, name, form } => self.variable(whole, name, form, out)?,
            }
        }
        Ok(())
    }

    fn variable(
        &mut self,
        whole: &Range<usize>,
        name: &Range<usize>,
        form: &Form,
        out: &mut String,
    ) -> Result<(), TooLong> {
        let text = self.text;
        let value = self.lookup.var(&text[name.clone()]);
        let Form::Word { action, empty, word } = form else {
            let Some(value) = value else {
                let help = self.help_unset(whole, name);
                self.fault(whole, format!("`{}` is not set", &text[name.clone()]), Some(help));
                return Ok(());
            };
            return self.push(whole, &value, out);
        };
        let value = match empty {
            Empty::Value => value,
            Empty::Missing => value.filter(|value| !value.is_empty()),
        };
        match (action, value) {
            (Action::Default | Action::Require, Some(value)) => self.push(whole, &value, out),
            (Action::Default, None) | (Action::Replace, Some(_)) => self.append(word, out),
            (Action::Replace, None) => Ok(()),
            (Action::Require, None) => {
                let mut message = format!("`{}` is required", &text[name.clone()]);
                let plain = message.len();
                message.push_str(": ");
                self.append(word, &mut message)?;
                if word.is_empty() {
                    message.truncate(plain);
                }
                self.fault(whole, message, None);
                Ok(())
            }
        }
    }

    /// `${service.name}` in a command may be meant for JavaScript.
    fn help_foreign(&self, path: &Range<usize>) -> String {
        format!("if it belongs to another language, put a space into it: `${{ {} }}`", &self.text[path.clone()])
    }

    fn help_unset(&self, whole: &Range<usize>, name: &Range<usize>) -> String {
        let seen = &self.text[name.clone()];
        let bare = whole.end == name.end;
        if bare && HEADS.contains(&seen) && self.text[whole.end..].starts_with('.') {
            return format!("a dotted name needs braces: `${{{seen}.…}}`");
        }
        if let Some(hint) = self.lookup.hint(seen) {
            return hint;
        }
        format!("set it, give it a default with `${{{seen}:-value}}`, or write `$$` for a dollar")
    }

    fn push(&mut self, range: &Range<usize>, value: &str, out: &mut String) -> Result<(), TooLong> {
        if out.len() + value.len() > self.text.len() + MAX_GROWTH {
            let message = format!("the result is more than {} KiB longer than its text", MAX_GROWTH >> 10);
            self.fault(range, message, Some("put large data into a file".to_owned()));
            return Err(TooLong);
        }
        out.push_str(value);
        Ok(())
    }

    fn fault(&mut self, range: &Range<usize>, message: String, help: Option<String>) {
        // The parser's own are at most as many: the first ones of both together are kept.
        if self.faults.len() < 2 * MAX_FAULTS {
            self.faults.push(Fault { range: range.clone(), message, help });
        }
    }
}

#[cfg(test)]
mod tests;
