//! Environments in layers, each value with where it came from and what it replaced.
//!
//! Lowest first: the caller's environment, `.env`, the project's `env_file`, its `env`, the service's
//! `env_file`, its `env`, tspm's own. Keys and values are shared (`Arc`): most services have most of them.

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use crate::model::{EnvVar, Environment, Port, PortNumber, ServiceName};

use super::NAME_VARIABLE;

/// The origin of what the caller's environment has.
pub(super) const CALLER: &str = "the environment of tspm up";

/// The origin of tspm's own variables.
pub(super) const OWN: &str = "tspm";

/// The lowest layer.
pub(super) fn caller(env: &[(OsString, OsString)]) -> Environment {
    let origin: Arc<str> = Arc::from(CALLER);
    let var = |(key, value): &(OsString, OsString)| {
        let var = EnvVar {
            value: Arc::from(&**value),
            origin: Arc::clone(&origin),
            declared: false,
            overridden: Vec::new(),
        };
        (Arc::<OsStr>::from(&**key), var)
    };
    env.iter().filter(|(key, _)| !key.is_empty() && key != NAME_VARIABLE).map(var).collect()
}

/// Whether a file set the value or it is tspm's doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// A file: it counts when `up` asks what changed.
    File,
    /// tspm.
    Tspm,
}

/// Puts `value` on top of what `env` has under `key`.
pub(super) fn set(env: &mut Environment, key: &str, value: &str, origin: Arc<str>, by: By) {
    put(env, Key::New(key), Arc::from(OsStr::new(value)), origin, by);
}

/// The name of a value that is put on top.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key<'a> {
    New(&'a str),
    /// One that other environments have too.
    Shared(&'a Arc<OsStr>),
}

/// As [`set`], with parts that may be shared with other environments.
pub(super) fn put(env: &mut Environment, key: Key<'_>, value: Arc<OsStr>, origin: Arc<str>, by: By) {
    let name: &OsStr = match key {
        Key::New(key) => OsStr::new(key),
        Key::Shared(key) => key,
    };
    let declared = by == By::File;
    if let Some(below) = env.get_mut(name) {
        let old = (std::mem::replace(&mut below.origin, origin), std::mem::replace(&mut below.value, value));
        below.overridden.push(old);
        below.declared = declared;
    } else {
        let var = EnvVar { value, origin, declared, overridden: Vec::new() };
        let key = match key {
            Key::New(_) => Arc::from(name),
            Key::Shared(key) => Arc::clone(key),
        };
        env.insert(key, var);
    }
}

/// The text of `key`, if it is set and text.
pub(super) fn text(env: &Environment, key: &str) -> Option<String> {
    env.get(OsStr::new(key))?.value.to_str().map(str::to_owned)
}

/// tspm's own variables of a service: name, value.
pub(super) fn own(project: &str, service: &ServiceName, ports: &[Port]) -> Vec<(String, String)> {
    let number = |port: &Port| port.number.get().map_or_else(|| PENDING.to_owned(), |number| number.to_string());
    let mut vars = vec![
        ("TSPM_PROJECT".to_owned(), project.to_owned()),
        ("TSPM_SERVICE".to_owned(), service.to_string()),
        ("TSPM_INSTANCE".to_owned(), "0".to_owned()),
    ];
    vars.extend(ports.first().map(|first| ("PORT".to_owned(), number(first))));
    let named = ports.iter().filter_map(|port| Some((port_variable(port.name.as_deref()?), number(port))));
    vars.extend(named);
    vars
}

/// What stands for the number of an `auto` port that has none yet.
pub(super) const PENDING: &str = "auto";

/// Whether one of `ports` has no number yet.
pub(super) fn any_pending(ports: &[Port]) -> bool {
    ports.iter().any(|port| port.number == PortNumber::Pending)
}

/// The variable of a port's name: `PORT_HTTP_ADMIN` for `http-admin`.
pub(super) fn port_variable(name: &str) -> String {
    format!("PORT_{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// `lifecycle.md` 9: tools keep their colours, unless somebody decided about them already.
pub(super) fn add_colors(env: &mut Environment) {
    let decided = |key: &str| env.get(OsStr::new(key)).is_some_and(|var| !var.value.is_empty());
    if decided("NO_COLOR") || env.contains_key(OsStr::new("FORCE_COLOR")) {
        return;
    }
    let origin: Arc<str> = Arc::from("tspm, as the terminal has colours");
    for key in ["FORCE_COLOR", "CLICOLOR_FORCE"] {
        if !env.contains_key(OsStr::new(key)) {
            set(env, key, "1", Arc::clone(&origin), By::Tspm);
        }
    }
}

/// Whether `key` can be the name of a variable.
pub(super) fn is_name(key: &str) -> bool {
    !key.is_empty() && !key.contains(['=', '\0', '$']) && !key.contains(char::is_whitespace)
}
