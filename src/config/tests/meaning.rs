//! What a good file means: defaults, short forms, merging, interpolation.

use std::path::PathBuf;
use std::time::Duration;

use super::schema::EVERYTHING;
use super::{bad, bundle, good, lines, must, name, named, service};
use crate::config::{Ports, load, resolved};
use crate::model::{
    Backoff, Command, Condition, Guard, HookFailure, HttpProbe, Logs, Port, PortNumber, Probe, ProbeKind,
    ProbeOwner, ProbeTarget, Requirement, RestartMode, ServiceType, Signal, SignalScope, Stdin, Stop, StopOrder,
    TcpTarget, WhenReplaced,
};

fn shell(script: &str) -> Command {
    Command::Shell { shell: vec!["/bin/sh".into(), "-c".into()], script: script.into() }
}

fn tcp(port: u16) -> TcpTarget {
    TcpTarget { host: "127.0.0.1".into(), port }
}

#[test]
fn defaults_are_those_of_the_specification() {
    let loaded = good("services: {a: {command: x}, b: {command: x, type: oneshot}}");
    let (a, b) = (service(&loaded, "a"), service(&loaded, "b"));
    assert_eq!(loaded.project.name, "p");
    assert_eq!(loaded.project.stop.order, StopOrder::Reverse);
    assert_eq!(a.command, shell("x"));
    assert_eq!(a.cwd, PathBuf::from("/p"));
    assert_eq!((a.kind, a.stdin, a.restart.mode), (ServiceType::Service, Stdin::Pipe, RestartMode::OnFailure));
    assert_eq!((b.kind, b.stdin, b.restart.mode), (ServiceType::Oneshot, Stdin::Null, RestartMode::No));
    assert_eq!((a.ready_timeout, a.start_timeout), (Duration::from_secs(60), None));
    assert_eq!((a.restart.max_restarts, a.restart.backoff), (5, Backoff::default()));
    assert_eq!(a.restart.success_exit_codes, [0]);
    assert_eq!(a.stop, Stop::default());
    assert_eq!(a.logs, Logs::default());
    assert!(a.autostart && !a.disabled);
    assert!(loaded.warnings.is_empty() && loaded.auto_ports.is_empty());
}

#[test]
fn every_key_arrives() {
    let loaded = good(EVERYTHING);
    assert_eq!(lines(&loaded.warnings), [""; 0]);
    let db = service(&loaded, "db");
    assert_eq!(db.command, Command::Argv(["./db", "--port", "8000", "5"].map(str::to_owned).to_vec()));
    let port = |name: Option<&str>, number| Port { name: name.map(str::to_owned), number };
    let ports = [
        port(None, PortNumber::Fixed(8000)),
        port(Some("http-admin"), PortNumber::Pending),
        port(None, PortNumber::Fixed(9000)),
    ];
    assert_eq!(db.ports, ports);
    assert_eq!(loaded.auto_ports, [(name("db"), 1)]);
    let readiness = db.readiness.clone().unwrap();
    let http = HttpProbe {
        target: ProbeTarget::Plain(TcpTarget { host: "localhost".into(), port: 8000 }),
        path: "/x".into(),
        method: "HEAD".into(),
        headers: vec![("A".into(), "b".into())],
        status: vec![(200, 200), (300, 399)],
        body: Some("ok".into()),
    };
    assert_eq!((readiness.kind, readiness.owner), (ProbeKind::Http(http), ProbeOwner::Any));
    assert_eq!(readiness.interval, Duration::from_secs(1));
    let liveness = db.liveness.clone().unwrap();
    assert_eq!(liveness.kind, ProbeKind::Tcp(TcpTarget { host: "::1".into(), port: 80 }));
    assert_eq!((liveness.retries, liveness.success), (5, 2));
    assert_eq!((liveness.start_period, liveness.timeout), (Duration::from_secs(3), Duration::from_millis(10)));
    assert_eq!(db.restart.success_exit_codes, [0, 3, 143]);
    assert_eq!(
        (db.logs.max_files, db.logs.max_size),
        (3, 1 << 20),
        "the service's logs are on top of the project's"
    );
    assert_eq!(db.stop.timeout, Duration::from_secs(5), "from `defaults`");

    let migrate = service(&loaded, "migrate");
    assert_eq!(migrate.profiles, ["p"], "merged with `<<`");
    let bash = vec!["/bin/bash".to_owned(), "-ec".to_owned()];
    assert_eq!(
        migrate.command,
        Command::Shell { shell: bash, script: "echo $HOME target/debug && sleep 1".into() }
    );
    let edge = &migrate.depends_on[0];
    assert_eq!((edge.condition, edge.requirement), (Condition::Ready, Requirement::Optional));
    assert_eq!(edge.when_replaced, WhenReplaced::Restart);
    assert_eq!(migrate.restart.backoff.reset_after, Duration::from_secs(90));

    let api = service(&loaded, "api");
    assert_eq!(api.description.as_deref(), Some("it's the $API"));
    assert_eq!(api.cwd, PathBuf::from("/p/apps/../apps/api"));
    assert_eq!(api.depends_on[0].condition, Condition::Ready);
    assert_eq!(api.depends_on[1].condition, Condition::Succeeded);
    assert_eq!(api.readiness.as_ref().unwrap().kind, ProbeKind::Log("^ready$".into()));
    assert_eq!(api.stop.signal, Signal::INT);
    assert_eq!((api.stop.scope, api.stop.timeout), (SignalScope::Leader, Duration::ZERO));
    assert_eq!(api.hooks.pre_start[0].command, Command::Argv(["mkdir", "-p", "data"].map(str::to_owned).to_vec()));
    let unless = Command::Argv(["test", "-e", "b"].map(str::to_owned).to_vec());
    assert_eq!(api.hooks.post_start[0].guard, Some(Guard::Unless(unless)));
    assert_eq!(api.hooks.post_start[1].guard, Some(Guard::Creates("/p/apps/../apps/api/c".into())));
    assert_eq!(api.hooks.post_start[1].on_failure, HookFailure::Ignore);
    assert_eq!(api.hooks.pre_stop[0].timeout, Duration::from_secs(30));
    assert_eq!(api.logs.dir, Some("/p/out".into()));
    assert!(api.logs.disabled);
    assert_eq!(service(&loaded, "sock").readiness.as_ref().unwrap().kind, ProbeKind::Unix("/p/run/s.sock".into()));

    let members =
        |group: &str| loaded.project.groups[group].iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!((members("all"), members("public")), ("api db web".to_owned(), "api".to_owned()));
    assert_eq!(api.groups.iter().map(ToString::to_string).collect::<Vec<_>>(), ["all", "backend", "public"]);
}

