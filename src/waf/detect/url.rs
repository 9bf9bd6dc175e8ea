//! URLs of inner hosts (server-side request forgery) and URLs where a file was meant (remote
//! file inclusion). A URL is parsed as clients parse it, loosely, and its host is classified.

mod host;

use super::Detector;
use super::macros::findings;
use super::text::{Lower, Text, find_lower, is_space};
use crate::waf::signal::Signals;
use crate::waf::view::{Part, Place, Places, View};
use host::Host;

findings! {
    class Ssrf, tags &["url"];
    METADATA: "ssrf-metadata", STRONG, "the metadata of a cloud",
        ["http://169.254.169.254/latest/meta-data/", "https://metadata.google.internal/x"], ["https://www.example.com/metadata"];
    INNER_HOST: "ssrf-inner-host", STRONG, "a host inside",
        ["http://127.0.0.1/admin", "http://[::1]:80/", "http://10.0.0.1/", "localhost/", "http://kubernetes.default.svc/"],
        ["https://www.example.com/", "localhost", "10.0.0.1"];
    DEVELOPMENT_HOST: "ssrf-development-host", MEDIUM, "a host of developers", [], [];
    HIDDEN_HOST: "ssrf-hidden-address", STRONG, "an address written so that filters do not know it",
        ["http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://[::ffff:7f00:1]/", "http://127.1/"],
        ["http://192.0.2.1.example/", "https://3.example/"];
    REBINDING: "ssrf-rebinding-name", STRONG, "a name that resolves to whatever address it holds",
        ["http://127.0.0.1.nip.io/", "http://a.oastify.com/"], ["http://nip.example/"];
    SCHEME: "ssrf-scheme", STRONG, "a scheme by which other protocols are spoken",
        ["gopher://x:70/_", "dict://x:11211/stat", "ldap://x/", "netdoc:///etc/x", "jar:http://x!/", "unix:AAAA|http://x.example"], ["the gopher: a rodent", "http://x.example"];
}

mod remote {
    use super::findings;

    findings! {
        class Rfi, tags &["url"];
        ADDRESS: "rfi-address", STRONG, "a URL of a bare address", ["http://192.0.2.7/x.php"], ["http://www.example.com/x"];
        FILE_TRANSFER: "rfi-ftp", STRONG, "a URL of FTP", ["ftp://files.example/x"], ["the ftp: old"];
        QUESTION: "rfi-question-mark", STRONG, "a URL cut off by a question mark", ["https://evil.example/x.txt?", "https?"], ["really, https://x.example?", "https://x.example/?a=b"];
        PARAMETER: "rfi-parameter", STRONG, "a URL where a file of the application is named", [], [];
        FOREIGN: "rfi-foreign-host", STRONG @ 1, "a host alone, where no address is asked for", [], [];
    }
}

pub(super) static DETECTOR: Detector = Detector {
    findings: FINDINGS,
    places: Places::VALUES.without(&[Place::Path]),
    bytes: b"",
    literals: &[
        "http",
        "ftp",
        "://",
        "localhost",
        "gopher",
        "jar:",
        "netdoc",
        ".internal",
        ".local",
        "dict:",
        "169.254",
        "metadata.",
        "cluster",
        "127.0",
    ],
    cost: 2,
    run,
};

static FINDINGS: &[&crate::waf::signal::Finding] = &[
    &METADATA,
    &INNER_HOST,
    &DEVELOPMENT_HOST,
    &HIDDEN_HOST,
    &REBINDING,
    &SCHEME,
    &remote::ADDRESS,
    &remote::FILE_TRANSFER,
    &remote::QUESTION,
    &remote::PARAMETER,
    &remote::FOREIGN,
];

/// Schemes that only attacks ask a server to speak.
const SCHEMES: &[&[u8]] = &[
    b"gopher:",
    b"dict:",
    b"ldap:",
    b"ldaps:",
    b"ldapi:",
    b"tftp:",
    b"sftp:",
    b"telnet:",
    b"netdoc:",
    b"jar:http",
    b"jar:file",
    b"imap:",
    b"imaps:",
    b"pop3:",
    b"pop3s:",
    b"smtp:",
    b"smtps:",
    b"rtsp:",
    b"rtmp:",
    b"smb:",
    b"rmi:",
    b"scp:",
    b"mqtt:",
    b"cvs:",
    b"acap:",
    b"xri:",
    b"jnlp:",
];

/// What a colon costs, a host behind it, and each byte of that, in steps.
const STEPS_OF_COLON: usize = 24;
const STEPS_OF_HOST: usize = 96;
const STEPS_IN_HOST: usize = 8;

