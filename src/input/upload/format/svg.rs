//! SVG: elements and attributes that draw, and no others.
//!
//! An allow-list: what is not known to do nothing but draw is refused. References stay within
//! the document. An SVG is held in memory, up to [`MAX_BYTES`].

use super::Facts;
use crate::input::upload::Refusal;
use crate::input::upload::feed::Feed;
use crate::input::upload::refusal::{active, malformed};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

const MAX_BYTES: usize = 4 << 20;
/// Browsers nest by recursion.
const MAX_DEPTH: usize = 256;

const SVG: &str = "http://www.w3.org/2000/svg";
const XLINK: &str = "http://www.w3.org/1999/xlink";

const ELEMENTS: &[&str] = &[
    "svg",
    "g",
    "defs",
    "desc",
    "title",
    "symbol",
    "use",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "textPath",
    "linearGradient",
    "radialGradient",
    "stop",
    "clipPath",
    "mask",
    "pattern",
    "marker",
    "filter",
    "feBlend",
    "feColorMatrix",
    "feComponentTransfer",
    "feComposite",
    "feConvolveMatrix",
    "feDiffuseLighting",
    "feDisplacementMap",
    "feDistantLight",
    "feDropShadow",
    "feFlood",
    "feFuncA",
    "feFuncB",
    "feFuncG",
    "feFuncR",
    "feGaussianBlur",
    "feMerge",
    "feMergeNode",
    "feMorphology",
    "feOffset",
    "fePointLight",
    "feSpecularLighting",
    "feSpotLight",
    "feTile",
    "feTurbulence",
    "style",
    "switch",
    "view",
];

pub(super) async fn scan(feed: Feed) -> Result<Facts, Refusal> {
    let document = feed.hold_all(MAX_BYTES).await?;
    let document = std::str::from_utf8(&document).map_err(|_| malformed("not UTF-8"))?;
    judge(document.strip_prefix('\u{FEFF}').unwrap_or(document))?;
    Ok(Facts::default())
}

/// Judges a whole document.
fn judge(document: &str) -> Result<(), Refusal> {
    let mut reader = Reader::from_str(document);
    reader.config_mut().check_comments = true;
    let (mut open, mut is_root_seen): (Vec<bool>, bool) = (Vec::new(), false);
    // Of all its pieces together: that is what a browser reads.
    let mut sheet = String::new();
    loop {
        let event = reader
            .read_event()
            .map_err(|error| malformed(format!("not XML: {error}")))?;
        let is_in_style = open.last() == Some(&true);
        match event {
            Event::Start(_) | Event::Empty(_) | Event::Comment(_) if is_in_style => {
                return Err(active("a style sheet in pieces"));
            }
            Event::Start(start) => {
                is_root_seen |= root(&start, &open, is_root_seen)?;
                open.push(element(&start)? == "style");
                if open.len() > MAX_DEPTH {
                    return Err(malformed("elements nested too deep"));
                }
            }
            Event::Empty(start) => {
                is_root_seen |= root(&start, &open, is_root_seen)?;
                element(&start)?;
            }
            Event::End(_) => {
                open.pop();
                style(&std::mem::take(&mut sheet))?;
            }
            Event::Text(text) if is_in_style => sheet.push_str(&text),
            Event::CData(text) if is_in_style => sheet.push_str(&text),
            Event::Text(text) => content(&text, &open)?,
            Event::CData(text) => content(&text, &open)?,
            Event::GeneralRef(name) => {
                let is_plain =
                    name.is_char_ref() || matches!(&*name, "amp" | "lt" | "gt" | "quot" | "apos");
                // In a style sheet it could hide a word.
                if !is_plain || open.last() != Some(&false) {
                    return Err(active("an entity"));
                }
            }
            Event::Comment(_) => {}
            Event::Decl(declaration) => {
                let encoding = declaration.encoding().transpose();
                let encoding = encoding.map_err(|_| malformed("a declaration that is broken"))?;
                if encoding.is_some_and(|name| !name.eq_ignore_ascii_case("utf-8")) {
                    return Err(malformed("not UTF-8"));
                }
            }
            Event::DocType(_) => return Err(active("a document type, which may define entities")),
            Event::PI(_) => return Err(active("a processing instruction")),
            Event::Eof if open.is_empty() && is_root_seen => return Ok(()),
            Event::Eof => return Err(malformed("it ends too early")),
        }
    }
}

fn root(start: &BytesStart<'_>, open: &[bool], is_seen: bool) -> Result<bool, Refusal> {
    match (open.is_empty(), is_seen) {
        (false, _) => Ok(false),
        (true, true) => Err(malformed("two root elements")),
        (true, false) if start.name().as_ref() == "svg" => Ok(true),
        (true, false) => Err(malformed("a root element that is not svg")),
    }
}

/// Text that is no style sheet: outside of the root element there is none.
fn content(text: &str, open: &[bool]) -> Result<(), Refusal> {
    match open.is_empty() && !text.trim_ascii().is_empty() {
        true => Err(malformed("text outside of the image")),
        false => Ok(()),
    }
}

/// Judges an element, and gives its name.
fn element(start: &BytesStart<'_>) -> Result<&'static str, Refusal> {
    let broken = || malformed("an element that is broken");
    let name = start.name();
    let Some(known) = ELEMENTS.iter().find(|known| **known == name.as_ref()) else {
        return Err(active(format!("an element {:?}", shortened(name.as_ref()))));
    };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| broken())?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|_| active("an entity in an attribute"))?;
        judge_attribute(attribute.key.as_ref(), &value)?;
    }
    Ok(known)
}

