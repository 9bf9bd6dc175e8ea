//! No text keeps the parser busy. Nothing here is timed (the bench does that): each attack is
//! refused before it is parsed, or taken because it is harmless.

use super::busy::attacks;
use portcullis::input::html::{HtmlError, Policy};

#[test]
fn attacks_are_refused_or_harmless() {
    let policy = Policy::rich_text();
    for (name, html) in attacks(200_000) {
        match policy.clean(&html) {
            Ok(clean) => assert!(
                clean.len() < 8 * html.len(),
                "{name}: {} bytes",
                clean.len()
            ),
            Err(HtmlError::TooDeep { limit: 256 } | HtmlError::TooComplex) => {}
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

#[test]
fn limits_are_exact() {
    let policy = Policy::rich_text();
    let nested = |depth: usize, tag: &str| format!("<{tag}>").repeat(depth);
    for tag in ["div", "b", "span", "x", "section", "ins"] {
        let deepest = policy.clean(&nested(256, tag));
        assert!(deepest.is_ok(), "{tag}: {deepest:?}");
        assert_eq!(
            policy.clean(&nested(257, tag)),
            Err(HtmlError::TooDeep { limit: 256 }),
            "{tag}"
        );
    }
    // What does not nest is not deep.
    for (name, flat) in [
        ("void elements", "<br>".repeat(1000)),
        ("paragraphs without ends", "<p>x".repeat(1000)),
        (
            "items without ends",
            format!("<ul>{}</ul>", "<li>x".repeat(1000)),
        ),
        (
            "terms without ends",
            format!("<dl>{}</dl>", "<dt>x<dd>y".repeat(1000)),
        ),
        (
            "rows without ends",
            format!("<table>{}</table>", "<tr><td>x".repeat(1000)),
        ),
        ("comments", "<!-- <div> -->".repeat(1000)),
        (
            "scripts",
            format!("<script>{}</script>", "'<div>'".repeat(1000)),
        ),
        (
            "text areas",
            format!("<textarea>{}</textarea>", "<div>".repeat(1000)),
        ),
        ("ends alone", "</div>".repeat(1000)),
        (
            "attributes",
            format!("<p title=\"{}\">x</p>", "<div>".repeat(1000)),
        ),
        ("void by any name", "<div/>x</div>".repeat(1000)),
    ] {
        let clean = policy.clean(&flat);
        assert!(clean.is_ok(), "{name}: {clean:?}");
    }
    let large = "x".repeat(1024 * 1024);
    assert_eq!(policy.clean(&large), Ok(large.clone()));
    let error = HtmlError::TooLarge {
        bytes: large.len() + 1,
        limit: large.len(),
    };
    assert_eq!(policy.clean(&format!("{large}x")), Err(error));
    let small = Policy::builder()
        .max_bytes(4)
        .max_depth(2)
        .elements(["b", "i", "u"])
        .build()
        .unwrap();
    assert_eq!(small.clean("1234"), Ok("1234".to_owned()));
    assert_eq!(
        small.clean("12345"),
        Err(HtmlError::TooLarge { bytes: 5, limit: 4 })
    );
}
