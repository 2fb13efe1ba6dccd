//! Values of a `.env` file on their way to interpolation: escapes replaced, places remembered.

/// A value to be interpolated, and where its parts stand in the file.
#[derive(Default)]
pub(super) struct Template {
    pub(super) text: String,
    /// (byte in `text`, byte in the file) where the two begin to run in step.
    steps: Vec<(usize, usize)>,
}

impl Template {
    /// Adds `text`, which stands for what begins at `from` in the file.
    pub(super) fn push(&mut self, text: &str, from: usize) {
        self.steps.push((self.text.len(), from));
        self.text.push_str(text);
    }

    /// Where byte `at` of the template stands in the file.
    pub(super) fn in_file(&self, at: usize) -> usize {
        let next = self.steps.partition_point(|(start, _)| *start <= at);
        next.checked_sub(1).map_or(0, |index| self.steps[index].1 + at - self.steps[index].0)
    }
}

/// What the escape at the start of `text` stands for, as template text, and its length in the file.
///
/// One that is unknown stands for itself, backslash included, as in a shell: `"C:\dir"`.
pub(super) fn escape(text: &str) -> (String, usize) {
    let plain = |value: &str, length| (value.to_owned(), length);
    match text.as_bytes().get(1) {
        Some(b'n') => plain("\n", 2),
        Some(b'r') => plain("\r", 2),
        Some(b't') => plain("\t", 2),
        Some(b'a') => plain("\u{7}", 2),
        Some(b'b') => plain("\u{8}", 2),
        Some(b'f') => plain("\u{c}", 2),
        Some(b'v') => plain("\u{b}", 2),
        Some(b'$') => plain("$$", 2),
        Some(b'"') => plain("\"", 2),
        Some(b'`') => plain("`", 2),
        Some(b'\\') => plain("\\", 2),
        // A line that goes on, as in a shell.
        Some(b'\n') => plain("", 2),
        Some(b'\r') if text[2..].starts_with('\n') => plain("", 3),
        Some(b'u') => {
            let digits = text.get(2..6).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            match code.and_then(char::from_u32) {
                Some('$') => plain("$$", 6),
                Some(character) => (character.to_string(), 6),
                None => plain("\\", 1),
            }
        }
        _ => plain("\\", 1),
    }
}
