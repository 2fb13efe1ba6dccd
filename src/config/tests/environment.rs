//! The layers of the environment, what each value sees, and where it says it came from.

use std::ffi::OsStr;
use std::path::PathBuf;

use super::{bundle, good, lines, must, service};
use crate::config::{Bundle, Loaded, Ports, load};
use crate::model::EnvVar;

fn with_files(text: &str, files: &[(&str, &str)]) -> Bundle {
    let mut bundle = bundle(text);
    bundle.env_files = files
        .iter()
        .map(|(path, text)| (PathBuf::from("/p").join(path), Some(text.as_bytes().to_vec())))
        .collect();
    bundle
}

fn var<'a>(loaded: &'a Loaded, name: &str, key: &str) -> &'a EnvVar {
    service(loaded, name).env.get(OsStr::new(key)).unwrap_or_else(|| panic!("{name} has no {key}"))
}

fn value(loaded: &Loaded, name: &str, key: &str) -> String {
    var(loaded, name, key).value.to_str().expect("text").to_owned()
}

#[test]
fn layers_in_order_with_their_origins() {
    let mut bundle = with_files(
        "
env_file: [p.env]
env: {V: project}
services:
  a:
    command: x
    env_file: [s.env]
    env:
      V: service
    ports: [http: 80, admin-2: 81]
",
        &[(".env", "# c\nV=dot\n"), ("p.env", "V=pfile"), ("s.env", "\n\nV=sfile")],
    );
    bundle.env.push(("V".into(), "caller".into()));
    let loaded = must(&bundle);
    let v = var(&loaded, "a", "V");
    let mut story: Vec<String> =
        v.overridden.iter().map(|(origin, value)| format!("{origin}={}", value.to_string_lossy())).collect();
    story.push(format!("{}={}", v.origin, v.value.to_string_lossy()));
    assert_eq!(
        story,
        [
            "the environment of tspm up=caller",
            ".env:2=dot",
            "p.env:1=pfile",
            "tspm.yaml:3=project",
            "s.env:3=sfile",
            "tspm.yaml:9=service"
        ]
    );
    assert!(v.declared && !var(&loaded, "a", "HOME").declared && !var(&loaded, "a", "PORT").declared);
    let own = ["PORT", "PORT_HTTP", "PORT_ADMIN_2", "TSPM_PROJECT", "TSPM_SERVICE", "TSPM_INSTANCE"];
    assert_eq!(own.map(|key| value(&loaded, "a", key)), ["80", "80", "81", "p", "a", "0"]);
}

#[test]
fn dot_env_is_read_unless_turned_off() {
    let files = [(".env", "A=1")];
    let on = must(&with_files("services: {a: {command: x}}", &files));
    assert_eq!(value(&on, "a", "A"), "1");
    let off = must(&with_files("env_file: []\nservices: {a: {command: x}}", &files));
    assert!(!service(&off, "a").env.contains_key(OsStr::new("A")));
}

#[test]
fn files_may_be_optional_or_raw() {
    let text = "vars: {v: w}\nservices: {a: {command: x, env_file: [{path: no.env, required: false}, {path: r.env, raw: true}, e.env]}}";
    let loaded = must(&with_files(text, &[("r.env", "R='$HOME'"), ("e.env", "E=$HOME/x\nF=${E}/${vars.v}")]));
    assert_eq!(value(&loaded, "a", "R"), "'$HOME'");
    assert_eq!((value(&loaded, "a", "E"), value(&loaded, "a", "F")), ("/home/me/x".into(), "/home/me/x/w".into()));
    let missing = load(&bundle("services: {a: {command: x, env_file: [no.env]}}"), &Ports::new()).unwrap_err();
    assert_eq!(lines(&missing), ["env-file 1:39 `no.env` does not exist"]);
    assert_eq!(missing.problems[0].notes, ["looked for /p/no.env"]);
}

#[test]
fn mistakes_in_files_have_their_place() {
    let text = "services: {a: {command: x, env_file: [e.env]}}";
    let report = load(&with_files(text, &[("e.env", "A=1\nB=$NOPE\n")]), &Ports::new()).unwrap_err();
    let place = report.problems[0].place.clone().unwrap();
    assert_eq!((place.file, place.line), (PathBuf::from("/p/e.env"), 2));
}

