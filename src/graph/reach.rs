//! What a selection brings with it, and what hangs on it.

use std::collections::BTreeSet;

use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{DfsPostOrder, Reversed, Walker};

use super::order::dependencies;
use crate::model::{Project, Requirement, Service, ServiceName};

/// `seeds` and everything they need, directly or not. An optional dependency comes with them unless it is
/// disabled; a required one always does (that it is disabled is for the caller to tell people).
pub fn closure(project: &Project, seeds: &BTreeSet<ServiceName>) -> BTreeSet<ServiceName> {
    let mut reached: BTreeSet<&ServiceName> = BTreeSet::new();
    let mut open: Vec<&Service> =
        seeds.iter().filter_map(|name| project.service(name.as_str())).map(|s| &**s).collect();
    while let Some(service) = open.pop() {
        if !reached.insert(&service.name) {
            continue;
        }
        for dependency in &service.depends_on {
            let Some(on) = project.services.get(&dependency.on) else { continue };
            let follow = match dependency.requirement {
                Requirement::Required => true,
                Requirement::Optional => !on.disabled,
            };
            if follow && !reached.contains(&on.name) {
                open.push(on);
            }
        }
    }
    reached.into_iter().cloned().collect()
}

/// Everything that depends on one of `of`, directly or not, by whatever edge; without `of` themselves.
pub fn dependents(project: &Project, of: &BTreeSet<ServiceName>) -> BTreeSet<ServiceName> {
    let graph = dependencies(project);
    let seeds = graph.node_indices().filter(|node| of.contains(graph[*node]));
    let reached = reaching(&graph, seeds.collect());
    reached.into_iter().map(|node| graph[node]).filter(|name| !of.contains(*name)).cloned().collect()
}

/// All nodes from which one of `seeds` can be reached.
fn reaching(graph: &DiGraph<&ServiceName, ()>, seeds: Vec<NodeIndex>) -> Vec<NodeIndex> {
    let backwards = Reversed(graph);
    let mut search = DfsPostOrder::empty(backwards);
    search.stack = seeds;
    search.iter(backwards).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::tests::{names, project, random_project};

    const SHOP: &str = "web: api, api: db migrate ?cache ?off, migrate: db, db, cache: disk, disk, \
                        !off: hidden, hidden, worker: db, alone";

    #[test]
    fn closure_is_all_that_is_needed() {
        let shop = project(SHOP);
        for (seeds, expected) in [
            ("", ""),
            ("db", "db"),
            ("worker alone", "alone db worker"),
            ("web", "api cache db disk migrate web"),
            ("off", "hidden off"),
            ("nowhere db", "db"),
        ] {
            assert_eq!(closure(&shop, &names(seeds)), names(expected), "{seeds}");
        }
        // Required, although disabled: it is needed.
        assert_eq!(closure(&project("a: b, !b: c, c"), &names("a")), names("a b c"));
        assert_eq!(closure(&project("a: b, b: a"), &names("a")), names("a b"));
    }

    #[test]
    fn dependents_are_all_that_need_it() {
        let shop = project(SHOP);
        for (of, expected) in [
            ("", ""),
            ("web", ""),
            ("db", "api migrate web worker"),
            ("disk", "api cache web"),
            ("off", "api web"),
            ("api db", "migrate web worker"),
            ("nowhere", ""),
        ] {
            assert_eq!(dependents(&shop, &names(of)), names(expected), "{of}");
        }
        assert_eq!(dependents(&project("a: b, b: a"), &names("a")), names("b"));
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]
        #[test]
        fn closure_and_dependents_agree(project in random_project()) {
            let all: BTreeSet<_> = project.services.keys().cloned().collect();
            proptest::prop_assert_eq!(closure(&project, &all), all.clone());
            for name in &all {
                let one = BTreeSet::from([name.clone()]);
                let needs = closure(&project, &one);
                proptest::prop_assert_eq!(closure(&project, &needs), needs.clone());
                for other in needs.iter().filter(|other| *other != name) {
                    let above = dependents(&project, &BTreeSet::from([other.clone()]));
                    proptest::prop_assert!(above.contains(name), "{} needs {}", name, other);
                }
            }
        }
    }
}
