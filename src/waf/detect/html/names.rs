//! Tags and attributes that do something.

use crate::waf::detect::text::{Lower, Words, listed, words};

/// Tags that run, load or embed something by themselves, or change what the page is.
pub(super) fn is_active(name: &[u8]) -> bool {
    listed(&ACTIVE, name)
}

/// Tags that only pages have, and not prose: alone they are enough where no markup belongs.
pub(super) fn is_form(name: &[u8]) -> bool {
    listed(&FORMS, name)
}

/// Elements whose end tag makes markup of the text after it.
pub(super) fn ends_text(name: &[u8]) -> bool {
    listed(&TEXTS, name)
}

pub(super) fn is_dangerous_attribute(name: &[u8]) -> bool {
    let namespaced = name.len() >= 5
        && name
            .get(..5)
            .is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"xmlns"));
    namespaced || listed(&ATTRIBUTES, name)
}

/// Whether an attribute is one that a script library reads as something to load or to run:
/// htmx, Alpine, Vue, Angular.
pub(super) fn is_of_library(name: &[u8]) -> bool {
    let Some(lower) = Lower::<24>::of(name) else {
        return false;
    };
    let name = lower.as_str();
    let name = name.strip_prefix("data-").unwrap_or(name);
    LIBRARY.iter().any(|known| match known.strip_suffix(':') {
        Some(_) => name.starts_with(known),
        None => name == *known,
    })
}

/// Whether an element of this tag, so named, hides a member of the page or of a form from the
/// scripts that use it (CWE-79, "DOM clobbering").
pub(super) fn clobbers(tag: &[u8], name: &[u8]) -> bool {
    listed(&NODE_MEMBERS, name) || (listed(&NAMED_ON_PAGE, tag) && listed(&PAGE_MEMBERS, name))
}

/// Names ending in a colon stand for all that begin with them.
static LIBRARY: &[&str] = &[
    "hx-boost",
    "hx-delete",
    "hx-get",
    "hx-on",
    "hx-on:",
    "hx-patch",
    "hx-post",
    "hx-put",
    "hx-vals",
    "hx-vars",
    "ng-app",
    "ng-bind-html",
    "ng-click",
    "ng-include",
    "ng-init",
    "v-bind:",
    "v-html",
    "v-on:",
    "x-bind:",
    "x-data",
    "x-effect",
    "x-html",
    "x-init",
    "x-on:",
];

/// Elements by whose names browsers make members of the document.
static NAMED_ON_PAGE: Words = Words::new(|| words(&["embed", "form", "iframe", "img", "object"]));

/// Members of a document. Some are words, and honest names of fields and headings.
static PAGE_MEMBERS: Words = Words::new(|| {
    words(&[
        "body",
        "cookie",
        "currentscript",
        "defaultview",
        "documentelement",
        "domain",
        "forms",
        "head",
        "implementation",
        "links",
        "location",
        "referrer",
        "scripts",
        "write",
    ])
});

/// Members of any node and any form, and the calls by which scripts find elements: no words.
static NODE_MEMBERS: Words = Words::new(|| {
    words(&[
        "__proto__",
        "addeventlistener",
        "appendchild",
        "attributes",
        "childnodes",
        "classlist",
        "createelement",
        "firstchild",
        "getattribute",
        "getelementbyid",
        "getelementsbyname",
        "getelementsbytagname",
        "innerhtml",
        "insertbefore",
        "lastchild",
        "nextsibling",
        "nodename",
        "nodetype",
        "outerhtml",
        "ownerdocument",
        "parentelement",
        "parentnode",
        "previoussibling",
        "queryselector",
        "queryselectorall",
        "removeattribute",
        "removechild",
        "setattribute",
        "tagname",
        "textcontent",
    ])
});

/// Whether the letters after `on` begin the name of an event that a browser knows.
pub(super) fn begins_event(rest: &[u8]) -> bool {
    EVENTS.iter().any(|event| {
        rest.len() >= event.len()
            && rest
                .get(..event.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(event.as_bytes()))
    })
}

static ACTIVE: Words = Words::new(|| {
    words(&[
        "animate",
        "animatecolor",
        "animatemotion",
        "animatetransform",
        "applet",
        "base",
        "bgsound",
        "dialog",
        "embed",
        "fencedframe",
        "foreignobject",
        "frame",
        "frameset",
        "iframe",
        "ilayer",
        "image",
        "import",
        "isindex",
        "keygen",
        "layer",
        "link",
        "listing",
        "marquee",
        "math",
        "meta",
        "multicol",
        "noscript",
        "object",
        "plaintext",
        "portal",
        "script",
        "set",
        "svg",
        "vmlframe",
        "xml",
        "xmp",
        "xss",
    ])
});

static FORMS: Words = Words::new(|| words(&["body", "form", "html", "style"]));

static TEXTS: Words = Words::new(|| {
    words(&[
        "iframe", "noscript", "script", "style", "textarea", "title", "xmp",
    ])
});

static ATTRIBUTES: Words = Words::new(|| {
    words(&[
        "attributename",
        "datafld",
        "dataformatas",
        "datasrc",
        "dynsrc",
        "formaction",
        "fscommand",
        "lowsrc",
        "seeksegmenttime",
        "srcdoc",
        "xml:base",
    ])
});

/// Not all that there are, but prefixes of all: `onmouse`, `onbefore`.
static EVENTS: &[&str] = &[
    "abort",
    "activate",
    "afterp",
    "afteru",
    "afters",
    "animation",
    "autocomplete",
    "auxclick",
    "before",
    "begin",
    "blur",
    "bounce",
    "cached",
    "cancel",
    "canplay",
    "cell",
    "change",
    "checking",
    "click",
    "close",
    "command",
    "contentvis",
    "context",
    "controlselect",
    "copy",
    "cuechange",
    "cut",
    "dataavailable",
    "dataset",
    "dblclick",
    "deactivate",
    "devicem",
    "deviceo",
    "downloading",
    "drag",
    "drop",
    "durationchange",
    "emptied",
    "end",
    "error",
    "filterchange",
    "finish",
    "focus",
    "form",
    "fullscreen",
    "gesture",
    "gotpointer",
    "hashchange",
    "help",
    "input",
    "invalid",
    "keyd",
    "keyp",
    "keyu",
    "languagechange",
    "layoutcomplete",
    "load",
    "losecapture",
    "lostpointer",
    "mediacomplete",
    "mediaerror",
    "message",
    "mouse",
    "moveend",
    "movestart",
    "navigate",
    "noupdate",
    "offline",
    "online",
    "outofsync",
    "pagehide",
    "pageshow",
    "paste",
    "pause",
    "play",
    "pointer",
    "popstate",
    "progress",
    "propertychange",
    "ratechange",
    "readystate",
    "redo",
    "rejection",
    "repeat",
    "reset",
    "resize",
    "resume",
    "reverse",
    "rowdelete",
    "rowenter",
    "rowexit",
    "rowinserted",
    "rowsenter",
    "scroll",
    "search",
    "securitypolicy",
    "seek",
    "select",
    "show",
    "slotchange",
    "stalled",
    "start",
    "stop",
    "storage",
    "submit",
    "suspend",
    "syncrestored",
    "timeerror",
    "timeupdate",
    "toggle",
    "touch",
    "trackchange",
    "transition",
    "undo",
    "unhandled",
    "unload",
    "updateready",
    "urlflip",
    "volumechange",
    "waiting",
    "webkit",
    "wheel",
    "zoom",
];
