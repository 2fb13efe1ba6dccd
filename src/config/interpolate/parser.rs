//! The parser of interpolation: text to pieces, by recursive descent. Its grammar is in [`super`].
//!
//! It goes on after a fault where it can, so that all of them are found. It never evaluates anything.

use std::ops::Range;

use super::{Fault, MAX_FAULTS, Mode};

/// How deep words may be nested. People write 2; the limit is there for the stack.
pub(super) const MAX_DEPTH: usize = 32;

/// The first words of dotted names: in a string command only these are tspm's.
pub(super) const HEADS: [&str; 3] = ["vars", "project", "service"];

/// A piece of a parsed text. Ranges are bytes of the text.
pub(super) enum Piece {
    /// As it stands.
    Text(Range<usize>),
    /// `$$`.
    Dollar,
    /// `$NAME` or `${NAME…}`.
    Variable { whole: Range<usize>, name: Range<usize>, form: Form },
    /// `${path}`: the range of the path, without the braces.
    Dotted(Range<usize>),
}

pub(super) enum Form {
    Plain,
    Word { action: Action, empty: Empty, word: Vec<Piece> },
}

/// What is done with the word.
#[derive(Clone, Copy)]
pub(super) enum Action {
    /// `-`: it stands in for a missing value.
    Default,
    /// `+`: it replaces a value that is there.
    Replace,
    /// `?`: it is the message when the value is missing.
    Require,
}

/// What an empty value counts as.
#[derive(Clone, Copy)]
pub(super) enum Empty {
    Value,
    Missing,
}

/// The parser stops before the end.
enum Stop {
    /// The text ended inside a word, and nobody has said so yet.
    Unclosed,
    /// The reason is among the faults.
    Told,
}

pub(super) fn parse(text: &str, mode: Mode) -> (Vec<Piece>, Vec<Fault>) {
    let mut parser = Parser { text, at: 0, faults: Vec::new() };
    let mut pieces = Vec::new();
    match mode {
        // Stopped or not: what was read so far is worth having, and the faults say the rest.
        Mode::Full => drop(parser.pieces(0, &mut pieces)),
        Mode::DottedOnly => drop(parser.dotted_pieces(&mut pieces)),
    }
    (pieces, parser.faults)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    faults: Vec<Fault>,
}

