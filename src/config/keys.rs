//! Which keys there are, body by body: those that this version knows, and those that `config.md` has and
//! this version does not build yet. The JSON Schema has the same ones; a test compares them.
//!
//! A key of another tool is no key, but we know what its user wants: `ELSEWHERE`.

/// The keys of one kind of body.
#[derive(Debug)]
pub(super) struct Keys {
    /// What the body is, for messages: «a service».
    pub(super) what: &'static str,
    /// Known.
    pub(super) now: &'static [&'static str],
    /// Not built yet.
    pub(super) later: &'static [&'static str],
}

/// The whole file. `processes` and `apps` belong to dialects.
pub(super) const PROJECT: Keys = Keys {
    what: "a project",
    now: &["name", "services", "groups", "env", "env_file", "vars", "defaults", "logs", "stop", "version"],
    later: &["include", "api", "webhooks", "sweep", "processes", "apps"],
};

/// A service, and `defaults`.
pub(super) const SERVICE: Keys = Keys {
    what: "a service",
    now: &[
        "command",
        "shell",
        "type",
        "description",
        "labels",
        "cwd",
        "env",
        "env_file",
        "depends_on",
        "groups",
        "profiles",
        "autostart",
        "disabled",
        "ports",
        "readiness",
        "liveness",
        "ready_timeout",
        "start_timeout",
        "release",
        "stdin",
        "restart",
        "max_restarts",
        "backoff",
        "success_exit_codes",
        "stop",
        "hooks",
        "logs",
    ],
    later: &[
        "run",
        "inputs",
        "annotations",
        "env_clear",
        "interpreter",
        "namespace",
        "listen",
        "watch",
        "schedule",
        "instances",
        "instance_var",
        "balance",
        "limits",
        "user",
        "group",
        "umask",
        "tty",
        "image",
        "build",
        "volumes",
        "run_args",
        "compose",
        "extends",
    ],
};

/// `readiness`, `liveness`.
pub(super) const PROBE: Keys = Keys {
    what: "a probe",
    now: &[
        "http",
        "tcp",
        "unix",
        "exec",
        "log",
        "notify",
        "interval",
        "timeout",
        "retries",
        "success",
        "start_period",
        "owner",
    ],
    later: &["ipc"],
};

/// The keys of [`PROBE`] of which a probe has exactly one.
pub(super) const PROBE_KINDS: &[&str] = &["http", "tcp", "unix", "exec", "log", "notify", "ipc"];

/// `http` of a probe.
pub(super) const HTTP: Keys =
    Keys { what: "an HTTP probe", now: &["url", "method", "status", "headers", "body", "insecure"], later: &[] };

/// A value of `depends_on`.
pub(super) const DEPENDENCY: Keys =
    Keys { what: "a dependency", now: &["condition", "required", "restart"], later: &[] };

/// A value of top-level `groups`.
pub(super) const GROUP: Keys = Keys { what: "a group", now: &["services"], later: &["on_failure"] };

/// An entry of `env_file`.
pub(super) const ENV_FILE: Keys = Keys { what: "an `env_file`", now: &["path", "required", "raw"], later: &[] };

/// `stop` of a service.
pub(super) const STOP: Keys =
    Keys { what: "`stop`", now: &["signal", "timeout", "command", "signal_to"], later: &["keys"] };

/// `stop` of the project.
pub(super) const PROJECT_STOP: Keys = Keys { what: "`stop` of a project", now: &["timeout", "order"], later: &[] };

/// `backoff`.
pub(super) const BACKOFF: Keys =
    Keys { what: "`backoff`", now: &["initial", "factor", "max", "reset_after"], later: &[] };

/// `hooks`.
pub(super) const HOOKS: Keys =
    Keys { what: "`hooks`", now: &["pre_start", "post_start", "pre_stop", "post_stop"], later: &[] };

/// One hook.
pub(super) const HOOK: Keys =
    Keys { what: "a hook", now: &["command", "timeout", "on_failure", "unless", "creates"], later: &[] };

/// `logs` of the project.
pub(super) const PROJECT_LOGS: Keys = Keys {
    what: "`logs` of a project",
    now: &["dir", "max_size", "max_files", "format"],
    later: &["max_age", "compress"],
};

/// `logs` of a service.
pub(super) const LOGS: Keys = Keys {
    what: "`logs`",
    now: &["dir", "max_size", "max_files", "format", "disable"],
    later: &["max_age", "compress", "stdout", "stderr", "merge"],
};

