//! `tspm ports`: declared ports and real listeners, service by service.

use serde::Serialize;

use super::table::{Lean, Table};
use crate::cli::term::Paint;

/// One port of one service, or of nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PortRow {
    /// The service that declares it, or whose process listens.
    pub(crate) service: String,
    /// The port's name, if it has one.
    pub(crate) name: Option<String>,
    /// Its number; none: `auto`, not allocated yet.
    pub(crate) port: Option<u16>,
    /// Whether the project file declares it.
    pub(crate) declared: bool,
    /// Who listens.
    pub(crate) listener: Listening,
}

/// Who listens on a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "who")]
pub(crate) enum Listening {
    /// Nobody.
    Nobody,
    /// The service itself.
    Own {
        /// Its addresses: `127.0.0.1`, `[::]`.
        addresses: Vec<String>,
    },
    /// Somebody else: a conflict.
    Other {
        /// Its pid, where that can be seen.
        pid: Option<u32>,
        /// Its command line, where that can be seen.
        command: Option<String>,
        /// The service of this project that it belongs to.
        service: Option<String>,
    },
}

/// One row per port.
pub(crate) fn table(rows: &[PortRow], paint: Paint) -> String {
    if rows.is_empty() {
        return "no service declares a port, and none listens\n".to_owned();
    }
    let mut table = Table::new(&[
        ("SERVICE", Lean::Left),
        ("PORT", Lean::Right),
        ("NAME", Lean::Left),
        ("LISTENING", Lean::Left),
    ]);
    for row in rows {
        table.row(vec![
            paint.service(&row.service, &row.service),
            row.port.map_or_else(|| "auto".to_owned(), |port| port.to_string()),
            row.name.clone().unwrap_or_else(|| if row.declared { "-".into() } else { "(not declared)".into() }),
            listening(&row.listener, paint),
        ]);
    }
    table.render(paint, None)
}

fn listening(listener: &Listening, paint: Paint) -> String {
    match listener {
        Listening::Nobody => paint.dim("nobody"),
        Listening::Own { addresses } => paint.good(&format!("yes, on {}", addresses.join(", "))),
        Listening::Other { pid, command, service } => {
            let who = match (service, pid, command) {
                (Some(service), ..) => format!("service {service}"),
                (None, Some(pid), Some(command)) => format!("pid {pid} ({command})"),
                (None, Some(pid), None) => format!("pid {pid}"),
                (None, None, _) => "another user's process".to_owned(),
            };
            paint.bad(&format!("taken by {who}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts_name_the_one_who_is_in_the_way() {
        let row = |service: &str, port, declared, listener| PortRow {
            service: service.into(),
            name: None,
            port,
            declared,
            listener,
        };
        let other = |pid, command: Option<&str>, service: Option<&str>| Listening::Other {
            pid,
            command: command.map(str::to_owned),
            service: service.map(str::to_owned),
        };
        let rows = [
            row("api", Some(8080), true, Listening::Own { addresses: vec!["127.0.0.1".into(), "[::1]".into()] }),
            row("api", Some(9229), false, Listening::Own { addresses: vec!["127.0.0.1".into()] }),
            row("db", Some(5433), true, other(Some(812), Some("postgres"), None)),
            row("web", Some(8080), true, other(None, None, Some("api"))),
            row("worker", None, true, Listening::Nobody),
        ];
        assert_eq!(
            table(&rows, Paint::PLAIN),
            "\
SERVICE  PORT  NAME            LISTENING
api      8080  -               yes, on 127.0.0.1, [::1]
api      9229  (not declared)  yes, on 127.0.0.1
db       5433  -               taken by pid 812 (postgres)
web      8080  -               taken by service api
worker   auto  -               nobody
"
        );
    }
}
