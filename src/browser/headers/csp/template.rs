use super::super::CspNonce;
use bytes::Bytes;
use http::HeaderValue;
use std::sync::Arc;

/// What stands where the nonce will be written: as long as a nonce, and the only text of a
/// policy that holds a NUL.
pub(super) const HOLE: &str = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const _: () = assert!(HOLE.len() == CspNonce::LENGTH);

/// The text of a policy, ready to be sent but for the nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::browser::headers) enum Template {
    Fixed(HeaderValue),
    WithNonce {
        text: Arc<[u8]>,
        holes: Arc<[usize]>,
    },
}

impl Template {
    pub(super) fn new(text: &str) -> Self {
        let holes: Arc<[usize]> = text.match_indices(HOLE).map(|(at, _)| at).collect();
        if holes.is_empty() {
            return Self::Fixed(checked(text.as_bytes().to_vec()));
        }
        Self::WithNonce {
            text: text.as_bytes().into(),
            holes,
        }
    }

    pub(in crate::browser::headers) const fn uses_nonce(&self) -> bool {
        matches!(self, Self::WithNonce { .. })
    }

    /// The header of one response, in one allocation.
    pub(in crate::browser::headers) fn fill(&self, nonce: Option<&CspNonce>) -> HeaderValue {
        match (self, nonce) {
            (Self::Fixed(value), _) => value.clone(),
            (Self::WithNonce { text, holes }, Some(nonce)) => {
                let mut filled = text.to_vec();
                for start in holes.iter() {
                    if let Some(hole) = filled.get_mut(*start..*start + CspNonce::LENGTH) {
                        hole.copy_from_slice(nonce.as_bytes());
                    }
                }
                checked(filled)
            }
            (Self::WithNonce { .. }, None) => nothing(),
        }
    }
}

/// What is sent in place of a policy that could not be. Typed parts make only visible ASCII,
/// so it never is; were it ever, the page fails closed.
fn nothing() -> HeaderValue {
    HeaderValue::from_static("default-src 'none'")
}

fn checked(text: Vec<u8>) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or_else(|_| nothing())
}

#[cfg(test)]
mod tests {
    use super::super::{Csp, Directive, Source};
    use super::*;
    use crate::random::Random;

    #[test]
    fn the_nonce_stands_in_each_place() {
        let nonce = CspNonce::random(&Random::secure());
        let csp = Csp::page().build().unwrap();
        let value = csp.template.fill(Some(&nonce));
        let text = value.to_str().unwrap();
        let written = format!("'nonce-{nonce}'");
        assert_eq!(text.matches(&written).count(), 2, "{text}");
        assert!(!text.contains('\0'));
    }

    #[test]
    fn a_policy_as_it_is_sent() {
        let file = Csp::untrusted_file()
            .report_to("/reports".parse().unwrap())
            .build()
            .unwrap();
        assert_eq!(
            file.template.fill(None),
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             sandbox; report-uri /reports; report-to csp"
        );
        let hash = Csp::nothing().allow(Directive::StyleSrc, [Source::hash_of("")]);
        assert_eq!(
            hash.trusted_types_policies(["default", "a#b"])
                .build()
                .unwrap()
                .template
                .fill(None),
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             style-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; \
             trusted-types default a#b; require-trusted-types-for 'script'"
        );
    }

    #[test]
    fn without_a_nonce_the_page_fails_closed() {
        let csp = Csp::page().build().unwrap();
        assert_eq!(csp.template.fill(None), nothing());
    }
}
