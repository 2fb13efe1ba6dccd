//! Validated values: what a project *is*, after every mistake has been refused.
//!
//! Nothing here reads a file, a clock or the environment, and nothing here is serialised: the wire,
//! the stored state and the keeper's protocol each have vocabularies of their own and translate.

mod command;
mod name;
mod policy;
mod port;
mod probe;
mod project;
mod service;
mod signal;
mod time;

pub use command::{Command, EnvVar, Environment, Guard, Hook, HookFailure, HookKind, Hooks};
pub use name::{BadName, GroupName, InstanceId, RunId, ServiceName};
pub use policy::{Backoff, RestartMode, RestartPolicy, SignalScope, Stop, StopOrder};
pub use port::{Port, PortNumber};
pub use probe::{HttpProbe, Probe, ProbeKind, ProbeOwner, ProbeTarget, TcpTarget};
pub use project::{Project, ProjectStop};
pub use service::{
    Condition, Dependency, LogFormat, Logs, Requirement, Service, ServiceType, Stdin, WhenReplaced,
};
pub use signal::{BadSignal, Signal};
pub use time::Moment;
