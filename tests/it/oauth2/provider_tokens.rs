//! Access tokens of a provider, by the keys that it publishes.

use super::{ISSUER, NOW, SERVICE, http, json_answer};
use crate::support::Spy;
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use portcullis::authn::authenticate::Authenticator;
use portcullis::authn::jwt::{Issuer, TokenBuilder};
use portcullis::authn::oauth2::{PrincipalRules, ProviderTokens, ProviderTokensBuilder, ScopeMap};
use portcullis::authn::{AuthenticateLayer, RequireRecent};
use portcullis::authz::rbac::{Rbac, Role};
use portcullis::clock::FakeClock;
use portcullis::crypto::keys::{Algorithm, SigningKey};
use portcullis::guard::Rejection;
use portcullis::net::client::{FakeAnswer, FakeTransport};
use portcullis::net::peer_certificate::PeerCertificate;
use portcullis::principal::{Method, Principal};
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};

/// A provider that issues tokens and publishes its key, unless it is down.
struct Provider {
    name: &'static str,
    issuer: Issuer,
    time: FakeClock,
    transport: FakeTransport,
    is_down: Arc<AtomicBool>,
}

impl Provider {
    fn new(name: &'static str) -> Self {
        let time = FakeClock::at_unix_seconds(NOW);
        let key = SigningKey::generate(Algorithm::Es256)
            .unwrap()
            .with_key_id("k-1");
        let issuer = Issuer::new(key, name, SERVICE).unwrap().rfc9068();
        let issuer = issuer.clock(time.clock());
        let keys = issuer.public_keys().to_public_json();
        let is_down = Arc::new(AtomicBool::new(false));
        let looked_at = Arc::clone(&is_down);
        let transport = FakeTransport::answering(move |request| {
            if looked_at.load(Ordering::SeqCst) {
                return FakeAnswer::status(503);
            }
            match request.uri().path() {
                "/keys" => FakeAnswer::body(keys.clone()),
                _ => json_answer(
                    200,
                    &json!({"issuer": name, "jwks_uri": format!("{name}/keys")}),
                ),
            }
        });
        Self {
            name,
            issuer,
            time,
            transport,
            is_down,
        }
    }

    fn tokens(&self) -> ProviderTokensBuilder {
        ProviderTokens::builder(self.name, SERVICE, http(&self.transport)).clock(self.time.clock())
    }

    /// A token as it should be, of a user.
    fn token(&self, subject: &str) -> TokenBuilder<'_> {
        self.issuer.token(subject).client("app")
    }
}

fn request(token: &str) -> Request<()> {
    let value = format!("Bearer {token}");
    Request::get("/")
        .header(header::AUTHORIZATION, value)
        .body(())
        .unwrap()
}

/// The status, the code of the refusal, and how often the service was called.
async fn send(by: impl Authenticator, request: Request<()>) -> (u16, String, usize) {
    let spy = Spy::default();
    let service = AuthenticateLayer::new(by).layer(spy.clone());
    let response = service.oneshot(request).await.unwrap();
    let rejection = response.extensions().get::<Rejection>();
    let code = rejection.map(|it| it.code().to_owned()).unwrap_or_default();
    assert_eq!(spy.unready_calls(), 0);
    (response.status().as_u16(), code, spy.calls())
}

/// Who the service sees.
async fn principal(by: impl Authenticator, token: &str) -> Option<Principal> {
    let service = service_fn(async |request: Request<()>| {
        let mut response = Response::new(Full::new(Bytes::new()));
        let principal = request.extensions().get::<Principal>().unwrap().clone();
        response.extensions_mut().insert(principal);
        Ok::<_, Infallible>(response)
    });
    let service = AuthenticateLayer::new(by).layer(service);
    let response = service.oneshot(request(token)).await.unwrap();
    response.extensions().get().cloned()
}

#[tokio::test]
async fn a_token_of_the_provider_gets_in_and_no_other() {
    let provider = Provider::new(ISSUER);
    let stranger = Provider::new(ISSUER);
    let other = Provider::new("https://id.example.net");
    let tokens = provider.tokens().build().unwrap();
    tokens.fetch_keys().await.unwrap();
    let plain = provider.issuer.clone().token_type("JWT");
    let good = provider.token("ann").sign().unwrap();
    for (name, token, status) in [
        ("good", good.clone(), 200),
        ("of another issuer", other.token("ann").sign().unwrap(), 401),
        (
            "by another's key",
            stranger.token("ann").sign().unwrap(),
            401,
        ),
        (
            "of another type",
            plain.token("ann").client("app").sign().unwrap(),
            401,
        ),
        ("made up", "made-up".to_owned(), 401),
        ("cut off", good[..good.len() - 4].to_owned(), 401),
        ("no token", "a b".to_owned(), 400),
    ] {
        let (found, code, calls) = send(tokens.clone(), request(&token)).await;
        assert_eq!(found, status, "{name}: {code}");
        assert_eq!(calls, usize::from(status == 200), "{name}");
    }
    provider.time.advance(Duration::from_secs(700));
    let (status, _, calls) = send(tokens, request(&good)).await;
    assert_eq!((status, calls), (401, 0), "expired");
}

