use super::JwtErrorKind::ForbiddenClaim;
use super::{Claims, JwtError};
use crate::net::peer_certificate::PeerCertificate;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::Value;

/// What the sender of a request has shown to hold, besides the token.
#[derive(Clone, Debug, Default)]
pub(in crate::authn) struct Possession {
    /// The thumbprint of the key of a DPoP proof (RFC 9449).
    pub(in crate::authn) key: Option<String>,
    /// The certificate of the connection (RFC 8705).
    pub(in crate::authn) certificate: Option<PeerCertificate>,
}

/// What a token is bound to (`cnf`, RFC 7800 section 3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Confirmation {
    key: Option<String>,
    certificate: Option<String>,
}

impl Confirmation {
    /// Everything the token is bound to has to be understood: who passes over a binding makes
    /// of the token one that can be stolen.
    fn of(claims: &Claims) -> Result<Self, JwtError> {
        let mut found = Self::default();
        if !claims.has("cnf") {
            return Ok(found);
        }
        let Some(Value::Object(members)) = claims.get("cnf") else {
            return Err(JwtError::malformed("cnf"));
        };
        if members.is_empty() {
            return Err(JwtError::malformed("cnf"));
        }
        for (name, value) in members {
            let Value::String(thumbprint) = value else {
                return Err(JwtError::with(ForbiddenClaim, "cnf"));
            };
            match &*name {
                "jkt" => found.key = Some(thumbprint),
                "x5t#S256" => found.certificate = Some(thumbprint),
                _ => return Err(JwtError::with(ForbiddenClaim, "cnf")),
            }
        }
        Ok(found)
    }
}

/// Whether the sender holds what the token is bound to. One who showed a key with a token that
/// is bound to none is refused too: such a token is a plain one, and somebody takes it for more.
pub(in crate::authn) fn check(claims: &Claims, shown: &Possession) -> Result<(), JwtError> {
    let bound = Confirmation::of(claims)?;
    if bound.key != shown.key {
        return Err(JwtError::with(ForbiddenClaim, "cnf: jkt"));
    }
    let certificate = shown.certificate.as_ref().map(thumbprint);
    if bound.certificate.is_some() && bound.certificate != certificate {
        return Err(JwtError::with(ForbiddenClaim, "cnf: x5t#S256"));
    }
    Ok(())
}

/// Whether the token is bound to a certificate.
pub(in crate::authn) fn is_bound_to_certificate(claims: &Claims) -> bool {
    Confirmation::of(claims).is_ok_and(|bound| bound.certificate.is_some())
}

/// RFC 8705 section 3.1.
fn thumbprint(certificate: &PeerCertificate) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, certificate.der()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn who_holds_what_the_token_is_bound_to() {
        let certificate = PeerCertificate::new(b"certificate".to_vec());
        let right = thumbprint(&certificate);
        let other = thumbprint(&PeerCertificate::new(b"other".to_vec()));
        let nothing = Possession::default();
        let key = Possession {
            key: Some("jkt".to_owned()),
            certificate: None,
        };
        let by_tls = Possession {
            key: None,
            certificate: Some(certificate),
        };
        let both = Possession {
            key: key.key.clone(),
            ..by_tls.clone()
        };
        for (name, cnf, shown, expected) in [
            ("plain", Value::Null, &nothing, true),
            ("plain, over TLS", Value::Null, &by_tls, true),
            ("plain, with a proof", Value::Null, &key, false),
            ("key", json!({"jkt": "jkt"}), &key, true),
            ("key, not shown", json!({"jkt": "jkt"}), &nothing, false),
            ("key, another shown", json!({"jkt": "x"}), &key, false),
            (
                "key, a certificate shown",
                json!({"jkt": "jkt"}),
                &by_tls,
                false,
            ),
            ("certificate", json!({"x5t#S256": right}), &by_tls, true),
            (
                "certificate, not shown",
                json!({"x5t#S256": right}),
                &nothing,
                false,
            ),
            (
                "another certificate",
                json!({"x5t#S256": other}),
                &by_tls,
                false,
            ),
            (
                "both",
                json!({"jkt": "jkt", "x5t#S256": right}),
                &both,
                true,
            ),
            (
                "both, one shown",
                json!({"jkt": "jkt", "x5t#S256": right}),
                &key,
                false,
            ),
            (
                "both, the other shown",
                json!({"jkt": "jkt", "x5t#S256": right}),
                &by_tls,
                false,
            ),
            ("not understood", json!({"jwk": {}}), &nothing, false),
            (
                "more than understood",
                json!({"jkt": "jkt", "kid": "1"}),
                &key,
                false,
            ),
            ("empty", json!({}), &nothing, false),
            ("text", json!("jkt"), &key, false),
            ("a number", json!({"jkt": 1}), &key, false),
            ("no thumbprint", json!({"x5t#S256": null}), &by_tls, false),
        ] {
            let payload = json!({ "cnf": cnf }).to_string();
            let claims = Claims::parse(payload.into_bytes()).unwrap();
            assert_eq!(check(&claims, shown).is_ok(), expected, "{name}");
        }
    }
}
