//! Files that nobody means well with: refused by limit, quickly, with a reason.

use std::ffi::OsStr;
use std::sync::Arc;

use super::{bad, bundle, lines, named};
use crate::config::{Level, Ports, Report, load};

fn refused(name: &str, text: &[u8]) -> Report {
    let report = load(&named(name, text), &Ports::new()).expect_err("this should have been refused");
    assert!(report.has_errors());
    // Whatever it is, it can be shown.
    assert!(!report.render(true).is_empty());
    report
}

fn code(report: &Report) -> &'static str {
    report.problems.iter().find(|problem| problem.level == Level::Error).expect("an error").code
}

#[test]
fn alias_bombs_are_refused_by_limit() {
    let mut text = String::from("x-0: &a0 [a, a, a, a, a, a, a, a, a, a]\n");
    for n in 1..12 {
        let below = format!("*a{}", n - 1);
        text.extend([format!("x-{n}: &a{n} [{}]\n", vec![below; 10].join(", "))]);
    }
    let report = refused("tspm.yaml", (text + "services: {a: {command: x}}").as_bytes());
    assert_eq!(
        lines(&report)[0].split_once(" the").unwrap().1,
        " file has more than 200000 values, its aliases counted in full"
    );
    let mut chain = String::from("x-0: &a0 [a]\n");
    chain.extend((1..5_000).map(|n| format!("x-{n}: &a{n} [*a{}]\n", n - 1)));
    assert_eq!(code(&refused("tspm.yaml", chain.as_bytes())), "limit");
    let merged = "x-a: &a {b: &b {<<: *a}}";
    assert_eq!(code(&refused("tspm.yaml", merged.as_bytes())), "syntax");
}

#[test]
fn a_megabyte_of_nesting_is_refused_by_limit() {
    let n = 1 << 20;
    for (name, text) in [
        ("tspm.yaml", "[".repeat(n)),
        ("tspm.yaml", "{a: ".repeat(n / 4)),
        ("tspm.yaml", "- ".repeat(n / 2)),
        ("tspm.yaml", (0..1_000).map(|depth| " ".repeat(depth) + "a:\n").collect()),
        ("tspm.json", "[".repeat(n)),
        ("tspm.json", "{\"a\":".repeat(n / 5)),
        ("tspm.json", format!("{}{}", "[".repeat(100), "]".repeat(100))),
    ] {
        assert_eq!(code(&refused(name, text.as_bytes())), "limit", "{name} {}", &text[..20]);
    }
}

#[test]
fn large_files_are_refused_by_size() {
    let report = refused("tspm.yaml", &b"# comment\n".repeat(1 << 20));
    assert_eq!(lines(&report), ["limit 1:1 the file has 10485760 bytes, more than 2097152"]);
    assert_eq!(code(&refused("tspm.yaml", "[,".repeat(1 << 17).as_bytes())), "limit");
    assert_eq!(code(&refused("tspm.json", format!("[{}1]", "1,".repeat(250_000)).as_bytes())), "limit");
    assert_eq!(code(&refused("tspm.yaml", "- a\n".repeat(250_000).as_bytes())), "limit");
}

#[test]
fn what_is_no_text_is_refused() {
    let report = refused("tspm.yaml", b"services:\n  a: \xff\xfe");
    assert_eq!(lines(&report), ["syntax 2:6 this is not UTF-8"]);
    let report = refused("tspm.yaml", b"services:\n  a: {command: \"x\0y\"}");
    assert_eq!(lines(&report), ["syntax 2:18 a control character stands here"]);
    let report = bad("services: {a: {command: \"x\\0y\", env: {A: \"\\0\"}}}");
    let nul = "a NUL byte cannot be passed to a program";
    assert_eq!(lines(&report), [format!("bad-value 1:25 {nul}"), format!("bad-value 1:42 {nul}")]);
    assert_eq!(lines(&bad("services:\n\ta: x")), ["syntax 2:2 a tab stands where YAML wants spaces"]);
    assert_eq!(code(&refused("tspm.json", b"{\"services\": {\"a\": {\"command\": \"x\xc3\x28\"}}}")), "syntax");
}