#[test]
fn what_is_resolved_means_the_same() {
    let first = good(EVERYTHING);
    let text = yaml_serde::to_string(&resolved(&first)).unwrap();
    let second = must(&bundle(&text));
    let json = must(&named("tspm.json", serde_json::to_string(&resolved(&first)).unwrap().as_bytes()));
    for again in [&second, &json] {
        for (name, service) in &first.project.services {
            let mut expected = (**service).clone();
            let mut found = (*again.project.services[name]).clone();
            // Where a value came from is not kept, and variables of the project are the service's own now.
            expected.env.clear();
            found.env.clear();
            assert_eq!(found, expected, "\n{text}");
        }
        assert_eq!(again.project.groups, first.project.groups);
    }
    assert_eq!(resolved(&second), resolved(&first));
}

#[test]
fn allocated_ports_take_the_place_of_auto() {
    let text = "
services:
  a: {command: [x, \"${PORT}\", \"${PORT_ADMIN}\"], ports: [http: auto, admin: auto], readiness: /h, liveness: {tcp: auto}}
  b: {command: \"x ${service.a.port.admin}\", ports: [\"${service.a.port}\"], readiness: \"127.0.0.1:${service.a.port}\"}
  c: {command: x, ports: [5000], readiness: \"${service.a.port}\"}
";
    let pending = good(text);
    assert_eq!(pending.auto_ports, [(name("a"), 0), (name("a"), 1)]);
    assert_eq!(service(&pending, "a").command, Command::Argv(["x", "auto", "auto"].map(str::to_owned).to_vec()));
    assert_eq!(service(&pending, "b").readiness.as_ref().unwrap().tcp(), Some(&tcp(0)));
    assert_eq!(service(&pending, "b").ports[0].number, PortNumber::Pending);
    assert_eq!(service(&pending, "c").readiness.as_ref().unwrap().tcp(), Some(&tcp(0)));
    let ports = Ports::from([((name("a"), 0), 4000), ((name("a"), 1), 4001)]);
    let loaded = load(&bundle(text), &ports).unwrap();
    assert_eq!(loaded.auto_ports, pending.auto_ports);
    let (a, b) = (service(&loaded, "a"), service(&loaded, "b"));
    assert_eq!(a.command, Command::Argv(["x", "4000", "4001"].map(str::to_owned).to_vec()));
    assert_eq!(a.ports[1].number, PortNumber::Allocated(4001));
    assert_eq!(a.readiness.as_ref().unwrap().tcp(), Some(&tcp(4000)));
    assert_eq!(a.liveness.as_ref().unwrap().tcp(), Some(&tcp(4000)));
    assert_eq!(b.command, shell("x 4001"));
    assert_eq!(b.ports[0].number, PortNumber::Fixed(4000));
    assert_eq!(b.readiness.as_ref().unwrap().tcp(), Some(&tcp(4000)));
    assert_ne!(a.spawn_hash, service(&pending, "a").spawn_hash);
}

#[test]
fn short_forms_of_probes() {
    let table = [
        ("8080", ProbeKind::Tcp(tcp(8080))),
        ("'8080'", ProbeKind::Tcp(tcp(8080))),
        ("auto", ProbeKind::Tcp(tcp(3000))),
        ("db.local:80", ProbeKind::Tcp(TcpTarget { host: "db.local".into(), port: 80 })),
        ("'[::1]:80'", ProbeKind::Tcp(TcpTarget { host: "::1".into(), port: 80 })),
        ("{notify: true}", ProbeKind::Notify),
        ("{exec: [a]}", ProbeKind::Exec(Command::Argv(vec!["a".into()]))),
    ];
    for (text, kind) in table {
        let loaded = good(&format!("services: {{a: {{command: x, ports: [3000], readiness: {text}}}}}"));
        assert_eq!(service(&loaded, "a").readiness.as_ref().unwrap().kind, kind, "{text}");
    }
    let urls = [
        ("/", "http 127.0.0.1:3000 /"),
        ("/a?b=c", "http 127.0.0.1:3000 /a?b=c"),
        ("http://x", "http x:80 /"),
        ("http://x:81/y#z", "http x:81 /y"),
        ("http://127.0.0.1:auto?q", "http 127.0.0.1:3000 /?q"),
        ("https://[::1]/y", "https ::1:443 /y"),
    ];
    for (text, expected) in urls {
        let loaded = good(&format!("services: {{a: {{command: x, ports: [3000], readiness: \"{text}\"}}}}"));
        let ProbeKind::Http(http) = &service(&loaded, "a").readiness.as_ref().unwrap().kind else {
            panic!("{text}")
        };
        let scheme = if matches!(http.target, ProbeTarget::Plain(_)) { "http" } else { "https" };
        let to = http.target.tcp();
        assert_eq!(format!("{scheme} {}:{} {}", to.host, to.port, http.path), expected, "{text}");
    }
}

#[test]
fn defaults_merge_maps_and_replace_the_rest() {
    let loaded = good("
defaults:
  env: [A=1, B=1]
  profiles: [x, y]
  cwd: one
  readiness: {http: /h, interval: 2s}
  stop: {command: bye, timeout: 3s}
  labels: {a: 1, b: 1}
services:
  plain: {command: x, ports: [80]}
  other: {command: x, ports: [80], env: {B: 2, C: 2}, profiles: [z], cwd: two, labels: {b: 2}, readiness: 8080, stop: {signal: INT}}
  third: {command: x, ports: [80], readiness: {log: up, retries: 9}, env: ['B=3'], profiles: null}
  fourth: {command: x, readiness: null, ports: [80]}
");
    let text = |service: &crate::model::Service, key: &str| {
        service.env.get(std::ffi::OsStr::new(key)).map(|var| var.value.to_string_lossy().into_owned())
    };
    let (plain, other, third) = (service(&loaded, "plain"), service(&loaded, "other"), service(&loaded, "third"));
    assert_eq!((text(plain, "A"), text(plain, "B")), (Some("1".into()), Some("1".into())));
    assert_eq!((text(other, "A"), text(other, "B")), (Some("1".into()), Some("2".into())));
    assert_eq!((text(third, "A"), text(third, "B")), (Some("1".into()), Some("3".into())));
    assert_eq!((&plain.profiles, &other.profiles), (&vec!["x".to_owned(), "y".to_owned()], &vec!["z".to_owned()]));
    assert!(third.profiles.is_empty(), "null takes away what `defaults` say");
    assert_eq!(other.cwd, PathBuf::from("/p/two"));
    assert_eq!(other.labels["a"], "1");
    assert_eq!(other.labels["b"], "2");
    let probe = |service: &crate::model::Service| service.readiness.clone().unwrap();
    assert_eq!((probe(other).kind, probe(other).interval), (ProbeKind::Tcp(tcp(8080)), Duration::from_secs(2)));
    assert_eq!((probe(third).kind, probe(third).retries), (ProbeKind::Log("up".into()), 9));
    assert_eq!(service(&loaded, "fourth").readiness, None::<Probe>);
    assert_eq!((&other.stop.command, other.stop.signal), (&None, Signal::INT));
    assert_eq!(other.stop.timeout, Duration::from_secs(3));
    assert_eq!(plain.stop.command, Some(shell("bye")));
}

#[test]
fn yaml_is_1_2_and_text_stays_text() {
    let loaded = good(
        "services: {a: {command: x, restart: no, env: {A: 0755, B: 1e3, C: NO, D: on, E: 1_000, F: 0x10, G: true}}}",
    );
    let a = service(&loaded, "a");
    assert_eq!(a.restart.mode, RestartMode::No);
    for (key, value) in
        [("A", "0755"), ("B", "1e3"), ("C", "NO"), ("D", "on"), ("E", "1_000"), ("F", "0x10"), ("G", "true")]
    {
        assert_eq!(a.env[std::ffi::OsStr::new(key)].value.to_str(), Some(value), "{key}");
    }
    let json = must(&named(
        "tspm.jsonc",
        br#"{"services": {"a": {"command": "x", "env": {"A": 1e3, "B": 1.50}}}, /* c */ }"#,
    ));
    let env = &service(&json, "a").env;
    assert_eq!(env[std::ffi::OsStr::new("A")].value.to_str(), Some("1e3"));
    assert_eq!(env[std::ffi::OsStr::new("B")].value.to_str(), Some("1.50"));
}

#[test]
fn a_null_stdin_is_no_missing_one() {
    let loaded = good("services: {a: {command: x, stdin: null}, b: {command: x, stdin: 'null'}, c: {command: x}}");
    let stdin = ["a", "b", "c"].map(|name| service(&loaded, name).stdin);
    assert_eq!(stdin, [Stdin::Null, Stdin::Null, Stdin::Pipe]);
}

#[test]
fn merge_keys_and_aliases() {
    let loaded = good(
        "
x-a: &a {command: from-a, cwd: a, labels: {one: 1}}
x-b: &b {command: from-b, profiles: &p [p]}
services:
  one: {<<: *a, cwd: own}
  two: {<<: [*b, *a], groups: *p}
  three: {'<<': 1, command: x}
"
        .replace("  three: {'<<': 1, command: x}\n", "")
        .as_str(),
    );
    assert_eq!(service(&loaded, "one").command, shell("from-a"));
    assert_eq!(service(&loaded, "one").cwd, PathBuf::from("/p/own"));
    assert_eq!(service(&loaded, "two").command, shell("from-b"), "the first of the list wins");
    assert_eq!(service(&loaded, "two").cwd, PathBuf::from("/p/a"));
    assert_eq!(service(&loaded, "two").groups[0].as_str(), "p");
    let report = bad("services: {three: {'<<': 1, command: x}}");
    assert_eq!(
        lines(&report),
        ["unknown-key 1:20 `<<` is no key of a service"],
        "in quotes it is a key like others"
    );
}

#[test]
fn the_name_of_the_project() {
    let text = "name: \"${N:-it}\"\nservices: {a: {command: 'x ${project.name} ${project.dir}'}}";
    let mut bundle = bundle(text);
    assert_eq!(must(&bundle).project.name, "it");
    bundle.env.push(("N".into(), "two".into()));
    assert_eq!(service(&must(&bundle), "a").command, shell("x two /p"));
    bundle.env.push((crate::config::NAME_VARIABLE.into(), "given".into()));
    let loaded = must(&bundle);
    assert_eq!(loaded.project.name, "given");
    assert!(!service(&loaded, "a").env.contains_key(std::ffi::OsStr::new("TSPM_NAME")));
}

#[test]
fn the_hash_follows_what_the_spawn_depends_on() {
    let base = "services: {a: {command: x}, b: {command: y}}";
    let hash = |text: &str| service(&good(text), "a").spawn_hash;
    for same in [
        "services: {b: {command: y, readiness: 1}, a: {command: x, depends_on: [b], groups: [g], labels: {l: 1}}}",
        "services: {b: {command: y}, a: {command: x, description: d, profiles: [p], stop: {timeout: 1s}, restart: always}}",
        "x-comment: 1\nservices:\n\n  a: {command: x}\n  b: {command: z}",
    ] {
        assert_eq!(hash(same), hash(base), "{same}");
    }
    for other in [
        "{command: z}",
        "{command: [x]}",
        "{command: x, cwd: y}",
        "{command: x, env: {A: 1}}",
        "{command: x, ports: [80]}",
        "{command: x, stdin: 'null'}",
        "{command: x, type: oneshot}",
        "{command: x, readiness: {log: a}}",
        "{command: x, hooks: {pre_start: a}}",
        "{command: x, logs: {disable: true}}",
    ] {
        assert_ne!(hash(&format!("services: {{a: {other}}}")), hash(base), "{other}");
    }
    let with = |text: &str, key: &str, value: &str| {
        let mut bundle = bundle(text);
        bundle.env.push((key.into(), value.into()));
        service(&must(&bundle), "a").spawn_hash
    };
    assert_eq!(with(base, "WINDOWID", "1"), with(base, "WINDOWID", "2"), "a new terminal");
    for uses in ["services: {a: {command: x $MODE}}", "services: {a: {command: [x, \"${MODE}\"]}}"] {
        assert_ne!(with(uses, "MODE", "1"), with(uses, "MODE", "2"), "{uses}");
        assert_eq!(with(uses, "MODE", "1"), with(uses, "MODE", "1"), "{uses}");
    }
}
