//! What names mean in interpolations.
//!
//! | text in | sees |
//! |---|---|
//! | `.env` | the caller's environment, `project.dir`, and `vars` that refer to nothing but these two |
//! | `name`, paths of the project's `env_file`, `vars` | the caller's environment and `.env` |
//! | the project's `env`, `ports` | those, the project's `env_file` and `env` |
//! | a service's `env` | those, the service's `env_file` and `env`, `PORT`, `TSPM_…` |
//! | all else in a service | its final environment |
//!
//! `.env` comes before everything that can depend on it: the name, ports, and `vars` that refer to variables
//! are not known in it, and it is an error to use them there.
//!
//! Variables, `vars` and ports may refer to each other in any order: each is worked out when it is first
//! asked for, and once. A variable that names itself means what it replaces (`PATH: ./bin:$PATH`); any longer
//! circle is an error.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::model::{Environment, PortNumber, ServiceName};

use super::Ports;
use super::decode::Declared;
use super::environment::{self, PENDING};
use super::interpolate::Lookup;
use super::issues::Issue;
use super::lazies::{Lazies, Resolved, State};
use super::reader::{Reader, Shared, Text};
use super::source::Span;
use super::tree::Node;

/// How long a chain of values that refer to each other may be. It is there for the stack.
const MAX_CHAIN: usize = 48;

/// A service before it is read.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) key_span: Span,
    /// Its body, with `defaults` merged under it.
    pub(super) body: Rc<Node>,
    /// Its `ports`, read when somebody asks.
    pub(super) ports: RefCell<State<Rc<Declared>>>,
}

/// What the whole project has in common. Its parts become known one after the other.
pub(super) struct Globals<'a> {
    pub(super) shared: &'a Shared,
    pub(super) allocated: &'a Ports,
    /// The caller's environment and `.env`.
    pub(super) below: Environment,
    /// `below` and the project's `env_file`.
    pub(super) base: OnceCell<Environment>,
    pub(super) name: OnceCell<String>,
    pub(super) vars: Lazies,
    pub(super) env: OnceCell<Lazies>,
    pub(super) services: OnceCell<BTreeMap<ServiceName, Outline>>,
    chain: Cell<usize>,
}

impl<'a> Globals<'a> {
    pub(super) fn new(shared: &'a Shared, allocated: &'a Ports, below: Environment, vars: Lazies) -> Self {
        Self {
            shared,
            allocated,
            below,
            base: OnceCell::new(),
            name: OnceCell::new(),
            vars,
            env: OnceCell::new(),
            services: OnceCell::new(),
            chain: Cell::new(0),
        }
    }

