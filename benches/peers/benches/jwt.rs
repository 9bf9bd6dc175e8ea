//! Tokens verified and signed by portcullis and by `jsonwebtoken` with each of its backends,
//! side by side.
//!
//! `jsonwebtoken` takes its backend from one place for the whole process. So the one
//! installed here hands every call on to the backend that is on turn.
//!
//! Bar: verifying HS256 at most 0.40 of `jsonwebtoken` with its faster backend.

#[path = "../../common/mod.rs"]
mod common;

use common::{Race, Times};
use jsonwebtoken::crypto::{CryptoProvider, aws_lc, rust_crypto};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use portcullis::authn::jwt::{Issuer, Verifier};
use portcullis::crypto::keys::{Algorithm, SigningKey};
use portcullis::secret::SecretBytes;
use rsa::BigUint;
use rsa::pkcs1::EncodeRsaPrivateKey;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};

const ISSUER: &str = "https://id.example.com";
const AUDIENCE: &str = "https://api.example.com";
const SECRET: [u8; 32] = [7; 32];
/// RFC 7515 appendix A.2.
const RSA: &str = include_str!("../../common/rfc7515_a2.jwk.json");

static AWS_LC_IS_ON_TURN: AtomicBool = AtomicBool::new(false);

static EITHER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| (on_turn().signer_factory)(algorithm, key),
    verifier_factory: |algorithm, key| (on_turn().verifier_factory)(algorithm, key),
    key_utils: jsonwebtoken::crypto::KeyUtils::new_unimplemented(),
};

fn on_turn() -> &'static CryptoProvider {
    if AWS_LC_IS_ON_TURN.load(Ordering::Relaxed) {
        &aws_lc::DEFAULT_PROVIDER
    } else {
        &rust_crypto::DEFAULT_PROVIDER
    }
}

/// As an application would have them.
#[derive(Deserialize, Serialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    iat: u64,
    exp: u64,
    jti: String,
}

struct Contest {
    name: &'static str,
    ours: SigningKey,
    algorithm: jsonwebtoken::Algorithm,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

fn main() {
    assert!(EITHER.install_default().is_ok(), "nobody was quicker");
    let secret = SecretBytes::from(SECRET.as_slice());
    Contest {
        name: "hs256",
        ours: SigningKey::from_secret(Algorithm::Hs256, &secret).expect("the secret is good"),
        algorithm: jsonwebtoken::Algorithm::HS256,
        encoding: EncodingKey::from_secret(&SECRET),
        decoding: DecodingKey::from_secret(&SECRET),
    }
    .run();
    generated("es256", Algorithm::Es256).run();
    generated("eddsa", Algorithm::EdDsa).run();
    rs256().run();
}

fn generated(name: &'static str, algorithm: Algorithm) -> Contest {
    let ours = SigningKey::generate(algorithm).expect("such keys are made here");
    let pkcs8 = ours.to_pkcs8().expect("it was made here");
    let public = ours
        .verifying_key()
        .to_public_jwk()
        .expect("it has a public half");
    let member = |name: &str| {
        public[name]
            .as_str()
            .expect("the member is there")
            .to_owned()
    };
    let (algorithm, encoding, decoding) = match algorithm {
        Algorithm::Es256 => (
            jsonwebtoken::Algorithm::ES256,
            EncodingKey::from_ec_der(pkcs8.expose()),
            DecodingKey::from_ec_components(&member("x"), &member("y")),
        ),
        _ => (
            jsonwebtoken::Algorithm::EdDSA,
            EncodingKey::from_ed_der(pkcs8.expose()),
            DecodingKey::from_ed_components(&member("x")),
        ),
    };
    let decoding = decoding.expect("the public half is good");
    Contest {
        name,
        ours,
        algorithm,
        encoding,
        decoding,
    }
}

fn rs256() -> Contest {
    let jwk: serde_json::Value = serde_json::from_str(RSA).expect("it is JSON");
    let text = |name: &str| jwk[name].as_str().expect("the member is there");
    let number = |name: &str| BigUint::from_bytes_be(&decode(text(name)));
    let private = rsa::RsaPrivateKey::from_components(
        number("n"),
        number("e"),
        number("d"),
        vec![number("p"), number("q")],
    )
    .and_then(|key| key.to_pkcs1_der().map_err(Into::into))
    .expect("the key is good");
    Contest {
        name: "rs256",
        ours: SigningKey::from_jwk(RSA).expect("the key is good"),
        algorithm: jsonwebtoken::Algorithm::RS256,
        encoding: EncodingKey::from_rsa_der(private.as_bytes()),
        decoding: DecodingKey::from_rsa_components(text("n"), text("e")).expect("it is good"),
    }
}

fn decode(text: &str) -> Vec<u8> {
    use base64::Engine;
    let decoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text);
    decoded.expect("it is base64url")
}