fn run(view: &View<'_>, signals: &mut Signals) {
    // Clients send the address of their own pages in headers of these names.
    let own = view.place == Place::Header
        && matches!(
            view.name,
            b"origin"
                | b"host"
                | b"user-agent"
                | b"from"
                | b"link"
                | b"x-forwarded-host"
                | b":authority"
        );
    if own || view.part == Part::Name {
        return;
    }
    let text = Text(view.bytes);
    let referer = view.is_header("referer");
    for at in memchr::memchr_iter(b':', view.bytes) {
        if !signals.spend(STEPS_OF_COLON) {
            return;
        }
        scheme_at(text, at, referer, signals);
    }
    if referer {
        return;
    }
    socket_behind_proxy(text, signals);
    after_at_signs(text, signals);
    without_scheme(text, signals);
    inclusion(view, text, signals);
}

/// What stands around a colon: a scheme before it, a host behind it.
fn scheme_at(text: Text<'_>, colon: usize, referer: bool, signals: &mut Signals) {
    let start = back_to_scheme(text, colon);
    let scheme = text.slice(start, colon.saturating_add(1));
    let after = colon.saturating_add(1);
    let slashes = text.skip_some(after, 8, |byte| matches!(byte, b'/' | b'\\'));
    let web = scheme.eq_ignore_ascii_case(b"http:")
        || scheme.eq_ignore_ascii_case(b"https:")
        || scheme.eq_ignore_ascii_case(b"ftp:")
        || scheme.eq_ignore_ascii_case(b"ws:")
        || scheme.eq_ignore_ascii_case(b"wss:");
    let foreign = slashes > after
        && SCHEMES
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
        || text.has(start, b"jar:http")
        || text.has(start, b"jar:file");
    if foreign && !referer {
        signals.push(&SCHEME, start..slashes);
    }
    let authority = web && (slashes > after || matches!(text.at(after), b'0'..=b'9' | b'['))
        || (foreign && slashes > after);
    if !authority {
        return;
    }
    let end = text.skip_some(slashes, 255, |byte| {
        !byte.is_ascii_whitespace()
            && !matches!(
                byte,
                b'/' | b'\\'
                    | b'?'
                    | b'#'
                    | b'"'
                    | b'\''
                    | b'<'
                    | b'>'
                    | b'|'
                    | b'`'
                    | b','
                    | b')'
                    | b'}'
                    | b';'
            )
    });
    let authority = text.slice(slashes, end);
    let cost = authority.len().saturating_mul(STEPS_IN_HOST);
    if !signals.spend(cost.saturating_add(STEPS_OF_HOST)) {
        return;
    }
    classify(text, start, authority, end, referer, signals);
}

fn classify(
    text: Text<'_>,
    start: usize,
    authority: &[u8],
    end: usize,
    referer: bool,
    signals: &mut Signals,
) {
    let span = start..end;
    match Host::of(authority) {
        Host::Metadata => signals.push(&METADATA, span),
        _ if referer => {}
        Host::Hidden => signals.push(&HIDDEN_HOST, span),
        Host::Inner => {
            let port = host::has_port(authority) && !host::has_service_port(authority);
            let path =
                text.at(end) == b'/' && text.at(end.saturating_add(1)).is_ascii_alphanumeric();
            let finding = if port && !path && host::is_local_name(authority) {
                &DEVELOPMENT_HOST
            } else {
                &INNER_HOST
            };
            signals.push(finding, span);
        }
        Host::Rebinding => signals.push(&REBINDING, span),
        Host::Public => {}
    }
}

/// `unix:AAAA|http://x`: a socket that a proxy takes for its upstream (CVE-2021-40438).
fn socket_behind_proxy(text: Text<'_>, signals: &mut Signals) {
    let Some(at) = find_lower(text.0, b"unix:") else {
        return;
    };
    if let Some(bar) = find_lower(text.from(at), b"|http") {
        signals.push(&SCHEME, at..at.saturating_add(bar));
    }
}

/// `http://a.example &@b.example# @127.0.0.1/`: which host it is depends on who parses it.
fn after_at_signs(text: Text<'_>, signals: &mut Signals) {
    if !text.has(0, b"http") {
        return;
    }
    for at in memchr::memchr_iter(b'@', text.0).take(8) {
        let start = at.saturating_add(1);
        let before = text.slice(at.saturating_sub(2), at);
        if matches!(before, b" &" | b"# " | b" #") || before.ends_with(b"\\") {
            signals.push(&HIDDEN_HOST, at..start);
        }
        let end = text.skip_some(start, 64, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'[' | b']')
        });
        let address = text.at(start).is_ascii_digit() || text.at(start) == b'[';
        if address && text.at(end) == b'/' {
            classify(text, at, text.slice(start, end), end, false, signals);
        }
    }
}

/// Where the letters before a colon begin.
fn back_to_scheme(text: Text<'_>, colon: usize) -> usize {
    let before = text.slice(colon.saturating_sub(12), colon);
    let letters = before
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    colon.saturating_sub(letters)
}

/// `localhost/`, `host.docker.internal/`, `169.254.169.254/latest`: a host and a path.
fn without_scheme(text: Text<'_>, signals: &mut Signals) {
    let start = text.skip(0, |byte| byte == b'/');
    let end = text.skip(start, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
    });
    let host = text.slice(start, end);
    let followed = text.at(end) == b'/' || start > 1;
    if host.len() < 7 || !followed {
        return;
    }
    match Host::of(host) {
        Host::Metadata => signals.push(&METADATA, start..end),
        Host::Inner if host::is_name_inside(host) || start == 2 => {
            signals.push(&INNER_HOST, start..end);
        }
        _ => {}
    }
}

