//! Rules as text: what the format says, and what it says of mistakes.

use super::hostile;
use portcullis::waf::{RawRequest, Ruleset, Waf};

/// A rule that is sound, with one line to put in.
fn with_line(line: &str) -> String {
    format!(
        r#"
[[rule]]
id = "own"
name = "a rule"
class = "generic"
tags = ["mine"]
{line}
tests.match = ["GET /?q=bad"]
tests.pass = ["GET /?q=good"]
"#
    )
}

fn with_condition(condition: &str) -> String {
    with_line(&format!("when = [{{ {condition} }}]"))
}

const SOUND: &str = r#"in = "query:q", equals = "bad""#;

#[test]
fn the_examples_of_the_documentation_load() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/waf-rules.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks: Vec<_> = page
        .split("```toml\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap())
        .collect();
    assert_eq!(blocks.len(), 4);
    let mut rules = Ruleset::builtin();
    for block in blocks {
        rules = rules
            .with_text(block)
            .unwrap_or_else(|error| panic!("{error}: {block}"));
    }
    let waf = Waf::new(rules);
    for target in ["/invoices?id=%31%37x", "/api/v1/x", "/payments?a=' or 1=1"] {
        assert!(hostile(&waf, target), "{target}");
    }
    assert!(!hostile(&waf, "/invoices?id=17"));
}

