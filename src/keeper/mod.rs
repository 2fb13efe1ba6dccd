//! The keeper: the small process that owns every child.
//!
//! It forks, reaps, holds descriptors and wills, writes the run journal and brings a dead supervisor back.
//! It has one thread, no runtime, no configuration and no policy, and it never waits for anything but its
//! own `epoll`. [`protocol`] and [`link`] are what a supervisor needs of it; the rest is its inside:
//!
//! ```text
//!  main ─► home (folder, lock, socket) ─► keeper (the loop) ─► overseer (the supervisor's process)
//!                                            ├─► run ─fork─► shim ─fork─► image (the leader)
//!                                            ├─► journal        └─► hunt (freeze, rescan, kill)
//!                                            └─► ending (last sweep, wills)
//! ```

mod ending;
mod home;
mod hunt;
mod image;
mod journal;
#[expect(clippy::module_inception, reason = "the file is named for its type")]
mod keeper;
pub mod link;
mod main;
mod order;
mod overseer;
pub mod protocol;
mod report;
mod run;
mod shim;

pub use main::{Args, main};
