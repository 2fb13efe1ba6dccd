//! From the types of the wire to text. Pure: no clock, no terminal, no I/O; each function is tested by exact strings.

pub(crate) mod block;
pub(crate) mod describe;
pub(crate) mod doctor;
pub(crate) mod down;
pub(crate) mod env;
pub(crate) mod event;
pub(crate) mod log;
pub(crate) mod plan;
pub(crate) mod ports;
pub(crate) mod ps;
pub(crate) mod state;
pub(crate) mod table;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod timings;
pub(crate) mod trouble;
pub(crate) mod units;
pub(crate) mod why;
