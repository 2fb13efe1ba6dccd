//! Cycles, told as a path.

use std::collections::BTreeMap;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::model::ServiceName;

/// A cycle among `edges` (from a service to what it depends on), as the whole path: `[a, b, a]` for
/// a → b → a, `[a, a]` for a service that depends on itself. None: there is no cycle.
///
/// The same edges in any order give the same answer: of all services that are on a cycle it begins with the
/// first by name, and takes a shortest way back.
pub fn cycle<'a>(edges: impl IntoIterator<Item = (&'a ServiceName, &'a ServiceName)>) -> Option<Vec<ServiceName>> {
    let mut edges: Vec<_> = edges.into_iter().collect();
    edges.sort_unstable();
    let mut graph = DiGraph::<&ServiceName, ()>::new();
    let mut nodes = BTreeMap::new();
    for (from, to) in edges {
        let from = *nodes.entry(from).or_insert_with(|| graph.add_node(from));
        let to = *nodes.entry(to).or_insert_with(|| graph.add_node(to));
        graph.update_edge(from, to, ());
    }
    // Not `tarjan_scc`, which recurses: a long chain in a file would overflow the stack.
    let first = kosaraju_scc(&graph)
        .into_iter()
        .filter(|component| component.len() > 1 || graph.contains_edge(component[0], component[0]))
        .flatten()
        .min_by_key(|node| graph[*node])?;
    Some(way_back(&graph, first).into_iter().map(|node| graph[node].clone()).collect())
}

/// A shortest path from `start`, which is on a cycle, back to itself, both ends included.
fn way_back(graph: &DiGraph<&ServiceName, ()>, start: NodeIndex) -> Vec<NodeIndex> {
    let mut came_from: Vec<Option<NodeIndex>> = vec![None; graph.node_count()];
    let mut level = vec![start];
    while came_from[start.index()].is_none() && !level.is_empty() {
        let mut next = Vec::new();
        for from in level {
            let mut reached: Vec<_> = graph.neighbors(from).collect();
            reached.sort_unstable_by_key(|node| graph[*node]);
            for to in reached {
                if came_from[to.index()].is_none() {
                    came_from[to.index()] = Some(from);
                    next.push(to);
                }
            }
        }
        level = next;
    }
    let mut path = vec![start];
    let mut at = start;
    while let Some(from) = came_from[at.index()] {
        path.push(from);
        at = from;
        if at == start {
            break;
        }
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::tests::name;

    fn found(edges: &[(&str, &str)]) -> Option<String> {
        let edges: Vec<_> = edges.iter().map(|(from, to)| (name(from), name(to))).collect();
        let path = cycle(edges.iter().map(|(from, to)| (from, to)))?;
        Some(path.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn paths() {
        for (edges, path) in [
            (&[][..], None),
            (&[("a", "b"), ("b", "c"), ("a", "c")], None),
            (&[("a", "a")], Some("a a")),
            (&[("a", "b"), ("b", "a")], Some("a b a")),
            (&[("z", "a"), ("a", "b"), ("b", "c"), ("c", "a")], Some("a b c a")),
            // What leads into the cycle, or out of it, is not part of the answer.
            (&[("a", "m"), ("m", "n"), ("n", "m"), ("n", "b")], Some("m n m")),
            // The short way round.
            (&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("b", "a")], Some("a b a")),
            // Two cycles: the first by name.
            (&[("x", "y"), ("y", "x"), ("c", "d"), ("d", "c")], Some("c d c")),
            // The same edge twice.
            (&[("a", "b"), ("a", "b"), ("b", "a"), ("b", "a")], Some("a b a")),
        ] {
            assert_eq!(found(edges).as_deref(), path, "{edges:?}");
            let mut turned = edges.to_vec();
            turned.reverse();
            assert_eq!(found(&turned).as_deref(), path, "{turned:?}");
        }
    }

    #[test]
    fn a_long_chain_does_not_overflow_the_stack() {
        let names: Vec<_> = (0..100_000).map(|i| name(&format!("s{i:06}"))).collect();
        let chain = || names.iter().zip(&names[1..]);
        assert_eq!(cycle(chain()), None);
        let path = cycle(chain().chain([(&names[99_999], &names[0])])).expect("closed");
        assert_eq!(path.len(), 100_001);
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]
        #[test]
        fn a_cycle_is_made_of_edges_and_one_is_found_if_there_is_one(
            pairs in proptest::collection::vec((0_u8..12, 0_u8..12), 0..40),
        ) {
            let edges: Vec<_> =
                pairs.iter().map(|(a, b)| (name(&format!("s{a}")), name(&format!("s{b}")))).collect();
            // Taking away what needs nothing that is left, until nothing changes, leaves exactly cycles.
            let mut left = edges.clone();
            loop {
                let before = left.len();
                let kept = left.iter().filter(|(_, to)| left.iter().any(|(from, _)| from == to));
                left = kept.cloned().collect();
                if left.len() == before {
                    break;
                }
            }
            let path = cycle(edges.iter().map(|(a, b)| (a, b)));
            proptest::prop_assert_eq!(path.is_some(), !left.is_empty());
            if let Some(path) = path {
                proptest::prop_assert!(path.len() >= 2);
                proptest::prop_assert_eq!(path.first(), path.last());
                for step in path.windows(2) {
                    proptest::prop_assert!(edges.contains(&(step[0].clone(), step[1].clone())));
                }
                let inner: std::collections::BTreeSet<_> = path[1..].iter().collect();
                proptest::prop_assert_eq!(inner.len(), path.len() - 1, "a service twice on the way");
            }
        }
    }
}
