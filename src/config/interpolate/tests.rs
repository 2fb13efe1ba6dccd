//! Tables and properties of interpolation.

use std::collections::BTreeMap;

use super::*;

/// `SET=value`, `EMPTY=`, `OTHER=other`, `DOLLAR=$SET`; nothing else is set.
struct Fixed(BTreeMap<&'static str, String>);

impl Fixed {
    fn new() -> Self {
        let pairs = [("SET", "value"), ("EMPTY", ""), ("OTHER", "other"), ("DOLLAR", "${SET}$SET$$")];
        Self(pairs.into_iter().map(|(name, value)| (name, value.to_owned())).collect())
    }
}

impl Lookup for Fixed {
    fn var(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn dotted(&self, path: &str) -> Result<String, String> {
        match path {
            "project.name" => Ok("shop".to_owned()),
            "vars.X" => Ok("x$$".to_owned()),
            "service.my-api.port.http" => Ok("8080".to_owned()),
            _ => Err(format!("nothing is called `{path}`")),
        }
    }
}

fn full(text: &str) -> Result<String, Vec<Fault>> {
    expand(text, Mode::Full, &Fixed::new())
}

#[test]
fn a_first_look() {
    assert_eq!(full("a $SET ${OTHER}${UNSET:-${SET}}$$").unwrap(), "a value othervalue$");
}