impl Parser<'_> {
    /// Pieces up to the end (depth 0) or to the brace that closes this word, which is consumed.
    fn pieces(&mut self, depth: usize, pieces: &mut Vec<Piece>) -> Result<(), Stop> {
        let mut plain = self.at;
        let mut braces = 0_usize;
        while let Some(byte) = self.byte(self.at) {
            match byte {
                b'$' => {
                    push_text(pieces, plain..self.at);
                    pieces.extend(self.dollar(depth)?);
                    plain = self.at;
                    continue;
                }
                b'{' if depth > 0 => braces += 1,
                b'}' if depth > 0 && braces == 0 => {
                    push_text(pieces, plain..self.at);
                    self.at += 1;
                    return Ok(());
                }
                b'}' if depth > 0 => braces -= 1,
                _ => {}
            }
            self.at += 1;
        }
        push_text(pieces, plain..self.at);
        if depth == 0 { Ok(()) } else { Err(Stop::Unclosed) }
    }

    /// What a `$` begins. None: a fault, noted, and the text goes on behind it.
    fn dollar(&mut self, depth: usize) -> Result<Option<Piece>, Stop> {
        let start = self.at;
        match self.byte(start + 1) {
            Some(b'$') => {
                self.at = start + 2;
                Ok(Some(Piece::Dollar))
            }
            Some(b'{') => self.braced(start, depth),
            _ => {
                let name = self.name(start + 1);
                self.at = name.end;
                if !name.is_empty() {
                    return Ok(Some(Piece::Variable { whole: start..name.end, name, form: Form::Plain }));
                }
                let message = match self.text[name.end..].chars().next() {
                    Some(next) if !next.is_whitespace() => format!("`${next}` is no variable"),
                    _ => "a lone `$`".to_owned(),
                };
                self.fault(start..start + 1, message, "write `$$` for a dollar")?;
                Ok(None)
            }
        }
    }

    /// `${…}`, from its dollar at `start`.
    fn braced(&mut self, start: usize, depth: usize) -> Result<Option<Piece>, Stop> {
        if let Some(path) = self.path(start + 2) {
            return self.dotted(start, path);
        }
        let name = self.name(start + 2);
        self.at = name.end;
        let opening = start..name.end;
        if name.is_empty() {
            self.fault(opening.clone(), "`${` is not followed by a name".to_owned(), "write `$${` for `${`")?;
            return self.skip_word(opening);
        }
        if self.byte(name.end) == Some(b'}') {
            self.at += 1;
            return Ok(Some(Piece::Variable { whole: start..self.at, name, form: Form::Plain }));
        }
        let Some((action, empty, length)) = self.operator(name.end) else {
            if name.end < self.text.len() {
                let seen = &self.text[name];
                let message = format!("`{seen}` is followed by none of `}}`, `:-`, `-`, `:+`, `+`, `:?`, `?`");
                self.fault(opening.clone(), message, &format!("for a default, write `${{{seen}:-value}}`"))?;
            }
            return self.skip_word(opening);
        };
        if depth == MAX_DEPTH {
            let message = format!("nested more than {MAX_DEPTH} deep");
            self.fault(opening, message, "set a variable for a part of it")?;
            return Err(Stop::Told);
        }
        self.at = name.end + length;
        let mut word = Vec::new();
        match self.pieces(depth + 1, &mut word) {
            Ok(()) => {
                let form = Form::Word { action, empty, word };
                Ok(Some(Piece::Variable { whole: start..self.at, name, form }))
            }
            Err(Stop::Unclosed) => Err(self.unclosed(&opening)),
            Err(Stop::Told) => Err(Stop::Told),
        }
    }

    /// `${path}`, from its dollar at `start`.
    fn dotted(&mut self, start: usize, path: Range<usize>) -> Result<Option<Piece>, Stop> {
        self.at = path.end;
        if self.byte(path.end) == Some(b'}') {
            self.at += 1;
            return Ok(Some(Piece::Dotted(path)));
        }
        let opening = start..path.end;
        if path.end < self.text.len() {
            let seen = &self.text[path];
            let message = format!("`{seen}` can only be followed by `}}`: a dotted name takes no default");
            self.fault(opening.clone(), message, &format!("write `${{{seen}}}`"))?;
        }
        self.skip_word(opening)
    }

    /// After a fault inside `${`: goes on behind the `}` that closes it.
    fn skip_word(&mut self, opening: Range<usize>) -> Result<Option<Piece>, Stop> {
        let mut braces = 0_usize;
        while let Some(byte) = self.byte(self.at) {
            self.at += 1;
            match byte {
                b'{' => braces += 1,
                b'}' if braces == 0 => return Ok(None),
                b'}' => braces -= 1,
                _ => {}
            }
        }
        Err(self.unclosed(&opening))
    }

    fn unclosed(&mut self, opening: &Range<usize>) -> Stop {
        let seen = self.text[opening.clone()].to_owned();
        let message = format!("`{seen}` is never closed");
        drop(self.fault(opening.clone(), message, "a `}` is missing; braces inside a word come in pairs"));
        Stop::Told
    }

    /// [`Mode::DottedOnly`]: one pass, everything but a dotted name of ours is text.
    fn dotted_pieces(&mut self, pieces: &mut Vec<Piece>) -> Result<(), Stop> {
        let mut plain = 0;
        while let Some(byte) = self.byte(self.at) {
            let start = self.at;
            match (byte, self.byte(start + 1)) {
                (b'\\' | b'$', Some(b'$')) | (b'\\', Some(b'\\')) => self.at += 2,
                (b'$', Some(b'{')) => match self.path(start + 2).filter(|path| self.is_ours(path)) {
                    Some(path) => {
                        push_text(pieces, plain..start);
                        pieces.extend(self.dotted(start, path)?);
                        plain = self.at;
                    }
                    None => self.at += 2,
                },
                _ => self.at += 1,
            }
        }
        push_text(pieces, plain..self.at);
        Ok(())
    }

    /// Whether the shell must not see this one: it has one of our first words, and what follows makes it a
    /// dotted name or a try at one (other languages have `${service.x || 1}`).
    fn is_ours(&self, path: &Range<usize>) -> bool {
        let head = self.text[path.clone()].split('.').next().unwrap_or_default();
        let tried = self.byte(path.end) == Some(b':') && self.operator(path.end).is_some();
        HEADS.contains(&head) && (self.byte(path.end) == Some(b'}') || tried)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// The name at `at`; empty if there is none.
    fn name(&self, at: usize) -> Range<usize> {
        let bytes = &self.text.as_bytes()[at..];
        let length = match bytes.first() {
            Some(first) if first.is_ascii_alphabetic() || *first == b'_' => {
                bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count()
            }
            _ => 0,
        };
        at..at + length
    }

    /// The dotted name at `at`. Segments may hold `-` (service names do).
    fn path(&self, at: usize) -> Option<Range<usize>> {
        let head = self.name(at);
        if head.is_empty() || self.byte(head.end) != Some(b'.') {
            return None;
        }
        let rest = &self.text.as_bytes()[head.end..];
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        Some(at..head.end + rest.iter().take_while(is_part).count())
    }

    /// The operator at `at`, and its length.
    fn operator(&self, at: usize) -> Option<(Action, Empty, usize)> {
        let (empty, colon) = match self.byte(at)? {
            b':' => (Empty::Missing, 1),
            _ => (Empty::Value, 0),
        };
        let action = match self.byte(at + colon)? {
            b'-' => Action::Default,
            b'+' => Action::Replace,
            b'?' => Action::Require,
            _ => return None,
        };
        Some((action, empty, colon + 1))
    }

    fn fault(&mut self, range: Range<usize>, message: String, help: &str) -> Result<(), Stop> {
        self.faults.push(Fault { range, message, help: Some(help.to_owned()) });
        if self.faults.len() < MAX_FAULTS { Ok(()) } else { Err(Stop::Told) }
    }
}

fn push_text(pieces: &mut Vec<Piece>, range: Range<usize>) {
    if !range.is_empty() {
        pieces.push(Piece::Text(range));
    }
}
