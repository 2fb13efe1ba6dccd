//! What every behaviour needs: a project in a folder of its own, the built `tspm`, and ways to wait for facts.
//!
//! Nothing here sleeps. Every wait blocks on the thing itself (a pipe, a pidfd, inotify, `cgroup.events`, the API's
//! stream) and gives up after half a minute, which no passing
//! test comes near. Nothing is killed but what the project
//! itself started, as its cgroup, working directory, executable or environment prove.
#![expect(clippy::disallowed_methods, reason = "tests start the built program, and their patience needs a clock")]

mod cgroup;
mod facts;
mod kernel;
mod patience;
mod project;
mod ran;
mod running;
mod terminal;
mod watch;

pub(crate) use patience::Deadline;
pub(crate) use project::{Project, free_port};
pub(crate) use ran::Ran;
pub(crate) use running::Running;
pub(crate) use terminal::Terminal;

/// The stop signals of a user.
pub(crate) use nix::sys::signal::Signal;
