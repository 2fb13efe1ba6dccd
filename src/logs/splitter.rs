//! Bytes into lines, however they are cut into chunks. Never looks at what a line says.
//!
//! A line of more than [`MAX_PIECE`] bytes becomes several pieces, all but the last `Part`. How the input was
//! chunked makes no difference to the pieces: a piece is cut only once it is known that more follows.

use memchr::{memchr, memchr_iter};

/// The most bytes of a line in one piece: containerd's and docker's limit.
pub(crate) const MAX_PIECE: usize = 16 << 10;

/// A carry buffer larger than this is given back as soon as it is empty.
const KEEP: usize = 512;

/// What ends a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The line ends here (CRI's `F`).
    Full,
    /// The line goes on in the next piece (CRI's `P`).
    Part,
}

/// The unfinished line of one stream.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    /// At most `MAX_PIECE` bytes, allocated only while a line is unfinished.
    carry: Vec<u8>,
}

impl Splitter {
    /// Takes `chunk`; calls `out` with each piece that is complete, without its newline.
    pub(crate) fn feed(&mut self, chunk: &[u8], out: &mut impl FnMut(&[u8], End)) {
        let mut rest = chunk;
        if !self.carry.is_empty() {
            let Some(at) = memchr(b'\n', rest) else {
                return self.absorb(rest, out);
            };
            self.absorb(&rest[..at], out);
            rest = &rest[at + 1..];
            self.finish(out);
        }
        let mut start = 0;
        for newline in memchr_iter(b'\n', rest) {
            let mut line = &rest[start..newline];
            while line.len() > MAX_PIECE {
                let (piece, more) = line.split_at(cut(line));
                out(piece, End::Part);
                line = more;
            }
            out(line, End::Full);
            start = newline + 1;
        }
        self.absorb(&rest[start..], out);
    }

    /// The stream ended: what is unfinished is a line too.
    pub(crate) fn finish(&mut self, out: &mut impl FnMut(&[u8], End)) {
        if !self.carry.is_empty() {
            out(&self.carry, End::Full);
            self.carry.clear();
            if self.carry.capacity() > KEEP {
                self.carry = Vec::new();
            }
        }
    }

    /// Takes bytes of an unfinished line.
    fn absorb(&mut self, mut bytes: &[u8], out: &mut impl FnMut(&[u8], End)) {
        while self.carry.len() + bytes.len() > MAX_PIECE {
            let (head, tail) = bytes.split_at(MAX_PIECE + 1 - self.carry.len());
            self.carry.extend_from_slice(head);
            bytes = tail;
            let at = cut(&self.carry);
            out(&self.carry[..at], End::Part);
            self.carry.drain(..at);
        }
        self.carry.extend_from_slice(bytes);
    }
}

/// Where to cut a line of more than `MAX_PIECE` bytes: there, or up to three bytes earlier, so that no UTF-8
/// character is torn (the JSON format holds text).
fn cut(line: &[u8]) -> usize {
    let continues = |at: usize| line[at] & 0xc0 == 0x80;
    (MAX_PIECE - 3..=MAX_PIECE).rev().find(|at| !continues(*at)).unwrap_or(MAX_PIECE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<(Vec<u8>, End)> {
        let mut splitter = Splitter::default();
        let mut found = Vec::new();
        for chunk in chunks {
            splitter.feed(chunk, &mut |text, end| found.push((text.to_vec(), end)));
        }
        splitter.finish(&mut |text, end| found.push((text.to_vec(), end)));
        found
    }

    #[test]
    fn table() {
        let full = |text: &[u8]| (text.to_vec(), End::Full);
        assert_eq!(pieces([&b""[..]]), []);
        assert_eq!(pieces([&b"\n"[..]]), [full(b"")]);
        assert_eq!(pieces([&b"a\nb"[..]]), [full(b"a"), full(b"b")]);
        assert_eq!(pieces([&b"a\r\n\0\xff\n"[..]]), [full(b"a\r"), full(b"\0\xff")]);
        assert_eq!(pieces([&b"a"[..], b"", b"b", b"\n", b"\n"]), [full(b"ab"), full(b"")]);
    }

    #[test]
    fn long_lines() {
        let exact = vec![b'x'; MAX_PIECE];
        assert_eq!(pieces([&exact[..], b"\n"]), [(exact.clone(), End::Full)]);
        assert_eq!(pieces([&exact[..]]), [(exact.clone(), End::Full)]);
        assert_eq!(pieces([&exact[..], b"y\n"]), [(exact.clone(), End::Part), (b"y".to_vec(), End::Full)]);
        let mut torn = vec![b'x'; MAX_PIECE - 1];
        torn.extend_from_slice("é\n".as_bytes());
        assert_eq!(pieces([&torn[..]])[1].0, "é".as_bytes());
    }

    /// Text rich in newlines, with runs long enough to be split.
    fn input() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20),
            Just(b"\n".to_vec()),
            (any::<u8>(), 0..3 * MAX_PIECE).prop_map(|(byte, len)| vec![byte; len]),
            (0..MAX_PIECE).prop_map(|len| "é".repeat(len).into_bytes()),
        ];
        prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]
        #[test]
        fn chunking_makes_no_difference(bytes in input(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40)) {
            let mut at: Vec<usize> = cuts.iter().map(|index| index.index(bytes.len() + 1)).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let whole = pieces([&bytes[..]]);
            prop_assert_eq!(&whole, &pieces(at.windows(2).map(|pair| &bytes[pair[0]..pair[1]])));
            let mut joined = Vec::new();
            for (text, end) in &whole {
                prop_assert!(text.len() <= MAX_PIECE && !text.contains(&b'\n'));
                joined.extend_from_slice(text);
                if *end == End::Full {
                    joined.push(b'\n');
                }
            }
            if bytes.last().is_some_and(|last| *last != b'\n') {
                joined.pop();
            }
            prop_assert_eq!(joined, bytes);
        }
    }
}
