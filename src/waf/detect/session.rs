//! Session fixation: a session id in the query, as only links from elsewhere have it.

use super::Detector;
use super::macros::findings;
use super::text::{Lower, Text, find_lower};
use crate::waf::signal::Signals;
use crate::waf::view::{Part, Place, Places, View};

findings! {
    class SessionFixation, tags &["session"];
    PLANTED: "session-planted", STRONG, "a session id in the query, by a link from another site or from nowhere", [], [];
    PLANTED_NOWHERE: "session-in-query", STRONG, "a session id of a framework in the query, without a page it came from", [], [];
}

pub(super) static DETECTOR: Detector = Detector {
    name: "session",
    findings: ALL,
    places: Places::of(&[Place::Query, Place::Form]),
    bytes: b"",
    literals: &["sess", "cfid", "cftoken", "sid", "shiny-token", "token"],
    run,
};

/// Names of the parameter by which frameworks take a session from a URL, in ASCII order, and
/// whether the name is only theirs.
static NAMES: &[(&str, bool)] = &[
    ("asp.net_sessionid", true),
    ("aspsessionid", true),
    ("cfid", false),
    ("cfsid", false),
    ("cftoken", false),
    ("connect.sid", false),
    ("express.sid", false),
    ("jservsession", true),
    ("jsession", true),
    ("jsessionid", true),
    ("jsessionidsso", true),
    ("jwsession", true),
    ("laravel_session", false),
    ("phpsessid", true),
    ("phpsession", true),
    ("play_session", false),
    ("rack.session", false),
    ("sails.sid", false),
    ("session-id", false),
    ("session_id", false),
    ("sessionid", false),
    ("shiny-token", false),
    ("symfony", false),
    ("viewstate_session", false),
    ("weblogicsession", true),
];

fn run(view: &View<'_>, signals: &mut Signals) {
    if view.part != Part::Name || view.place != Place::Query {
        return;
    }
    let Some(framework) = framework(view.bytes) else {
        return;
    };
    let referer = view.request.referer;
    if referer.is_empty() {
        if framework {
            signals.push(&PLANTED_NOWHERE, 0..view.bytes.len());
        }
    } else if is_elsewhere(referer, view.request.host) {
        signals.push(&PLANTED, 0..view.bytes.len());
    }
}

fn framework(name: &[u8]) -> Option<bool> {
    let lower = Lower::<40>::of(name)?;
    let word = lower.as_str();
    if word.starts_with("aspsessionid") {
        return Some(true);
    }
    let found = NAMES.binary_search_by(|(known, _)| (*known).cmp(word)).ok()?;
    NAMES.get(found).map(|(_, framework)| *framework)
}

/// Whether the page that linked here is of another host.
fn is_elsewhere(referer: &[u8], host: &[u8]) -> bool {
    let Some(scheme) = find_lower(referer, b"://") else {
        return false;
    };
    let text = Text(referer);
    let start = scheme.saturating_add(3);
    let end = text.skip(start, |byte| !matches!(byte, b'/' | b'?' | b'#' | b':'));
    let from = text.slice(start, end);
    let host = host.split(|byte| *byte == b':').next().unwrap_or_default();
    !from.is_empty() && !from.eq_ignore_ascii_case(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order() {
        assert!(NAMES.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn elsewhere_is_another_host() {
        for (name, referer, host, elsewhere) in [
            ("same host", &b"https://shop.example/x"[..], &b"shop.example"[..], false),
            ("same host with a port", b"http://shop.example:8080/x", b"shop.example:8080", false),
            ("another host", b"https://evil.example/x", b"shop.example", true),
            ("a host in front of ours", b"https://shop.example.evil.example/", b"shop.example", true),
            ("no URL", b"about:blank", b"shop.example", false),
        ] {
            assert_eq!(is_elsewhere(referer, host), elsewhere, "{name}");
        }
    }
}
