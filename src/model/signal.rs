//! Signals by number and name.

use std::fmt;
use std::str::FromStr;

/// A signal that may be sent to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signal(i32);

/// The text names no signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no signal: write a name such as `SIGTERM` or `TERM`, or a number from 1 to 64")]
pub struct BadSignal(pub String);

/// Linux numbers on every architecture that Debian builds Rust for but MIPS and SPARC (signal(7)).
const NAMES: &[(&str, i32)] = &[
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("PWR", 30),
    ("SYS", 31),
];

impl Signal {
    /// The polite request to end.
    pub const TERM: Self = Self(15);
    /// Ctrl-C.
    pub const INT: Self = Self(2);
    /// The end.
    pub const KILL: Self = Self(9);
    /// Wakes a stopped process.
    pub const CONT: Self = Self(18);
    /// Freezes a process.
    pub const STOP: Self = Self(19);

    /// The signal with this number, 1 to 64.
    pub fn from_number(number: i32) -> Option<Self> {
        (1..=64).contains(&number).then_some(Self(number))
    }

    /// Its number.
    pub const fn number(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, n)| *n == self.0) {
            Some((name, _)) => write!(f, "SIG{name}"),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl FromStr for Signal {
    type Err = BadSignal;

    /// Accepts `SIGTERM`, `TERM`, `term` and `15`.
    fn from_str(text: &str) -> Result<Self, BadSignal> {
        let upper = text.to_ascii_uppercase();
        let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
        let by_name = NAMES.iter().find(|(name, _)| *name == bare).map(|(_, n)| *n);
        let number = by_name.or_else(|| bare.parse().ok());
        number.and_then(Self::from_number).ok_or_else(|| BadSignal(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_every_usual_spelling() {
        for text in ["SIGTERM", "TERM", "term", "15"] {
            assert_eq!(text.parse(), Ok(Signal::TERM), "{text}");
        }
        assert_eq!(Signal::TERM.to_string(), "SIGTERM");
    }

    #[test]
    fn refuses_the_rest() {
        for text in ["", "SIGNOPE", "0", "65", "-1"] {
            assert!(text.parse::<Signal>().is_err(), "{text}");
        }
    }
}
