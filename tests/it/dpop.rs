//! Proofs of possession (RFC 9449), and what an attacker can do who has the token, the proof,
//! or both.

mod attacks;
mod life;

use crate::support::Spy;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, Request, Response, header};
use portcullis::authn::AuthenticateLayer;
use portcullis::authn::dpop::{DpopBearer, DpopRules};
use portcullis::authn::jwt::{Issuer, JwtBearer, Revocations, Verifier};
use portcullis::clock::FakeClock;
use portcullis::crypto::keys::{Algorithm, SigningKey};
use portcullis::guard::Rejection;
use portcullis::store::{MemoryStore, Store};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use tower::{Layer, ServiceExt};

const NOW: u64 = 1_800_000_000;
const SERVICE: &str = "https://api.example.com";
const URL: &str = "https://api.example.com/notes";

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn hash(text: &str) -> String {
    encode(digest(&SHA256, text.as_bytes()))
}

/// A name that no other proof has.
fn name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("proof-{}", NEXT.fetch_add(1, Ordering::SeqCst))
}

fn jwk(key: &SigningKey) -> Value {
    let members = key.verifying_key().to_public_jwk().unwrap();
    let Value::Object(mut members) = members else {
        panic!("a JWK is an object");
    };
    members.remove("use");
    Value::Object(members)
}

fn sign(key: &SigningKey, header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", encode(header), encode(payload));
    let signature = encode(key.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

/// What a client sends, before anybody changed it.
#[derive(Clone)]
struct Client {
    key: SigningKey,
    token: String,
    header: Value,
    payload: Value,
}

impl Client {
    fn proof(&self) -> String {
        sign(
            &self.key,
            &self.header.to_string(),
            &self.payload.to_string(),
        )
    }

    /// The same with one member of the header changed, or taken out by null.
    fn header(mut self, name: &str, value: Value) -> Self {
        change(&mut self.header, name, value);
        self
    }

    fn claim(mut self, name: &str, value: Value) -> Self {
        change(&mut self.payload, name, value);
        self
    }
}

fn change(object: &mut Value, name: &str, value: Value) {
    let members = object.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
}

struct World {
    issuer: Issuer,
    time: FakeClock,
    rules: DpopRules,
    revocations: Option<Revocations>,
    spy: Spy,
}

impl World {
    fn new() -> Self {
        let time = FakeClock::at_unix_seconds(NOW);
        let store = MemoryStore::builder().clock(time.clock()).build();
        Self::on(Store::new(store), time)
    }

    fn on(store: Store, time: FakeClock) -> Self {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let issuer = Issuer::new(key, "https://id.example.com", SERVICE).unwrap();
        Self {
            issuer: issuer.clock(time.clock()),
            rules: DpopRules::new(SERVICE, store).unwrap().clock(time.clock()),
            time,
            revocations: None,
            spy: Spy::default(),
        }
    }

    fn verifier(&self) -> Verifier {
        let keys = self.issuer.public_keys();
        Verifier::builder("https://id.example.com", SERVICE, Algorithm::EdDsa, keys)
            .clock(self.time.clock())
            .build()
            .unwrap()
    }

    fn bearer(&self) -> JwtBearer {
        let bearer = JwtBearer::new(self.verifier()).realm("api");
        match &self.revocations {
            Some(revocations) => bearer.revocations(revocations.clone()),
            None => bearer,
        }
    }

    fn token(&self, cnf: Value) -> String {
        let token = self.issuer.token("user-17");
        let token = if cnf.is_null() {
            token
        } else {
            token.claim("cnf", cnf).unwrap()
        };
        token.sign().unwrap()
    }

    fn client(&self) -> Client {
        self.client_with(SigningKey::generate(Algorithm::Es256).unwrap())
    }

    fn client_with(&self, key: SigningKey) -> Client {
        let token = self.token(json!({"jkt": key.verifying_key().thumbprint().unwrap()}));
        Client {
            header: json!({
                "typ": "dpop+jwt", "alg": key.algorithm().as_str(), "jwk": jwk(&key),
            }),
            payload: json!({
                "htm": "POST", "htu": URL, "iat": NOW, "jti": name(), "ath": hash(&token),
            }),
            token,
            key,
        }
    }

    async fn send(&self, credentials: &[&str], proofs: &[&str]) -> Response<()> {
        let dpop = DpopBearer::new(self.bearer(), self.rules.clone());
        let layer = AuthenticateLayer::new((dpop, self.bearer()));
        let mut request = Request::post("/notes?page=2").body(()).unwrap();
        for credential in credentials {
            let value = credential.parse().unwrap();
            request.headers_mut().append(header::AUTHORIZATION, value);
        }
        for proof in proofs {
            let value = header::HeaderValue::from_str(proof).unwrap();
            request.headers_mut().append("dpop", value);
        }
        let response = layer.layer(self.spy.clone()).oneshot(request).await;
        response.unwrap().map(drop)
    }

    /// `ok`, or the error of the challenge and the operator's reason.
    async fn outcome(&self, credentials: &[&str], proofs: &[&str]) -> String {
        let before = self.spy.calls();
        let response = self.send(credentials, proofs).await;
        let passed = self.spy.calls() - before;
        if response.status() == 200 {
            assert_eq!(passed, 1);
            return "ok".to_owned();
        }
        assert_eq!(passed, 0, "refused, and not seen by the service");
        let rejection = response.extensions().get::<Rejection>().unwrap();
        let reason = rejection.reason().unwrap_or_default();
        format!(
            "{} {}: {reason}",
            response.status().as_u16(),
            rejection.code()
        )
    }

    async fn try_client(&self, client: &Client) -> String {
        let credential = format!("DPoP {}", client.token);
        self.outcome(&[&credential], &[&client.proof()]).await
    }
}
