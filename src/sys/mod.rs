//! The Unix edge: the only place (with `keeper`) where `unsafe` is allowed.
//!
//! Small readers and wrappers, each of one concern. Nothing here decides anything, and nothing here
//! remembers anything: identity, tree and sockets are read anew at each call.

pub mod clock;
pub mod identity;
pub mod limits;
mod netlink;
pub mod peer;
mod place;
pub mod process;
mod procfs;
pub mod reactor;
pub mod signals;
pub mod sockets;
pub mod title;
pub mod token;
pub mod tree;

pub use place::Place;