#[test]
fn files_with_nothing_in_them() {
    assert_eq!(lines(&bad("")), ["missing-key 1:1 the file is empty"]);
    assert_eq!(lines(&bad("# nothing\n")), ["missing-key 1:1 the file is empty"]);
    assert_eq!(lines(&bad("---\n")), ["missing-key 1:4 the file is empty"]);
    assert_eq!(lines(&refused("tspm.json", b"")), ["missing-key 1:1 the file is empty"]);
    assert_eq!(lines(&bad("[]")), ["wrong-type 1:1 expected a map with the keys of a project, found a list"]);
    assert_eq!(lines(&bad("hello")), ["wrong-type 1:1 expected a map with the keys of a project, found a string"]);
    assert_eq!(lines(&bad("name: x")), ["missing-key 1:1 there are no `services`"]);
    assert_eq!(lines(&bad("services: null")), ["missing-key 1:1 `services` has nothing in it"]);
    assert_eq!(lines(&bad("services: {}")), ["missing-key 1:11 `services` has nothing in it"]);
    assert_eq!(lines(&bad("services: []")), ["wrong-type 1:11 expected a map of services, found a list"]);
    assert_eq!(lines(&bad("services: {a: }")), ["missing-key 1:12 service `a` has no `command`"]);
    assert_eq!(
        lines(&bad("services: {a: x}")),
        ["wrong-type 1:15 expected a map with the keys of a service, found a string"]
    );
    assert_eq!(
        lines(&bad("services: {a: {command: x}}\n---\nservices: {}")),
        ["syntax 2:1 a second document begins here"]
    );
}

#[test]
fn duplicate_keys_have_both_places() {
    for (name, text) in [
        ("tspm.yaml", "services:\n  a: {command: x}\n  a: {command: y}\n"),
        ("tspm.json", "{\"services\":{\n\"a\": {\"command\": \"x\"},\n\"a\": {\"command\": \"y\"}}}"),
    ] {
        let report = refused(name, text.as_bytes());
        let problem = &report.problems[0];
        assert_eq!((problem.code, problem.place.as_ref().unwrap().line), ("duplicate-key", 3), "{name}");
        assert_eq!((problem.also[0].0.line, problem.also[0].1.as_str()), (2, "first written here"), "{name}");
    }
}

#[test]
fn values_cannot_grow_without_limit() {
    let mut text = String::from("services: {a: {command: x}}\nvars:\n  a: &t '");
    text += &"x".repeat(100_000);
    text += "'\n";
    text.extend((0..2_000).map(|n| format!("  v{n}: {}\n", "${vars.a}".repeat(9))));
    assert_eq!(code(&refused("tspm.yaml", text.as_bytes())), "limit");
    let many = (0..20_000).map(|n| format!("  s{n}: {{command: x}}\n")).collect::<Vec<_>>().concat();
    assert_eq!(code(&refused("tspm.yaml", format!("services:\n{many}").as_bytes())), "limit");
}

#[test]
fn thousands_of_mistakes_are_counted_and_not_all_shown() {
    let many = (0..1_000).map(|n| format!("  s{n}: {{command: x, nope: 1}}\n")).collect::<Vec<_>>().concat();
    let report = refused("tspm.yaml", format!("services:\n{many}").as_bytes());
    assert_eq!(report.problems.len(), 201);
    assert_eq!(report.problems[200].message, "800 more problems are not shown");
}

#[test]
fn thousands_of_warnings_are_no_error_and_hide_none() {
    let mut text = String::from("services:\n  s0: {command: x}\n");
    text.extend((1..1_000).map(|n| format!("  s{n}: {{command: x, depends_on: [s{}]}}\n", n - 1)));
    let warnings = load(&bundle(&text), &Ports::new()).unwrap().warnings;
    assert_eq!((warnings.problems.len(), warnings.has_errors()), (201, false));
    let mut text = String::from("services:\n");
    text.extend((0..300).map(|n| format!("  s{n}: {{command: 'echo $$HOME'}}\n")));
    let report = bad(&format!("{text}  last: {{comand: x}}\n"));
    assert!(lines(&report).iter().any(|line| line.starts_with("unknown-key")), "the error is shown");
    assert_eq!(report.problems.len(), 201);
}

