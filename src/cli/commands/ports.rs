//! `tspm ports`: declared ports against the machine's listeners.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::api::client::{Client, ConnectError};
use crate::api::wire::{PortView, SCHEMA_VERSION, State};
use crate::cli::args::JsonArgs;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Trouble};
use crate::cli::exit::Exit;
use crate::cli::out;
use crate::cli::render::ports::{Listening, PortRow, table};
use crate::sys::sockets::{self, Listener};
use crate::sys::tree;

/// Prints one row per port, declared or not.
pub(crate) async fn run(context: &Context, args: &JsonArgs) -> Result<Exit, CliError> {
    let home = context.home()?;
    let state = match Client::connect(&home.place).await {
        Ok(client) => Some(client.get::<State>("/v1/state").await?),
        Err(ConnectError::NotRunning) => None,
        Err(error) => return Err(error.into()),
    };
    let declared = match &state {
        Some(state) => of_state(state),
        None => of_file(context)?,
    };
    let listeners = sockets::listeners()
        .map_err(|error| Trouble::new(Exit::Failed, format!("the listening sockets cannot be read: {error}")))?;
    let trees = state.as_ref().map(trees).unwrap_or_default();
    let rows = rows(&declared, &listeners, &trees, &|port| sockets::holder(port));
    if args.json {
        out::print_json(&json!({"schema_version": SCHEMA_VERSION, "running": state.is_some(), "ports": rows}));
    } else {
        out::print(&table(&rows, context.paint));
    }
    Ok(Exit::Done)
}

/// A service and a port that it declares.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Declared {
    service: String,
    name: Option<String>,
    port: Option<u16>,
}

fn of_state(state: &State) -> Vec<Declared> {
    let one = |service: &String, port: &PortView| Declared {
        service: service.clone(),
        name: port.name.clone(),
        port: Some(port.port),
    };
    state.services.iter().flat_map(|view| view.ports.iter().map(|port| one(&view.name, port))).collect()
}

fn of_file(context: &Context) -> Result<Vec<Declared>, CliError> {
    let (_, loaded) = context.read()?;
    let services = loaded.project.services.values();
    Ok(services
        .flat_map(|service| {
            service.ports.iter().map(|port| Declared {
                service: service.name.to_string(),
                name: port.name.clone(),
                port: port.number.get(),
            })
        })
        .collect())
}

/// The sockets of each running service's whole tree, by inode.
fn trees(state: &State) -> BTreeMap<u32, String> {
    let mut owners = BTreeMap::new();
    for view in &state.services {
        let Some(leader) = view.pid else { continue };
        // The run's shim holds the leader and everything that escaped it.
        let shim =
            tree::stat(leader).ok().map(|stat| stat.ppid).filter(|pid| *pid > 1 && *pid != state.keeper_pid);
        let root = shim.unwrap_or(leader);
        for pid in std::iter::once(root).chain(tree::descendants(root)) {
            owners.extend(sockets::inodes_of(pid).into_iter().map(|inode| (inode, view.name.clone())));
        }
    }
    owners
}

/// Who holds a port: pid and command.
type Holder<'a> = &'a dyn Fn(u16) -> Option<(u32, String)>;

fn rows(
    declared: &[Declared],
    listeners: &[Listener],
    owners: &BTreeMap<u32, String>,
    holder: Holder<'_>,
) -> Vec<PortRow> {
    let mut rows = Vec::new();
    for entry in declared {
        let here: Vec<&Listener> =
            listeners.iter().filter(|listener| Some(listener.local.port()) == entry.port).collect();
        let own: Vec<String> = here
            .iter()
            .filter(|listener| owners.get(&listener.inode) == Some(&entry.service))
            .map(|listener| listener.local.ip().to_string())
            .collect();
        let listener = match (entry.port, &here[..]) {
            (None, _) | (_, []) => Listening::Nobody,
            _ if !own.is_empty() => Listening::Own { addresses: own },
            (Some(port), here) => {
                let service = here.iter().find_map(|listener| owners.get(&listener.inode)).cloned();
                let (pid, command) = holder(port).unzip();
                Listening::Other { pid, command, service }
            }
        };
        rows.push(PortRow {
            service: entry.service.clone(),
            name: entry.name.clone(),
            port: entry.port,
            declared: true,
            listener,
        });
    }
    let known: BTreeSet<(&str, u16)> =
        declared.iter().filter_map(|entry| Some((entry.service.as_str(), entry.port?))).collect();
    let mut others: BTreeMap<(&str, u16), Vec<String>> = BTreeMap::new();
    for listener in listeners {
        if let Some(owner) = owners.get(&listener.inode)
            && !known.contains(&(owner.as_str(), listener.local.port()))
        {
            others.entry((owner, listener.local.port())).or_default().push(listener.local.ip().to_string());
        }
    }
    rows.extend(others.into_iter().map(|((service, port), addresses)| PortRow {
        service: service.to_owned(),
        name: None,
        port: Some(port),
        declared: false,
        listener: Listening::Own { addresses },
    }));
    rows.sort_by(|a, b| (&a.service, !a.declared).cmp(&(&b.service, !b.declared)));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_port_is_put_beside_its_listener() {
        let listener = |at: &str, inode| Listener { local: at.parse().unwrap(), inode, uid: 0 };
        let listeners = [
            listener("127.0.0.1:8080", 1),
            listener("0.0.0.0:5433", 2),
            listener("127.0.0.1:9229", 3),
            listener("127.0.0.1:22", 4),
        ];
        let declare = |service: &str, port| Declared { service: service.into(), name: None, port: Some(port) };
        let declared = [declare("api", 8080), declare("db", 5433), declare("web", 8080), declare("web", 3000)];
        let owners = BTreeMap::from([(1, "api".to_owned()), (3, "api".to_owned())]);
        let rows = rows(&declared, &listeners, &owners, &|port| Some((u32::from(port), "postgres".into())));
        let said: Vec<(&str, u16, &Listening)> =
            rows.iter().map(|row| (row.service.as_str(), row.port.unwrap(), &row.listener)).collect();
        let own = || Listening::Own { addresses: vec!["127.0.0.1".into()] };
        let other = |pid, service: Option<&str>| Listening::Other {
            pid: Some(pid),
            command: Some("postgres".into()),
            service: service.map(str::to_owned),
        };
        assert_eq!(
            said,
            [
                ("api", 8080, &own()),
                ("api", 9229, &own()),
                ("db", 5433, &other(5433, None)),
                ("web", 8080, &other(8080, Some("api"))),
                ("web", 3000, &Listening::Nobody),
            ]
        );
    }
}
