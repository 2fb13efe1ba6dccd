//! From the tree to the model, body by body. Each file knows one body of `config.md`, its defaults and what is
//! impossible in it, and reports everything it finds instead of stopping.

mod command;
mod depends;
mod groups;
mod hooks;
mod http;
mod policy;
mod ports;
mod probe;
mod project;
mod service;

pub(super) use ports::{Declared, ports};
pub(super) use project::{Input, project};
