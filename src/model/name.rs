//! Names and identifiers.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Nothing there.
    #[error("a name cannot be empty")]
    Empty,
    /// More than [`ServiceName::MAX_LEN`] bytes.
    #[error("a name has at most 63 characters, this one has {0}")]
    TooLong(usize),
    /// A character outside `[A-Za-z0-9_-]`, or a first one outside `[A-Za-z0-9]`.
    #[error("`{0}` is not allowed in a name: letters, digits, `_` and `-`, the first a letter or digit")]
    Character(char),
}

fn checked(text: &str) -> Result<Arc<str>, BadName> {
    let first = text.chars().next().ok_or(BadName::Empty)?;
    if !first.is_ascii_alphanumeric() {
        return Err(BadName::Character(first));
    }
    if let Some(bad) = text.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '_' && *c != '-') {
        return Err(BadName::Character(bad));
    }
    if text.len() > ServiceName::MAX_LEN {
        return Err(BadName::TooLong(text.len()));
    }
    Ok(Arc::from(text))
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Arc<str>);

        impl $type {
            /// Checks `text` against the rule for names: `[A-Za-z0-9][A-Za-z0-9_-]*`, at most 63.
            pub fn new(text: &str) -> Result<Self, BadName> {
                checked(text).map(Self)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// The name of a service: the key under `services`.
    ServiceName
}

name! {
    /// The name of a group: the key under `groups`, or an entry of a service's `groups`.
    GroupName
}

impl ServiceName {
    /// The most bytes a name may have: it becomes part of file names, host names and labels.
    pub const MAX_LEN: usize = 63;
}

/// One instance of a service. The first has index 0.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId {
    /// The service.
    pub service: ServiceName,
    /// Which of its instances.
    pub index: u16,
}

impl InstanceId {
    /// The first (and, without `instances`, the only) instance of `service`.
    pub const fn first(service: ServiceName) -> Self {
        Self { service, index: 0 }
    }
}

impl fmt::Display for InstanceId {
    /// `api` for the first instance, `api.1` for the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.index == 0 { self.service.fmt(f) } else { f.pad(&format!("{}.{}", self.service, self.index)) }
    }
}

impl fmt::Debug for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.service, self.index)
    }
}

/// Which life of which process: unique for as long as one keeper lives, never used again.
///
/// Every fact from the outside world carries it, and a fact of a life that is over is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}
