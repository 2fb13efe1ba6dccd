//! Tables and properties of interpolation.

use std::cell::RefCell;
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::parser::MAX_DEPTH;
use super::*;

/// `SET=value`, `EMPTY=`, `OTHER=other`, `SYNTAX=${SET}$SET$$}`; nothing else is set. Writes down what was asked.
#[derive(Default)]
struct Fixed {
    asked: RefCell<BTreeSet<String>>,
}

impl Lookup for Fixed {
    fn var(&self, name: &str) -> Option<String> {
        self.asked.borrow_mut().insert(name.to_owned());
        let value = match name {
            "SET" => "value",
            "EMPTY" => "",
            "OTHER" => "other",
            "SYNTAX" => "${SET}$SET$$}",
            "_x1" => "low",
            _ => return None,
        };
        Some(value.to_owned())
    }

    fn dotted(&self, path: &str) -> Result<String, String> {
        self.asked.borrow_mut().insert(path.to_owned());
        match path {
            "project.name" => Ok("shop".to_owned()),
            "vars.X" => Ok("x$$".to_owned()),
            "service.my-api.port.http" => Ok("8080".to_owned()),
            _ => Err(format!("nothing is called `{path}`")),
        }
    }
}

/// The result, or `from..to message` of each fault.
fn told(text: &str, mode: Mode) -> Result<String, String> {
    expand(text, mode, &Fixed::default()).map_err(|faults| {
        let lines = faults.iter().map(|fault| format!("{:?} {}", fault.range, fault.message));
        lines.collect::<Vec<_>>().join("\n")
    })
}

