//! In which order services start, and their rank for stopping.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use petgraph::Direction::{Incoming, Outgoing};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::model::{Project, ServiceName};

/// All services, each after everything it depends on; among those that could come next, the first by name.
///
/// In a project without cycles, which is what config lets through; of one with a cycle the services that are
/// on it or depend on it come last, by name.
pub fn start_order(project: &Project) -> Vec<ServiceName> {
    let graph = dependencies(project);
    let mut order: Vec<_> = walk(&graph).into_iter().map(|node| graph[node].clone()).collect();
    if order.len() < graph.node_count() {
        let done: BTreeSet<_> = order.iter().cloned().collect();
        order.extend(project.services.keys().filter(|name| !done.contains(*name)).cloned());
    }
    order
}

/// The length of the longest chain of dependencies below each service: 0 for one that depends on nothing, and
/// always more than that of everything it depends on. Higher ranks stop first.
///
/// (A service on a cycle, which config does not let through, has rank 0.)
pub fn ranks(project: &Project) -> BTreeMap<ServiceName, u32> {
    let graph = dependencies(project);
    let mut ranks = vec![0_u32; graph.node_count()];
    for node in walk(&graph) {
        let below = graph.neighbors_directed(node, Outgoing).map(|on| ranks[on.index()] + 1).max();
        ranks[node.index()] = below.unwrap_or(0);
    }
    graph.node_indices().map(|node| (graph[node].clone(), ranks[node.index()])).collect()
}

/// Edges go from a service to what it depends on; nodes are in the order of names.
pub(super) fn dependencies(project: &Project) -> DiGraph<&ServiceName, ()> {
    let mut graph = DiGraph::with_capacity(project.services.len(), project.services.len());
    let nodes: BTreeMap<_, _> = project.services.keys().map(|name| (name, graph.add_node(name))).collect();
    for (name, service) in &project.services {
        for dependency in &service.depends_on {
            if let Some(on) = nodes.get(&dependency.on) {
                graph.add_edge(nodes[name], *on, ());
            }
        }
    }
    graph
}

/// Kahn's algorithm with a heap of node numbers, which are in the order of names.
fn walk(graph: &DiGraph<&ServiceName, ()>) -> Vec<NodeIndex> {
    let mut missing: Vec<usize> =
        graph.node_indices().map(|node| graph.neighbors_directed(node, Outgoing).count()).collect();
    let mut free: BinaryHeap<_> =
        graph.node_indices().filter(|node| missing[node.index()] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(graph.node_count());
    while let Some(Reverse(node)) = free.pop() {
        order.push(node);
        for dependent in graph.neighbors_directed(node, Incoming) {
            missing[dependent.index()] -= 1;
            if missing[dependent.index()] == 0 {
                free.push(Reverse(dependent));
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::tests::{name, project, random_project};

    fn order(text: &str) -> String {
        start_order(&project(text)).iter().map(ServiceName::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn dependencies_first_ties_by_name() {
        for (text, expected) in [
            ("", ""),
            ("c, a, b", "a b c"),
            ("a: z, z, m", "m z a"),
            ("web: api, api: db migrate, migrate: db, db, worker: db", "db migrate api web worker"),
            // Optional and disabled ones keep their place.
            ("a: ?b, !b: ?c, c", "c b a"),
            // A cycle loses nobody.
            ("d, a: b, b: a, c: a", "d a b c"),
            ("a: a, b", "b a"),
            // The same dependency twice, and one that does not exist.
            ("a: b b nowhere, b", "b a"),
        ] {
            assert_eq!(order(text), expected, "{text}");
        }
    }

    #[test]
    fn ranks_are_the_longest_chain() {
        let ranks = ranks(&project("web: api db, api: db migrate, migrate: db, db, alone, !off: ?web"));
        let expected = [("alone", 0), ("api", 2), ("db", 0), ("migrate", 1), ("off", 4), ("web", 3)];
        assert_eq!(ranks, expected.into_iter().map(|(text, rank)| (name(text), rank)).collect());
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]
        #[test]
        fn every_edge_is_kept(project in random_project()) {
            let order = start_order(&project);
            let ranks = ranks(&project);
            proptest::prop_assert_eq!(order.len(), project.services.len());
            let place: BTreeMap<_, _> = order.iter().enumerate().map(|(at, name)| (name, at)).collect();
            for (name, service) in &project.services {
                for dependency in &service.depends_on {
                    proptest::prop_assert!(place[&dependency.on] < place[name]);
                    proptest::prop_assert!(ranks[&dependency.on] < ranks[name]);
                }
                let highest = service.depends_on.iter().map(|d| ranks[&d.on] + 1).max().unwrap_or(0);
                proptest::prop_assert_eq!(ranks[name], highest);
            }
        }
    }
}