#[test]
fn values_see_each_other_in_any_order_and_themselves_below() {
    let loaded = good(
        "
vars: {b: \"${vars.a}2\", a: \"1\", url: \"http://x:${service.api.port}\"}
env: {ONE: \"${TWO}1\", TWO: \"${vars.b}\", HOME: \"$HOME/sub\", WEB: \"3000\"}
services:
  api:
    command: x
    ports: [\"$WEB\"]
    env: {SELF: \"$PORT\", LATER: \"$LAST\", LAST: \"$HOME\", ONE: \"<$ONE>\", URL: \"${vars.url}\"}
  other: {command: x, env: {API: \"${service.api.port}\"}}
",
    );
    for (key, expected) in [
        ("ONE", "<121>"),
        ("TWO", "12"),
        ("HOME", "/home/me/sub"),
        ("SELF", "3000"),
        ("LATER", "/home/me/sub"),
        ("URL", "http://x:3000"),
    ] {
        assert_eq!(value(&loaded, "api", key), expected, "{key}");
    }
    assert_eq!(value(&loaded, "other", "API"), "3000");
}

#[test]
fn circles_are_refused() {
    for text in [
        "env: {A: $B, B: $A}\nservices: {a: {command: x}}",
        "services: {a: {command: x, env: {A: $B, B: $C, C: $A}}}",
        "vars: {a: '${vars.b}', b: '${vars.a}'}\nservices: {a: {command: x}}",
    ] {
        let report = load(&bundle(text), &Ports::new()).unwrap_err();
        assert!(
            report.problems.iter().any(|problem| problem.code == "circle"),
            "{text}: {}",
            report.render(false)
        );
    }
    let ports =
        "services: {a: {command: x, ports: ['${service.b.port}']}, b: {command: x, ports: ['${service.a.port}']}}";
    let report = load(&bundle(ports), &Ports::new()).unwrap_err();
    assert_eq!(lines(&report), ["interpolation 1:86 the ports of `a` refer to themselves"]);
    let mut chain = String::from("services: {a: {command: x}}\nvars:\n  v0: x\n");
    chain.extend((1..2_000).map(|n| format!("  v{n}: ${{vars.v{}}}\n", n - 1)));
    chain = chain.replace("vars:\n", "vars:\n  a: ${vars.v1999}\n");
    let report = load(&bundle(&chain), &Ports::new()).unwrap_err();
    assert!(report.problems.iter().any(|problem| problem.code == "limit"));
}

#[test]
fn colours_unless_somebody_decided() {
    let colours = |text: &str, env: &[(&str, &str)]| {
        let mut bundle = bundle(text);
        bundle.color = true;
        bundle.env.extend(env.iter().map(|(key, value)| ((*key).into(), (*value).into())));
        let loaded = must(&bundle);
        let env = &service(&loaded, "a").env;
        env.get(OsStr::new("FORCE_COLOR")).map(|var| (var.value.to_string_lossy().into_owned(), var.declared))
    };
    let plain = "services: {a: {command: x}}";
    assert_eq!(colours(plain, &[]), Some(("1".into(), false)));
    assert_eq!(colours(plain, &[("NO_COLOR", "1")]), None);
    assert_eq!(colours(plain, &[("FORCE_COLOR", "0")]), Some(("0".into(), false)));
    assert_eq!(colours("services: {a: {command: x, env: {NO_COLOR: 1}}}", &[]), None);
    assert_eq!(colours("services: {a: {command: x, env: {FORCE_COLOR: 3}}}", &[]), Some(("3".into(), true)));
}

#[test]
fn values_are_shared_between_services() {
    let loaded = good("services: {a: {command: x}, b: {command: x}}");
    assert!(std::sync::Arc::ptr_eq(&var(&loaded, "a", "HOME").value, &var(&loaded, "b", "HOME").value));
}

#[test]
fn own_variables_win_and_say_so() {
    let loaded = good("services: {a: {command: x, ports: [80], env: {PORT: 3000}}}");
    assert_eq!(value(&loaded, "a", "PORT"), "80");
    assert_eq!(lines(&loaded.warnings), ["own-variable 1:47 `PORT` is tspm's own here, and will be `80`"]);
}

#[test]
fn bytes_that_are_not_text_are_passed_on() {
    use std::os::unix::ffi::OsStringExt;
    let mut bundle = bundle("services: {a: {command: x}}");
    let odd = std::ffi::OsString::from_vec(vec![0xff, 0xfe]);
    bundle.env.push(("ODD".into(), odd.clone()));
    assert_eq!(*var(&must(&bundle), "a", "ODD").value, *odd);
    assert!(!format!("{bundle:?}").contains("/home/me"), "no values in debugging output");
}
