//! The API: the only way in. `wire` is what is said, `client` and `launch` the caller's side.
pub mod bundle;
pub mod client;
pub mod launch;
pub mod wire;
