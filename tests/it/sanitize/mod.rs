//! HTML from users, judged by parsing what comes out.

mod attacks;
mod busy;
mod judge;
mod layer;
mod time;

use judge::{faults, parsed};
use portcullis::input::html::{Html, HtmlError, Policy, RemovedKind, RemovedReason, RichText};
use proptest::prelude::*;

/// Text as the parser reads it: line ends are line feeds.
fn text(html: &str) -> String {
    parsed(html, true).text
}

#[test]
fn outside_payloads_are_neutral() {
    let Some(lines) = crate::support::vectors("sanitize/payloads.jsonl") else {
        return;
    };
    let policy = Policy::rich_text();
    let (mut cases, mut benign) = (0, 0);
    for line in lines.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let (id, payload) = (&case["id"], case["payload"].as_str().unwrap());
        let clean = policy.clean(payload).unwrap();
        assert_eq!(faults(&clean), [""; 0], "{id}: {payload}\n{clean}");
        assert_eq!(policy.clean(&clean).as_ref(), Ok(&clean), "{id}");
        if case["class"] == "benign-keep" {
            assert_eq!(text(&clean), text(payload), "{id}");
            benign += 1;
        }
        cases += 1;
    }
    assert_eq!((cases, benign), (102, 8));
}

#[test]
fn honest_text_is_left_as_it_is() {
    let policy = Policy::rich_text();
    let rel = " rel=\"nofollow noopener noreferrer\"";
    for (name, html) in [
        ("text", "Just text, and nothing else."),
        ("white space", "  two  \n lines "),
        (
            "signs",
            "1 &lt; 2 &amp; 3 &gt; 2 \"so\" 'they' say: 100% © — …",
        ),
        ("other scripts", "日本語 العربية עברית हिन्दी 👩‍👩‍👧"),
        (
            "marks",
            "<b>a</b><i>b</i><u>c</u><s>d</s><em>e</em><strong>f</strong><sub>g</sub><sup>h</sup>",
        ),
        ("nested marks", "<p><b>a<i>b<u>c</u></i></b></p>"),
        ("paragraphs", "<p>one</p>\n<p>two<br>three</p>"),
        (
            "headings",
            "<h1>a</h1><h2>b</h2><h3>c</h3><h4>d</h4><h5>e</h5><h6>f</h6>",
        ),
        (
            "lists",
            "<ul><li>a</li><li>b<ol start=\"3\"><li>c</li></ol></li></ul>",
        ),
        ("definitions", "<dl><dt>a</dt><dd>b</dd></dl>"),
        (
            "quotation",
            "<blockquote cite=\"https://example.com/x\"><p>a</p></blockquote><q>b</q>",
        ),
        (
            "code",
            "<pre><code class=\"language-rust\">fn main() {\n    a &lt; b\n}</code></pre>",
        ),
        ("code that starts with a line", "<pre>\n\nx</pre>"),
        (
            "table",
            "<table><caption>t</caption><thead><tr><th scope=\"col\">a</th></tr></thead><tbody><tr><td colspan=\"2\">b</td></tr></tbody></table>",
        ),
        (
            "columns",
            "<table><colgroup><col span=\"2\"></colgroup><tbody><tr><td>a</td></tr></tbody></table>",
        ),
        (
            "figure",
            "<figure><img src=\"https://example.com/a.png\" alt=\"a\" width=\"3\" height=\"4\"><figcaption>b</figcaption></figure>",
        ),
        ("an image of this site", "<img src=\"/a.png\" alt=\"\">"),
        ("ruby", "<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>"),
        (
            "details",
            "<details open=\"\"><summary>a</summary>b</details>",
        ),
        ("time", "<time datetime=\"2026-11-22\">today</time>"),
        (
            "language",
            "<p lang=\"fr\" dir=\"ltr\" title=\"a &quot;b&quot;\">bonjour</p>",
        ),
        ("rule", "a<hr>b"),
    ] {
        assert_eq!(policy.clean(html).as_deref(), Ok(html), "{name}");
    }
    for (name, url) in [
        ("web", "https://example.com/a?b=c&amp;d=e#f"),
        ("a port", "http://example.com:8080/"),
        ("mail", "mailto:ann@example.com?subject=Hi"),
        ("telephone", "tel:+49301234"),
        ("this site", "/a/b.html"),
        ("this page", "#top"),
        ("a name with a colon", "./a:b"),
        (
            "about javascript",
            "https://example.com/javascript:alert(1)",
        ),
        ("international", "https://例え.jp/ü"),
    ] {
        let html = format!("<a href=\"{url}\"{rel}>x</a>");
        assert_eq!(policy.clean(&html), Ok(html.clone()), "{name}");
    }
}

