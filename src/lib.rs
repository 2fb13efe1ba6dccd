//! tspm: a declarative dev-environment orchestrator.
//!
//! ```text
//!  project file ─► config ─► Project ─► core (pure: decides) ─► supervisor (obeys) ─► keeper (owns the children)
//!                                          ▲                          │
//!                       facts: keeper, probes, logs ◄─────────────────┘ ─► api ─► cli
//! ```
//!
//! The layers, lowest first; imports go down only (`tests/layers.rs`): [`model`], then [`graph`] and
//! [`config`], then [`core`], then [`sys`], [`keeper`], [`probe`], [`logs`], then [`supervisor`], then
//! [`api`], then [`cli`]. `ARCHITECTURE.md` is the map.

pub mod api;
pub mod cli;
pub mod config;
pub mod core;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod graph;
pub mod keeper;
pub mod logs;
pub mod model;
pub mod probe;
pub mod supervisor;
pub mod sys;
