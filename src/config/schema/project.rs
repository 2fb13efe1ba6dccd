//! The top level.

use schemars::JsonSchema;

use super::service::{Logs, ServiceBody};
use super::values::Count;
use super::values::{Duration, Env, EnvFiles, Named, Pairs, Size};

/// A project: services that are started in the order of their dependencies and stopped with nothing left.
#[derive(JsonSchema)]
#[schemars(title = "tspm project", deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct ProjectFile {
    /// The project's name. Default: the folder's.
    name: Option<String>,
    /// The services, by name.
    services: Named<Option<ServiceBody>>,
    /// Named sets of services, for selection: `@name`.
    groups: Option<Named<Group>>,
    /// Variables for every service.
    env: Option<Env>,
    /// Files with variables for every service. A `.env` beside the project file is read besides; `[]` turns
    /// that off.
    env_file: Option<EnvFiles>,
    /// Names for `${vars.NAME}`. They are not exported.
    vars: Option<Pairs>,
    /// Merged under every service: maps merge, lists replace, scalars override.
    defaults: Option<ServiceBody>,
    /// Where output goes, for every service.
    logs: Option<ProjectLogs>,
    /// How the project is stopped.
    stop: Option<ProjectStop>,
    /// The version of the format. Reserved: 1.
    #[schemars(extend("const" = 1))]
    version: Option<u32>,
}

/// A group.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Group {
    /// Services, and other groups.
    List(Vec<String>),
    /// The same, with room for more.
    Full(GroupBody),
}

/// A group.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct GroupBody {
    /// Services, and other groups.
    services: Vec<String>,
}

/// How the project is stopped.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct ProjectStop {
    /// How long a service has between its stop signal and being killed, unless it says otherwise. Default: 10s.
    timeout: Option<Duration>,
    /// `reverse`: dependents before what they depend on (the default). `parallel`: everything at once.
    order: Option<Order>,
}

/// The order of stopping.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Order {
    /// Dependents before what they depend on.
    Reverse,
    /// Everything at once.
    Parallel,
}

/// Where output goes.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct ProjectLogs {
    /// The folder. Default: `.tspm/logs`.
    dir: Option<String>,
    /// A file of this size is rotated. Default: 10MiB.
    max_size: Option<Size>,
    /// How many files are kept, the current one included. Default: 5.
    max_files: Option<Count>,
    /// How lines are written. Default: cri.
    format: Option<Logs>,
}