#[tokio::test]
async fn a_token_for_another_service_is_refused() {
    let provider = Provider::new(ISSUER);
    let tokens = provider.tokens().build().unwrap();
    for (name, audiences, status) in [
        ("for us", vec![SERVICE], 200),
        (
            "for us too",
            vec!["https://other.example.com", SERVICE],
            200,
        ),
        ("for another", vec!["https://other.example.com"], 401),
        (
            "for one of a longer name",
            vec!["https://api.example.com/"],
            401,
        ),
        ("for the client", vec!["app"], 401),
    ] {
        let issuer = audiences
            .iter()
            .fold(provider.issuer.clone(), |issuer, name| {
                issuer.or_audience(*name).unwrap()
            });
        let token = issuer.token("ann").client("app").audiences(audiences);
        let token = token.sign().unwrap();
        let (found, _, calls) = send(tokens.clone(), request(&token)).await;
        assert_eq!(
            (found, calls),
            (status, usize::from(status == 200)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn scopes_become_permissions_and_details_attributes() {
    let provider = Provider::new(ISSUER);
    let scopes = ScopeMap::new()
        .permissions("orders.readonly", ["orders:read"])
        .permissions("orders", ["orders:read", "orders:write"]);
    let rules = PrincipalRules::new().scopes(scopes).roles_from("groups");
    let tokens = provider.tokens().principals(rules).build().unwrap();
    let rbac = Rbac::builder()
        .resource("orders", ["read", "write"])
        .role(Role::new("clerk").allow("orders:*"))
        .build()
        .unwrap();
    for (name, scopes, groups, permission, status) in [
        (
            "role and scope",
            &["orders"][..],
            &["clerk"][..],
            "orders:write",
            200,
        ),
        (
            "less scope",
            &["orders.readonly"],
            &["clerk"],
            "orders:write",
            403,
        ),
        (
            "enough scope",
            &["orders.readonly"],
            &["clerk"],
            "orders:read",
            200,
        ),
        ("scope without role", &["orders"], &[], "orders:read", 403),
        ("role without scope", &[], &["clerk"], "orders:read", 403),
        (
            "our own word",
            &["orders:write"],
            &["clerk"],
            "orders:write",
            403,
        ),
    ] {
        let token = provider.token("ann").claim("groups", groups).unwrap();
        let token = match scopes {
            [] => token,
            scopes => token.scopes(scopes),
        };
        let spy = Spy::default();
        let service = ServiceBuilder::new()
            .layer(AuthenticateLayer::new(tokens.clone()))
            .layer(rbac.require(permission).unwrap())
            .service(spy.clone());
        let response = service
            .oneshot(request(&token.sign().unwrap()))
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{name}");
        assert_eq!(spy.calls(), usize::from(status == 200), "{name}");
    }
    let details = json!([{"type": "payment", "actions": ["read"]}]);
    let token = provider
        .token("ann")
        .claim("authorization_details", &details)
        .unwrap();
    let ann = principal(tokens, &token.sign().unwrap()).await.unwrap();
    assert_eq!(ann.attribute("authorization_details"), Some(&details));
    assert_eq!(ann.attribute("client_id"), Some(&json!("app")));
}

#[tokio::test]
async fn the_same_subject_of_two_providers_is_two_principals() {
    let one = Provider::new(ISSUER);
    let two = Provider::new("https://id.example.net");
    let tokens = one.tokens().build().unwrap();
    let others = two.tokens().build().unwrap();
    let ann = principal(tokens, &one.token("17").sign().unwrap())
        .await
        .unwrap();
    let bob = principal(others, &two.token("17").sign().unwrap())
        .await
        .unwrap();
    assert_eq!(ann.id(), "https://id.example.com 17");
    assert_eq!(bob.id(), "https://id.example.net 17");
    assert_eq!(
        bob.authentication().issuer(),
        Some("https://id.example.net")
    );

    let alone = one
        .tokens()
        .principals(PrincipalRules::new().subject_alone());
    let token = one.token("17").sign().unwrap();
    let ann = principal(alone.build().unwrap(), &token).await.unwrap();
    assert_eq!(ann.id(), "17");
}

#[tokio::test]
async fn a_weak_or_old_authentication_is_asked_for_more() {
    let provider = Provider::new(ISSUER);
    let tokens = provider.tokens().build().unwrap();
    let clock = provider.time.clock();
    let required = RequireRecent::within(Duration::from_secs(300))
        .of_class(["mfa"])
        .by_any([Method::OneTimePassword])
        .clock(clock.clone());
    let at = |seconds| clock.now().saturating_sub(Duration::from_secs(seconds));
    for (name, seconds, methods, class, status) in [
        (
            "strong and recent",
            300,
            &[Method::Password, Method::OneTimePassword][..],
            "mfa",
            200,
        ),
        (
            "old",
            301,
            &[Method::Password, Method::OneTimePassword],
            "mfa",
            401,
        ),
        ("by a password", 10, &[Method::Password], "mfa", 401),
        (
            "of a lower class",
            10,
            &[Method::Password, Method::OneTimePassword],
            "pwd",
            401,
        ),
    ] {
        let token = provider.token("ann").authenticated(at(seconds), methods);
        let token = token.claim("acr", class).unwrap().sign().unwrap();
        let spy = Spy::default();
        let service = ServiceBuilder::new()
            .layer(AuthenticateLayer::new(tokens.clone()))
            .layer(required.clone())
            .service(spy.clone());
        let response = service.oneshot(request(&token)).await.unwrap();
        assert_eq!(response.status(), status, "{name}");
        assert_eq!(spy.calls(), usize::from(status == 200), "{name}");
        if status == 401 {
            let challenge = response.headers()[header::WWW_AUTHENTICATE]
                .to_str()
                .unwrap();
            assert!(
                challenge.contains("insufficient_user_authentication"),
                "{name}"
            );
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert!(!body.is_empty());
        }
    }
}

#[tokio::test]
async fn a_token_bound_to_a_certificate_or_key_needs_it() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let provider = Provider::new(ISSUER);
    let tokens = provider.tokens().build().unwrap();
    let der = b"certificate".to_vec();
    let hash = ring::digest::digest(&ring::digest::SHA256, &der);
    let by_certificate = json!({"x5t#S256": URL_SAFE_NO_PAD.encode(hash)});
    for (name, bound, shown, status) in [
        ("shown", &by_certificate, Some(der.clone()), 200),
        ("not shown", &by_certificate, None, 401),
        ("another", &by_certificate, Some(b"other".to_vec()), 401),
        ("bound to a key", &json!({"jkt": "x"}), None, 401),
    ] {
        let token = provider
            .token("ann")
            .claim("cnf", bound)
            .unwrap()
            .sign()
            .unwrap();
        let mut request = request(&token);
        if let Some(der) = shown {
            request.extensions_mut().insert(PeerCertificate::new(der));
        }
        let (found, _, calls) = send(tokens.clone(), request).await;
        assert_eq!(
            (found, calls),
            (status, usize::from(status == 200)),
            "{name}"
        );
    }
    let plain = provider.token("ann").sign().unwrap();
    let strict = tokens.into_bearer().require_certificate();
    assert_eq!(send(strict, request(&plain)).await.0, 401);
}

#[tokio::test]
async fn a_provider_that_is_down_lets_nobody_in_until_its_keys_are_known() {
    let provider = Provider::new(ISSUER);
    let tokens = provider.tokens().build().unwrap();
    let token = provider.token("ann").sign().unwrap();
    provider.is_down.store(true, Ordering::SeqCst);
    for _ in 0..100 {
        let (status, code, calls) = send(tokens.clone(), request(&token)).await;
        assert_eq!((status, &*code, calls), (503, "keys_unavailable", 0));
    }
    assert_eq!(provider.transport.calls(), 1, "nothing piles up");

    provider.is_down.store(false, Ordering::SeqCst);
    provider.time.advance(Duration::from_secs(2));
    assert_eq!(send(tokens.clone(), request(&token)).await.0, 200);
    provider.is_down.store(true, Ordering::SeqCst);
    provider.time.advance(Duration::from_secs(60));
    assert_eq!(
        send(tokens, request(&token)).await.0,
        200,
        "its keys are still good"
    );
}

#[test]
fn what_would_be_believed_too_much_is_told_at_the_start() {
    let provider = Provider::new(ISSUER);
    for (name, issuer, audience) in [
        ("plain http", "http://id.example.com", SERVICE),
        ("no issuer", "", SERVICE),
        ("a query", "https://id.example.com?a", SERVICE),
        ("no audience", ISSUER, ""),
    ] {
        let built = ProviderTokens::new(issuer, audience, http(&provider.transport));
        assert!(built.is_err(), "{name}");
    }
}
