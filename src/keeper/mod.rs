//! The keeper: the small process that owns every child.

pub mod link;
pub mod protocol;
