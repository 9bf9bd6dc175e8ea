//! DPoP (RFC 9449), on the side of the resource: an access token that is stolen is of no use
//! without the key that it is bound to, and each request proves that its sender holds it.
//!
//! [`DpopBearer`] authenticates requests by a token in `Authorization: DPoP` and a proof in the
//! header `DPoP`. A request gets in when all of this holds (RFC 9449 sections 4.3 and 7):
//!
//! 1. There is one `Authorization` header, no `access_token` in the query beside it, and one proof
//!    of at most 8 KiB.
//! 2. The token is good, as for a [`JwtBearer`](super::jwt::JwtBearer).
//! 3. The proof is a strict compact JWS of type `dpop+jwt`, without `crit`, of an asymmetric
//!    algorithm that is allowed, and signed by the public key in its header.
//! 4. The token is bound to that key: `cnf.jkt` is its thumbprint. A token that is not bound
//!    is refused, and one that is bound is refused as `Bearer`.
//! 5. `htm` is the method; `htu` is the URL without query, after normalization (RFC 3986
//!    section 6.2.2 and 6.2.3). What URLs lead here is [said](DpopRules::new), not read from
//!    `Host`, which the client writes.
//! 6. `iat` is at most 60 seconds away, either way; `ath` is the hash of the token.
//! 7. Where [nonces](DpopNonces) are asked for, `nonce` is one that this service gave out a
//!    short while ago; else the answer gives one (section 9). So does that to a request that
//!    gets in, when half of the time of its nonce is over (section 8.2). Scripts of another
//!    origin can read it where CORS exposes `DPoP-Nonce`.
//! 8. `jti` did not come before, with this key: remembered in the store for as long as the
//!    proof is good, after all else was right. A store that fails makes for a 503.
//!
//! What is wrong goes to the events; the client learns `invalid_token`, `invalid_dpop_proof` or
//! `use_dpop_nonce` (section 7.1).
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use portcullis::authn::AuthenticateLayer;
//! use portcullis::authn::dpop::{DpopBearer, DpopNonces, DpopRules};
//! use portcullis::authn::jwt::{Issuer, JwtBearer, Verifier};
//! use portcullis::crypto::keys::{Algorithm, SigningKey};
//! use portcullis::store::Store;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let key = SigningKey::generate(Algorithm::Es256)?;
//! # let issuer = Issuer::new(key, "https://id.example.com", "https://api.example.com")?;
//! let verifier = Verifier::builder(
//!     "https://id.example.com",
//!     "https://api.example.com",
//!     Algorithm::Es256,
//!     issuer.public_keys(),
//! )
//! .build()?;
//! let rules = DpopRules::new("https://api.example.com", Store::memory())?;
//! let bearer = DpopBearer::new(JwtBearer::new(verifier), rules);
//!
//! let service = AuthenticateLayer::new(bearer).layer(service_fn(async |_: Request<()>| {
//!     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("hello"))))
//! }));
//!
//! // A client's key, and a token that the issuer bound to it.
//! let client = SigningKey::generate(Algorithm::Es256)?;
//! let jwk = client.verifying_key().to_public_jwk().unwrap();
//! let thumbprint = client.verifying_key().thumbprint().unwrap();
//! let token = issuer
//!     .token("user-17")
//!     .claim("cnf", serde_json::json!({"jkt": thumbprint}))?
//!     .sign()?;
//! # use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
//! # let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
//! # let hash = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
//! # let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
//! # let proof = {
//! #     let header = serde_json::json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk});
//! #     let payload = serde_json::json!({
//! #         "htm": "GET", "htu": "https://api.example.com/", "iat": now, "jti": "a-1",
//! #         "ath": encode(hash.as_ref()),
//! #     });
//! #     let signed = format!(
//! #         "{}.{}", encode(header.to_string().as_bytes()), encode(payload.to_string().as_bytes())
//! #     );
//! #     let signature = encode(&client.sign(signed.as_bytes())?);
//! #     format!("{signed}.{signature}")
//! # };
//! let request = || {
//!     Request::get("/")
//!         .header("authorization", format!("DPoP {token}"))
//!         .header("dpop", &proof)
//!         .body(())
//! };
//! assert_eq!(service.clone().oneshot(request()?).await?.status(), 200);
//!
//! // The same request, sent by whoever saw it:
//! let response = service.oneshot(request()?).await?;
//! assert_eq!(response.status(), 401);
//! let challenge = response.headers()["www-authenticate"].to_str()?;
//! assert!(challenge.ends_with(r#"error="invalid_dpop_proof""#));
//! # Ok(())
//! # }
//! ```
//!
//! Where a router takes a prefix off the path before this layer sees it, as axum's `nest` does,
//! put the prefix into the URL of the rules: `https://api.example.com/v1`.
//!
//! ASVS 5.0: 10.3.5 (sender-constrained access tokens); contributes to 10.4.14.

mod bearer;
mod error;
mod nonce;
mod proof;
mod rules;
mod target;

pub use bearer::DpopBearer;
pub use error::{DpopConfigError, DpopError, DpopErrorKind};
pub use nonce::DpopNonces;
pub use proof::{Proof, ProofUse};
pub use rules::DpopRules;
