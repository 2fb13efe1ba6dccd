//! Tables and properties of `.env` files.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn caller(name: &str) -> Option<String> {
    match name {
        "HOME" => Some("/home/me".to_owned()),
        "EMPTY" => Some(String::new()),
        "SYNTAX" => Some("$HOME ${".to_owned()),
        "vars.X" => Some("x".to_owned()),
        _ => None,
    }
}

/// `KEY=value` of each entry, values as debug text; or `line:column message` of each fault.
fn told(text: &str, raw: Raw) -> Result<String, String> {
    let lines = |lines: Vec<String>| lines.join("\n");
    match parse(text, raw, &caller) {
        Ok(entries) => Ok(lines(entries.iter().map(|entry| format!("{}={:?}", entry.key, entry.value)).collect())),
        Err(faults) => {
            Err(lines(faults.iter().map(|f| format!("{}:{} {}", f.line, f.column, f.message)).collect()))
        }
    }
}

/// The value of `A`, given as what stands behind its `=`.
fn value(text: &str) -> Result<String, String> {
    let entries = parse(&format!("A={text}"), Raw::Expand, &caller);
    entries.map(|entries| entries[0].value.clone()).map_err(|faults| faults[0].message.clone())
}

#[test]
fn values() {
    for (text, expected) in [
        // Unquoted.
        ("", ""),
        ("hello world", "hello world"),
        ("{\"j\":1}", "{\"j\":1}"),
        ("  spaces around\t ", "spaces around"),
        ("a#b", "a#b"),
        ("#fff", "#fff"),
        ("a # comment", "a"),
        ("a\t# comment # more", "a"),
        (" # comment", ""),
        ("a #", "a"),
        ("it's", "it's"),
        ("a\"b\"", "a\"b\""),
        (r"C:\new\dir", r"C:\new\dir"),
        ("a=b=c", "a=b=c"),
        ("postgres://u:p@h:5432/db?x=1&y=2", "postgres://u:p@h:5432/db?x=1&y=2"),
        ("äöü →", "äöü →"),
        ("$HOME/x", "/home/me/x"),
        ("${HOME}x", "/home/mex"),
        ("${NONE:-d e}", "d e"),
        ("${EMPTY:-d}${EMPTY-e}", "d"),
        ("${HOME:+set}${NONE+set}", "set"),
        ("$$HOME", "$HOME"),
        ("$SYNTAX", "$HOME ${"),
        ("${vars.X}", "x"),
        (r"\$HOME", "\\/home/me"),
        // Single quotes.
        ("''", ""),
        ("' a # b '", " a # b "),
        (r#"'$HOME ${NONE} \n "x" $'"#, r#"$HOME ${NONE} \n "x" $"#),
        ("'a\nb\r\n\nc'", "a\nb\n\nc"),
        ("'a' # comment", "a"),
        ("'a' \t", "a"),
        // Double quotes.
        ("\"\"", ""),
        ("\" a # b \"", " a # b "),
        ("\"it's\"", "it's"),
        (r#""a\nb\tc\r\"d\"\\e""#, "a\nb\tc\r\"d\"\\e"),
        (r#""\a\b\f\v\`""#, "\u{7}\u{8}\u{c}\u{b}`"),
        (r#""C:\dir \x \' \8""#, r"C:\dir \x \' \8"),
        ("\"a\nb\r\n\nc\"", "a\nb\n\nc"),
        ("\"a\\\nb\\\r\nc\"", "abc"),
        ("\"a\rb\"", "a\rb"),
        ("\"$HOME ${HOME}\"", "/home/me /home/me"),
        (r#""\$HOME \${HOME} \\$HOME""#, r"$HOME ${HOME} \/home/me"),
        (r#""$$HOME $$\$x""#, "$HOME $$x"),
        (r#""x\"y"#, "this double quote is never closed"),
        (r#""${NONE:-a b # \"c\"}" # d"#, "a b # \"c\""),
        (r#""\u00e4\u20AC\u0024HOME""#, "ä€$HOME"),
        (r#""\ud800 \u12 \uzzzz \u""#, r"\ud800 \u12 \uzzzz \u"),
        ("\"\\u00ä\"", "\\u00ä"),
        (
            "\"-----BEGIN KEY-----\nabc+/=\n-----END KEY-----\n\"",
            "-----BEGIN KEY-----\nabc+/=\n-----END KEY-----\n",
        ),
    ] {
        let found = value(text).unwrap_or_else(|message| message);
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn files() {
    for (text, expected) in [
        ("", ""),
        ("\n\n  \n\t\r\n", ""),
        ("# only\n  # comments", ""),
        ("A=1\nB=2", "A=\"1\"\nB=\"2\""),
        ("A=1\r\nB='2'\r\nC=\"3\"\r\n\r\n# x\r\nD=\r\n", "A=\"1\"\nB=\"2\"\nC=\"3\"\nD=\"\""),
        ("\u{feff}A=1", "A=\"1\""),
        ("  A = 1  \n\tB\t=\t'2'", "A=\"1\"\nB=\"2\""),
        ("export A=1\nexport\t B=2", "A=\"1\"\nB=\"2\""),
        ("export=1\nexport = 2\nexported=3\nA=$export", "export=\"1\"\nexport=\"2\"\nexported=\"3\"\nA=\"2\""),
        ("_a1=1\nspring.url=2\nmy-key=3", "_a1=\"1\"\nspring.url=\"2\"\nmy-key=\"3\""),
        ("A='x\ny'\nB=1", "A=\"x\\ny\"\nB=\"1\""),
        // Earlier names, before the caller's; later ones not.
        ("A=1\nB=$A$A\nC=${B}2", "A=\"1\"\nB=\"11\"\nC=\"112\""),
        ("HOME=mine\nA=$HOME", "HOME=\"mine\"\nA=\"mine\""),
        ("A=${B:-none}\nB=1", "A=\"none\"\nB=\"1\""),
        ("A=1\nA=${A}2\nA=${A}3", "A=\"1\"\nA=\"12\"\nA=\"123\""),
        ("HOME=$HOME/bin", "HOME=\"/home/me/bin\""),
        ("A='$HOME ${'\nB=$A", "A=\"$HOME ${\"\nB=\"$HOME ${\""),
    ] {
        assert_eq!(told(text, Raw::Expand).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn raw_files() {
    for (text, expected) in [
        ("A=$HOME ${ # x\r\nB='q'\n C=\" \"\nexport D=\\n ", r#"A="$HOME ${ # x" B="'q'" C="\" \"" D="\\n ""#),
        ("# c\n\nA =  1\nB=", r#"A="  1" B="""#),
    ] {
        let found = told(text, Raw::Literal).unwrap().replace('\n', " ");
        assert_eq!(found, expected, "{text}");
    }
    assert_eq!(told("A", Raw::Literal), Err("1:2 `A` is not followed by `=`".to_owned()));
}

#[test]
fn faults() {
    for (text, expected) in [
        ("A", "1:2 `A` is not followed by `=`"),
        ("A=1\n  B # no", "2:4 `B` is not followed by `=`"),
        ("export A", "1:9 `A` is not followed by `=`"),
        ("export", "1:7 `export` is not followed by `=`"),
        ("A: 1\nB=\nC D=1", "1:2 `A` is not followed by `=`\n3:2 `C` is not followed by `=`"),
        ("export \r\n A='", "1:1 `export` is not followed by a name\n2:4 this single quote is never closed"),
        ("A=1\n\0", "2:1 a name cannot begin with a control character"),
        ("=1", "1:1 a name cannot begin with `=`"),
        (" 1A=1", "1:2 a name cannot begin with `1`"),
        ("export 'A'=1", "1:8 a name cannot begin with `'`"),
        ("ä=1", "1:1 a name cannot begin with `ä`"),
        ("Aä=1", "1:2 `A` is not followed by `=`"),
        ("A='x", "1:3 this single quote is never closed"),
        ("A=\"x\nB=1\nC", "1:3 this double quote is never closed\n3:2 `C` is not followed by `=`"),
        ("A='x'y", "1:6 text follows the closing quote"),
        ("A='x'#y", "1:6 text follows the closing quote"),
        ("A='it\\'s'", "1:8 text follows the closing quote"),
        (
            "A=\"x\nB=\"y\"\nC=$NONE",
            "2:4 text follows the closing quote of the value that began on line 1\n3:3 `NONE` is not set",
        ),
        ("A=$NONE ä${NONE2}", "1:3 `NONE` is not set\n1:10 `NONE2` is not set"),
        ("\u{feff}A=ä$NONE", "1:4 `NONE` is not set"),
        ("A=\"ä\\n\\n\n x\\t$NONE\"", "2:5 `NONE` is not set"),
        ("A=\"x\r\n$NONE\"", "2:1 `NONE` is not set"),
        ("A=${NONE:?give me ${HOME}}", "1:3 `NONE` is required: give me /home/me"),
        ("A=a$", "1:4 a lone `$`"),
        ("A=\"a$\\$x\"\nB", "1:5 a lone `$`\n2:2 `B` is not followed by `=`"),
        ("A=\"$\\u0041\"", "1:4 a lone `$`"),
        ("A=${HOME # }", "1:3 `${HOME` is never closed"),
        ("A=${vars.Y}", "1:5 `vars.Y` is not known here"),
        // A faulty line is not reported again where it is used.
        ("A=$NONE\nB=$A\nC='\nD=$C", "1:3 `NONE` is not set\n3:3 this single quote is never closed"),
        ("A='\0'\nB=$A", "1:1 the value of `A` holds a NUL byte"),
        ("A=\"\\u0000\"", "1:1 the value of `A` holds a NUL byte"),
    ] {
        assert_eq!(told(text, Raw::Expand).expect_err(text), expected, "{text}");
    }
}

#[test]
fn help_says_what_to_write() {
    for (text, expected) in [
        ("A", "write `A=value`; for an empty value `A=`"),
        ("A: 1", "write `A=value`"),
        ("A=5$", "write `$$` for a dollar; in single quotes everything is literal"),
        ("A='it\\'s'", "single quotes have no escapes: for a `'` inside, use double quotes"),
    ] {
        let faults = parse(text, Raw::Expand, &caller).expect_err(text);
        assert_eq!(faults[0].help.as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn entries_know_their_line_and_whether_they_refer() {
    let text = "A=1\n\nB='x\n$HOME'\nexport C=$A\nD=\"${NONE:-x}\"\nE=\"\\$A$$\"";
    let entries = parse(text, Raw::Expand, &caller).unwrap();
    let found: Vec<_> = entries.iter().map(|e| (e.key.as_str(), e.line, e.interpolated)).collect();
    let expected = [("A", 1, false), ("B", 3, false), ("C", 5, true), ("D", 6, true), ("E", 7, false)];
    assert_eq!(found, expected);
    assert!(!format!("{entries:?}").contains("HOME"), "values are secrets");
}

#[test]
fn faulty_lines_still_have_a_name() {
    let (entries, faults) = parse_all("A=1\nB=$NONE\nC='x\nD=$A\nE\n", Raw::Expand, &Plain(&caller));
    let pairs: Vec<_> = entries.iter().map(|entry| (entry.key.as_str(), entry.value.as_str())).collect();
    assert_eq!(pairs, [("A", "1"), ("B", ""), ("C", ""), ("D", "1")]);
    assert_eq!(faults.len(), 3);
}

#[test]
fn references_cannot_exhaust_memory() {
    // Each line doubles the one before; 40 of them would be a terabyte.
    let mut text = "A0=0123456789abcdef\n".to_owned();
    for n in 1..=40 {
        writeln!(text, "A{n}=$A{}$A{}", n - 1, n - 1).unwrap();
    }
    let message = told(&text, Raw::Expand).expect_err("too much");
    assert!(message.contains("longer than its text"), "{message}");
    // Each below the limit of a value, all together above that of a file.
    let many = "A=".to_owned() + &"x".repeat(1 << 17) + "\n" + &"B=$A\n".repeat(40);
    let message = told(&many, Raw::Expand).expect_err("too much");
    assert_eq!(message, "34:1 the values up to here are more than 4 MiB longer than their text");
    let lines = "A\n".repeat(10_000);
    assert_eq!(parse(&lines, Raw::Expand, &caller).expect_err("faults").len(), MAX_FAULTS);
}

fn syntax() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "(A|B|HOME|NONE|export |=|\n|\r\n| |#|'|\"|\\\\|\\$|\\{|\\}|:-|\u{feff})",
        "(A=|\nB='|\nA=\"|\\$A|\\$\\{HOME\\}|\\\\n|\\\\u00e4|\\\\\n)",
        "[ -~äö→\\n\\r\\t\\x00]",
    ];
    proptest::collection::vec(part, 0..32).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn faults_are_places_in_the_file(text in syntax(), literal in any::<bool>()) {
        let raw = if literal { Raw::Literal } else { Raw::Expand };
        let lines: Vec<_> = text.strip_prefix('\u{feff}').unwrap_or(&text).split('\n').collect();
        match parse(&text, raw, &caller) {
            Ok(entries) => {
                prop_assert!(entries.is_sorted_by_key(|entry| entry.line));
                for entry in entries {
                    prop_assert!(lines[entry.line - 1].contains(&entry.key));
                    prop_assert!(!entry.value.contains('\0'));
                }
            }
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                for fault in faults {
                    prop_assert!((1..=lines.len()).contains(&fault.line), "{:?}", fault);
                    let columns = lines[fault.line - 1].chars().count() + 1;
                    prop_assert!((1..=columns).contains(&fault.column), "{:?}", fault);
                }
            }
        }
    }

    #[test]
    fn single_quotes_are_literal(text in "[^'\\x00\\r]{0,40}") {
        prop_assert_eq!(value(&format!("'{text}'")), Ok(text));
    }

    #[test]
    fn double_quotes_can_hold_everything(text in "[^\\x00\\r]{0,40}") {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
        prop_assert_eq!(value(&format!("\"{escaped}\" # comment")), Ok(text));
    }

    #[test]
    fn plain_values_need_no_quotes(text in "[!%&()*+,./0-9:;<=>?@A-Z^_a-z{|}~-][!#%&()*+,./0-9:;<=>?@A-Z^_a-z{|}~'\"\\\\-]{0,20}") {
        prop_assert_eq!(value(&text), Ok(text.clone()));
        prop_assert_eq!(value(&format!("  {text}  # comment")), Ok(text));
    }

    #[test]
    fn what_was_parsed_and_written_again_is_the_same(text in syntax()) {
        if let Ok(entries) = parse(&text, Raw::Expand, &caller) {
            let mut written = String::new();
            for entry in &entries {
                let value = entry.value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
                writeln!(written, "{}=\"{}\"", entry.key, value.replace('\r', "\\r")).unwrap();
            }
            let again = parse(&written, Raw::Expand, &|_| None).unwrap();
            let pairs = |entries: Vec<Entry>| entries.into_iter().map(|e| (e.key, e.value)).collect::<Vec<_>>();
            prop_assert_eq!(pairs(again), pairs(entries));
        }
    }

    #[test]
    fn line_ends_do_not_matter(text in syntax()) {
        let unix = text.replace('\r', "");
        let windows = unix.replace('\n', "\r\n");
        prop_assert_eq!(told(&windows, Raw::Expand), told(&unix, Raw::Expand));
        prop_assert_eq!(told(&windows, Raw::Literal), told(&unix, Raw::Literal));
    }
}
