//! What people see when something is wrong, as they see it.

use super::{bad, bundle, good, lines, named};
use crate::config::{Ports, load};

/// What a project file that has only this service in it is told.
fn says(text: &str, expected: &str) {
    let rendered = bad(text).render(false);
    assert_eq!(rendered.trim_end(), expected.trim(), "\n{rendered}");
}

#[test]
fn an_unknown_key() {
    says(
        "services:\n  api:\n    comand: x\n    zzz: 1\n",
        "
error[unknown-key]: `comand` is no key of a service
 --> /p/tspm.yaml:3:5
  |
3 |     comand: x
  |     ^^^^^^
  |
  = help: did you mean `command`?

error[unknown-key]: `zzz` is no key of a service
 --> /p/tspm.yaml:4:5
  |
4 |     zzz: 1
  |     ^^^
  |
  = help: its keys are `command`, `shell`, `type`, `description`, `labels`, `cwd`, `env`, `env_file`, `depends_on`, \
`groups`, `profiles`, `autostart`, `disabled`, `ports`, `readiness`, `liveness`, `ready_timeout`, `start_timeout`, \
`release`, `stdin`, `restart`, `max_restarts`, `backoff`, `success_exit_codes`, `stop`, `hooks`, `logs`",
    );
}

#[test]
fn a_key_of_another_tool_or_of_a_later_version() {
    says(
        "services:\n  api: {command: x, healthcheck: {}}\n  db: {image: postgres}\ninclude: [a]\n",
        "
error[unknown-key]: `healthcheck` is no key of a service
 --> /p/tspm.yaml:2:21
  |
2 |   api: {command: x, healthcheck: {}}
  |                     ^^^^^^^^^^^
  |
  = help: did you mean `readiness`?

error[not-yet]: `image` is not yet supported by this version
 --> /p/tspm.yaml:3:8
  |
3 |   db: {image: postgres}
  |        ^^^^^

error[not-yet]: `include` is not yet supported by this version
 --> /p/tspm.yaml:4:1
  |
4 | include: [a]
  | ^^^^^^^",
    );
}

#[test]
fn a_circle_is_shown_whole() {
    says(
        "services:\n  a: {command: x, depends_on: [b]}\n  b: {command: x, depends_on: [c]}\n  c: {command: x, depends_on: [a]}\n",
        "
error[cycle]: services depend on each other in a circle: `a` → `b` → `c` → `a`
 --> /p/tspm.yaml:2:32
  |
2 |   a: {command: x, depends_on: [b]}
  |                                ^
3 |   b: {command: x, depends_on: [c]}
  |                                - `b` depends on `c`
4 |   c: {command: x, depends_on: [a]}
  |                                - `c` depends on `a`",
    );
    let both = "services: {a: {command: x, depends_on: [a]}, b: {command: x, depends_on: [c]}, c: {command: x, depends_on: [b]}}";
    let both = bad(both);
    assert_eq!(both.problems.len(), 2, "every circle is reported: {:?}", lines(&both));
}

#[test]
fn an_unset_variable_is_underlined_alone() {
    says(
        "services:\n  a:\n    command:\n      - x\n      - \"--url=${NOPE}/y\"\n    description: >\n      one\n      ${OTHER:?is needed}\n",
        "
error[interpolation]: `NOPE` is not set
 --> /p/tspm.yaml:5:16
  |
5 |       - \"--url=${NOPE}/y\"
  |                ^^^^^^^
  |
  = help: set it, give it a default with `${NOPE:-value}`, or write `$$` for a dollar

error[interpolation]: `OTHER` is required: is needed
 --> /p/tspm.yaml:8:7
  |
8 |       ${OTHER:?is needed}
  |       ^^^^^^^^^^^^^^^^^^^",
    );
}

#[test]
fn a_duplicate_key_shows_both() {
    says(
        "services:\n  a: {command: x}\n  b: {command: x}\n  a: {command: y}\n",
        "
error[duplicate-key]: `a` is written twice
 --> /p/tspm.yaml:4:3
  |
2 |   a: {command: x}
  |   - first written here
3 |   b: {command: x}
4 |   a: {command: y}
  |   ^",
    );
}

