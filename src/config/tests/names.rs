//! What names mean in env files and commands, and what is said of those that mean nothing.

use std::ffi::OsStr;
use std::path::PathBuf;

use super::{bad, bundle, good, lines, must, service};
use crate::config::{Bundle, Ports, Report, load};

fn with_files(text: &str, files: &[(&str, &str)]) -> Bundle {
    let mut bundle = bundle(text);
    bundle.env_files = files
        .iter()
        .map(|(path, text)| (PathBuf::from("/p").join(path), Some(text.as_bytes().to_vec())))
        .collect();
    bundle
}

fn refused(bundle: &Bundle) -> Report {
    load(bundle, &Ports::new()).expect_err("this should have been refused")
}

fn value(bundle: &Bundle, key: &str) -> String {
    service(&must(bundle), "a").env[OsStr::new(key)].value.to_string_lossy().into_owned()
}

#[test]
fn a_fault_in_an_env_file_is_reported_alone() {
    let text = "services: {a: {command: [x, $A, $B, $C], env_file: [e.env], env: {D: $A$B}}}";
    let report = refused(&with_files(text, &[("e.env", "A=1\nB=$NOPE\nC=3\n")]));
    assert_eq!(lines(&report), ["env-file 2:3 `NOPE` is not set"]);
    let text = "services: {a: {command: [x, $A]}}";
    let report = refused(&with_files(text, &[(".env", "A=1\nB='x\n")]));
    assert_eq!(lines(&report), ["env-file 2:3 this single quote is never closed"]);
}

#[test]
fn an_unknown_dotted_name_in_an_env_file_says_why() {
    let text = "vars: {size: 1}\nservices: {a: {command: x, env_file: [e.env]}}";
    let report = refused(&with_files(text, &[("e.env", "A=${vars.sise}\n")]));
    assert_eq!(lines(&report), ["env-file 1:5 there is no `sise` under `vars`: did you mean `size`?"]);
    let report = refused(&with_files(text, &[("e.env", ""), (".env", "A=${vars.sise}\n")]));
    assert_eq!(lines(&report), ["env-file 1:5 there is no `sise` under `vars`: did you mean `size`?"]);
}

#[test]
fn dot_env_sees_the_vars_that_do_not_depend_on_it() {
    let text = "vars: {r: '1', both: '${vars.r}-${project.dir}', home: $HOME, name: '${project.name}', \
                by: '${vars.home}', circle: '${vars.circle}'}\nservices: {a: {command: x}}";
    let text = text.replace(", circle: '${vars.circle}'", "");
    assert_eq!(value(&with_files(&text, &[(".env", "A=${vars.both}/${project.dir}\n")]), "A"), "1-/p//p");
    for name in ["home", "name", "by"] {
        let report = refused(&with_files(&text, &[(".env", &format!("A=${{vars.{name}}}\n"))]));
        let why = "is not known yet in `.env`, which is read before what it refers to";
        assert_eq!(lines(&report), [format!("env-file 1:5 `vars.{name}` {why}")]);
    }
    let circle = "vars: {c: '${vars.d}', d: '${vars.c}'}\nservices: {a: {command: x}}";
    let report = refused(&with_files(circle, &[(".env", "A=${vars.c}\n")]));
    assert!(report.problems.iter().all(|problem| problem.code == "circle"), "{:?}", lines(&report));
}

#[test]
fn a_name_that_is_only_under_vars_is_pointed_to() {
    let vars = "vars: {r: '1'}\n";
    for (text, file) in [
        ("env: {A: $r}\nservices: {a: {command: x}}", ""),
        ("services: {a: {command: x, env: {A: '${r}'}}}", ""),
        ("services: {a: {command: [x, $r]}}", ""),
        ("services: {a: {command: x, ports: [$r]}}", ""),
        ("services: {a: {command: x}}", "A=$r"),
        ("services: {a: {command: x, env_file: [$r]}}", ""),
    ] {
        let report = refused(&with_files(&format!("{vars}{text}"), &[(".env", file)]));
        assert!(lines(&report)[0].ends_with("`r` is not set"), "{text}: {:?}", lines(&report));
        let help = report.problems[0].help.clone().unwrap_or_default();
        assert!(help.starts_with("`r` is one of `vars`: write `${vars.r}`"), "{text}: {help}");
    }
}

#[test]
fn whatever_a_shell_reads_of_a_variable_marks_it_as_used() {
    for (script, used) in [
        ("echo $HOME", true),
        ("echo ${HOME}", true),
        ("echo ${HOME%/}", true),
        ("echo ${HOME##*/}", true),
        ("echo ${#HOME}", true),
        ("echo ${HOME/a/b} }", true),
        ("echo ${HOME:1:2}", true),
        ("echo ${!HOME}", true),
        ("echo ${A:-${HOME^^}}", true),
        ("echo ${A@Q} ${HOME@Q}", true),
        ("echo \"$((HOME + 1))\" $(echo ${HOME-})", true),
        ("echo $$HOME", false),
        ("echo HOME ${HOMES} $HOME_ $", false),
        ("echo ${", false),
    ] {
        let text = format!("services:\n  a:\n    command: >-\n      {script}\n");
        let loaded = good(&text);
        assert_eq!(service(&loaded, "a").env[OsStr::new("HOME")].declared, used, "{script}");
    }
}

#[test]
fn keys_of_env_are_names() {
    let report = bad("services: {a: {command: x, env: {$HOME: x}}}");
    assert_eq!(lines(&report), ["bad-name 1:34 `$HOME` cannot be the name of a variable"]);
    assert_eq!(report.problems[0].help.as_deref(), Some("write `HOME`: names are not interpolated"));
    let report = bad("env: [B]\nservices: {a: {command: x}}");
    assert_eq!(lines(&report), ["wrong-type 1:7 expected `NAME=value`, found a string"]);
    let help = "write `B=value`; what the caller has is passed on anyway";
    assert_eq!(report.problems[0].help.as_deref(), Some(help));
}
