//! Judges HTML by parsing it, apart from what cleaned it.

use html5ever::serialize::{SerializeOpts, serialize};
use html5ever::tendril::TendrilSink;
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{ParseOpts, QualName, local_name, ns, parse_fragment};
use markup5ever_rcdom::{Handle, NodeData, RcDom, SerializableHandle};

/// An element, with its attributes.
pub(crate) struct Element {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
}

/// What a parser makes of a text.
pub(crate) struct Parsed {
    pub(crate) elements: Vec<Element>,
    pub(crate) comments: usize,
    pub(crate) text: String,
    pub(crate) written: String,
    pub(crate) depth: usize,
}

pub(crate) fn parsed(html: &str, scripting: bool) -> Parsed {
    let options = ParseOpts {
        tree_builder: TreeBuilderOpts {
            scripting_enabled: scripting,
            ..TreeBuilderOpts::default()
        },
        ..ParseOpts::default()
    };
    let context = QualName::new(None, ns!(html), local_name!("div"));
    let dom = parse_fragment(RcDom::default(), options, context, vec![], scripting).one(html);
    let root = dom.document.children.borrow()[0].clone();
    let mut written = Vec::new();
    serialize(
        &mut written,
        &SerializableHandle::from(root.clone()),
        SerializeOpts::default(),
    )
    .unwrap();
    let mut parsed = Parsed {
        elements: Vec::new(),
        comments: 0,
        text: String::new(),
        written: String::from_utf8(written).unwrap(),
        depth: 0,
    };
    let mut stack: Vec<(Handle, usize)> = vec![(root.clone(), 0)];
    while let Some((node, depth)) = stack.pop() {
        parsed.depth = parsed.depth.max(depth);
        match &node.data {
            NodeData::Element {
                name,
                attrs,
                template_contents,
                ..
            } => {
                if depth > 0 {
                    let attributes = attrs.borrow();
                    let attributes = attributes
                        .iter()
                        .map(|it| (it.name.local.to_string(), it.value.to_string()));
                    parsed.elements.push(Element {
                        namespace: name.ns.to_string(),
                        name: name.local.to_string(),
                        attributes: attributes.collect(),
                    });
                }
                if let Some(contents) = &*template_contents.borrow() {
                    stack.push((contents.clone(), depth + 1));
                }
                // What nobody reads is no text.
                if matches!(
                    &*name.local,
                    "script" | "style" | "iframe" | "noembed" | "noframes"
                ) {
                    continue;
                }
            }
            NodeData::Text { contents } => parsed.text.push_str(&contents.borrow()),
            NodeData::Comment { .. } | NodeData::ProcessingInstruction { .. } => {
                parsed.comments += 1;
            }
            NodeData::Document | NodeData::Doctype { .. } => {}
        }
        stack.extend(
            node.children
                .borrow()
                .iter()
                .rev()
                .map(|child| (child.clone(), depth + 1)),
        );
    }
    parsed
}

/// What is wrong with a text that should be clean, to a parser with scripting and to one without.
pub(crate) fn faults(html: &str) -> Vec<String> {
    [true, false]
        .into_iter()
        .flat_map(|scripting| {
            let parsed = parsed(html, scripting);
            let mut faults = parsed.faults();
            // The one thing that a parser drops is the first line feed of a `pre`.
            if parsed.written != html.replace("<pre>\n\n", "<pre>\n") && !html.contains("<pre ") {
                faults.push(format!("is parsed as {}", parsed.written));
            }
            faults
        })
        .collect()
}

/// The elements that rich text has; named here again, for the judge is not to ask the accused.
const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "address",
    "article",
    "aside",
    "b",
    "bdi",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "data",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "main",
    "mark",
    "nav",
    "ol",
    "p",
    "pre",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "search",
    "section",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "time",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "wbr",
];

impl Parsed {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.comments > 0 {
            faults.push("has comments".to_owned());
        }
        for element in &self.elements {
            let is_html = element.namespace == "http://www.w3.org/1999/xhtml";
            if !is_html || !ELEMENTS.contains(&&*element.name) {
                faults.push(format!("has <{}> of {}", element.name, element.namespace));
            }
            for (name, value) in &element.attributes {
                if is_bad_attribute(name) {
                    faults.push(format!("has {name}={value:?} on {}", element.name));
                }
                if is_live_url(value) && !matches!(&**name, "title" | "alt" | "summary" | "abbr") {
                    faults.push(format!("has the URL {value:?} in {name}"));
                }
            }
        }
        faults
    }
}

fn is_bad_attribute(name: &str) -> bool {
    name.starts_with("on")
        || name.contains(':')
        || matches!(
            name,
            "style"
                | "id"
                | "name"
                | "srcdoc"
                | "srcset"
                | "formaction"
                | "action"
                | "ping"
                | "background"
                | "poster"
                | "data"
                | "xmlns"
                | "target"
        )
}

/// Whether some browser, of today or of 2005, could run or show what a URL holds.
fn is_live_url(value: &str) -> bool {
    let seen: String = value
        .chars()
        .filter(char::is_ascii_graphic)
        .collect::<String>()
        .to_ascii_lowercase();
    let live = [
        "javascript:",
        "vbscript:",
        "livescript:",
        "mocha:",
        "data:",
        "blob:",
        "filesystem:",
        "view-source:",
        "mhtml:",
        "jar:",
        "about:",
        "feed:",
    ];
    live.iter().any(|scheme| seen.starts_with(scheme))
}

#[test]
fn the_judge_is_not_blind() {
    for html in [
        "<script>x</script>",
        "<img src=\"x\" onerror=\"x\">",
        "<a href=\"javascript:x\">x</a>",
        "<a href=\"\u{2028}java\u{1}script:x\">x</a>",
        "<q cite=\"data:x\">x</q>",
        "<svg></svg>",
        "<p id=\"x\">x</p>",
        "<!-- x -->",
        "<a href=\"x\"><a href=\"y\">x</a></a>",
        "<p><p>x</p></p>",
        "<b>x",
    ] {
        assert!(!faults(html).is_empty(), "{html}");
    }
    assert_eq!(
        faults("<p>a <b>b</b> &lt; <a href=\"https://example.com/?a=javascript:b\">c</a></p>"),
        [""; 0]
    );
}