/// Keys of other tools, and ours. A pair is only offered in a body that has the second.
const ELSEWHERE: &[(&str, &str)] = &[
    ("environment", "env"),
    ("enviroment", "env"),
    ("envs", "env"),
    ("dotenv", "env_file"),
    ("working_dir", "cwd"),
    ("workdir", "cwd"),
    ("dir", "cwd"),
    ("directory", "cwd"),
    ("cmd", "command"),
    ("run_command", "command"),
    ("script", "command"),
    ("entrypoint", "command"),
    ("exec", "command"),
    ("healthcheck", "readiness"),
    ("health_check", "readiness"),
    ("readiness_probe", "readiness"),
    ("liveness_probe", "liveness"),
    ("port", "ports"),
    ("needs", "depends_on"),
    ("requires", "depends_on"),
    ("after", "depends_on"),
    ("is_daemon", "type"),
    ("stop_signal", "stop"),
    ("stop_grace_period", "stop"),
    ("kill_timeout", "stop"),
    ("shutdown", "stop"),
    ("availability", "restart"),
    ("restart_policy", "restart"),
    ("autorestart", "restart"),
    ("auto_start", "autostart"),
    ("enabled", "disabled"),
    ("logging", "logs"),
    ("log_location", "logs"),
    ("variables", "vars"),
    ("x-defaults", "defaults"),
    ("path", "url"),
    ("command", "exec"),
    ("cmd", "exec"),
    ("pattern", "log"),
    ("output", "log"),
    ("http_get", "http"),
    ("port", "tcp"),
    ("period", "interval"),
    ("failure_threshold", "retries"),
    ("success_threshold", "success"),
    ("initial_delay", "start_period"),
    ("grace_period", "timeout"),
    ("file", "path"),
];

impl Keys {
    /// What people who wrote `wrong` probably meant.
    pub(super) fn suggest(&self, wrong: &str) -> Option<&'static str> {
        let lower = wrong.to_lowercase().replace('-', "_");
        let elsewhere = ELSEWHERE.iter().filter(|(theirs, _)| *theirs == lower).map(|(_, ours)| *ours);
        elsewhere
            .into_iter()
            .find(|ours| self.now.contains(ours))
            .or_else(|| nearest(wrong, self.now.iter().copied()))
            .or_else(|| nearest(wrong, self.later.iter().copied()))
    }
}

/// What is longer was no slip of the finger, and comparing takes the product of both lengths.
const MAX_WORD: usize = 100;

/// The candidate that is nearest to `wrong`, if it is near enough to be meant: one slip of the finger, or
/// one for every four letters.
pub(super) fn nearest<'a>(wrong: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase().replace('-', "_");
    let limit = 1 + wrong.chars().count() / 4;
    let length = wrong.chars().count();
    candidates
        .take_while(|_| length <= MAX_WORD)
        .filter_map(|candidate| {
            // A difference in length is a distance already: most candidates need no more than a look.
            let letters = candidate.chars().count();
            if letters.abs_diff(length) > limit {
                return None;
            }
            let distance = strsim::osa_distance(&wrong, &candidate.to_lowercase().replace('-', "_"));
            (distance <= limit && distance < letters).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_was_meant() {
        let table = [
            ("comand", Some("command")),
            ("depend_on", Some("depends_on")),
            ("dependsOn", Some("depends_on")),
            ("depends-on", Some("depends_on")),
            ("environment", Some("env")),
            ("Environment", Some("env")),
            ("healthcheck", Some("readiness")),
            ("working_dir", Some("cwd")),
            ("instance", Some("instances")),
            ("zzz", None),
            ("container_name", None),
        ];
        for (wrong, meant) in table {
            assert_eq!(SERVICE.suggest(wrong), meant, "{wrong}");
        }
        assert_eq!(PROBE.suggest("command"), Some("exec"));
        assert_eq!(nearest("ap", ["api", "web"].into_iter()), Some("api"));
        assert_eq!(nearest("x", ["a"].into_iter()), None);
    }

    #[test]
    fn no_key_is_both_known_and_not_yet() {
        for keys in [&PROJECT, &SERVICE, &PROBE, &HTTP, &DEPENDENCY, &GROUP, &ENV_FILE, &STOP, &LOGS] {
            assert!(keys.now.iter().all(|key| !keys.later.contains(key)), "{}", keys.what);
        }
    }
}
