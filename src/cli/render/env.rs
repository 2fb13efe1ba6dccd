//! `tspm env`: a service's environment, for a shell or with the story of each value.

use crate::cli::term::Paint;
use crate::model::Environment;

/// `NAME=value`, quoted so that a shell reads it back.
pub(crate) fn plain(env: &Environment) -> String {
    let mut text = String::new();
    for (name, var) in env {
        let value = var.value.to_string_lossy();
        text += &format!("{}={}\n", name.to_string_lossy(), shell_words::quote(&value));
    }
    text
}

/// Each value, where it comes from and what it replaced. What was only handed on is counted, not listed.
pub(crate) fn explained(env: &Environment, paint: Paint) -> String {
    let mut text = String::new();
    let mut handed_on = 0;
    for (name, var) in env {
        if !var.declared && var.overridden.is_empty() && var.origin.as_ref() != "tspm" {
            handed_on += 1;
            continue;
        }
        let value = var.value.to_string_lossy();
        let name = paint.bold(&name.to_string_lossy());
        text +=
            &format!("{name}={}\n  {}\n", shell_words::quote(&value), paint.dim(&format!("from {}", var.origin)));
        for (origin, value) in var.overridden.iter().rev() {
            let value = value.to_string_lossy();
            text +=
                &format!("  {}\n", paint.dim(&format!("instead of {} from {origin}", shell_words::quote(&value))));
        }
    }
    if handed_on > 0 {
        text += &paint.dim(&format!("and {handed_on} more from the caller's environment, as they are\n"));
    }
    text
}

/// The same for programs.
pub(crate) fn json(service: &str, env: &Environment) -> serde_json::Value {
    let vars: Vec<serde_json::Value> = env
        .iter()
        .map(|(name, var)| {
            let overridden: Vec<serde_json::Value> = var
                .overridden
                .iter()
                .map(|(origin, value)| serde_json::json!({"origin": origin.as_ref(), "value": value.to_string_lossy()}))
                .collect();
            serde_json::json!({
                "name": name.to_string_lossy(),
                "value": var.value.to_string_lossy(),
                "origin": var.origin.as_ref(),
                "declared": var.declared,
                "overridden": overridden,
            })
        })
        .collect();
    serde_json::json!({"schema_version": crate::api::wire::SCHEMA_VERSION, "service": service, "env": vars})
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::sync::Arc;

    use super::*;
    use crate::model::EnvVar;

    fn env() -> Environment {
        let os = |text: &str| Arc::<OsStr>::from(OsStr::new(text));
        let var = |value: &str, origin: &str, declared, overridden: &[(&str, &str)]| EnvVar {
            value: os(value),
            origin: Arc::from(origin),
            declared,
            overridden: overridden.iter().map(|(origin, value)| (Arc::from(*origin), os(value))).collect(),
        };
        Environment::from([
            (os("HOME"), var("/root", "the environment of tspm up", false, &[])),
            (os("PORT"), var("8080", "tspm.yaml:12", true, &[("the environment", "1"), (".env:3", "30 00")])),
        ])
    }

    #[test]
    fn a_shell_can_read_it_back() {
        assert_eq!(plain(&env()), "HOME=/root\nPORT=8080\n");
    }

    #[test]
    fn the_story_goes_from_the_last_word_to_the_first() {
        assert_eq!(
            explained(&env(), Paint::PLAIN),
            "PORT=8080\n  from tspm.yaml:12\n  instead of '30 00' from .env:3\n  instead of 1 from the environment\n\
             and 1 more from the caller's environment, as they are\n"
        );
        let json = json("api", &env());
        assert_eq!(json["env"][1]["overridden"][1]["value"], "30 00");
    }
}
