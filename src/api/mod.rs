//! api
pub mod wire;
