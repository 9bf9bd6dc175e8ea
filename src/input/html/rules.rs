//! What a policy allows, as plain data.

use super::PolicyError;
use super::report::RemovedReason;
use super::url::{UrlRules, is_url_attribute};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// The elements that a policy may allow: those of HTML that only say what text is.
const HARMLESS: &[&str] = &[
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
    "menu",
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

/// Elements that run, load or submit something, or change how a page is read.
const ACTIVE: &[&str] = &[
    "applet",
    "audio",
    "base",
    "bgsound",
    "button",
    "canvas",
    "embed",
    "fencedframe",
    "form",
    "frame",
    "frameset",
    "iframe",
    "input",
    "isindex",
    "keygen",
    "link",
    "marquee",
    "math",
    "meta",
    "noembed",
    "noframes",
    "noscript",
    "object",
    "param",
    "plaintext",
    "portal",
    "script",
    "select",
    "source",
    "style",
    "svg",
    "template",
    "textarea",
    "title",
    "track",
    "video",
    "xmp",
];

/// Elements of HTML that no policy keeps though they do no harm, or that matter to the parser.
const OTHERS: &[&str] = &[
    "area",
    "basefont",
    "body",
    "datalist",
    "dialog",
    "dir",
    "fieldset",
    "head",
    "html",
    "label",
    "legend",
    "listing",
    "map",
    "meter",
    "nobr",
    "optgroup",
    "option",
    "output",
    "picture",
    "progress",
    "rb",
    "rtc",
    "selectedcontent",
    "slot",
];

/// Whether this is the name, in lower case, of an element of HTML that is nothing else too.
pub(super) fn is_html(name: &str) -> bool {
    !matches!(name, "math" | "svg")
        && [HARMLESS, ACTIVE, OTHERS]
            .iter()
            .any(|known| known.contains(&name))
}

/// Attributes that a policy may allow, beside `lang` and the like: they say what text is, or
/// how it is laid out within its own place.
const HARMLESS_ATTRIBUTES: &[&str] = &[
    "abbr",
    "align",
    "alt",
    "axis",
    "bgcolor",
    "border",
    "cellpadding",
    "cellspacing",
    "char",
    "charoff",
    "cite",
    "color",
    "cols",
    "colspan",
    "compact",
    "datetime",
    "decoding",
    "dir",
    "face",
    "headers",
    "height",
    "href",
    "hreflang",
    "hspace",
    "lang",
    "loading",
    "noshade",
    "nowrap",
    "open",
    "reversed",
    "rows",
    "rowspan",
    "scope",
    "size",
    "span",
    "src",
    "start",
    "summary",
    "title",
    "translate",
    "type",
    "valign",
    "value",
    "vspace",
    "width",
];

/// Schemes that never have active content of their own.
const HARMLESS_SCHEMES: &[&str] = &[
    "bitcoin",
    "ftp",
    "ftps",
    "geo",
    "git",
    "gopher",
    "http",
    "https",
    "im",
    "irc",
    "ircs",
    "magnet",
    "mailto",
    "matrix",
    "mms",
    "mx",
    "news",
    "nntp",
    "openpgp4fpr",
    "sftp",
    "sip",
    "sips",
    "sms",
    "smsto",
    "ssh",
    "tel",
    "urn",
    "webcal",
    "wtai",
    "xmpp",
];

/// What a class starts with that says in which language a text of code is.
const LANGUAGE: &str = "language-";

/// What a policy allows.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) elements: HashSet<&'static str>,
    pub(super) everywhere: HashSet<&'static str>,
    pub(super) attributes: HashMap<&'static str, HashSet<&'static str>>,
    pub(super) urls: UrlRules,
    /// Whether `code` keeps the classes that name a language.
    pub(super) code_languages: bool,
}

impl Rules {
    /// Whether these are rules that a policy may have.
    pub(super) fn check(&self) -> Result<(), PolicyError> {
        let stranger = |names: &HashSet<&'static str>, known: &[&str]| {
            names.iter().copied().filter(|it| !known.contains(it)).min()
        };
        if let Some(element) = stranger(&self.elements, HARMLESS) {
            return Err(PolicyError::Element(element));
        }
        for names in self.attributes.values().chain([&self.everywhere]) {
            if let Some(attribute) = stranger(names, HARMLESS_ATTRIBUTES) {
                return Err(PolicyError::Attribute(attribute));
            }
        }
        let mut owners = self.attributes.keys().copied();
        if let Some(orphan) = owners.find(|element| !self.elements.contains(element)) {
            return Err(PolicyError::Orphan(orphan));
        }
        let mut schemes = self.urls.schemes.iter().copied();
        match schemes.find(|scheme| !HARMLESS_SCHEMES.contains(scheme)) {
            Some(scheme) => Err(PolicyError::Scheme(scheme)),
            None => Ok(()),
        }
    }

    /// Why an element of HTML is taken out, if it is.
    pub(super) fn judge_element(&self, name: &str) -> Option<RemovedReason> {
        if self.elements.contains(name) {
            return None;
        }
        Some(if ACTIVE.contains(&name) {
            RemovedReason::Active
        } else {
            RemovedReason::NotAllowed
        })
    }

    /// Why an attribute is taken out, if it is.
    pub(super) fn judge_attribute(
        &self,
        element: &str,
        name: &str,
        value: &str,
    ) -> Option<RemovedReason> {
        if name.starts_with("on") {
            return Some(RemovedReason::EventHandler);
        }
        if is_url_attribute(name) && !self.urls.allow(value, element == "a") {
            return Some(RemovedReason::UnsafeUrl);
        }
        let kept = self.allows(element, name) && self.filtered(element, name, value).is_some();
        match name {
            _ if kept => None,
            "style" => Some(RemovedReason::Style),
            "id" | "name" => Some(RemovedReason::Clobbering),
            "srcdoc" | "formaction" | "ping" => Some(RemovedReason::Active),
            _ => Some(RemovedReason::NotAllowed),
        }
    }

    fn allows(&self, element: &str, attribute: &str) -> bool {
        let own = self.attributes.get(element);
        self.everywhere.contains(attribute)
            || own.is_some_and(|own| own.contains(attribute))
            || (self.code_languages && element == "code" && attribute == "class")
    }

    /// What is left of the value of an attribute that is allowed.
    pub(super) fn filtered<'v>(
        &self,
        element: &str,
        name: &str,
        value: &'v str,
    ) -> Option<Cow<'v, str>> {
        if is_url_attribute(name) {
            // These two have been parsed by who asks.
            let is_parsed = matches!(name, "href" | "src");
            let is_link = element == "a";
            let is_allowed = self.urls.allow_parsed(value, is_link, is_parsed);
            return is_allowed.then_some(Cow::Borrowed(value));
        }
        if name != "class" {
            return Some(Cow::Borrowed(value));
        }
        let is_language = |class: &&str| {
            let rest = class.strip_prefix(LANGUAGE);
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+#-_.".contains(&byte);
            rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_plain))
        };
        let language = value.split_ascii_whitespace().find(is_language)?;
        Some(Cow::Borrowed(language))
    }
}
