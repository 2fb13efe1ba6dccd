//! `.env` files.
//!
//! ```text
//! line     = [ "export" ] KEY "=" value [ "#" comment ] | "#" comment | nothing
//! value    = "'" literal, may span lines "'"
//!          | '"' text with \n \t \" \\ \$ \u0041 …, interpolated, may span lines '"'
//!          | text to the end of the line, interpolated; " #" begins a comment, spaces around are dropped
//! ```
//!
//! Values are interpolated by [`super::interpolate`], with the names above them in the file before what the
//! caller looks up. A byte order mark and CRLF are tolerated. It never reads a file or the environment, and
//! never guesses: a line that it does not understand is a fault with its line and column.

mod names;
mod template;

use std::collections::HashMap;

use self::names::Names;
use self::template::{Template, escape};
use super::interpolate::{self, Lookup, Mode};

/// How much longer than its text all values of a file together may get, in bytes.
pub(crate) const MAX_GROWTH: usize = 4 << 20;

/// After this many faults the rest of a file is not worth reading.
const MAX_FAULTS: usize = 100;

/// What is done with values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Raw {
    /// `raw: true`: each is everything after its `=`, to the end of the line, quotes and dollars included.
    Literal,
    /// The whole grammar.
    Expand,
}

/// A variable of a file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its name.
    pub(crate) key: String,
    /// Its value.
    pub(crate) value: String,
    /// The line of its name, the first is 1.
    pub(crate) line: usize,
    /// Whether the value refers to variables.
    pub(crate) interpolated: bool,
}

impl std::fmt::Debug for Entry {
    /// Without the value: it is often a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}=… (line {})", self.key, self.line)
    }
}

/// A mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The first line is 1.
    pub(crate) line: usize,
    /// In characters, the first is 1.
    pub(crate) column: usize,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
}

/// A lookup that is one function: for tests.
#[cfg(any(test, fuzzing))]
pub(crate) struct Plain<'a>(pub(crate) &'a dyn Fn(&str) -> Option<String>);

#[cfg(any(test, fuzzing))]
impl Lookup for Plain<'_> {
    fn var(&self, name: &str) -> Option<String> {
        (self.0)(name)
    }

    fn dotted(&self, path: &str) -> Result<String, String> {
        (self.0)(path).ok_or_else(|| format!("`{path}` is not known here"))
    }
}

/// The variables of a file, in its order; a name may come twice, the later one counts.
///
/// `lookup` is asked for what the lines above do not set, and for dotted names (`vars.X`) as they are.
#[cfg(any(test, fuzzing))]
pub(crate) fn parse(
    text: &str,
    raw: Raw,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<Entry>, Vec<Fault>> {
    let (entries, faults) = parse_all(text, raw, &Plain(lookup));
    if faults.is_empty() { Ok(entries) } else { Err(faults) }
}

/// The variables of a file, in its order (a name may come twice, the later one counts), and its faults. A line
/// whose value is faulty gives its name with an empty value, so that whoever goes on to look for more mistakes
/// does not find it «not set».
///
/// `lookup` is asked for what the lines above do not set, and for dotted names (`vars.X`).
pub(crate) fn parse_all(text: &str, raw: Raw, lookup: &dyn Lookup) -> (Vec<Entry>, Vec<Fault>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = vec![0];
    lines.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
    let mut parser = Parser {
        text,
        raw,
        lookup,
        at: 0,
        lines,
        entries: Vec::new(),
        known: HashMap::new(),
        room: text.len() + MAX_GROWTH,
        faults: Vec::new(),
    };
    parser.run();
    (parser.entries, parser.faults)
}

/// A mistake at a byte of the text.
struct At(usize, String, Option<String>);

impl At {
    fn new(at: usize, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self(at, message.into(), Some(help.into()))
    }
}

struct Parser<'a> {
    text: &'a str,
    raw: Raw,
    lookup: &'a dyn Lookup,
    at: usize,
    /// Where each line begins.
    lines: Vec<usize>,
    entries: Vec<Entry>,
    /// Which entry has the value of a name so far.
    known: HashMap<&'a str, usize>,
    /// Bytes that values may still take.
    room: usize,
    faults: Vec<Fault>,
}