#[test]
fn each_policy_keeps_its_own() {
    let html =
        "<h1>a</h1><p><b>b</b> <a href=\"https://example.com\">c</a><img src=\"/d\"> e &lt; f</p>";
    let link = |rel: &str| {
        format!("<a href=\"https://example.com\" rel=\"nofollow noopener noreferrer{rel}\">c</a>")
    };
    for (name, policy, expected) in [
        ("text only", Policy::text_only(), "ab c e &lt; f".to_owned()),
        (
            "basic",
            Policy::basic(),
            "a<p><b>b</b> c e &lt; f</p>".to_owned(),
        ),
        (
            "comment",
            Policy::comment(),
            format!("a<p><b>b</b> {} e &lt; f</p>", link(" ugc")),
        ),
        (
            "rich text",
            Policy::rich_text(),
            format!(
                "<h1>a</h1><p><b>b</b> {}<img src=\"/d\"> e &lt; f</p>",
                link("")
            ),
        ),
    ] {
        assert_eq!(policy.clean(html), Ok(expected), "{name}");
    }
}

#[test]
fn no_policy_allows_what_is_active() {
    use portcullis::input::html::PolicyError::*;
    let p = || Policy::builder().elements(["p"]);
    for (name, policy, expected) in [
        ("script", p().elements(["script"]), Element("script")),
        ("svg", p().elements(["svg"]), Element("svg")),
        ("a name of one's own", p().elements(["x-y"]), Element("x-y")),
        ("in capitals", p().elements(["P"]), Element("P")),
        (
            "a handler",
            p().attributes("p", ["onclick"]),
            Attribute("onclick"),
        ),
        (
            "a style",
            p().attributes_everywhere(["style"]),
            Attribute("style"),
        ),
        ("an id", p().attributes_everywhere(["id"]), Attribute("id")),
        ("rel", p().attributes_everywhere(["rel"]), Attribute("rel")),
        ("scheme", p().schemes(["javascript"]), Scheme("javascript")),
        ("data", p().schemes(["data"]), Scheme("data")),
        ("of nothing", p().attributes("q", ["cite"]), Orphan("q")),
        ("no depth", p().max_depth(0), Depth(0)),
        ("depth", p().max_depth(513), Depth(513)),
        (
            "size",
            p().max_bytes(1024 * 1024 + 1),
            Size(1024 * 1024 + 1),
        ),
    ] {
        assert_eq!(policy.build().map(|_| ()), Err(expected), "{name}");
    }
}

#[test]
fn reports_say_what_was_taken_out() {
    let policy = Policy::rich_text();
    let report = |html: &str| -> Vec<String> {
        let cleaned = policy.clean_with_report(html).unwrap();
        assert_eq!(Ok(cleaned.html()), policy.clean(html).as_deref());
        cleaned.removed().iter().map(ToString::to_string).collect()
    };
    for (html, expected) in [
        ("<p>plain <b>text</b></p>", &[][..]),
        ("<script>x</script>", &["element script (active)"]),
        (
            "<p onclick=x onfocus=y>",
            &[
                "attribute onclick (event_handler)",
                "attribute onfocus (event_handler)",
            ],
        ),
        ("<a href=javascript:x>", &["attribute href (unsafe_url)"]),
        ("<q cite=data:x>", &["attribute cite (unsafe_url)"]),
        (
            "<p style=color:red id=x class=y>",
            &[
                "attribute style (style)",
                "attribute id (clobbering)",
                "attribute class (not_allowed)",
            ],
        ),
        (
            "<svg><a onload=x></svg>",
            &[
                "element svg (foreign)",
                "element a (foreign)",
                "attribute onload (event_handler)",
            ],
        ),
        ("<!-- x --><?php x ?>", &["comment (hidden)"]),
        (
            "<blink>x</blink><blink>y</blink>",
            &["element blink (not_allowed)"],
        ),
        (
            "<iframe src=javascript:x></iframe>",
            &["element iframe (active)", "attribute src (unsafe_url)"],
        ),
    ] {
        assert_eq!(report(html), expected, "{html}");
    }
    let many: String = (0..100).map(|i| format!("<x{i}>")).collect();
    let cleaned = policy.clean_with_report(&many).unwrap();
    assert_eq!((cleaned.removed().len(), cleaned.others()), (64, 36));
    assert_eq!(cleaned.removed()[0].what, RemovedKind::Element);
    assert_eq!(cleaned.removed()[0].reason, RemovedReason::NotAllowed);
    assert!(cleaned.to_event().is_none(), "odd markup alone is no event");
    let event = policy
        .clean_with_report("<p onclick=x>")
        .unwrap()
        .to_event()
        .unwrap();
    assert_eq!(event.code(), Some("html_cleaned"));
    assert_eq!(
        event.details().next(),
        Some(("removed", "attribute onclick (event_handler)"))
    );
}

