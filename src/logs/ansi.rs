//! Text without terminal codes: for patterns, `--grep`, and output that is no terminal.

use std::borrow::Cow;

use memchr::memchr;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

/// `text` without ANSI escape sequences: colours, cursor moves, titles, links. Borrowed where there are none.
pub fn strip_ansi(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr(ESC, text) else {
        return Cow::Borrowed(text);
    };
    let mut out = text[..first].to_vec();
    let mut rest = &text[first..];
    while !rest.is_empty() {
        rest = &rest[sequence(rest)..];
        let plain = memchr(ESC, rest).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        rest = &rest[plain..];
    }
    Cow::Owned(out)
}

/// The length of the sequence that `bytes` begins with (an ESC). One that is cut off goes to the end.
fn sequence(bytes: &[u8]) -> usize {
    let until = |start: usize, last: fn(&u8) -> bool| {
        bytes[start..].iter().position(last).map_or(bytes.len(), |at| start + at + 1)
    };
    match bytes.get(1) {
        Some(b'[') => until(2, |byte| (0x40..=0x7e).contains(byte)),
        // Operating system command, device control, application string …: up to BEL or ESC \.
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            match bytes[2..].iter().position(|byte| *byte == BEL || *byte == ESC) {
                None => bytes.len(),
                Some(at) if bytes[2 + at] == BEL => 3 + at,
                Some(at) if bytes.get(3 + at) == Some(&b'\\') => 4 + at,
                Some(at) => 2 + at,
            }
        }
        // Intermediates and a final byte: `ESC ( B`.
        Some(0x20..=0x2f) => until(2, |byte| (0x30..=0x7e).contains(byte)),
        Some(0x30..=0x7e) => 2,
        Some(_) | None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        for (text, plain) in [
            (&b"plain"[..], &b"plain"[..]),
            (b"\x1b[32mgreen\x1b[0m", b"green"),
            (b"a\x1b[1;38;5;9mb\x1b[Kc", b"abc"),
            (b"\x1b]0;title\x07x", b"x"),
            (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", b"link"),
            (b"\x1b(Bx\x1b=y\x1bMz", b"xyz"),
            (b"\x1b[31\xff", b""),
            (b"end\x1b", b"end"),
            (b"\x1b\x1b[0mx", b"x"),
            (b"\x1b\xffx", b"\xffx"),
        ] {
            assert_eq!(strip_ansi(text), plain, "{text:?}");
        }
    }
}
