//! The Unix edge: the only place (with `keeper`) where `unsafe` is allowed.

mod place;

pub use place::Place;
