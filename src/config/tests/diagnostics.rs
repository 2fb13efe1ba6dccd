//! What people see when something is wrong.
use super::*;

#[test]
fn show() {
    for text in [
        "services:\n  api:\n    comand: x\n    depends_on: [dbb]\n    ready_timeout: 10\n    autostart: maybe\n  db:\n    command: 5\n    env: {A: $NOPE, B: \"x ${vars.nope} y\"}\n    watch: [a]\n",
        "services:\n  a: {command: x, depends_on: [b]}\n  b: {command: x, depends_on: [c]}\n  c: {command: x, depends_on: [a]}\n",
        "services:\n  a: {command: x}\n  a: {command: y}\n",
        "services:\n\ta: x\n",
        "services:\n  a:\n    command: |\n      echo $$HOME ${vars.x}\n      foo\n    readiness: {log: '[', tcp: 1}\n",
        "services:\n  a:\n    command: [x, \"$FOO\"]\n    description: |\n      hi\n      there ${FOO?need it}\n",
        "services: null",
        "",
        "[1]",
        "services: {a: {command: x, restart: false, stop: {signal: SIGFOO}, logs: {max_size: 10}, ports: ['80:80', 0, {h: x}]}}",
        "services:\n  a:\n    command: \"unclosed\n",
    ] {
        println!("{}\n=======", bad(text).render(false));
    }
}
