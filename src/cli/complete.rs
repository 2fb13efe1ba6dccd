//! Completion of service names while the person types: from the running project, else from the project file.
//!
//! Never prints, never takes long: whatever fails is no completion.

use std::ffi::OsStr;
use std::time::Duration;

use clap_complete::CompletionCandidate;

use super::context::Context;
use super::select::Catalog;
use crate::api::client::Client;
use crate::api::wire;
use crate::config::{self, Locate};

/// Longer than that and the person has typed the name.
const PATIENCE: Duration = Duration::from_millis(300);

/// Names and groups that begin with `current`.
pub(crate) fn services(current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    let catalog = catalog().unwrap_or_default();
    candidates(&catalog, &current).into_iter().map(CompletionCandidate::new).collect()
}

fn candidates(catalog: &Catalog, current: &str) -> Vec<String> {
    let entries = catalog.entries();
    let mut names: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
    let mut groups: Vec<String> = entries.iter().flat_map(|e| &e.groups).map(|g| format!("@{g}")).collect();
    groups.sort();
    groups.dedup();
    names.extend(groups);
    names.retain(|name| name.starts_with(current));
    names
}

fn catalog() -> Option<Catalog> {
    let env = std::env::vars_os().collect();
    let cwd = std::env::current_dir().ok()?;
    let locate = Locate { file: None, cwd, profiles: Vec::new(), env, color: false, name: None };
    let dir = config::find(&locate).ok()?.dir;
    let home = Context::home_in(dir).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let running = runtime.block_on(async {
        let ask = async { Client::connect(&home.place).await.ok()?.get::<wire::State>("/v1/state").await.ok() };
        tokio::time::timeout(PATIENCE, ask).await.ok()?
    });
    match running {
        Some(state) => Some(Catalog::of_state(&state)),
        None => config::read(&locate).ok().map(|(_, loaded)| Catalog::of_project(&loaded.project)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_by_their_beginning() {
        let catalog = Catalog::of_names(["api".to_owned(), "db".to_owned(), "auth".to_owned()]);
        assert_eq!(candidates(&catalog, "a"), ["api", "auth"]);
        assert_eq!(candidates(&catalog, ""), ["api", "db", "auth"]);
        assert!(candidates(&catalog, "@").is_empty());
    }
}
