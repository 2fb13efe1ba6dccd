//! Behaviour of the built program, one file per behaviour, and the rules of the house.

mod apply;
mod commands;
mod copies;
mod crash;
mod environment;
mod errors;
mod examples;
mod hostile;
mod layers;
mod licences;
mod logs;
mod order;
mod ownership;
mod readiness;
mod readme;
mod restart;
mod sight;
mod state;
mod stop;
mod storms;
mod support;