    /// Reads as the project sees it.
    pub(super) fn reader(&'a self) -> Reader<'a> {
        Reader { shared: self.shared, scope: self }
    }

    fn base(&self) -> &Environment {
        self.base.get().unwrap_or(&self.below)
    }

    /// Works `node` out as `scope` sees it, unless the chain that led here is too long.
    pub(super) fn evaluate(&self, node: &Node, scope: &dyn Lookup) -> Option<Text> {
        if self.chain.get() >= MAX_CHAIN {
            let message = format!("this refers to a value that refers to a value …: more than {MAX_CHAIN} times");
            self.shared.issues.add(Issue::error("limit", node.span, message));
            return None;
        }
        self.chain.set(self.chain.get() + 1);
        let text = Reader { shared: self.shared, scope }.any_text(node, "a value");
        self.chain.set(self.chain.get() - 1);
        text
    }

    /// The text of `resolved`. A failure has been reported where it happened and is not reported again.
    pub(super) fn settle(&self, resolved: Resolved, name: &str) -> Option<String> {
        match resolved {
            Resolved::Unknown => None,
            Resolved::Failed => Some(String::new()),
            Resolved::Circle(span) => {
                let message = format!("`{name}` refers to itself by way of others");
                self.shared.issues.add(Issue::error("circle", span, message));
                Some(String::new())
            }
            Resolved::Value(text) => {
                if text.pending {
                    self.shared.pending.set(true);
                }
                Some(text.text)
            }
        }
    }

    /// The project's environment: every layer below the services'. And the names whose values wait for a port.
    pub(super) fn project_env(&self) -> (Environment, BTreeSet<String>) {
        let mut env = self.base().clone();
        let mut pending = BTreeSet::new();
        let Some(entries) = self.env.get() else { return (env, pending) };
        for (key, node) in entries.iter() {
            let scope = ProjectEntry { globals: self, current: key };
            if let Resolved::Value(text) = entries.resolve(key, |node| self.evaluate(node, &scope)) {
                if text.pending {
                    pending.insert(key.to_string());
                }
                environment::set(&mut env, key, &text.text, origin(self.shared, node.span), environment::By::File);
            }
        }
        (env, pending)
    }

    fn var_name(&self, name: &str) -> Result<String, String> {
        let scope = Below { globals: self };
        let resolved = self.vars.resolve(name, |node| self.evaluate(node, &scope));
        self.settle(resolved, &format!("vars.{name}")).ok_or_else(|| {
            let near = self.shared.issues.nearest(name, self.vars.names());
            format!("there is no `{name}` under `vars`{}", did_you_mean(near))
        })
    }

    /// Works out every one of `vars`, so that mistakes in those that nobody asks for are found too.
    pub(super) fn check_vars(&self) {
        for name in self.vars.names() {
            // Only mistakes in the value itself are of interest here, and those have been reported.
            drop(self.var_name(name));
        }
    }

    /// The ports that `service` declares.
    pub(super) fn ports_of(&self, service: &str) -> Result<Rc<Declared>, String> {
        let services = self.services.get().ok_or("ports are not known here")?;
        let Some((name, outline)) = services.get_key_value(service) else {
            let near = self.shared.issues.nearest(service, services.keys().map(ServiceName::as_str));
            return Err(format!("there is no service `{service}`{}", did_you_mean(near)));
        };
        let before = outline.ports.replace(State::Busy);
        let after = match before {
            State::Waiting => {
                let reader = Reader { shared: self.shared, scope: self };
                State::Done(Rc::new(super::decode::ports(&reader, name, &outline.body, self.allocated)))
            }
            State::Busy => return Err(format!("the ports of `{service}` refer to themselves")),
            State::Done(_) | State::Failed => before,
        };
        outline.ports.replace(after.clone());
        match after {
            State::Done(ports) => Ok(ports),
            State::Waiting | State::Busy | State::Failed => Ok(Rc::default()),
        }
    }

    fn port(&self, service: &str, port: Option<&str>) -> Result<String, String> {
        let declared = self.ports_of(service)?;
        let ports = &declared.ports;
        let known = match port {
            None => ports.first(),
            Some(wanted) => ports.iter().find(|port| port.name.as_deref() == Some(wanted)),
        };
        if known.is_none() && declared.broken {
            // That has been reported, where it is.
            self.shared.pending.set(true);
            return Ok(PENDING.to_owned());
        }
        let found = known.ok_or_else(|| match port {
            None => format!("service `{service}` declares no `ports`"),
            Some(wanted) => {
                let names = ports.iter().filter_map(|port| port.name.as_deref());
                let near = self.shared.issues.nearest(wanted, names);
                format!("service `{service}` has no port named `{wanted}`{}", did_you_mean(near))
            }
        })?;
        match found.number {
            PortNumber::Fixed(number) | PortNumber::Allocated(number) => Ok(number.to_string()),
            PortNumber::Pending => {
                self.shared.pending.set(true);
                Ok(PENDING.to_owned())
            }
        }
    }
}

/// `tspm.yaml:12`, for the origin of a value.
pub(super) fn origin(shared: &Shared, span: Span) -> std::sync::Arc<str> {
    let line = shared.issues.line(span);
    let file = shared.issues.with_source(span.file, |source| {
        source.path.strip_prefix(&shared.dir).unwrap_or(&source.path).display().to_string()
    });
    std::sync::Arc::from(format!("{file}:{line}"))
}

fn did_you_mean(near: Option<&str>) -> String {
    near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default()
}

impl Lookup for Globals<'_> {
    fn var(&self, name: &str) -> Option<String> {
        let Some(entries) = self.env.get() else { return environment::text(self.base(), name) };
        let scope = ProjectEntry { globals: self, current: name };
        let resolved = entries.resolve(name, |node| self.evaluate(node, &scope));
        self.settle(resolved, name).or_else(|| environment::text(self.base(), name))
    }

    fn dotted(&self, path: &str) -> Result<String, String> {
        let parts: Vec<&str> = path.split('.').collect();
        match parts.as_slice() {
            ["vars", ..] => self.var_name(path["vars".len()..].trim_start_matches('.')),
            ["project", "name"] => self.name.get().cloned().ok_or_else(|| "the name is not known here".to_owned()),
            ["project", "dir"] => Ok(self.shared.dir.display().to_string()),
            ["service", service, "port"] => self.port(service, None),
            ["service", service, "port", port] => self.port(service, Some(port)),
            _ => Err(format!(
                "`{path}` means nothing: there are `vars.NAME`, `project.name`, `project.dir`, \
                 `service.NAME.port` and `service.NAME.port.PORT`"
            )),
        }
    }