fn judge_attribute(name: &str, value: &str) -> Result<(), Refusal> {
    let refused = || active(format!("an attribute {:?}", shortened(name)));
    match name {
        "xmlns" if value == SVG => return Ok(()),
        "xmlns:xlink" if value == XLINK => return Ok(()),
        "xmlns" => return Err(active("another name space")),
        "xml:space" | "xml:lang" => return Ok(()),
        "href" | "xlink:href" => {
            return match value.trim_ascii().starts_with('#') {
                true => Ok(()),
                false => Err(active("a reference to the outside")),
            };
        }
        _ => {}
    }
    let is_plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    // Handlers of events begin with "on", and no attribute that draws does.
    let lower = name.get(..2).unwrap_or_default();
    if !is_plain || lower.eq_ignore_ascii_case("on") {
        return Err(refused());
    }
    if matches!(
        name,
        "src" | "action" | "formaction" | "srcdoc" | "base" | "data" | "ping"
    ) {
        return Err(refused());
    }
    style(value)
}

/// Whether CSS, or a presentation attribute, reaches outside of the document.
fn style(text: &str) -> Result<(), Refusal> {
    let text = text.to_ascii_lowercase();
    // Escapes and comments hide words; no image needs an escape.
    let refused = [
        "\\",
        "@import",
        "expression(",
        "javascript:",
        "-moz-binding",
        "behavior:",
        "image(",
        "image-set(",
        "src(",
        "@font-face",
        "@namespace",
        "/*",
        "<",
    ];
    if let Some(word) = refused.iter().find(|word| text.contains(**word)) {
        return Err(active(format!("{word:?} in a style or an attribute")));
    }
    let mut rest = &*text;
    while let Some((_, after)) = rest.split_once("url(") {
        let inside = after.trim_ascii_start().trim_start_matches(['"', '\'']);
        if !inside.starts_with('#') {
            return Err(active("a reference to the outside in a style"));
        }
        rest = after;
    }
    Ok(())
}

fn shortened(name: &str) -> String {
    name.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_that_draw() {
        let cases = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\"><rect width=\"1\" style=\"fill: #0a0\"/></svg>",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- x -->\n<svg><style>.a { fill: red }</style><use href=\"#a\"/></svg>\n",
            "<svg><g fill=\"url(#gradient)\"><text>a &lt; b</text></g></svg>",
            "<svg><style><![CDATA[.a { fill: red }]]></style><style/><text>@im<!-- -->port</text></svg>",
        ];
        for case in cases {
            assert_eq!(judge(case), Ok(()), "{case}");
        }
    }

    #[test]
    fn images_that_do_more() {
        let cases = [
            ("a script", "<svg><script>alert(1)</script></svg>"),
            ("a handler", "<svg onload=\"alert(1)\"/>"),
            ("a handler in capitals", "<svg ONLOAD=\"alert(1)\"/>"),
            ("a foreign object", "<svg><foreignObject/></svg>"),
            ("a link", "<svg><a href=\"#x\"/></svg>"),
            (
                "an animation",
                "<svg><set attributeName=\"href\" to=\"javascript:alert(1)\"/></svg>",
            ),
            (
                "another document",
                "<svg><use href=\"//example.com/x.svg#a\"/></svg>",
            ),
            (
                "data",
                "<svg><use xlink:href=\"data:image/svg+xml,x\"/></svg>",
            ),
            ("an import", "<svg><style>@import 'x.css';</style></svg>"),
            (
                "an escaped import",
                "<svg><style>@\\69mport 'x.css';</style></svg>",
            ),
            (
                "an import in pieces",
                "<svg><style>@imp&#111;rt 'x.css';</style></svg>",
            ),
            (
                "an import around a comment",
                "<svg><style>@im<!-- -->port 'x.css';</style></svg>",
            ),
            (
                "an import in two sections",
                "<svg><style>@im<![CDATA[port 'x.css';]]></style></svg>",
            ),
            (
                "an import around an element",
                "<svg><style>@im<g/>port 'x.css';</style></svg>",
            ),
            (
                "an outside paint in two sections",
                "<svg><style>rect { fill: ur<![CDATA[l(http]]>://example.com/#a) }</style></svg>",
            ),
            (
                "an outside paint",
                "<svg><rect fill=\"url(http://example.com/#a)\"/></svg>",
            ),
            (
                "an entity",
                "<!DOCTYPE svg [<!ENTITY x \"y\">]><svg>&x;</svg>",
            ),
            ("an unknown entity", "<svg>&x;</svg>"),
            ("a style sheet", "<?xml-stylesheet href=\"x.xsl\"?><svg/>"),
            (
                "another name space",
                "<x:svg xmlns:x=\"http://www.w3.org/2000/svg\"/>",
            ),
            (
                "html by name space",
                "<svg xmlns=\"http://www.w3.org/1999/xhtml\"/>",
            ),
            ("two roots", "<svg/><svg/>"),
            ("no end", "<svg><g></g>"),
            ("text behind", "<svg/>x"),
            ("crossed", "<svg><g></svg></g>"),
        ];
        for (name, case) in cases {
            assert!(judge(case).is_err(), "{name}");
        }
    }
}