#[test]
fn every_operator_says_what_it_asks() {
    let get = "GET /?q=";
    let cases = [
        (r#"regex = "^b[a-z]d$""#, "BAD", "good"),
        (r#"equals = "bad""#, "bad", "badly"),
        (r#"contains = "ba""#, "abad", "good"),
        (r#"begins_with = "ba""#, "bad", "abad"),
        (r#"ends_with = "ad""#, "bad", "ada"),
        (r#"one_of = ["bad", "worse"]"#, "worse", "good"),
        (r#"contains_any = ["bad", "worse"]"#, "aWorse", "good"),
        ("above = 17", "18", "17"),
        ("below = -1", "-2", "-1"),
        ("is = 0x11", "17", "18"),
        ("longer_than = 3", "long", "sho"),
        ("bytes_outside = [[0x61, 0x7a], [0x30, 0x39]]", "a-b", "ab7"),
        (
            r#"address_in = ["10.0.0.0/8", "192.0.2.1"]"#,
            "192.0.2.1",
            "192.0.2.2",
        ),
        (r#"attack = "xss""#, "<script>alert(1)</script>", "script"),
        ("not_utf8 = true", "%FF", "%C3%A9"),
        ("present = true", "x", ""),
        (r#"equals = "good", not = true"#, "bad", "good"),
        (r#"after = ["length"], is = 3"#, "bad", "good"),
        (r#"after = "lowercase", equals = "bad""#, "BAD", "good"),
    ];
    for (condition, matches, passes) in cases {
        // Where nothing is sent, there is no value.
        let pass = if passes.is_empty() {
            "GET /".to_owned()
        } else {
            format!("{get}{passes}")
        };
        let text = format!(
            "[[rule]]\nid = \"own\"\nname = \"x\"\nclass = \"generic\"\n\
             when = {{ in = \"query:q\", {condition} }}\n\
             tests = {{ match = \"{get}{matches}\", pass = \"{pass}\" }}\n"
        );
        if let Err(error) = Ruleset::empty().with_text(&text) {
            panic!("{condition}: {error}");
        }
    }
}

#[test]
fn every_target_is_where_it_says() {
    let json = r#"headers = { content-type = "application/json" }"#;
    let cases = [
        ("path", r#"method = "GET", target = "/bad""#.to_owned()),
        ("query", r#"method = "GET", target = "/?q=/bad""#.into()),
        (
            "cookie:a",
            r#"method = "GET", target = "/", headers = { cookie = "a=/bad" }"#.into(),
        ),
        (
            "header:X-Own",
            r#"method = "GET", target = "/", headers = { x-own = "/bad" }"#.into(),
        ),
        (
            "json:a",
            format!(r#"method = "POST", target = "/", {json}, body = '{{"a":"/bad"}}'"#),
        ),
        (
            "parameter:a",
            format!(r#"method = "POST", target = "/", {json}, body = '{{"a":"/bad"}}'"#),
        ),
        (
            "parameters",
            r#"method = "GET", target = "/?x=/bad""#.into(),
        ),
        (
            "parameter_names",
            r#"method = "GET", target = "/?/bad=1""#.into(),
        ),
        ("method", r#"method = "/bad", target = "/""#.into()),
        (
            "client_address",
            r#"method = "GET", target = "/", client = "192.0.2.1""#.into(),
        ),
        (
            "body_length",
            r#"method = "POST", target = "/", body = "123456789""#.into(),
        ),
    ];
    for (target, request) in cases {
        let text = format!(
            "[[rule]]\nid = \"own\"\nname = \"x\"\nclass = \"generic\"\n\
             when = {{ in = \"{target}\", regex = '^(/bad|192\\.0\\.2\\.1|9)$' }}\n\
             tests = {{ match = {{ {request} }}, pass = \"PUT /good?p=2\" }}\n"
        );
        if let Err(error) = Ruleset::empty().with_text(&text) {
            panic!("{target}: {error}");
        }
    }
}

#[test]
fn mistakes_are_named_by_line_and_mended() {
    let condition = |text: &str| with_condition(text);
    let cases: [(&str, String, usize, &str); 29] = [
        ("no TOML", "level = 1\n[[rule".into(), 2, "this is no TOML"),
        (
            "an unknown key",
            "\nlvl = 1".into(),
            2,
            "the keys are level, off, rule",
        ),
        ("no such level", "level = 4".into(), 1, "use 1, 2 or 3"),
        (
            "a level that is no number",
            "level = '1'".into(),
            1,
            "whole number",
        ),
        ("a level far off", "level = 70000".into(), 1, "whole number"),
        ("a rule that is none", "rule = 1".into(), 1, "not a table"),
        (
            "no id",
            "[[rule]]\nname = 'x'".into(),
            1,
            "there is no \"id\" here",
        ),
        (
            "an empty name",
            "[[rule]]\nid='a'\nclass='xss'\nname=' '".into(),
            4,
            "name is empty",
        ),
        (
            "a name of two lines",
            "[[rule]]\nid='a'\nclass='xss'\nname=\"a\\nb\"".into(),
            4,
            "control",
        ),
        (
            "an unknown class",
            "[[rule]]\nid = 'a'\nclass = 'sql'".into(),
            3,
            "none of sqli, xss",
        ),
        (
            "an unknown key of a rule",
            with_line(&format!("when = [{{ {SOUND} }}]\nseverty = 'faint'")),
            8,
            "severity",
        ),
        (
            "an unknown severity",
            with_line("severity = 'high'"),
            7,
            "notice, faint, medium, critical",
        ),
        (
            "an unknown effect",
            with_line("effect = 'admit'"),
            7,
            "dangerously_admit",
        ),
        ("no condition", with_line(""), 2, "there is no \"when\""),
        (
            "conditions that are none",
            with_line("when = []"),
            2,
            "0 conditions",
        ),
        (
            "nothing asked",
            condition("in = 'query'"),
            7,
            "add one of regex, equals",
        ),
        (
            "two things asked",
            condition("in = 'query', equals = 'a', contains = 'b'"),
            7,
            "equals and contains",
        ),
        (
            "an unknown operator",
            condition("in = 'query', equals = 'a', regx = 'b'"),
            7,
            "no key \"regx\"",
        ),
        (
            "a pattern that is none",
            condition("in = 'query', regex = '('"),
            7,
            "cannot be used",
        ),
        (
            "an unknown target",
            condition("in = 'args', equals = 'a'"),
            7,
            "write one of path, query",
        ),
        (
            "a target without its name",
            condition("in = 'header:', equals = 'a'"),
            7,
            "write a name",
        ),
        (
            "no target",
            condition("in = [], equals = 'a'"),
            7,
            "name a target",
        ),
        (
            "an unknown transformation",
            condition("in = 'query', after = 'rot13', equals = 'a'"),
            7,
            "url_decode",
        ),
        (
            "a flag that is off",
            condition("in = 'query', present = false"),
            7,
            "or leave it out",
        ),
        (
            "no attack",
            condition("in = 'query', attack = 'xss', not = true"),
            2,
            "not known before the end",
        ),
        (
            "an address that is none",
            condition("in = 'client_address', address_in = ['10.0.0.0/33']"),
            7,
            "10.0.0.0/8",
        ),
        (
            "a test that fails",
            condition("in = 'query:q', equals = 'worse'"),
            2,
            "does not match `GET /?q=bad`, which it must",
        ),
        (
            "the other test that fails",
            condition("in = 'query:q', present = true"),
            2,
            "matches `GET /?q=good`, which it must not",
        ),
        (
            "the same rule twice",
            with_condition(SOUND).repeat(2),
            11,
            "another id",
        ),
    ];
    for (name, text, line, says) in cases {
        let error = Ruleset::parse(&text).expect_err(name);
        assert_eq!(error.line(), Some(line), "{name}: {error}");
        assert!(error.to_string().contains(says), "{name}: {error}");
    }
}

#[test]
fn tests_are_no_option() {
    let rule = "[[rule]]\nid='a'\nname='x'\nclass='xss'\nwhen={in='path',equals='/a'}\n";
    let cases = [
        ("no tests", "", "there is no \"tests\""),
        (
            "none that match",
            "tests.pass = 'GET /'",
            "there is no \"match\"",
        ),
        (
            "none that pass",
            "tests.match = 'GET /a'",
            "there is no \"pass\"",
        ),
        (
            "an empty list",
            "tests = { match = [], pass = 'GET /' }",
            "\"match\" is empty",
        ),
        (
            "no request",
            "tests = { match = '/a', pass = 'GET /' }",
            "write \"GET /a?b=c\"",
        ),
        (
            "a header of two",
            "tests = { match = { method='GET', target='/a', headers={a=['b']} }, pass = 'GET /' }",
            "not a text",
        ),
        (
            "no target",
            "tests = { match = { method='GET' }, pass = 'GET /' }",
            "there is no \"target\"",
        ),
    ];
    for (name, tests, says) in cases {
        let error = Ruleset::parse(&format!("{rule}{tests}")).expect_err(name);
        assert!(error.to_string().contains(says), "{name}: {error}");
    }
}

#[test]
fn rules_are_switched_by_id_tag_and_class() {
    let rule = with_condition(SOUND);
    let waf = |off: &str| Ruleset::parse(&format!("{off}\n{rule}")).map(Waf::new);
    let own = "/?q=bad";
    let sql = "/?q=%27+union+select+password+from+users--";
    let cases = [
        ("", true, true),
        ("off.rules = ['own']", false, true),
        ("off.tags = ['mine']", false, true),
        ("off.classes = ['generic', 'sqli']", false, false),
    ];
    for (off, of_own, of_sql) in cases {
        let waf = waf(off).unwrap();
        assert_eq!(
            (hostile(&waf, own), hostile(&waf, sql)),
            (of_own, of_sql),
            "{off}"
        );
    }
    for off in ["off.rules = ['nothing']", "off.tags = ['nothing']"] {
        assert!(waf(off).unwrap_err().is_unknown(), "{off}");
    }
    assert!(waf("off.rule = ['own']").is_err());
    // Level 2 knows what level 1 does not.
    let of_level = |level: u8| Ruleset::parse(&format!("level = {level}")).unwrap();
    let ranges = "bytes=0-1,2-3,4-5,6-7,8-9,10-11";
    for (level, expected) in [(1, false), (2, true)] {
        let request = RawRequest::new("GET", "/").header("range", ranges);
        assert_eq!(
            Waf::new(of_level(level)).judge(&request).is_hostile(),
            expected
        );
    }
}

#[test]
fn files_are_read_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("waf.toml");
    let error = Ruleset::from_file(&file).unwrap_err().to_string();
    assert!(error.contains("waf.toml: "), "{error}");
    std::fs::write(&file, with_condition(SOUND)).unwrap();
    assert!(hostile(
        &Waf::new(Ruleset::from_file(&file).unwrap()),
        "/?q=bad"
    ));
    std::fs::write(&file, "\n\nlevel = 9").unwrap();
    let error = Ruleset::from_file(&file).unwrap_err();
    assert_eq!(error.line(), Some(3));
    assert!(error.to_string().contains("waf.toml: line 3: "), "{error}");
}

proptest::proptest! {
    /// Whatever the text, it is rules or an error.
    #[test]
    fn no_text_breaks_the_reader(
        text in "(\\[\\[rule\\]\\]|id|=|'a'|\"|\\{|\\}|\\[|\\]|when|in|tests|match|0x7|true|\n|,|é|\\PC){0,40}"
    ) {
        let _ = Ruleset::empty().with_text(&text);
    }
}
