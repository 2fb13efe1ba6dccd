//! A block of lines at the end of the terminal that is redrawn in place. Makes the bytes; never writes them.

/// What has been drawn.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    drawn: usize,
}

impl Screen {
    /// The bytes that put `above` (whole lines, they stay) and then `block` where the block was.
    pub(crate) fn draw(&mut self, above: &str, block: &[String]) -> Vec<u8> {
        let mut text = String::new();
        if self.drawn > 0 {
            // Up to the first line of the block, then clear to the end of the screen.
            text += &format!("\r\x1b[{}A\x1b[J", self.drawn);
        }
        text += above;
        if !above.is_empty() && !above.ends_with('\n') {
            text.push('\n');
        }
        for line in block {
            text += line;
            text.push('\n');
        }
        self.drawn = block.len();
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_replaces_itself() {
        let mut screen = Screen::default();
        let block = |text: &str| vec![text.to_owned(), "b".to_owned()];
        assert_eq!(screen.draw("", &block("a")), b"a\nb\n");
        assert_eq!(screen.draw("", &block("c")), b"\r\x1b[2A\x1b[Jc\nb\n");
        assert_eq!(screen.draw("note", &block("d")), b"\r\x1b[2A\x1b[Jnote\nd\nb\n");
        assert_eq!(Screen::default().draw("", &[]), b"");
    }
}