    fn hint(&self, name: &str) -> Option<String> {
        self.vars.get(name).map(|_| format!("`{name}` is one of `vars`: write `${{vars.{name}}}`"))
    }
}

/// What `.env` sees besides the variables below it.
pub(super) struct Early<'a> {
    pub(super) globals: &'a Globals<'a>,
}

impl Lookup for Early<'_> {
    fn var(&self, name: &str) -> Option<String> {
        environment::text(&self.globals.below, name)
    }

    fn dotted(&self, path: &str) -> Result<String, String> {
        let later = path.strip_prefix("vars.").is_some_and(|name| !self.globals.vars.is_constant(name));
        if later {
            return Err(format!("`{path}` is not known yet in `.env`, which is read before what it refers to"));
        }
        self.globals.dotted(path)
    }

    fn hint(&self, name: &str) -> Option<String> {
        self.globals.hint(name)
    }
}

/// What `vars` and the first few values see: the caller's environment and `.env`.
pub(super) struct Below<'a> {
    pub(super) globals: &'a Globals<'a>,
}

impl Lookup for Below<'_> {
    fn var(&self, name: &str) -> Option<String> {
        environment::text(&self.globals.below, name)
    }

    fn dotted(&self, path: &str) -> Result<String, String> {
        self.globals.dotted(path)
    }

    fn hint(&self, name: &str) -> Option<String> {
        self.globals.hint(name)
    }
}

/// What the value of `current` in the project's `env` sees.
struct ProjectEntry<'a> {
    globals: &'a Globals<'a>,
    current: &'a str,
}

impl Lookup for ProjectEntry<'_> {
    fn var(&self, name: &str) -> Option<String> {
        if name == self.current { environment::text(self.globals.base(), name) } else { self.globals.var(name) }
    }

    fn dotted(&self, path: &str) -> Result<String, String> {
        self.globals.dotted(path)
    }

    fn hint(&self, name: &str) -> Option<String> {
        self.globals.hint(name)
    }
}

/// What the value of `current` in a service's `env` sees.
pub(super) struct ServiceEntry<'a> {
    pub(super) globals: &'a Globals<'a>,
    pub(super) own: &'a [(String, String)],
    pub(super) own_pending: bool,
    pub(super) entries: &'a Lazies,
    /// Every layer below the service's `env`.
    pub(super) below: &'a Environment,
    pub(super) below_pending: &'a BTreeSet<String>,
    pub(super) current: &'a str,
}

impl ServiceEntry<'_> {
    /// Works out the value of `current`.
    pub(super) fn resolve(&self) -> Resolved {
        self.entries.resolve(self.current, |node| self.globals.evaluate(node, self))
    }
}

impl Lookup for ServiceEntry<'_> {
    fn var(&self, name: &str) -> Option<String> {
        if let Some((_, value)) = self.own.iter().find(|(own, _)| own == name) {
            if self.own_pending && value == PENDING {
                self.globals.shared.pending.set(true);
            }
            return Some(value.clone());
        }
        if name != self.current {
            let resolved = ServiceEntry { current: name, ..*self }.resolve();
            if let Some(text) = self.globals.settle(resolved, name) {
                return Some(text);
            }
        }
        if self.below_pending.contains(name) {
            self.globals.shared.pending.set(true);
        }
        environment::text(self.below, name)
    }

    fn dotted(&self, path: &str) -> Result<String, String> {
        self.globals.dotted(path)
    }

    fn hint(&self, name: &str) -> Option<String> {
        self.globals.hint(name)
    }
}

/// What everything else in a service sees: its final environment.
pub(super) struct ServiceScope<'a> {
    pub(super) globals: &'a Globals<'a>,
    pub(super) env: &'a Environment,
    /// Names whose values wait for a port.
    pub(super) pending: &'a BTreeSet<String>,
    /// Names that were asked for.
    pub(super) used: RefCell<BTreeSet<String>>,
}

impl Lookup for ServiceScope<'_> {
    fn var(&self, name: &str) -> Option<String> {
        if self.pending.contains(name) {
            self.globals.shared.pending.set(true);
        }
        self.used.borrow_mut().insert(name.to_owned());
        environment::text(self.env, name)
    }

    fn dotted(&self, path: &str) -> Result<String, String> {
        self.globals.dotted(path)
    }

    fn hint(&self, name: &str) -> Option<String> {
        self.globals.hint(name)
    }
}
