//! What another version of the file changes.

use std::collections::BTreeSet;

use crate::model::{Project, ServiceName};

/// The difference of two projects, by service. Each service of either is in exactly one of the sets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diff {
    /// Only in the old one.
    pub removed: BTreeSet<ServiceName>,
    /// Only in the new one.
    pub added: BTreeSet<ServiceName>,
    /// In both, with another `spawn_hash`: a running instance is not what the file says.
    pub changed: BTreeSet<ServiceName>,
    /// In both, spawned alike. (Its edges, groups or labels may differ: the new project's count at once.)
    pub same: BTreeSet<ServiceName>,
}

/// What `new` changes with respect to `old`.
pub fn diff(old: &Project, new: &Project) -> Diff {
    let mut diff = Diff::default();
    for (name, service) in &new.services {
        let set = match old.services.get(name) {
            None => &mut diff.added,
            Some(before) if before.spawn_hash != service.spawn_hash => &mut diff.changed,
            Some(_) => &mut diff.same,
        };
        set.insert(name.clone());
    }
    diff.removed = old.services.keys().filter(|name| !new.services.contains_key(*name)).cloned().collect();
    diff
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::graph::tests::{name, names, project};

    #[test]
    fn each_service_is_in_one_set() {
        let old = project("api: db, db, gone, edges: db");
        let mut new = project("api: db, db, fresh, edges");
        let api = new.services.get_mut(&name("api")).unwrap();
        Arc::make_mut(api).spawn_hash = 7;
        let expected =
            Diff { removed: names("gone"), added: names("fresh"), changed: names("api"), same: names("db edges") };
        assert_eq!(diff(&old, &new), expected);
        assert_eq!(diff(&old, &old), Diff { same: names("api db edges gone"), ..Diff::default() });
    }
}