#[test]
fn the_type_is_clean_however_it_is_made() {
    let hostile = "<b onclick=x>a</b><script>y</script>";
    let clean = "<b>a</b>";
    assert_eq!(Html::<RichText>::clean(hostile).unwrap().as_str(), clean);
    assert_eq!(
        hostile.parse::<Html<RichText>>().unwrap().to_string(),
        clean
    );
    let json = serde_json::to_string(hostile).unwrap();
    let html: Html<RichText> = serde_json::from_str(&json).unwrap();
    assert_eq!(html.as_str(), clean);
    assert_eq!(
        serde_json::to_string(&html).unwrap(),
        format!("\"{clean}\"")
    );
    let owned: Html<RichText> = serde_json::from_value(hostile.into()).unwrap();
    assert_eq!(owned, html);
    for not_text in ["1", "null", "[\"a\"]", "{\"html\": \"a\"}"] {
        assert!(
            serde_json::from_str::<Html<RichText>>(not_text).is_err(),
            "{not_text}"
        );
    }
}

/// Pieces of which hostile HTML is made.
fn piece() -> impl Strategy<Value = String> {
    let names = "(a|b|i|p|div|span|table|tbody|tr|td|th|caption|colgroup|col|li|ul|dd|dt|h1|h2|pre|ruby|rt|rp|\
        svg|math|mtext|mi|annotation-xml|foreignObject|desc|title|style|script|template|select|option|\
        button|form|textarea|noscript|iframe|xmp|plaintext|frameset|body|html|head|nobr|font|img|image|\
        input|br|hr|mglyph|malignmark|selectedcontent|code|x-y|A|DIV)";
    let attribute = "( href=\"javascript:x\"| title='</p><img src=x onerror=y>'| id=x| onload=x|/| a=\"| cite=`x`| lang=\"\n\"){0,2}";
    let matching = |pattern: &str| proptest::string::string_regex(pattern).unwrap();
    let others = "(<!--|-->|--!>|<!\\[CDATA\\[|\\]\\]>|<\\?|<!|</|&lt;|&#x3c;|&nbsp;|&amp;lt;|&lt)";
    prop_oneof![
        6 => matching(&format!("<{names}{attribute}>")),
        4 => matching(&format!("</{names}>")),
        1 => matching(&format!("<{names} ")),
        2 => matching("[a-z<>&;\"'/= \n\u{0}\u{A0}]{0,6}"),
        1 => matching(others),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_comes_out_is_clean_and_stays(pieces in prop::collection::vec(piece(), 0..24)) {
        let html = pieces.concat();
        for policy in [Policy::rich_text(), Policy::comment(), Policy::basic(), Policy::text_only()] {
            match policy.clean(&html) {
                Ok(clean) => {
                    prop_assert_eq!(faults(&clean), [""; 0], "{}\n{}", html, clean);
                    prop_assert_eq!(policy.clean(&clean), Ok(clean.clone()), "{}", html);
                    let report = policy.clean_with_report(&html).unwrap();
                    prop_assert_eq!(report.html(), clean);
                }
                Err(error) => prop_assert_eq!(error, HtmlError::TooComplex, "{}", html),
            }
        }
    }

    #[test]
    fn nothing_panics(html in "\\PC{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Policy::rich_text().clean(&html);
        let _ = Policy::comment().clean_with_report(&String::from_utf8_lossy(&bytes));
    }
}
