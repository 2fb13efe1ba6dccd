//! What the programs of the example shop share.
//!
//! ```text
//!  browser ─► shop-web ─► shop-api ─► shop-store ◄─ shop-worker (two of them)
//!                                         ▲
//!                                   shop-migrate (once, before the others)
//! ```
//!
//! Every program takes its settings from the environment that `tspm.yaml` gives it, says what it does on
//! standard output, and leaves SIGTERM alone: it ends at once, and nothing is lost by that.

pub mod http;
pub mod store;

use std::env;
use std::io;
use std::process::ExitCode;

/// Runs `program` and tells of its failure in words.
pub fn run(program: impl FnOnce() -> io::Result<()>) -> ExitCode {
    match program() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The setting `name` from the environment. The error names it.
pub fn setting(name: &str) -> io::Result<String> {
    env::var(name).map_err(|_| io::Error::other(format!("`{name}` is not set: start the shop with `tspm up`")))
}

/// The port to listen on: `PORT`, which tspm sets from `ports` in the project file.
pub fn port() -> io::Result<u16> {
    let text = setting("PORT")?;
    text.parse().map_err(|_| io::Error::other(format!("`PORT` is `{text}`, which is no port")))
}
