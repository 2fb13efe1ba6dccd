//! Environments in layers, each value with where it came from and what it replaced.
//!
//! Lowest first: the caller's environment, `.env`, the project's `env_file`, its `env`, the service's
//! `env_file`, its `env`, tspm's own. Keys and values are shared (`Arc`): most services have most of them.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;

use crate::model::{EnvVar, Environment, Port, PortNumber, ServiceName};

use super::NAME_VARIABLE;
use super::dotenv::{self, Raw};
use super::files::Files;
use super::issues::Issue;
use super::keys::ENV_FILE;
use super::reader::{Reader, Shared};
use super::source::Span;
use super::tree::{Node, Value};

/// The origin of what the caller's environment has.
pub(super) const CALLER: &str = "the environment of tspm up";

/// The origin of tspm's own variables.
pub(super) const OWN: &str = "tspm";

/// An `env_file` larger than this is none.
const MAX_ENV_FILE: usize = 1 << 20;

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
    let value: Arc<OsStr> = Arc::from(OsStr::new(value));
    let declared = by == By::File;
    if let Some(below) = env.get_mut(OsStr::new(key)) {
        let old = (std::mem::replace(&mut below.origin, origin), std::mem::replace(&mut below.value, value));
        below.overridden.push(old);
        below.declared = declared;
    } else {
        let var = EnvVar { value, origin, declared, overridden: Vec::new() };
        env.insert(Arc::from(OsStr::new(key)), var);
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

/// One entry of `env_file`.
#[derive(Debug, Clone)]
pub(super) struct EnvFile {
    path: std::path::PathBuf,
    required: bool,
    raw: Raw,
    span: Option<Span>,
}

impl EnvFile {
    /// The `.env` beside the project file.
    pub(super) fn beside(dir: &Path) -> Self {
        Self { path: dir.join(".env"), required: false, raw: Raw::Expand, span: None }
    }

    /// Reads `env_file`: a path, a map, or a list of both.
    pub(super) fn read(reader: &Reader<'_>, node: &Node) -> Vec<Self> {
        match &node.value {
            Value::List(items) => items.iter().filter_map(|item| Self::one(reader, item)).collect(),
            Value::Scalar(_) | Value::Map(_) => Self::one(reader, node).into_iter().collect(),
        }
    }

    fn one(reader: &Reader<'_>, node: &Node) -> Option<Self> {
        let dir = &reader.shared.dir;
        let Value::Map(_) = &node.value else {
            let path = reader.path(node, dir)?;
            return Some(Self { path, required: true, raw: Raw::Expand, span: Some(node.span) });
        };
        let fields = reader.fields(node, &ENV_FILE)?;
        let required = fields.get("required").and_then(|node| reader.boolean(node)).unwrap_or(true);
        let raw = fields.get("raw").and_then(|node| reader.boolean(node)).unwrap_or(false);
        let Some(path) = fields.get("path") else {
            reader.issue(Issue::error("missing-key", node.span, "an `env_file` needs a `path`"));
            return None;
        };
        let raw = if raw { Raw::Literal } else { Raw::Expand };
        Some(Self { path: reader.path(path, dir)?, required, raw, span: Some(path.span) })
    }

    /// Puts what the file sets on top of `env`; its references see `lookup`.
    pub(super) fn apply(
        &self,
        env: &mut Environment,
        shared: &Shared,
        files: &dyn Files,
        lookup: &dyn Fn(&Environment, &str) -> Option<String>,
    ) {
        // Nobody named the `.env` beside the project file.
        let error = |message: String| match self.span {
            Some(span) => Issue::error("env-file", span, message),
            None => Issue::general_error("env-file", message),
        };
        let shown = self.path.strip_prefix(&shared.dir).unwrap_or(&self.path).display().to_string();
        let problem = |message: String| shared.issues.add(error(message));
        let bytes = match files.read(&self.path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) if self.required => {
                let issue = error(format!("`{shown}` does not exist"));
                let help = format!("create it, or write `{{path: {shown}, required: false}}`");
                return shared.issues.add(issue.note(format!("looked for {}", self.path.display())).help(help));
            }
            Ok(None) => return,
            Err(why) => return problem(format!("`{shown}` cannot be read: {why}")),
        };
        if bytes.len() > MAX_ENV_FILE {
            return problem(format!("`{shown}` is larger than 1 MiB"));
        }
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return problem(format!("`{shown}` is not UTF-8"));
        };
        let entries = {
            let below: &Environment = env;
            dotenv::parse(text, self.raw, &|name| lookup(below, name))
        };
        match entries {
            Ok(entries) => {
                for entry in entries {
                    let origin = Arc::from(format!("{shown}:{}", entry.line));
                    set(env, &entry.key, &entry.value, origin, By::File);
                }
            }
            Err(faults) => {
                let file = shared.issues.add_source(&self.path, Arc::from(text));
                for fault in faults {
                    let span = shared.issues.with_source(file, |source| {
                        let start = source.line_start(fault.line);
                        let line = source.text[start..].lines().next().unwrap_or_default();
                        let at = line
                            .char_indices()
                            .nth(fault.column.saturating_sub(1))
                            .map_or(line.len(), |(at, _)| at);
                        let end = start + at + usize::from(at < line.len());
                        Span::new(file, start + at..end)
                    });
                    shared.issues.add(Issue::error("env-file", span, fault.message).maybe_help(fault.help));
                }
            }
        }
    }
}

/// Whether `key` can be the name of a variable.
pub(super) fn is_name(key: &str) -> bool {
    !key.is_empty() && !key.contains(['=', '\0']) && !key.contains(char::is_whitespace)
}
