//! Declared ports: `8080`, `auto`, `http: 8080`, `http: auto`.

use std::rc::Rc;

use crate::config::Ports;
use crate::config::environment::port_variable;
use crate::config::issues::Issue;
use crate::config::reader::{Reader, Text};
use crate::config::tree::{Entry, Node, Value};
use crate::model::{Port, PortNumber, ServiceName};

/// The ports of one service.
#[derive(Debug, Clone, Default)]
pub(in crate::config) struct Declared {
    pub(in crate::config) ports: Vec<Port>,
    /// Which of them are `auto`.
    pub(in crate::config) auto: Vec<usize>,
    /// Whether there was a mistake, so that ports may be missing.
    pub(in crate::config) broken: bool,
}

const WANTED: &str = "a port or `auto`";

/// Reads `ports` of the body of `service`.
pub(in crate::config) fn ports(
    reader: &Reader<'_>,
    service: &ServiceName,
    body: &Node,
    allocated: &Ports,
) -> Declared {
    let mut declared = Declared::default();
    let Value::Map(map) = &body.value else { return declared };
    let Some(entry) = map.get("ports").filter(|entry| !entry.value.is_null()) else { return declared };
    let Some(items) = reader.list(&entry.value, "a list of ports") else { return declared };
    for item in items {
        let read = one(reader, item);
        declared.broken |= read.is_none();
        if let Some((port, auto)) = read {
            let index = declared.ports.len();
            let number = match (port.number, auto) {
                (PortNumber::Pending, true) => allocated
                    .get(&(service.clone(), index))
                    .map_or(PortNumber::Pending, |number| PortNumber::Allocated(*number)),
                (number, _) => number,
            };
            declared.auto.extend(auto.then_some(index));
            check_against(reader, item, &declared.ports, &port);
            declared.ports.push(Port { number, ..port });
        }
    }
    declared
}

/// Name and number, and whether it is `auto`.
fn one(reader: &Reader<'_>, item: &Rc<Node>) -> Option<(Port, bool)> {
    let (name, value) = match &item.value {
        Value::Map(map) => {
            let [entry] = map.entries.as_slice() else {
                reader.issue(Issue::error("wrong-type", item.span, "a port has one name and one number"));
                return None;
            };
            (Some(name_of(reader, entry)?), &entry.value)
        }
        Value::Scalar(_) => (None, item),
        Value::List(_) => {
            reader.wrong_type(item, WANTED);
            return None;
        }
    };
    let text = reader.any_text(value, WANTED)?;
    let number = number(reader, value, &text)?;
    let auto = number == PortNumber::Pending && !text.pending;
    Some((Port { name, number }, auto))
}

fn name_of(reader: &Reader<'_>, entry: &Entry) -> Option<String> {
    let name = &*entry.key;
    let good = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if !good {
        let issue =
            Issue::error("bad-name", entry.key_span, format!("`{}` is no name for a port", name.escape_debug()));
        reader.issue(issue.help("letters, digits, `_` and `-`, the first a letter or digit"));
        return None;
    }
    Some(name.to_owned())
}

fn number(reader: &Reader<'_>, node: &Node, text: &Text) -> Option<PortNumber> {
    if text.text == "auto" {
        return Some(PortNumber::Pending);
    }
    let leading_zero = text.text.starts_with('0');
    match text.text.parse::<u16>() {
        Ok(number) if number > 0 && !leading_zero => return Some(PortNumber::Fixed(number)),
        Ok(_) | Err(_) => {}
    }
    let mut issue =
        Issue::error("bad-port", node.span, format!("`{}` is no port: 1 to 65535, or `auto`", text.text));
    if let Some((_, inner)) = text.text.rsplit_once(':') {
        issue = issue.help(format!("nothing is mapped here: write the port the service listens on, `{inner}`"));
    }
    reader.issue(issue);
    None
}

fn check_against(reader: &Reader<'_>, item: &Node, before: &[Port], port: &Port) {
    for other in before {
        if let (Some(a), Some(b)) = (&other.name, &port.name)
            && port_variable(a) == port_variable(b)
        {
            let message = format!("two ports of one service are named `{b}` (`${}`)", port_variable(b));
            reader.issue(Issue::error("duplicate-port", item.span, message));
        }
        if let (PortNumber::Fixed(a), PortNumber::Fixed(b)) = (other.number, port.number)
            && a == b
        {
            reader.issue(Issue::error("duplicate-port", item.span, format!("port {b} is declared twice")));
        }
    }
}
