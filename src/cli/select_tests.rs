//! Selection, term by term.

use super::*;
use crate::cli::term::Paint;

fn catalog() -> Catalog {
    let entry = |id: u32, name: &str, groups: &[&str]| Entry {
        name: name.to_owned(),
        service: name.split('.').next().unwrap().to_owned(),
        id: Some(id),
        groups: groups.iter().map(|g| (*g).to_owned()).collect(),
    };
    Catalog {
        entries: vec![
            entry(0, "api", &["backend"]),
            entry(1, "api.1", &["backend"]),
            entry(2, "db", &["backend", "stores"]),
            entry(3, "web-admin", &[]),
            entry(4, "web-shop", &[]),
        ],
    }
}

fn picked(terms: &[&str]) -> Vec<String> {
    let terms: Vec<String> = terms.iter().map(|t| (*t).to_owned()).collect();
    catalog().select(&terms).unwrap().into_iter().map(|e| e.name.clone()).collect()
}

fn refused(term: &str) -> String {
    CliError::from(catalog().select(&[term.to_owned()]).unwrap_err()).render(Paint::PLAIN)
}

#[test]
fn every_kind_of_term_selects() {
    assert_eq!(picked(&[]), ["api", "api.1", "db", "web-admin", "web-shop"]);
    assert_eq!(picked(&["db"]), ["db"]);
    assert_eq!(picked(&["api"]), ["api", "api.1"], "a service is all of its instances");
    assert_eq!(picked(&["api.0"]), ["api"]);
    assert_eq!(picked(&["api.1"]), ["api.1"]);
    assert_eq!(picked(&["web-*"]), ["web-admin", "web-shop"]);
    assert_eq!(picked(&["web-[!a]*"]), ["web-shop"]);
    assert_eq!(picked(&["d?"]), ["db"]);
    assert_eq!(picked(&["@stores"]), ["db"]);
    assert_eq!(picked(&["/^web|b$/"]), ["db", "web-admin", "web-shop"]);
    assert_eq!(picked(&["3"]), ["web-admin"]);
    assert_eq!(picked(&["web-shop", "db", "@stores", "2"]), ["db", "web-shop"], "once each, in order");
}

#[test]
fn services_are_named_once() {
    assert_eq!(catalog().services(&["@backend".to_owned()]).unwrap(), ["api", "db"]);
}

#[test]
fn a_name_that_looks_like_a_number_is_a_name() {
    let catalog = Catalog::of_names(["8080".to_owned(), "api".to_owned()]);
    assert_eq!(catalog.select(&["8080".to_owned()]).unwrap()[0].name, "8080");
}

#[test]
fn what_is_unknown_is_refused_with_a_suggestion() {
    assert_eq!(refused("dbb"), "error: no service is called `dbb`\n  help: did you mean `db`?\n");
    assert_eq!(
        refused("mongo"),
        "error: no service is called `mongo`\n  help: the services are api, api.1, db, web-admin, web-shop\n"
    );
    assert_eq!(refused("@backends"), "error: no group is called `backends`\n  help: did you mean `@backend`?\n");
    assert_eq!(refused("@x"), "error: no group is called `x`\n  help: the groups are backend, stores\n");
    assert_eq!(
        refused("zz*"),
        "error: no service matches `zz*`\n  help: the services are api, api.1, db, web-admin, web-shop\n"
    );
    assert!(
        refused("/(/").starts_with("error: `/(/` is not a valid pattern: regex parse error"),
        "{}",
        refused("/(/")
    );
    assert_eq!(
        refused("9"),
        "error: no service is called `9`\n  help: did you mean `db`?\n"
            .replace("did you mean `db`?", "the services are api, api.1, db, web-admin, web-shop")
    );
    let offline = Catalog::of_names(["api".to_owned()]).select(&["3".to_owned()]).unwrap_err();
    assert!(matches!(offline, SelectError::NoIds { .. }));
}