#[test]
fn what_compose_does() {
    for (text, expected) in [
        ("", ""),
        ("plain { } } text", "plain { } } text"),
        ("$SET", "value"),
        ("${SET}", "value"),
        ("a${SET}b$OTHER-c", "avaluebother-c"),
        ("$_x1 ${_x1}", "low low"),
        ("$EMPTY|${EMPTY}", "|"),
        ("$$", "$"),
        ("$$SET $${SET} $$$SET", "$SET ${SET} $value"),
        ("$$$$", "$$"),
        // Default.
        ("${SET:-d}|${EMPTY:-d}|${UNSET:-d}", "value|d|d"),
        ("${SET-d}|${EMPTY-d}|${UNSET-d}", "value||d"),
        ("${UNSET:-}|${UNSET-}", "|"),
        ("${UNSET:--d}|${UNSET--d}|${UNSET-:-d}", "-d|-d|:-d"),
        ("${UNSET-a:-b?c+d}", "a:-b?c+d"),
        ("${UNSET:-a b\nc}", "a b\nc"),
        ("${UNSET:-/bin/app --flag=1}", "/bin/app --flag=1"),
        // Replacement.
        ("${SET:+r}|${EMPTY:+r}|${UNSET:+r}", "r||"),
        ("${SET+r}|${EMPTY+r}|${UNSET+r}", "r|r|"),
        // Required.
        ("${SET:?m}|${SET?m}|${EMPTY?m}", "value|value|"),
        // Nested words.
        ("${UNSET:-${SET}}", "value"),
        ("${UNSET:-$SET}", "value"),
        ("${UNSET:-a${UNSET2:-b${UNSET3-c}d}e}f", "abcdef"),
        ("${SET:+${OTHER:+${_x1}}}", "low"),
        ("${UNSET:-$$}|${UNSET:-$$x}|${UNSET:-$${SET}}", "$|$x|${SET}"),
        // Braces inside words come in pairs.
        ("${UNSET:-{\"a\":{\"b\":1}}}", "{\"a\":{\"b\":1}}"),
        ("${UNSET:-{{}}}}", "{{}}}"),
        ("{${SET}}", "{value}"),
        // What is not evaluated is not required to be set.
        ("${SET:-$UNSET}${SET-${UNSET}}${UNSET:+$UNSET}${SET:?$UNSET}", "valuevaluevalue"),
        // A value is never read again.
        ("$SYNTAX|${UNSET:-${SYNTAX}}", "${SET}$SET$$}|${SET}$SET$$}"),
        ("${vars.X}", "x$$"),
        // Dotted names.
        ("${project.name}:${service.my-api.port.http}", "shop:8080"),
        ("${UNSET:-${project.name}}", "shop"),
        ("${UNSET-vars.X}", "vars.X"),
        ("$${vars.X}", "${vars.X}"),
        // Not ASCII.
        ("ä${UNSET:-ö}ü$SET→", "äöüvalue→"),
    ] {
        assert_eq!(told(text, Mode::Full).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn faults() {
    for (text, expected) in [
        ("a $UNSET", "2..8 `UNSET` is not set"),
        ("${UNSET}", "0..8 `UNSET` is not set"),
        ("$UNSET $SET ${UNSET2}", "0..6 `UNSET` is not set\n12..21 `UNSET2` is not set"),
        ("${UNSET:-a $UNSET2}", "11..18 `UNSET2` is not set"),
        ("${UNSET?}", "0..9 `UNSET` is required"),
        ("${UNSET:?}${EMPTY:?}", "0..10 `UNSET` is required\n10..20 `EMPTY` is required"),
        ("${UNSET:?set it to ${SET}}", "0..26 `UNSET` is required: set it to value"),
        ("${UNSET?a: b}", "0..13 `UNSET` is required: a: b"),
        ("$", "0..1 a lone `$`"),
        ("5$ or 6$", "1..2 a lone `$`\n7..8 a lone `$`"),
        ("$1", "0..1 `$1` is no variable"),
        ("a$ö", "1..2 `$ö` is no variable"),
        ("$(pwd) $SET", "0..1 `$(` is no variable"),
        ("${}", "0..2 `${` is not followed by a name"),
        ("${1}$UNSET", "0..2 `${` is not followed by a name\n4..10 `UNSET` is not set"),
        ("${ SET }", "0..2 `${` is not followed by a name"),
        ("${-d}", "0..2 `${` is not followed by a name"),
        ("${$SET}", "0..2 `${` is not followed by a name"),
        ("${SET:d}", "0..5 `SET` is followed by none of `}`, `:-`, `-`, `:+`, `+`, `:?`, `?`"),
        ("${SET d}", "0..5 `SET` is followed by none of `}`, `:-`, `-`, `:+`, `+`, `:?`, `?`"),
        ("${SET:}", "0..5 `SET` is followed by none of `}`, `:-`, `-`, `:+`, `+`, `:?`, `?`"),
        (
            "${SET%x{}}$",
            "0..5 `SET` is followed by none of `}`, `:-`, `-`, `:+`, `+`, `:?`, `?`\n10..11 a lone `$`",
        ),
        ("${UNSET:-${1}}", "9..11 `${` is not followed by a name"),
        ("${", "0..2 `${` is not followed by a name\n0..2 `${` is never closed"),
        ("a${SET", "1..6 `${SET` is never closed"),
        ("${SET:-", "0..5 `${SET` is never closed"),
        ("${UNSET:-{}", "0..7 `${UNSET` is never closed"),
        ("${A:-${B:-x}", "0..3 `${A` is never closed"),
        ("${A:-${B:-x", "5..8 `${B` is never closed"),
        ("$UNSET ${A:-$UNSET", "0..6 `UNSET` is not set\n7..10 `${A` is never closed"),
        ("${vars.Y}", "2..8 nothing is called `vars.Y`"),
        ("${a.b}", "2..5 nothing is called `a.b`"),
        ("${vars.}", "2..7 nothing is called `vars.`"),
        (
            "${vars.X:-d}$",
            "0..8 `vars.X` can only be followed by `}`: a dotted name takes no default\n12..13 a lone `$`",
        ),
        ("${vars.X", "0..8 `${vars.X` is never closed"),
        ("$vars.X", "0..5 `vars` is not set"),
    ] {
        assert_eq!(told(text, Mode::Full).expect_err(text), expected, "{text}");
    }
}

#[test]
fn help_says_what_to_write() {
    for (text, expected) in [
        ("$UNSET", "set it, give it a default with `${UNSET:-value}`, or write `$$` for a dollar"),
        ("$vars.X", "a dotted name needs braces: `${vars.…}`"),
        ("5$", "write `$$` for a dollar"),
        ("${vars.X-d}", "nothing"),
    ] {
        let faults = expand(text, Mode::Full, &Fixed::default()).expect_err(text);
        assert_eq!(faults[0].help.as_deref().unwrap_or("nothing"), expected, "{text}");
    }
    let faults = expand("${vars.Y}", Mode::DottedOnly, &Fixed::default()).expect_err("not there");
    let expected = "if it belongs to another language, put a space into it: `${ vars.Y }`";
    assert_eq!(faults[0].help.as_deref(), Some(expected));
}

#[test]
fn a_string_command_belongs_to_the_shell() {
    for (text, expected) in [
        ("serve --port ${service.my-api.port.http} $PORT", "serve --port 8080 $PORT"),
        ("echo $$ $NAME ${NAME} ${x:-y} ${#x} $1 $@ $(ls) `ls` $", "="),
        ("${x:-${vars.X}}", "${x:-x$$}"),
        ("'${vars.X}' \"${vars.X}\"", "'x$$' \"x$$\""),
        // What a shell would not expand stays.
        (r"\${vars.X} $${vars.X}", "="),
        (r"\\${vars.X} $$${vars.X}", r"\\x$$ $$x$$"),
        // Other languages' braces.
        ("node -e 'console.log(`${process.env.PORT}`)'", "="),
        ("node -e '`${service.x || 1} ${vars.a+1} ${project.x ? 1 : 2} ${vars}`'", "="),
        ("${vars.X", "="),
        ("${varsX.X} ${a.vars.X} ${ vars.X }", "="),
        ("ä${vars.X}ö\\", "äx$$ö\\"),
        ("\\ä${vars.X}", "\\äx$$"),
    ] {
        let expected = if expected == "=" { text } else { expected };
        assert_eq!(told(text, Mode::DottedOnly).as_deref(), Ok(expected), "{text}");
    }
    for (text, expected) in [
        ("a ${vars.Y} ${project.Z}", "4..10 nothing is called `vars.Y`\n14..23 nothing is called `project.Z`"),
        ("${vars.X:-d}", "0..8 `vars.X` can only be followed by `}`: a dotted name takes no default"),
    ] {
        assert_eq!(told(text, Mode::DottedOnly).expect_err(text), expected, "{text}");
    }
}

#[test]
fn references_are_all_names_once() {
    for (text, mode, expected) in [
        ("", Mode::Full, ""),
        ("$A ${B} ${A:-$C${D-${E?$F}}} ${vars.X} $$G", Mode::Full, "A B C D E F vars.X"),
        ("$A ${B:-${C} $", Mode::Full, "A"),
        ("$A ${vars.X} ${B} ${service.a-b.port} ${x.y}", Mode::DottedOnly, "vars.X service.a-b.port"),
    ] {
        assert_eq!(references(text, mode).join(" "), expected, "{text}");
    }
}

#[test]
fn nesting_is_limited() {
    let nested = |depth: usize| format!("{}x{}", "${UNSET:-".repeat(depth), "}".repeat(depth));
    assert_eq!(told(&nested(MAX_DEPTH), Mode::Full).as_deref(), Ok("x"));
    let message = told(&nested(MAX_DEPTH + 1), Mode::Full).expect_err("too deep");
    assert_eq!(message, "288..295 nested more than 32 deep");
    for text in [nested(1 << 20), "${A:-".repeat(1 << 20), "${".repeat(1 << 20), "{".repeat(1 << 20)] {
        drop((told(&text, Mode::Full), told(&text, Mode::DottedOnly), references(&text, Mode::Full)));
    }
}

#[test]
fn the_result_is_limited() {
    struct Large;
    impl Lookup for Large {
        fn var(&self, _: &str) -> Option<String> {
            Some("x".repeat(1 << 17))
        }
        fn dotted(&self, _: &str) -> Result<String, String> {
            Ok("x".repeat(1 << 17))
        }
    }
    for (text, mode) in [("$A".repeat(8), Mode::Full), ("${vars.X}".repeat(8), Mode::DottedOnly)] {
        assert_eq!(expand(&text, mode, &Large).map(|value| value.len()), Ok(1 << 20));
        let faults = expand(&text.repeat(1_000), mode, &Large).expect_err("too long");
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].message, "the result is more than 1024 KiB longer than its text");
    }
    // A text may be as long as it is.
    let text = "x".repeat(3 << 20) + "$$";
    assert_eq!(expand(&text, Mode::Full, &Large).map(|value| value.len()), Ok((3 << 20) + 1));
    let faults = expand(&"$".repeat(1 << 20).replace("$$", "$ "), Mode::Full, &Large).expect_err("lone dollars");
    assert_eq!(faults.len(), MAX_FAULTS);
}

/// Text that is likely to be syntax.
fn syntax() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[${}]",
        "(:-|-|:\\+|\\+|:\\?|\\?)",
        "(SET|EMPTY|UNSET|vars\\.X|vars\\.Y|project\\.name|x\\.y|\\$SET|\\$\\{SET|\\$\\{UNSET:-|\\$\\{vars\\.)",
        "[ -~äö→\\n\\\\]",
    ];
    proptest::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

