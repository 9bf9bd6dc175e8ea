//! The policies that come ready.

use super::{Policy, PolicyBuilder};
use std::sync::LazyLock;

const MARKS: [&str; 22] = [
    "abbr", "b", "bdi", "bdo", "br", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark",
    "q", "s", "samp", "small", "strong", "sub", "sup", "u",
];

const BLOCKS: [&str; 8] = ["blockquote", "hr", "li", "ol", "p", "pre", "span", "ul"];

const ARTICLE: [&str; 48] = [
    "acronym",
    "address",
    "article",
    "aside",
    "big",
    "caption",
    "center",
    "col",
    "colgroup",
    "data",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
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
    "img",
    "main",
    "nav",
    "rp",
    "rt",
    "ruby",
    "search",
    "section",
    "strike",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "time",
    "tr",
    "tt",
    "var",
    "wbr",
];

const IMAGE: [&str; 10] = [
    "align", "alt", "border", "decoding", "height", "hspace", "loading", "src", "vspace", "width",
];

const TABLE: [&str; 7] = [
    "align",
    "bgcolor",
    "border",
    "cellpadding",
    "cellspacing",
    "summary",
    "width",
];

const COLUMN: [&str; 6] = ["align", "char", "charoff", "span", "valign", "width"];

const ROW: [&str; 4] = ["align", "char", "charoff", "valign"];

const CELL: [&str; 12] = [
    "abbr", "align", "axis", "bgcolor", "char", "charoff", "colspan", "headers", "nowrap",
    "rowspan", "scope", "valign",
];

/// Text, and nothing else.
pub(super) static TEXT_ONLY: LazyLock<Policy> = LazyLock::new(|| built(Policy::builder()));

/// Marks within text, paragraphs, lists, quotations; no links.
pub(super) static BASIC: LazyLock<Policy> = LazyLock::new(|| built(basic()));

/// Basic, and links that say that they come from users.
pub(super) static COMMENT: LazyLock<Policy> =
    LazyLock::new(|| built(with_links(basic()).code_languages().links_of_users()));

/// All that an editor of articles makes: headings, tables, figures, images.
pub(super) static RICH_TEXT: LazyLock<Policy> = LazyLock::new(|| built(rich_text()));

fn basic() -> PolicyBuilder {
    Policy::builder()
        .elements(MARKS)
        .elements(BLOCKS)
        .attributes_everywhere(["dir", "lang", "title"])
        .attributes("ol", ["reversed", "start", "type"])
        .attributes("li", ["value"])
}

fn with_links(policy: PolicyBuilder) -> PolicyBuilder {
    policy
        .elements(["a"])
        .attributes("a", ["href", "hreflang"])
        .attributes("blockquote", ["cite"])
        .attributes("q", ["cite"])
        .schemes(["http", "https", "mailto", "tel"])
        .relative_urls()
}

fn rich_text() -> PolicyBuilder {
    let mut policy = with_links(basic())
        .elements(ARTICLE)
        .code_languages()
        .attributes("col", COLUMN)
        .attributes("colgroup", COLUMN)
        .attributes("data", ["value"])
        .attributes("del", ["cite", "datetime"])
        .attributes("details", ["open"])
        .attributes("font", ["color", "face", "size"])
        .attributes("hr", ["align", "noshade", "size", "width"])
        .attributes("img", IMAGE)
        .attributes("ins", ["cite", "datetime"])
        .attributes("table", TABLE)
        .attributes("time", ["datetime"]);
    for aligned in ["caption", "div", "h1", "h2", "h3", "h4", "h5", "h6", "p"] {
        policy = policy.attributes(aligned, ["align"]);
    }
    for rows in ["tbody", "tfoot", "thead", "tr"] {
        policy = policy.attributes(rows, ROW);
    }
    for cell in ["td", "th"] {
        policy = policy
            .attributes(cell, CELL)
            .attributes(cell, ["height", "width"]);
    }
    policy
}

fn built(policy: PolicyBuilder) -> Policy {
    #[expect(clippy::expect_used, reason = "fixed, and a test builds each")]
    policy
        .build()
        .expect("the policies that come ready allow only what a policy may")
}