#[test]
fn suggestions_end_where_nobody_reads_them() {
    let service = |n: usize| format!("  service-{n}: {{command: x, depends_on: [serivce-{n}, other-{n}]}}\n");
    let many = (0..1_000).map(service).collect::<Vec<_>>().concat();
    let report = refused("tspm.yaml", format!("services:\n{many}").as_bytes());
    assert_eq!(report.problems[0].help.as_deref(), Some("did you mean `service-0`?"));
    assert_eq!(report.problems[200].message, "1800 more problems are not shown");
    // In groups, too, whose problems come after the first 200.
    let group = (0..1_000).map(|n| format!("  g{n}: [grou{n}]\n")).collect::<Vec<_>>().concat();
    refused("tspm.yaml", format!("groups:\n{group}services:\n{many}").as_bytes());
}

#[test]
fn a_large_file_for_every_service_is_refused_by_limit() {
    let mut text = String::from("defaults: {command: [x, $V1], env_file: [e.env]}\nservices:\n");
    text.extend((0..200).map(|n| format!("  s{n}: {{}}\n")));
    let mut bundle = bundle(&text);
    let file = (0..20_000).map(|n| format!("V{n}=x\n")).collect::<Vec<_>>().concat();
    bundle.env_files.push(("/p/e.env".into(), Some(file.into_bytes())));
    // No `expect_err`: it would print 4 million variables.
    let Err(report) = load(&bundle, &Ports::new()) else { panic!("this should have been refused") };
    assert_eq!(lines(&report), ["limit 1:1 so many variables for so many services do not fit into memory"]);
}

#[test]
fn a_file_for_every_service_is_shared_where_it_means_the_same() {
    let text = "defaults: {command: x, env_file: [{path: e.env, raw: false}]}\nservices: {a: , b: , c: {env_file: [c.env, e.env]}, d: {env_file: [{path: e.env, raw: true}]}}";
    let mut bundle = bundle(text);
    bundle.env_files.push(("/p/e.env".into(), Some(b"V=$HOME-$W\nW=1\n".to_vec())));
    bundle.env_files.push(("/p/c.env".into(), Some(b"HOME=/c\nW=2\n".to_vec())));
    bundle.env.push(("W".into(), "0".into()));
    let loaded = load(&bundle, &Ports::new()).unwrap_or_else(|report| panic!("{}", report.render(false)));
    let var = |name: &str| loaded.project.service(name).unwrap().env[OsStr::new("V")].clone();
    assert_eq!(
        ["a", "b", "c", "d"].map(|name| var(name).value.to_string_lossy().into_owned()),
        ["/home/me-0", "/home/me-0", "/c-2", "$HOME-$W"]
    );
    assert!(Arc::ptr_eq(&var("a").value, &var("b").value) && Arc::ptr_eq(&var("a").origin, &var("b").origin));
}

#[test]
fn a_large_project_loads_quickly_and_shares() {
    let mut text = String::from("services:\n");
    for n in 0..400 {
        let after = if n > 0 { format!(", depends_on: [s{}]", n - 1) } else { String::new() };
        let rest = "ports: [auto], readiness: /h";
        text.extend([format!("  s{n}: {{command: [run, \"${{PORT}}\"], {rest}, env: {{N: {n}}}{after}}}\n")]);
    }
    let mut bundle = bundle(&text);
    bundle.env.extend((0..60).map(|n| (format!("VARIABLE_{n}").into(), "some value of the caller".into())));
    let loaded = load(&bundle, &Ports::new()).unwrap();
    assert_eq!(loaded.project.services.len(), 400);
    assert_eq!(loaded.auto_ports.len(), 400);
}
