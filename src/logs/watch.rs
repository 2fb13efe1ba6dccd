//! Patterns that a run's lines are matched against (readiness and liveness by log). Says which matched, nothing more.

use regex::bytes::Regex;

use super::ansi::strip_ansi;

/// The patterns of one run.
#[derive(Debug, Default)]
pub(super) struct Watch {
    patterns: Vec<(u8, Regex)>,
    /// Tags that matched since the last `take`, each once.
    matched: Vec<u8>,
}

impl Watch {
    pub(super) const fn new(patterns: Vec<(u8, Regex)>) -> Self {
        Self { patterns, matched: Vec::new() }
    }

    /// Whether there is anything to match.
    pub(super) const fn is_idle(&self) -> bool {
        self.patterns.is_empty()
    }

    /// No more matches for `tag`.
    pub(super) fn remove(&mut self, tag: u8) {
        self.patterns.retain(|(other, _)| *other != tag);
    }

    /// Matches one line, without terminal codes and without its `\r`. A pattern that matched already is not tried.
    pub(super) fn line(&mut self, text: &[u8]) {
        let Self { patterns, matched } = self;
        if patterns.iter().all(|(tag, _)| matched.contains(tag)) {
            return;
        }
        let plain = strip_ansi(text);
        let plain = plain.strip_suffix(b"\r").unwrap_or(&plain);
        for (tag, pattern) in patterns {
            if !matched.contains(tag) && pattern.is_match(plain) {
                matched.push(*tag);
            }
        }
    }

    /// The tags that matched since the last call.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.matched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_once_per_take_without_colours() {
        let mut watch = Watch::new(vec![(1, Regex::new("^ready$").unwrap()), (2, Regex::new("beat").unwrap())]);
        watch.line(b"not ready");
        assert!(watch.take().is_empty());
        watch.line(b"\x1b[32mready\x1b[0m\r");
        watch.line(b"beat");
        watch.line(b"beat");
        assert_eq!(watch.take(), [1, 2]);
        watch.remove(1);
        watch.line(b"ready");
        assert!(watch.take().is_empty());
        watch.remove(2);
        assert!(watch.is_idle());
    }
}