/// A URL as the whole value, where the application includes a file.
fn inclusion(view: &View<'_>, text: Text<'_>, signals: &mut Signals) {
    let start = if text.has(0, b"url:") { 4 } else { 0 };
    let whole = text.len().saturating_sub(start);
    let cut = text.at(text.len().saturating_sub(1)) == b'?';
    let relative = text.has(0, b"//") && text.at(2).is_ascii_alphanumeric();
    if cut
        && (text.has(start, b"http") || text.has(start, b"ftp") || relative)
        && !text.0.iter().any(|byte| is_space(*byte))
        && query_is_empty(text)
    {
        signals.push(&remote::QUESTION, 0..whole);
    }
    let scheme = [&b"http://"[..], b"https://", b"ftp://", b"ftps://"]
        .into_iter()
        .find(|scheme| text.has(start, scheme));
    let Some(scheme) = scheme else {
        return;
    };
    if scheme.starts_with(b"ftp") {
        signals.push(&remote::FILE_TRANSFER, start..text.len());
    }
    let authority = start.saturating_add(scheme.len());
    let end = text.skip(authority, |byte| {
        !matches!(byte, b'/' | b'?' | b'#' | b'\\')
    });
    let host = text.slice(authority, end);
    let host_name = host.split(|byte| *byte == b':').next().unwrap_or_default();
    if host::is_dotted(host_name) || host.starts_with(b"[") {
        signals.push(&remote::ADDRESS, start..end);
    }
    if view.place == Place::Header
        || text.0.iter().any(|byte| is_space(*byte))
        || host_name.eq_ignore_ascii_case(view.request.host)
    {
        return;
    }
    if includes_file(view.name) {
        signals.push(&remote::PARAMETER, start..end);
    } else if view.place == Place::Query
        && text.len() <= end.saturating_add(1)
        && !asks_for_address(view.name)
    {
        signals.push(&remote::FOREIGN, start..end);
    }
}

/// Whether nothing but question marks is behind the first of them.
fn query_is_empty(text: Text<'_>) -> bool {
    let first = text.find(0, b'?');
    text.skip(first, |byte| byte == b'?') == text.len()
}

/// Names of parameters by which applications of PHP include files.
fn includes_file(name: &[u8]) -> bool {
    const PARTS: &[&[u8]] = &[
        b"mosconfig_absolute_path",
        b"_conf[path]",
        b"_server[document_root]",
        b"gallery_basedir",
        b"path[docroot]",
        b"appserv_root",
        b"config[root_dir]",
        b"include",
        b"inc_",
        b"absolute_path",
        b"basepath",
        b"root_path",
        b"docroot",
        b"document_root",
        b"phpbb_root",
        b"abspath",
        b"template",
        b"tpl",
        b"layout",
    ];
    const WHOLE: &[&[u8]] = &[
        b"file",
        b"filename",
        b"path",
        b"page",
        b"inc",
        b"dir",
        b"folder",
        b"module",
        b"mod",
        b"conf",
        b"config",
        b"cmd",
        b"lib",
        b"load",
        b"view",
        b"content",
        b"doc",
        b"root",
        b"pg",
        b"theme",
        b"skin",
    ];
    PARTS.iter().any(|part| find_lower(name, part).is_some())
        || WHOLE.iter().any(|whole| name.eq_ignore_ascii_case(whole))
}

/// Names of parameters whose value is an address by its nature.
fn asks_for_address(name: &[u8]) -> bool {
    const PARTS: &[&str] = &[
        "aud",
        "avatar",
        "blog",
        "callback",
        "canonical",
        "continue",
        "dest",
        "domain",
        "endpoint",
        "facebook",
        "feed",
        "follow",
        "forward",
        "from",
        "goto",
        "home",
        "host",
        "href",
        "icon",
        "image",
        "img",
        "instagram",
        "iss",
        "issuer",
        "link",
        "location",
        "logo",
        "media",
        "next",
        "origin",
        "out",
        "photo",
        "profile",
        "query",
        "redirect",
        "ref",
        "repo",
        "resource",
        "return",
        "rss",
        "search",
        "server",
        "service",
        "share",
        "site",
        "social",
        "source",
        "src",
        "target",
        "twitter",
        "uri",
        "url",
        "web",
        "webhook",
        "wtrealm",
    ];
    const WHOLE: &[&[u8]] = &[
        b"q", b"u", b"dl", b"dr", b"to", b"r", b"s", b"text", b"t", b"realm", b"scope", b"id",
        b"ns", b"schema", b"iri", b"dp", b"dh", b"sr",
    ];
    let Some(lower) = Lower::<64>::of(name) else {
        return true;
    };
    PARTS.iter().any(|part| lower.as_str().contains(part)) || WHOLE.contains(&lower.as_bytes())
}
