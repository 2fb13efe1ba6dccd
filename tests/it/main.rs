//! Behaviour of the built program, one file per behaviour, and the rules of the house.

mod apply;
mod commands;
mod crash;
mod environment;
mod errors;
mod hostile;
mod layers;
mod logs;
mod order;
mod ownership;
mod readiness;
mod restart;
mod sight;
mod state;
mod stop;
mod storms;
mod support;