/// A correct text, and what it means with [`Fixed`].
fn meaning() -> impl Strategy<Value = (String, String)> {
    let pair = |text: &str, value: &str| (text.to_owned(), value.to_owned());
    let leaf = prop_oneof![
        "[a-z :?+/\"'-]{0,4}".prop_map(|text| (text.clone(), text)),
        Just(pair("$$", "$")),
        Just(pair("${SET}", "value")),
        Just(pair("${EMPTY}", "")),
        Just(pair("${project.name}", "shop")),
        Just(pair("${SYNTAX}", "${SET}$SET$$}")),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let name = prop_oneof![Just("SET"), Just("EMPTY"), Just("UNSET")];
        let operator = prop_oneof![Just(":-"), Just("-"), Just(":+"), Just("+")];
        prop_oneof![
            (name, operator, inner.clone()).prop_map(|(name, operator, (text, word))| {
                let own = if name == "SET" { "value" } else { "" };
                let there = name == "SET" || (name == "EMPTY" && !operator.starts_with(':'));
                let value = match (operator.ends_with('-'), there) {
                    (true, true) => own.to_owned(),
                    (true, false) | (false, true) => word,
                    (false, false) => String::new(),
                };
                (format!("${{{name}{operator}{text}}}"), value)
            }),
            inner.clone().prop_map(|(text, word)| (format!("{{{text}}}"), format!("{{{word}}}"))),
            proptest::collection::vec(inner, 0..4).prop_map(|pairs| pairs.into_iter().unzip()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn faults_are_places_in_the_text(text in syntax(), full in any::<bool>()) {
        let mode = if full { Mode::Full } else { Mode::DottedOnly };
        if let Err(faults) = expand(&text, mode, &Fixed::default()) {
            prop_assert!(!faults.is_empty());
            prop_assert!(faults.is_sorted_by_key(|fault| fault.range.start));
            for fault in faults {
                prop_assert!(!fault.range.is_empty() && !fault.message.is_empty());
                prop_assert!(text.get(fault.range.clone()).is_some(), "{:?}", fault);
            }
        }
    }

    #[test]
    fn only_references_are_asked_for(text in syntax(), full in any::<bool>()) {
        let mode = if full { Mode::Full } else { Mode::DottedOnly };
        let fixed = Fixed::default();
        drop(expand(&text, mode, &fixed));
        let references: BTreeSet<_> = references(&text, mode).into_iter().collect();
        prop_assert!(references.is_superset(&fixed.asked.borrow()));
    }

    #[test]
    fn a_correct_text_means_what_it_should((text, value) in meaning()) {
        prop_assert_eq!(told(&text, Mode::Full), Ok(value));
    }

    #[test]
    fn escaped_text_comes_back(text in syntax()) {
        prop_assert_eq!(told(&text.replace('$', "$$"), Mode::Full), Ok(text));
    }

    #[test]
    fn text_without_dollars_is_left_alone(text in "[^$]{0,60}") {
        prop_assert_eq!(told(&text, Mode::Full), Ok(text.clone()));
        prop_assert_eq!(told(&text, Mode::DottedOnly), Ok(text));
    }

    #[test]
    fn a_command_without_dotted_names_is_left_alone(text in syntax()) {
        let text = text.replace('.', "");
        prop_assert_eq!(told(&text, Mode::DottedOnly), Ok(text));
    }

    #[test]
    fn a_command_is_only_changed_at_dotted_names(text in syntax()) {
        let used = references(&text, Mode::DottedOnly);
        match told(&text, Mode::DottedOnly) {
            Ok(value) if used.is_empty() => prop_assert_eq!(value, text),
            Ok(_) => prop_assert!(used.iter().all(|path| path == "vars.X" || path == "project.name")),
            Err(_) => {}
        }
    }
}