impl Contest {
    fn run(&self) {
        let key = self.ours.clone().with_key_id("2026-11");
        let issuer = Issuer::new(key, ISSUER, AUDIENCE).expect("it is named");
        let builder = Verifier::builder(
            ISSUER,
            AUDIENCE,
            self.ours.algorithm(),
            issuer.public_keys(),
        )
        .require("sub");
        let cached = builder.clone().cache(10_000).build();
        let cached = cached.expect("the configuration is good");
        let verifier = builder.build().expect("the configuration is good");
        let mut validation = Validation::new(self.algorithm);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        let token = issuer.token("user-17").sign().expect("it can be signed");

        let theirs = |is_aws_lc: bool| {
            let (token, validation) = (&token, &validation);
            move || {
                AWS_LC_IS_ON_TURN.store(is_aws_lc, Ordering::Relaxed);
                jsonwebtoken::decode::<Claims>(black_box(token), &self.decoding, validation)
                    .expect("it is good")
            }
        };
        let times = Race::new("jwt/verify")
            .operation("ours", || {
                verifier.verify(black_box(&token)).expect("it is good")
            })
            .operation("ours, into a struct", || {
                let claims = verifier.verify(black_box(&token)).expect("it is good");
                let claims = claims.claims().deserialize::<Claims>();
                claims.expect("they fit")
            })
            .operation("ours, cached", || {
                cached.verify(black_box(&token)).expect("it is good")
            })
            .operation("jsonwebtoken on aws-lc-rs", theirs(true))
            .operation("jsonwebtoken on rust_crypto", theirs(false))
            .run();
        self.print(&format!("jwt/verify/{}", self.name), &times, "ours");
        let title = format!("jwt/verify/{}/cached", self.name);
        self.print(&title, &times, "ours, cached");
        let title = format!("jwt/verify/{}/into a struct", self.name);
        self.print(&title, &times, "ours, into a struct");

        let mut header = Header::new(self.algorithm);
        header.kid = Some("2026-11".to_owned());
        let theirs = |is_aws_lc: bool| {
            let header = &header;
            move || {
                AWS_LC_IS_ON_TURN.store(is_aws_lc, Ordering::Relaxed);
                let now = jsonwebtoken::get_current_timestamp();
                let claims = Claims {
                    iss: ISSUER.to_owned(),
                    sub: "user-17".to_owned(),
                    aud: AUDIENCE.to_owned(),
                    iat: now,
                    exp: now + 600,
                    // Ours makes a random one.
                    jti: "YRgw02QaaPlKaQ3MJdH0sA".to_owned(),
                };
                jsonwebtoken::encode(header, &claims, &self.encoding).expect("it can be signed")
            }
        };
        let times = Race::new("jwt/sign")
            .operation("ours", || {
                let token = issuer.token(black_box("user-17"));
                token.sign().expect("it can be signed")
            })
            .operation("jsonwebtoken on aws-lc-rs", theirs(true))
            .operation("jsonwebtoken on rust_crypto", theirs(false))
            .run();
        self.print(&format!("jwt/sign/{}", self.name), &times, "ours");
    }

    /// Against the faster backend.
    fn print(&self, name: &str, times: &Times, ours: &str) {
        let backends = ["jsonwebtoken on aws-lc-rs", "jsonwebtoken on rust_crypto"];
        let faster = backends
            .into_iter()
            .min_by(|a, b| times.nanos(a).total_cmp(&times.nanos(b)));
        times.ratio(name, ours, faster.expect("there are two"));
    }
}
