//! `defaults` and free keys: what a service takes from them, and what is not taken for one.

use super::{bad, good, lines, name, service};

#[test]
fn defaults_make_no_service_wait_for_itself() {
    for defaults in ["[db]", "{db: {condition: started}}", "{db: }"] {
        let loaded = good(&format!(
            "defaults: {{depends_on: {defaults}}}\nservices:\n  db: {{command: x, readiness: 1}}\n  api: {{command: x}}\n"
        ));
        assert!(service(&loaded, "db").depends_on.is_empty(), "{defaults}");
        assert_eq!(service(&loaded, "api").depends_on[0].on, name("db"), "{defaults}");
    }
    let both = "defaults: {depends_on: {db: {condition: started}}}\nservices: {db: {command: x, depends_on: {w: {condition: started}}}, w: {command: x, depends_on: []}}";
    assert_eq!(service(&good(both), "db").depends_on[0].on, name("w"));
    let null = "defaults: {command: x, depends_on: [db], readiness: 1}\nservices: {db: , api: }";
    assert!(service(&good(null), "db").depends_on.is_empty());
}

#[test]
fn what_a_service_says_of_itself_is_still_a_circle() {
    for own in ["[db]", "{db: {condition: started}}"] {
        let report = bad(&format!(
            "defaults: {{depends_on: {{db: {{condition: started}}}}}}\nservices: {{db: {{command: x, depends_on: {own}}}}}"
        ));
        assert_eq!(report.problems[0].message, "`db` depends on itself", "{own}");
    }
}

#[test]
fn a_service_behind_a_free_key_is_not_dropped_silently() {
    let report = bad("services: {a: {command: x}, x-ray: {command: y}}");
    assert_eq!(lines(&report), ["bad-name 1:29 a service's name cannot begin with `x-`"]);
    assert_eq!(
        report.problems[0].help.as_deref(),
        Some("`x-` keys are free and never started: rename it, or move it out of `services`")
    );
    let free = "x-top: {command: x}\nvars: {x-foo: [1]}\nservices: {a: {command: x, x-b: {command: y}}, x-note: {of: me}, x-text: hi}";
    assert_eq!(good(free).project.services.len(), 1);
}
