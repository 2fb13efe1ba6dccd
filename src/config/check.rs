//! What is wrong, or odd, between services: circles, ports that clash, waits that wait for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::issues::{Issue, Issues};
use super::source::Span;
use crate::graph;
use crate::model::{Condition, Dependency, PortNumber, Requirement, Service, ServiceName, ServiceType};

/// After so many circles the next one is found on the next try.
const MAX_CYCLES: usize = 20;

/// A dependency, and where it is written.
pub(super) struct Edge<'a> {
    pub(super) from: &'a ServiceName,
    pub(super) dependency: &'a Dependency,
    pub(super) span: Span,
    /// The service depended on, if it could be read.
    pub(super) target: Option<&'a Service>,
}

/// Refuses circles; points out waits that are not what they look like.
pub(super) fn edges(issues: &Issues, edges: &[Edge<'_>]) {
    if cycles(issues, edges) == 0 {
        waits(issues, edges);
    }
}

/// How many circles there are; all of them are reported, up to a point.
fn cycles(issues: &Issues, edges: &[Edge<'_>]) -> usize {
    let mut left: Vec<&Edge<'_>> = edges.iter().collect();
    for found in 0..MAX_CYCLES {
        let Some(path) = graph::cycle(left.iter().map(|edge| (edge.from, &edge.dependency.on))) else {
            return found;
        };
        let pairs: BTreeSet<(&ServiceName, &ServiceName)> =
            path.windows(2).map(|pair| (&pair[0], &pair[1])).collect();
        let on_path = |edge: &&Edge<'_>| pairs.contains(&(edge.from, &edge.dependency.on));
        let written: BTreeMap<_, Span> = left
            .iter()
            .filter(|edge| on_path(edge))
            .map(|edge| ((edge.from, &edge.dependency.on), edge.span))
            .collect();
        let spans: Vec<Span> =
            path.windows(2).filter_map(|pair| written.get(&(&pair[0], &pair[1])).copied()).collect();
        let shown: Vec<String> = path.iter().map(|name| format!("`{name}`")).collect();
        let message = match path.as_slice() {
            [one, _] => format!("`{one}` depends on itself"),
            _ => format!("services depend on each other in a circle: {}", shown.join(" → ")),
        };
        if let Some((first, others)) = spans.split_first() {
            let mut issue = Issue::error("cycle", *first, message);
            for (span, pair) in others.iter().zip(path[1..].windows(2)) {
                issue = issue.also(*span, format!("`{}` depends on `{}`", pair[0], pair[1]));
            }
            issues.add(issue);
        }
        left.retain(|edge| !on_path(edge));
    }
    MAX_CYCLES
}

fn waits(issues: &Issues, edges: &[Edge<'_>]) {
    let mut unprobed: BTreeMap<&ServiceName, (&Service, Span, BTreeSet<&ServiceName>)> = BTreeMap::new();
    for edge in edges {
        let Some(target) = edge.target else { continue };
        if edge.dependency.condition == Condition::Ready && target.readiness.is_none() {
            unprobed.entry(&target.name).or_insert((target, edge.span, BTreeSet::new())).2.insert(edge.from);
        }
        if target.disabled && edge.dependency.requirement == Requirement::Required {
            let message =
                format!("`{}` needs `{}`, which is disabled, and can never start", edge.from, target.name);
            let issue = Issue::warning("needs-disabled", edge.span, message);
            issues.add(issue.help("write `required: false`, or take `disabled` away"));
        }
    }
    for (name, (target, span, waiting)) in unprobed {
        let who: Vec<String> = waiting.iter().map(|name| format!("`{name}`")).collect();
        let message = format!(
            "`{name}` has no readiness probe: {} only wait{} until it has started",
            list(&who),
            s(who.len())
        );
        let help = match target.kind {
            ServiceType::Oneshot => "did you mean `succeeded`?",
            ServiceType::Service => "give it `readiness`, or say `condition: started`",
        };
        // A matter of `check`: `up` leaves it out, by this code.
        issues.add(Issue::warning("ready-without-probe", span, message).help(help));
    }
}

/// «a, b and c», and no more than five of them.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 5;
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] if names.len() <= SHOWN => format!("{} and {last}", all.join(", ")),
        _ => format!("{} and {} more", names[..SHOWN].join(", "), names.len() - SHOWN),
    }
}

const fn s(count: usize) -> &'static str {
    if count == 1 { "s" } else { "" }
}

/// Points out fixed ports that two services have, and selected profiles that nobody has.
pub(super) fn services(
    issues: &Issues,
    services: &BTreeMap<ServiceName, Arc<Service>>,
    selected: &[String],
    ports_at: &dyn Fn(&ServiceName) -> Option<Span>,
) {
    let mut taken: BTreeMap<u16, &ServiceName> = BTreeMap::new();
    for (name, service) in services {
        for port in &service.ports {
            let PortNumber::Fixed(number) = port.number else { continue };
            let Some(first) = taken.get(&number).filter(|first| **first != name) else {
                taken.insert(number, name);
                continue;
            };
            let message = format!("port {number} is declared by `{first}` and by `{name}`");
            let mut issue = Issue::warning("same-port", ports_at(name).unwrap_or(Span::new(0, 0..0)), message);
            if let Some(span) = ports_at(first) {
                issue = issue.also(span, format!("`{first}`"));
            }
            issues.add(issue.help("only one of them can run at a time; `auto` finds a free port"));
        }
    }
    let known: BTreeSet<&str> =
        services.values().flat_map(|service| &service.profiles).map(String::as_str).collect();
    for profile in selected {
        if !known.contains(profile.as_str()) {
            let issue =
                Issue::general_warning("unknown-profile", format!("no service has the profile `{profile}`"));
            issues.add(match issues.nearest(profile, known.iter().copied()) {
                Some(near) => issue.help(format!("did you mean `{near}`?")),
                None => issue,
            });
        }
    }
}
