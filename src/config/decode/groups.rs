//! Groups: named sets of services and of other groups, flattened.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::issues::Issue;
use crate::config::keys::GROUP;
use crate::config::reader::Reader;
use crate::config::source::Span;
use crate::config::tree::{Entry, Node, Value};
use crate::graph;
use crate::model::{GroupName, ServiceName};

/// More groups than this are a mistake, or an attack on the flattening.
const MAX_GROUPS: usize = 1_000;

/// Which services each group holds.
pub(super) type Groups = BTreeMap<GroupName, BTreeSet<ServiceName>>;

/// What one group lists, and where.
#[derive(Debug, Default)]
struct Members {
    services: BTreeSet<ServiceName>,
    groups: BTreeMap<GroupName, Span>,
}

/// Reads top-level `groups`, adds what services say about themselves (`own`), and flattens.
pub(super) fn groups(
    reader: &Reader<'_>,
    node: Option<&Node>,
    services: &BTreeSet<ServiceName>,
    own: &[(ServiceName, GroupName)],
) -> Groups {
    let mut all: BTreeMap<GroupName, Members> = BTreeMap::new();
    for (service, group) in own {
        all.entry(group.clone()).or_default().services.insert(service.clone());
    }
    let listed: Vec<(GroupName, &Entry)> = node
        .and_then(|node| reader.names(node, "a map of groups"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some((name(reader, &entry.key, entry.key_span)?, entry)))
        .collect();
    for (group, _) in &listed {
        all.entry(group.clone()).or_default();
    }
    if all.len() > MAX_GROUPS {
        let span = node.map_or(Span::new(0, 0..0), |node| node.span);
        reader.issue(Issue::error("limit", span, format!("there are more than {MAX_GROUPS} groups")));
        return Groups::new();
    }
    let names: BTreeSet<GroupName> = all.keys().cloned().collect();
    for (group, entry) in listed {
        let members = all.get_mut(&group).expect("every listed group was entered above");
        read(reader, &entry.value, services, &names, members);
    }
    refuse_cycles(reader, &all);
    all.keys().map(|group| (group.clone(), flatten(group, &all))).collect()
}

/// A group's name, checked.
pub(super) fn name(reader: &Reader<'_>, text: &str, span: Span) -> Option<GroupName> {
    GroupName::new(text).map_err(|bad| reader.issue(Issue::error("bad-name", span, bad.to_string()))).ok()
}

fn read(
    reader: &Reader<'_>,
    node: &Node,
    services: &BTreeSet<ServiceName>,
    groups: &BTreeSet<GroupName>,
    members: &mut Members,
) {
    let list = match &node.value {
        Value::Map(_) => match reader.fields(node, &GROUP).map(|fields| fields.get("services")) {
            Some(Some(list)) => list,
            Some(None) => return reader.issue(Issue::error("missing-key", node.span, "a group needs `services`")),
            None => return,
        },
        Value::List(_) | Value::Scalar(_) => node,
    };
    for item in reader.list(list, "a list of services and groups").unwrap_or_default() {
        let Some(text) = reader.string(item) else { continue };
        let bare = text.strip_prefix('@');
        if let (None, Some(service)) = (bare, services.get(text.as_str())) {
            members.services.insert(service.clone());
        } else if let Some(group) = groups.get(bare.unwrap_or(&text)) {
            members.groups.insert(group.clone(), item.span);
        } else {
            let message = format!("there is no service and no group `{}`", text.escape_debug());
            let issue = Issue::error("unknown-service", item.span, message);
            let candidates = services.iter().map(ServiceName::as_str).chain(groups.iter().map(GroupName::as_str));
            reader.issue(match reader.shared.issues.nearest(&text, candidates) {
                Some(near) => issue.help(format!("did you mean `{near}`?")),
                None => issue,
            });
        }
    }
}

fn refuse_cycles(reader: &Reader<'_>, all: &BTreeMap<GroupName, Members>) {
    // Both kinds of name obey the same rule, so that one search serves both graphs.
    let as_service = |group: &GroupName| ServiceName::new(group.as_str()).expect("a group's name is a good name");
    let edges: Vec<(ServiceName, ServiceName)> = all
        .iter()
        .flat_map(|(from, members)| members.groups.keys().map(move |to| (as_service(from), as_service(to))))
        .collect();
    let Some(path) = graph::cycle(edges.iter().map(|(from, to)| (from, to))) else { return };
    let [first, second, ..] = path.as_slice() else { return };
    let span = all.get(first.as_str()).and_then(|members| members.groups.get(second.as_str()));
    let shown: Vec<String> = path.iter().map(|name| format!("`{name}`")).collect();
    let message = format!("groups contain each other in a circle: {}", shown.join(" → "));
    reader.issue(Issue::error("cycle", span.copied().unwrap_or(Span::new(0, 0..0)), message));
}

fn flatten(group: &GroupName, all: &BTreeMap<GroupName, Members>) -> BTreeSet<ServiceName> {
    let mut seen = BTreeSet::from([group]);
    let mut left = vec![group];
    let mut found = BTreeSet::new();
    while let Some(members) = left.pop().and_then(|group| all.get(group)) {
        found.extend(members.services.iter().cloned());
        left.extend(members.groups.keys().filter(|group| seen.insert(group)));
    }
    found
}
