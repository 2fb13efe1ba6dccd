//! A service.

use schemars::JsonSchema;

use super::probe::Probe;
use super::values::{
    Command, Count, Duration, DurationOrOff, Env, EnvFiles, Factor, Flag, Named, Pairs, PortNumber, Signal, Size,
};

/// A service: what is run, when, and how it is watched and stopped.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct ServiceBody {
    /// What is run: a string for the shell, or a list without one.
    command: Option<Command>,
    /// The shell for string commands and hooks, with its flags. Default: [/bin/sh, -c].
    #[schemars(length(min = 1))]
    shell: Option<Vec<String>>,
    /// `service` runs until it is stopped (the default); `oneshot` is expected to exit 0, and is then completed.
    r#type: Option<ServiceType>,
    /// One line for people.
    description: Option<String>,
    /// Text pairs, shown and exported.
    labels: Option<Pairs>,
    /// The working folder, relative to the project file. Default: the project file's folder.
    cwd: Option<String>,
    /// Variables. They win over `env_file`, over the project's, and over the caller's.
    env: Option<Env>,
    /// Files with variables, relative to the project file.
    env_file: Option<EnvFiles>,
    /// Services that come first.
    depends_on: Option<DependsOn>,
    /// Groups that it is in.
    groups: Option<Vec<String>>,
    /// With profiles, it is started only if one of them is selected, or when it is named or needed.
    profiles: Option<Vec<String>>,
    /// false: it is started only by name, or when something needs it. Default: true.
    autostart: Option<Flag>,
    /// true: it is never started. Default: false.
    disabled: Option<Flag>,
    /// Ports that it listens on. The first is `$PORT`, a named one `$PORT_<NAME>`; other services read
    /// `${service.NAME.port}`.
    ports: Option<Vec<Port>>,
    /// When it is ready: dependents wait for it. A port, a path on the first port, a URL, or a map.
    readiness: Option<Probe>,
    /// Whether it still works: it is restarted if not. A port, a path on the first port, a URL, or a map.
    liveness: Option<Probe>,
    /// After this long without being ready, those who wait for it fail; it keeps running. Default: 60s.
    ready_timeout: Option<Duration>,
    /// After this long without being ready it is killed and the restart policy applies. Default: off.
    start_timeout: Option<DurationOrOff>,
    /// Programs (names without folders) that it may leave running on purpose: gradle, bazel, watchman.
    release: Option<Vec<String>>,
    /// Its standard input: `pipe`, held open (the default of services), or `null` (the default of oneshots).
    stdin: Option<Stdin>,
    /// When it is started again. Default: `on-failure` for services, `no` for oneshots.
    restart: Option<Restart>,
    /// How many restarts without health until it is given up; 0: never. Default: 5.
    max_restarts: Option<Count>,
    /// The delays between restarts.
    backoff: Option<Backoff>,
    /// Exit codes that are no failure, besides 0.
    success_exit_codes: Option<Vec<Count>>,
    /// How it is stopped.
    stop: Option<Stop>,
    /// Commands beside it.
    hooks: Option<Hooks>,
    /// Where its output goes.
    logs: Option<ServiceLogs>,
}

/// Whether a service is expected to end.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum ServiceType {
    /// Runs until it is stopped.
    Service,
    /// Expected to exit 0.
    Oneshot,
}

/// Services that come first.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum DependsOn {
    /// Names. Services must be ready, oneshots must have succeeded.
    List(Vec<String>),
    /// Names, and what is waited for.
    Map(Named<Option<Dependency>>),
}

/// What is waited for.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Dependency {
    /// What must be true of it. Default: `ready` for services, `succeeded` for oneshots.
    condition: Option<Condition>,
    /// false: its failure blocks nobody. Default: true.
    required: Option<Flag>,
    /// true: this service is restarted after that one was. Default: false.
    restart: Option<Flag>,
}

/// What must be true of a dependency.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Condition {
    /// It runs.
    Started,
    /// Its readiness probe succeeded.
    Ready,
    /// It has ended, whatever its exit code.
    Completed,
    /// It has ended well.
    Succeeded,
}

/// A port.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Port {
    /// Without a name.
    Number(PortNumber),
    /// With a name: `http: 8080`.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
    Named(std::collections::BTreeMap<String, PortNumber>),
}

/// Standard input.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Stdin {
    /// `/dev/null`.
    Null,
    /// A pipe that is held open and never written.
    Pipe,
}

/// When a service is started again.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Restart {
    /// Never.
    No,
    /// After a failure.
    OnFailure,
    /// After every end that nobody asked for.
    Always,
    /// As `always`; a stop that a person asked for lasts.
    UnlessStopped,
}

/// The delays between restarts.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Backoff {
    /// The first delay. Default: 200ms.
    initial: Option<Duration>,
    /// What each next one is multiplied by. Default: 2.
    factor: Option<Factor>,
    /// The longest delay. Default: 30s.
    max: Option<Duration>,
    /// After this long in `ready`, the next delay is the first again. Default: 10s.
    reset_after: Option<Duration>,
}

/// How a service is stopped.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Stop {
    /// The signal that asks it to end. Default: SIGTERM.
    signal: Option<Signal>,
    /// How long it has before all of it is killed. Default: 10s.
    timeout: Option<Duration>,
    /// Run instead of sending the signal.
    command: Option<Command>,
    /// Who gets the signal: the process `group` (the default), or its `leader` alone.
    signal_to: Option<SignalTo>,
}

/// Who gets the stop signal.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum SignalTo {
    /// The process group.
    Group,
    /// Its leader alone.
    Leader,
}

/// Commands beside a service.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Hooks {
    /// Before it starts; failing fails the start.
    pre_start: Option<HookList>,
    /// Once it is ready.
    post_start: Option<HookList>,
    /// Before its stop signal.
    pre_stop: Option<HookList>,
    /// After all of it is gone.
    post_stop: Option<HookList>,
}

/// One or several hooks.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum HookList {
    /// One command.
    Command(Command),
    /// One hook.
    One(Hook),
    /// Several hooks, one after the other.
    Several(Vec<Hook>),
}

/// A hook.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Hook {
    /// What is run.
    command: Command,
    /// How long it may take. Default: 30s.
    timeout: Option<Duration>,
    /// What its failure means: `fail` (the default), or `ignore`.
    on_failure: Option<OnFailure>,
    /// It is skipped if this command exits 0. Checked again after it ran.
    unless: Option<Command>,
    /// It is skipped if this path (relative to `cwd`) exists. Checked again after it ran.
    creates: Option<String>,
}

/// What a hook's failure means.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum OnFailure {
    /// The step fails.
    Fail,
    /// It is noted, nothing more.
    Ignore,
}

/// Where output goes.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct ServiceLogs {
    /// The folder. Default: the project's.
    dir: Option<String>,
    /// A file of this size is rotated. Default: the project's.
    max_size: Option<Size>,
    /// How many files are kept, the current one included. Default: the project's.
    max_files: Option<Count>,
    /// How lines are written. Default: the project's.
    format: Option<Logs>,
    /// true: output is thrown away. Default: false.
    disable: Option<Flag>,
}

/// How lines are written.
#[derive(JsonSchema)]
#[schemars(rename = "LogFormat", rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Logs {
    /// Kubernetes' format: time, stream, flag, text.
    Cri,
    /// Docker's format: an object per line.
    Json,
    /// The text alone.
    Plain,
}
