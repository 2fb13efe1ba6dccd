//! The supervisor: policy's hands. One tokio task owns all state, feeds the pure `core` and obeys it.
//!
//! ```text
//!  keeper link ─┐
//!  orders ──────┤            ┌─ poll_action ─► Effects (keeper messages, probe tasks, capture)
//!  news ────────┼─► Driver ──┤
//!  time ────────┤            └─ poll_event ──► observer (api: journal, streams)
//!  owner's pidfd┘
//! ```
//!
//! It never decides: what to start, stop, restart or give up is `core`'s. It never calls `waitpid`: children
//! belong to the keeper. It never serialises for clients: `api` translates.

mod down;
mod driver;
mod effects;
mod handle;
mod helper;
mod hooks;
mod inputs;
mod link;
mod news;
mod owner;
mod owners;
mod ports;
mod probing;
mod run;
mod scene;
mod spawn;
mod usage;

pub use down::{DownNews, DownPhase, GoneHow, Receipt};
pub use driver::{Driver, Observer, Setup, StartError};
pub use handle::{Attach, Examination, Gone, Handle, Outcome, Refusal, Rehearsal, Signalled, UpOrder};
pub use scene::{Scene, Sight, Told, TreeUsage};