#[test]
fn wrong_values_one_by_one() {
    let table = [
        ("command: 5", "wrong-type 1:25 expected a string or a list of strings, found a number"),
        ("command: {a: b}", "wrong-type 1:25 expected a string or a list of strings, found a map"),
        ("command: []", "bad-value 1:25 a command cannot be empty"),
        ("command: ' '", "bad-value 1:25 a command cannot be empty"),
        ("command: x, ready_timeout: 10", "bad-duration 1:43 `10` has no unit: write `10s` or `10ms`"),
        ("command: x, ready_timeout: 0s", "bad-value 1:43 this cannot be zero"),
        ("command: x, autostart: 'true'", "wrong-type 1:39 expected true or false, found a string"),
        ("command: x, autostart: yes", "wrong-type 1:39 expected true or false, found a string"),
        (
            "command: x, restart: false",
            "wrong-type 1:37 expected one of `no`, `on-failure`, `always`, `unless-stopped`, found a boolean",
        ),
        (
            "command: x, restart: allways",
            "bad-value 1:37 `allways` is none of `no`, `on-failure`, `always`, `unless-stopped`",
        ),
        ("command: x, type: daemon", "not-yet 1:34 `type: daemon` is not yet supported by this version"),
        ("command: x, stdin: tty", "not-yet 1:35 `stdin: tty` is not yet supported by this version"),
        ("command: x, max_restarts: -1", "bad-value 1:42 expected a number from 0 to 4294967295, found `-1`"),
        ("command: x, success_exit_codes: [300]", "bad-value 1:49 expected a number from 0 to 255, found `300`"),
        ("command: x, backoff: {factor: 0.5}", "bad-value 1:46 expected a number from 1 to 100, found `0.5`"),
        (
            "command: x, backoff: {initial: 5s, max: 1s}",
            "conflict 1:37 `initial` is longer than `max`, and would never be waited for",
        ),
        ("command: x, stop: {keys: q}", "not-yet 1:35 `keys` is not yet supported by this version"),
        (
            "command: x, stop: {signal: SIGX}",
            "bad-signal 1:43 `SIGX` is no signal: write a name such as `SIGTERM` or `TERM`, or a number from 1 to 64",
        ),
        ("command: x, ports: 80", "wrong-type 1:35 expected a list of ports, found a number"),
        ("command: x, ports: ['8080:80']", "bad-port 1:36 `8080:80` is no port: 1 to 65535, or `auto`"),
        (
            "command: x, ports: [a: 1, a: 2]",
            "duplicate-port 1:42 two ports of one service are named `a` (`$PORT_A`)",
        ),
        ("command: x, readiness: {}", "missing-key 1:39 a probe asks one question"),
        (
            "command: x, readiness: {tcp: 1, log: a}",
            "conflict 1:48 a probe asks one question, and this has `tcp` and `log`",
        ),
        ("command: x, readiness: {ipc: true}", "not-yet 1:40 `ipc` is not yet supported by this version"),
        (
            "command: x, readiness: {log: '['}",
            "bad-regex 1:45 this is no regular expression: unclosed character class",
        ),
        (
            "command: x, readiness: /health",
            "missing-port 1:39 this means the service's first port, and it has none",
        ),
        (
            "command: x, readiness: 'ftp://x'",
            "bad-url 1:39 `ftp://x` is no URL for a probe: it begins with `http://`, `https://` or `/`",
        ),
        ("command: x, readiness: up", "bad-value 1:39 `up` is no short form of a probe"),
        ("command: x, depends_on: b", "wrong-type 1:40 expected a list of services, or a map, found a string"),
        ("command: x, depends_on: [b]", "unknown-service 1:41 there is no service `b`"),
        ("command: x, depends_on: [a]", "cycle 1:41 `a` depends on itself"),
        (
            "command: x, groups: [a.b]",
            "bad-name 1:37 `.` is not allowed in a name: letters, digits, `_` and `-`, the first a letter or digit",
        ),
        ("command: x, env: {A: }", "wrong-type 1:34 `A` has no value"),
        ("command: x, env: {'A=': 1}", "bad-name 1:34 `A=` cannot be the name of a variable"),
        ("command: x, env: [A]", "wrong-type 1:34 expected `NAME=value`, found a string"),
        ("command: x, env: [A=$NOPE]", "interpolation 1:36 `NOPE` is not set"),
        ("command: x, hooks: {pre_start: [a, {command: b}]}", "wrong-type 1:48 expected a hook, found a string"),
        ("command: x, hooks: {before: a}", "unknown-key 1:36 `before` is no key of `hooks`"),
        (
            "command: x, type: oneshot, restart: always",
            "conflict 1:52 a oneshot that is always restarted never completes",
        ),
        (
            "command: x, release: [/bin/gradle]",
            "bad-value 1:38 a program is released by its name, without a folder",
        ),
        (
            "command: x, logs: {max_size: 10}",
            "bad-size 1:45 `10` has no unit: write `10B` for bytes, or `MiB`, `GB`",
        ),
        ("command: 'x ${service.b.port}'", "interpolation 1:30 there is no service `b`"),
        ("command: 'x ${service.a.port}'", "interpolation 1:30 service `a` declares no `ports`"),
        ("command: 'x ${vars.v}'", "interpolation 1:30 there is no `v` under `vars`"),
    ];
    let mut wrong = Vec::new();
    for (body, expected) in table {
        let found = lines(&bad(&format!("services: {{a: {{{body}}}}}")));
        if found != [expected] {
            wrong.push(format!("{body}\n  expected {expected}\n  found    {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn wrong_values_of_the_project() {
    let table = [
        ("version: 2", "bad-value 1:10 `version` is 1 for now"),
        ("name: a/b", "bad-name 1:7 `a/b` cannot be the name of a project"),
        ("groups: {g: [b]}", "unknown-service 1:14 there is no service and no group `b`"),
        ("groups: {g: [h], h: [g]}", "cycle 1:14 groups contain each other in a circle: `g` → `h` → `g`"),
        (
            "groups: {g: {services: [a], on_failure: none}}",
            "not-yet 1:29 `on_failure` is not yet supported by this version",
        ),
        ("stop: {order: random}", "bad-value 1:15 `random` is none of `reverse`, `parallel`"),
        ("logs: {compress: true}", "not-yet 1:8 `compress` is not yet supported by this version"),
        ("env: 5", "wrong-type 1:6 expected a map, or a list of `NAME=value`, found a number"),
        ("vars: {v: $NOPE}", "interpolation 1:11 `NOPE` is not set"),
        ("defaults: {comand: y}", "unknown-key 1:12 `comand` is no key of a service"),
        ("defaults: {autostart: 5}", "wrong-type 1:23 expected true or false, found a number"),
        ("defaults: []", "wrong-type 1:11 expected a map with the keys of a service, found a list"),
        ("processes: []", "not-yet 1:1 `processes` is not yet supported by this version"),
    ];
    for (line, expected) in table {
        assert_eq!(
            lines(&bad(&format!("{line}\nservices: {{a: {{command: x}}, c: {{command: x}}}}"))),
            [expected],
            "{line}"
        );
    }
    assert_eq!(
        lines(&bad("services: {a.b: {command: x}}")),
        ["bad-name 1:12 `.` is not allowed in a name: letters, digits, `_` and `-`, the first a letter or digit"]
    );
}

#[test]
fn conditions_that_make_no_sense() {
    let text = "services: {a: {command: x, depends_on: {b: {condition: CONDITION}}}, b: {command: x}}";
    let warned = good(&text.replace("CONDITION", "completed")).warnings;
    assert_eq!(lines(&warned), ["bad-condition 1:56 `b` is a service and is not expected to end"]);
    let report = bad(&text.replace("{condition: CONDITION}", "ready"));
    assert_eq!(lines(&report), ["wrong-type 1:44 expected a map, found a string"]);
    assert_eq!(report.problems[0].help.as_deref(), Some("write `b: {condition: ready}`"));
    let report = bad(&text.replace("CONDITION", "service_healthy"));
    assert_eq!(lines(&report), ["bad-value 1:56 this is another tool's word for a condition"]);
    assert_eq!(report.problems[0].help.as_deref(), Some("write `ready`"));
}

#[test]
fn warnings_do_not_stop_a_load() {
    let table = [
        (
            "{a: {command: x, depends_on: [b, c]}, d: {command: x, depends_on: [b]}, b: {command: x}, c: {command: x, readiness: 1}}",
            "ready-without-probe 1:41 `b` has no readiness probe: `a` and `d` only wait until it has started",
        ),
        (
            "{a: {command: 'echo $$HOME'}}",
            "shell-pid 1:31 a shell reads `$$HOME` as its own process id, followed by `HOME`",
        ),
        ("{a: {command: [npm run dev]}}", "argv-spaces 1:26 this runs one program named `npm run dev`"),
        (
            "{a: {command: x, ports: [80]}, b: {command: x, ports: [80]}}",
            "same-port 1:65 port 80 is declared by `a` and by `b`",
        ),
        (
            "{a: {command: x, depends_on: [b]}, b: {command: x, disabled: true, readiness: 1}}",
            "needs-disabled 1:41 `a` needs `b`, which is disabled, and can never start",
        ),
    ];
    for (services, expected) in table {
        assert_eq!(lines(&good(&format!("services: {services}")).warnings), [expected], "{services}");
    }
    assert!(good("services: {a: {command: 'echo $$'}}").warnings.is_empty());
    let mut bundle = bundle("services: {a: {command: x, profiles: [debug]}}");
    bundle.profiles = vec!["debgu".into()];
    let warnings = load(&bundle, &Ports::new()).unwrap().warnings;
    assert_eq!(lines(&warnings), ["unknown-profile - no service has the profile `debgu`"]);
    assert_eq!(warnings.problems[0].help.as_deref(), Some("did you mean `debug`?"));
}

#[test]
fn json_has_places_too() {
    let text = "{\n  \"services\": {\n    \"a\": {\"comand\": 1}\n  }\n}";
    let report = load(&named("tspm.json", text.as_bytes()), &Ports::new()).unwrap_err();
    assert_eq!(lines(&report), ["unknown-key 3:11 `comand` is no key of a service"]);
    for (text, expected) in [
        ("{\"services\": }", "syntax 1:14 unexpected close brace"),
        ("{services: 1}", "syntax 1:2 expected string for object property"),
        ("{\"a\": 1 \"b\": 2}", "syntax 1:8 expected comma"),
    ] {
        let report = load(&named("tspm.json", text.as_bytes()), &Ports::new()).unwrap_err();
        assert_eq!(lines(&report), [expected]);
    }
}

#[test]
fn what_merged_says_where() {
    says(
        "x-base: &base\n  comand: x\nservices:\n  a:\n    <<: *base\n    command: y\n",
        "
error[unknown-key]: `comand` is no key of a service
 --> /p/tspm.yaml:2:3
  |
2 |   comand: x
  |   ^^^^^^
...
5 |     <<: *base
  |     -- merged here
  |
  = help: did you mean `command`?",
    );
}

#[test]
fn programs_get_codes_and_places() {
    let json = bad("services: {a: {comand: x}}").to_json();
    assert_eq!(
        json,
        serde_json::json!([{
            "level": "error",
            "code": "unknown-key",
            "message": "`comand` is no key of a service",
            "place": {"file": "/p/tspm.yaml", "line": 1, "column": 16},
            "also": [],
            "notes": [],
            "help": "did you mean `command`?",
        }])
    );
}

#[test]
fn colour_only_where_it_is_wanted() {
    let report = bad("services: {a: {comand: x}}");
    assert!(report.render(true).contains("\u{1b}["));
    assert!(!report.render(false).contains('\u{1b}'));
}

#[test]
fn a_line_that_nobody_wrote_is_not_shown_whole() {
    let text = format!("services: {{a: {{comand: x, description: {}}}}}", "y".repeat(100_000));
    says(
        &text,
        "
error[unknown-key]: `comand` is no key of a service
--> /p/tspm.yaml:1:16
 = note: the line is too long to be shown; there it reads `comand: x, description: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy`
 = help: did you mean `command`?",
    );
}

#[test]
fn a_body_that_is_not_indented() {
    let report = bad("services:\n  a:\n  command: x\n");
    assert_eq!(
        lines(&report),
        [
            "missing-key 2:3 service `a` has no `command`",
            "wrong-type 3:3 `command` stands where the name of a service should"
        ]
    );
}