impl<'a> Parser<'a> {
    fn run(&mut self) {
        while self.at < self.text.len() && self.faults.len() < MAX_FAULTS {
            self.skip_blanks();
            match self.byte() {
                None => return,
                Some(b'\n') => self.at += 1,
                Some(b'#') => self.at = self.line_end(self.at),
                Some(_) => {
                    let resume = self.line_end(self.at);
                    if let Err(faults) = self.entry() {
                        for At(at, message, help) in faults {
                            let (line, column) = self.position(at);
                            self.faults.push(Fault { line, column, message, help });
                        }
                        self.at = self.at.max(resume);
                    }
                }
            }
        }
    }

    fn entry(&mut self) -> Result<(), Vec<At>> {
        let (key, start) = self.key().map_err(|fault| vec![fault])?;
        let end = self.at;
        self.skip_blanks();
        if self.byte() != Some(b'=') {
            let message = format!("`{key}` is not followed by `=`");
            let help = match self.byte() {
                Some(b':') => format!("write `{key}=value`"),
                _ => format!("write `{key}=value`; for an empty value `{key}=`"),
            };
            return Err(vec![At::new(end, message, help)]);
        }
        self.at += 1;
        let assigned = self.assign(key, start);
        // A reference to a faulty value is not a second fault.
        let (value, interpolated, faults) = match assigned {
            Ok((value, interpolated)) => (value, interpolated, Ok(())),
            Err(faults) => (String::new(), false, Err(faults)),
        };
        let line = self.position(start).0;
        self.known.insert(key, self.entries.len());
        self.entries.push(Entry { key: key.to_owned(), value, line, interpolated });
        faults
    }

    /// What follows the `=`: the value, and whether it refers to variables.
    fn assign(&mut self, key: &str, start: usize) -> Result<(String, bool), Vec<At>> {
        let (value, interpolated) = match self.raw {
            Raw::Literal => (self.raw_value(), false),
            Raw::Expand => self.value()?,
        };
        if value.contains('\0') {
            let message = format!("the value of `{key}` holds a NUL byte");
            return Err(vec![At::new(start, message, "no environment can hold one")]);
        }
        let Some(room) = self.room.checked_sub(value.len()) else {
            // The rest would only say the same.
            self.at = self.text.len();
            let message =
                format!("the values up to here are more than {} MiB longer than their text", MAX_GROWTH >> 20);
            return Err(vec![At::new(start, message, "references multiply: put large data into a file")]);
        };
        self.room = room;
        Ok((value, interpolated))
    }

    /// The name, and where it begins. `export` in front of one is dropped.
    fn key(&mut self) -> Result<(&'a str, usize), At> {
        let mut start = self.at;
        let mut key = self.word();
        if key == "export" && matches!(self.byte(), Some(b' ' | b'\t')) {
            let end = self.at;
            self.skip_blanks();
            match self.byte() {
                // A variable that is called `export`.
                Some(b'=') => self.at = end,
                None | Some(b'\n') => {
                    return Err(At::new(start, "`export` is not followed by a name", "write `export NAME=value`"));
                }
                Some(_) => {
                    start = self.at;
                    key = self.word();
                }
            }
        }
        if key.is_empty() {
            let message = match self.text[start..].chars().next() {
                Some(seen) if !seen.is_control() => format!("a name cannot begin with `{seen}`"),
                _ => "a name cannot begin with a control character".to_owned(),
            };
            return Err(At::new(start, message, "a line is `NAME=value`, or a comment after `#`"));
        }
        Ok((key, start))
    }

    /// `.` and `-` are allowed: other programs' variables have them, although no shell can set them.
    fn word(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let first = rest.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let end = if first { rest.find(|c| !is_part(c)).unwrap_or(rest.len()) } else { 0 };
        self.at += end;
        &rest[..end]
    }

    fn raw_value(&mut self) -> String {
        let end = self.line_end(self.at);
        let value = &self.text[self.at..end];
        self.at = end;
        value.strip_suffix('\r').unwrap_or(value).to_owned()
    }

