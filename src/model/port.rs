//! Declared ports.

/// A port that a service declares as its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Port {
    /// Its name, if it has one: `$PORT_<NAME>`, `${service.api.port.<name>}`.
    pub name: Option<String>,
    /// Its number.
    pub number: PortNumber,
}

/// Where a port's number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PortNumber {
    /// Written in the file.
    Fixed(u16),
    /// `auto`, and this free one was allocated.
    Allocated(u16),
    /// `auto`, and nobody has allocated one yet (only before a first start: `check`, `config`).
    Pending,
}

impl PortNumber {
    /// The number, once there is one.
    pub const fn get(self) -> Option<u16> {
        match self {
            Self::Fixed(number) | Self::Allocated(number) => Some(number),
            Self::Pending => None,
        }
    }
}
