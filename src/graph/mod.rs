//! Who needs whom: order, closure, cycles.
//!
//! Pure functions over a [`Project`], each built from scratch (a thousand services take well under a
//! millisecond), so nothing can go stale. None of them recurses: a chain as long as a file can hold is no
//! danger to the stack. Names that are not in the project are left out silently: telling people about them is
//! config's work. Edges to disabled services count for order, not for closure.
//!
//! [`Project`]: crate::model::Project

mod cycle;
mod order;
mod reach;
#[cfg(test)]
mod tests;

pub use cycle::cycle;
pub use order::{ranks, start_order};
pub use reach::{closure, dependents};