    /// The value, and whether it refers to variables.
    fn value(&mut self) -> Result<(String, bool), Vec<At>> {
        let after_equals = self.at;
        self.skip_blanks();
        match self.byte() {
            Some(b'\'') => {
                let value = self.single_quoted().map_err(|fault| vec![fault])?;
                Ok((value, false))
            }
            Some(b'"') => {
                let template = self.double_quoted().map_err(|fault| vec![fault])?;
                self.expand(&template)
            }
            _ => {
                let template = self.unquoted(after_equals);
                self.expand(&template)
            }
        }
    }

    fn single_quoted(&mut self) -> Result<String, At> {
        let start = self.at;
        let Some(length) = self.text[start + 1..].find('\'') else {
            return Err(At::new(start, "this single quote is never closed", "a `'` is missing"));
        };
        let value = self.text[start + 1..start + 1 + length].replace("\r\n", "\n");
        self.at = start + length + 2;
        self.after_quote(start, "single quotes have no escapes: for a `'` inside, use double quotes")?;
        Ok(value)
    }

    fn double_quoted(&mut self) -> Result<Template, At> {
        let start = self.at;
        let mut template = Template::default();
        let mut at = start + 1;
        loop {
            let Some(length) = self.text[at..].find(['"', '\\', '\r']) else {
                return Err(At::new(start, "this double quote is never closed", "a `\"` is missing"));
            };
            let plain = &self.text[at..at + length];
            template.push(plain, at);
            at += length;
            let dollars = plain.bytes().rev().take_while(|byte| *byte == b'$').count();
            match self.text.as_bytes()[at] {
                b'"' => break,
                // Together with what the escape stands for it would become something else.
                b'\\' if dollars % 2 == 1 => {
                    self.at = self.line_end(at);
                    return Err(At::new(at - 1, "a lone `$`", "write `\\$` for a dollar"));
                }
                b'\\' => {
                    let (replacement, length) = escape(&self.text[at..]);
                    template.push(&replacement, at);
                    at += length;
                }
                _ => {
                    let crlf = self.text[at..].starts_with("\r\n");
                    template.push(if crlf { "" } else { "\r" }, at);
                    at += 1;
                }
            }
        }
        self.at = at + 1;
        self.after_quote(start, "for a `\"` inside, write `\\\"`")?;
        Ok(template)
    }

    /// Nothing but blanks and a comment may follow a closing quote.
    fn after_quote(&mut self, opening: usize, help: &str) -> Result<(), At> {
        let closing = self.at;
        let end = self.line_end(closing);
        let rest = &self.text[closing..end];
        self.at = end;
        let comment = rest.trim_start().starts_with('#') && rest.starts_with([' ', '\t']);
        if comment || rest.trim().is_empty() {
            return Ok(());
        }
        let (line, _) = self.position(opening);
        let message = if self.position(closing).0 == line {
            "text follows the closing quote".to_owned()
        } else {
            format!("text follows the closing quote of the value that began on line {line}")
        };
        Err(At::new(closing, message, help))
    }

    fn unquoted(&mut self, after_equals: usize) -> Template {
        let end = self.line_end(self.at);
        let whole = &self.text[after_equals..end];
        self.at = end;
        let comment = memchr::memchr_iter(b'#', whole.as_bytes())
            .find(|at| *at > 0 && matches!(whole.as_bytes()[at - 1], b' ' | b'\t'));
        let kept = &whole[..comment.unwrap_or(whole.len())];
        let begins = after_equals + kept.len() - kept.trim_start().len();
        let mut template = Template::default();
        template.push(kept.trim(), begins);
        template
    }

    fn expand(&self, template: &Template) -> Result<(String, bool), Vec<At>> {
        let names = Names::of(self);
        match interpolate::expand(&template.text, Mode::Full, &names) {
            Ok(value) => Ok((value, names.were_used())),
            Err(faults) => Err(faults
                .into_iter()
                .map(|fault| {
                    let help = fault.help.map(|help| format!("{help}; in single quotes everything is literal"));
                    At(template.in_file(fault.range.start), fault.message, help)
                })
                .collect()),
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    /// Where the line of `at` ends, at its newline or the end of the text.
    fn line_end(&self, at: usize) -> usize {
        memchr::memchr(b'\n', &self.text.as_bytes()[at..]).map_or(self.text.len(), |length| at + length)
    }

    fn position(&self, at: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= at);
        let start = self.lines[line - 1];
        (line, self.text[start..at].chars().count() + 1)
    }
}

#[cfg(test)]
mod tests;
