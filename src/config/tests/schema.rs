//! The JSON Schema: fresh, the same keys as the decoder, and true of real files.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::{bad, good};
use crate::config::keys::{self, Keys};
use crate::config::{resolved, schema};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/tspm.schema.json");

#[test]
fn schema_is_fresh() {
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("TSPM_UPDATE_SCHEMA").is_some() {
        std::fs::create_dir_all(Path::new(FILE).parent().unwrap()).unwrap();
        std::fs::write(FILE, &text).unwrap();
    }
    let checked_in = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        checked_in == text,
        "schema/tspm.schema.json is stale: TSPM_UPDATE_SCHEMA=1 cargo test schema_is_fresh"
    );
}

#[test]
fn decoder_and_schema_know_the_same_keys() {
    let root = schema();
    let bodies: [(&Keys, &str); 14] = [
        (&keys::PROJECT, ""),
        (&keys::SERVICE, "ServiceBody"),
        (&keys::PROBE, "ProbeBody"),
        (&keys::HTTP, "HttpBody"),
        (&keys::DEPENDENCY, "Dependency"),
        (&keys::GROUP, "GroupBody"),
        (&keys::ENV_FILE, "EnvFileBody"),
        (&keys::STOP, "Stop"),
        (&keys::PROJECT_STOP, "ProjectStop"),
        (&keys::BACKOFF, "Backoff"),
        (&keys::HOOKS, "Hooks"),
        (&keys::HOOK, "Hook"),
        (&keys::PROJECT_LOGS, "ProjectLogs"),
        (&keys::LOGS, "ServiceLogs"),
    ];
    for (keys, name) in bodies {
        let body = if name.is_empty() { &root } else { &root["$defs"][name] };
        let properties = body["properties"].as_object().unwrap_or_else(|| panic!("`{name}` is in the schema"));
        let theirs: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        let ours: BTreeSet<&str> = keys.now.iter().copied().collect();
        assert_eq!(ours, theirs, "{}", keys.what);
        assert_eq!(body["additionalProperties"], Value::Bool(false), "{}", keys.what);
        for (key, property) in properties {
            assert!(property["description"].is_string(), "`{key}` of {} has no description", keys.what);
        }
    }
}

fn schema_takes(file: &Value) -> bool {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(file).map(|error| format!("{}: {error}", error.instance_path())).collect();
    for error in &errors {
        println!("{error}");
    }
    errors.is_empty()
}

/// One of everything.
pub(super) const EVERYTHING: &str = r#"
name: shop
version: 1
x-free: {anything: [1, 2]}
env: {A: "1", OCTAL: 0755, BIG: 1e3, NO: NO, COST: "5$$"}
vars: {bin: target/debug}
defaults: {stop: {timeout: 5s}, logs: {max_files: 3}, x-free: 1}
groups: {backend: [db, api], all: {services: [backend, web]}}
logs: {max_size: 1MiB, format: json}
stop: {timeout: 3s, order: parallel}
services:
  x-template: &template {profiles: [p]}
  db:
    command: [./db, --port, "${PORT}", 5]
    ports: [8000, {http-admin: auto}, "9000"]
    labels: {tier: 1}
    readiness: {http: {url: "http://localhost:auto/x", method: HEAD, status: [200, "300-399"], headers: {A: b}, body: ok}, interval: 1s, owner: any}
    liveness: {tcp: "[::1]:80", retries: 5, success: 2, start_period: 3s, timeout: 10ms}
    release: [gradle]
    success_exit_codes: [3, 143]
  migrate:
    <<: *template
    type: oneshot
    command: echo $HOME ${vars.bin} && sleep 1
    shell: [/bin/bash, -ec]
    depends_on: {db: {condition: ready, required: false, restart: true}}
    restart: on-failure
    max_restarts: 0
    backoff: {initial: 10ms, factor: 1.5, max: 2s, reset_after: 1m30s}
    stdin: pipe
  api:
    description: it's the $$API
    command: ${vars.bin}/api
    cwd: apps/../apps/api
    env: ["URL=http://localhost:${service.db.port}", TWO=a=b]
    depends_on: [db, migrate]
    groups: [public]
    autostart: false
    ready_timeout: 1m
    start_timeout: 2m
    readiness: {log: "^ready$$"}
    liveness: {exec: "test -e x"}
    restart: unless-stopped
    stop: {signal: 2, signal_to: leader, timeout: 0s}
    hooks:
      pre_start: [mkdir, -p, data]
      post_start: [{command: a, unless: [test, -e, b]}, {command: b, creates: c, timeout: 1m, on_failure: ignore}]
      pre_stop: echo bye
      post_stop: {command: rm -rf tmp}
    logs: {dir: out, disable: true}
  web: {command: web, disabled: true, readiness: {notify: true}, stop: {command: "kill $PPID"}}
  sock: {command: s, readiness: {unix: run/s.sock}, depends_on: {api: }}
"#;

#[test]
fn a_file_with_everything_is_good_by_both() {
    let loaded = good(EVERYTHING);
    assert_eq!(loaded.project.services.len(), 5);
    let value: Value =
        yaml_serde::from_str(&EVERYTHING.replace("    <<: *template\n", "    profiles: [p]\n")).unwrap();
    assert!(schema_takes(&value));
    assert!(schema_takes(&resolved(&loaded)));
}

#[test]
fn both_refuse_the_same_mistakes() {
    for body in [
        "{comand: x}",
        "{command: 5}",
        "{command: x, ready_timeout: 10}",
        "{command: x, restart: false}",
        "{command: x, depends_on: {a: {condition: healthy}}}",
        "{command: x, readiness: {http: /, tcp: 1}}",
        "{command: x, readiness: {interval: 1s}}",
        "{command: x, logs: {max_size: 10}}",
        "{command: x, watch: [a]}",
        "{command: x, ports: [70000]}",
        "{command: []}",
    ] {
        let text = format!("services: {{a: {body}}}");
        bad(&text);
        let value: Value = yaml_serde::from_str(&text).unwrap();
        let validator = jsonschema::validator_for(&schema()).unwrap();
        assert!(!validator.is_valid(&value), "the schema takes {body}");
    }
}
