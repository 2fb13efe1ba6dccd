//! The sans-IO heart: facts and requests in, actions and events out.
//!
//! ```text
//!  Request ─► Fleet::request(now) ─► Accepted | Denied ┐
//!  Fact    ─► Fleet::fact(now)                         ├─► poll_action() … poll_event()
//!  time    ─► Fleet::handle_timeout(now) ◄─ poll_timeout()
//! ```
//!
//! Inside: `fleet` is the door. A request becomes a draft (`plan`) and is carried out (`carry_out`); a fact moves one
//! slot (`start`, `probing`, `stop`, `settle`, `restart`), time moves those that are due (`timers`). After each input
//! that changed something comes one turn (`reconcile`, by `edges`): who is wanted, who stops, who starts.
//!
//! It never reads a clock, never draws a random number that its seed does not determine, never
//! does I/O. Scheduling is level-triggered: what should run is computed from scratch each turn, so
//! there is no cache to go stale.

mod action;
mod carry_out;
mod edges;
mod event;
mod explain;
mod fact;
mod fleet;
mod history;
mod jitter;
#[cfg(test)]
mod kit;
mod legal;
mod out;
mod phase;
mod plan;
mod probing;
mod reconcile;
mod request;
mod restart;
#[cfg(test)]
mod scenario;
mod settle;
#[cfg(test)]
mod sim;
mod slot;
mod snapshot;
mod start;
mod stop;
mod timers;
mod wiring;

pub use action::{Action, SignalTo};
pub use event::{Event, EventKind};
pub use fact::{Exit, Fact, HookOutcome, Leftover, PortHolder, ProbeOutcome, ProbeWhich, SpawnFailure};
pub use fleet::Fleet;
pub use phase::{
    Failure, Health, Phase, PhaseName, Readiness, RestartReason, SkipCause, StartStage, StopReason, StopStage,
    StoppedBy,
};
pub use request::{
    Accepted, Apply, Denied, Recreate, Request, ShutdownMode, Step, StepVerb, StepWhy, Wanted, WithDeps,
};
pub use snapshot::{Explain, InstanceView, ProbeRecord, RestartRecord, Snapshot, Waiting};
