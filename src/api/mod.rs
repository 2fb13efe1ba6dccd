//! The API: what clients may ask and how it is spelled. HTTP/1.1 over the project's unix socket.
//!
//! [`wire`] is the only vocabulary that clients see; it has a version of its own.

mod bundle;
pub mod client;
mod detail;
mod journal;
pub mod launch;
mod refusal;
pub mod serve;
mod server;
mod stream;
mod teardown;
mod time_text;
mod view;
pub mod wire;
mod words;

pub use time_text::duration;
