//! How much of a message its signatures may have read, before anybody knows who made them.
//!
//! A component costs what it is part of: one member of a dictionary has the whole field parsed.
//! Whoever knows the id of a key could cover each of a thousand members eight times.

use super::Fault;
use super::component::{Identity, Name, flag};
use super::digest::{CONTENT_DIGEST, REPR_DIGEST};
use super::fields::Signatures;
use super::message::{Head, Message, Target};
use http::HeaderMap;

/// The most bytes that are parsed for all signatures of a message: for members, for fields that
/// are serialized again, for single parameters of the query, and for digests. A field of 1 kB
/// counts as often as a member of it is covered.
const MAX_PARSED: usize = 64 * 1024;
/// The most bytes that are copied for all of them.
const MAX_COPIED: usize = 512 * 1024;

/// Whether verifying all these signatures stays within bounds.
pub(super) fn check(message: &Message<'_>, signatures: &Signatures) -> Result<(), Fault> {
    // No component is longer than all there is: most messages are far from any bound.
    let components: usize = signatures
        .iter()
        .map(|it| it.list().identities().len())
        .sum();
    if components.saturating_mul(whole_length(message)) <= MAX_PARSED {
        return Ok(());
    }
    let (mut parsed, mut copied) = (0_usize, 0_usize);
    for identity in signatures.iter().flat_map(|it| it.list().identities()) {
        let length = length(message, identity);
        copied = copied.saturating_add(length);
        if is_parsed(identity) {
            parsed = parsed.saturating_add(length);
        }
    }
    match parsed > MAX_PARSED || copied > MAX_COPIED {
        true => Err(Fault::TooMuch("what the signatures cover")),
        false => Ok(()),
    }
}

/// How many bytes there are to cover.
fn whole_length(message: &Message<'_>) -> usize {
    let lengths = |headers: &HeaderMap| headers.values().map(|it| it.len() + 2).sum::<usize>();
    let of_head = match &message.head {
        Head::Request(target) => target_length(target),
        Head::Response { request, .. } => request.map_or(0, whole_length),
    };
    lengths(message.headers) + message.trailers.map_or(0, lengths) + of_head
}

fn target_length(target: &Target<'_>) -> usize {
    let query = target.uri.query().map_or(0, str::len);
    target.uri.path().len() + target.authority.map_or(0, str::len) + query
}

fn is_parsed(identity: &Identity) -> bool {
    let is_digest =
        matches!(&identity.name, Name::Field(it) if it == CONTENT_DIGEST || it == REPR_DIGEST);
    is_digest || identity.argument.is_some() || identity.flags & flag::STRUCTURED != 0
}

/// How many bytes are read for a component.
fn length(message: &Message<'_>, identity: &Identity) -> usize {
    let message = match (&message.head, identity.is_of_request()) {
        (Head::Response { request, .. }, true) => match request {
            Some(request) => *request,
            None => return 0,
        },
        _ => message,
    };
    match (&identity.name, &message.head) {
        (Name::Field(name), _) => {
            let headers = match identity.is_trailer() {
                true => message.trailers,
                false => Some(message.headers),
            };
            let values = headers.into_iter().flat_map(|it| it.get_all(name));
            values.map(|value| value.len() + 2).sum()
        }
        (_, Head::Request(target)) => target_length(target),
        (_, Head::Response { .. }) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::ReceivedSignature;
    use super::*;
    use http::{HeaderMap, Method, Uri};

    /// So many signatures, each over so many components made by `component`.
    fn read(
        uri: &str,
        field: &str,
        signatures: usize,
        components: usize,
        component: impl Fn(usize) -> String,
    ) -> Result<(), &'static str> {
        let covered: Vec<_> = (0..components).map(component).collect();
        let covered = covered.join(" ");
        let all = |value: &str| {
            let all: Vec<_> = (0..signatures).map(|at| format!("s{at}={value}")).collect();
            all.join(", ").parse().unwrap()
        };
        let mut headers = HeaderMap::new();
        headers.insert("x", field.parse().unwrap());
        headers.insert("content-digest", field.parse().unwrap());
        headers.insert("signature-input", all(&format!("({covered})")));
        headers.insert("signature", all(":AAAA:"));
        let uri: Uri = uri.parse().unwrap();
        let message = Message::of_request(&Method::POST, &uri, &headers);
        let read = ReceivedSignature::all_of(&message);
        read.map(|_| ()).map_err(|fault| fault.code())
    }

    #[test]
    fn what_is_covered_is_bounded() {
        let many: Vec<_> = (0..1_100).map(|at| format!("k{at}")).collect();
        let (members, few) = (many.join(", "), many[..60].join(", "));
        let long_query = format!("/?{}", many.join("&"));
        let query = format!("/?{}", many[..60].join("&"));
        let member = |at| format!("\"x\";key=\"k{at}\"");
        let parameter = |at| format!("\"@query-param\";name=\"k{at}\"");
        let bytes = |_| "\"x\";bs".to_owned();
        let digest = |_| "\"content-digest\"".to_owned();
        let too_much = Err("too_much");
        for (name, found, expected) in [
            (
                "members of a long field",
                read("/", &members, 1, 62, member),
                too_much,
            ),
            (
                "in several signatures",
                read("/", &members, 8, 2, member),
                too_much,
            ),
            ("of a short one", read("/", &few, 2, 60, member), Ok(())),
            (
                "few of a long one",
                read("/", &members, 1, 6, member),
                Ok(()),
            ),
            (
                "parameters of a long query",
                read(&long_query, "", 1, 60, parameter),
                too_much,
            ),
            ("of a short one", read(&query, "", 2, 60, parameter), Ok(())),
            (
                "bytes of a long field",
                read("/", &members, 8, 1, bytes),
                Ok(()),
            ),
            (
                "of a very long one",
                read("/", &members.repeat(12), 8, 1, bytes),
                too_much,
            ),
            ("a digest", read("/", &few, 8, 1, digest), Ok(())),
            (
                "a long digest",
                read("/", &members.repeat(2), 8, 1, digest),
                too_much,
            ),
        ] {
            assert_eq!(found, expected, "{name}");
        }
    }
}
