//! Tokens of a real provider (`tests/idp`): fetched for calls, and taken by its keys or by asking.

use crate::oidc::http::Browser;
use crate::oidc::idp::{CLIENT_ID, CLIENT_SECRET, Idp, USER};
use crate::oidc::rp::{Rp, client};
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use portcullis::authn::AuthenticateLayer;
use portcullis::authn::oauth2::client_credentials::{ClientCredentials, ClientCredentialsLayer};
use portcullis::authn::oauth2::introspection::IntrospectedTokens;
use portcullis::authn::oauth2::{
    ClientAuthentication, Endpoint, PrincipalRules, ProviderTokens, ScopeMap,
};
use portcullis::clock::{Clock, FakeClock};
use portcullis::principal::Principal;
use serde_json::json;
use std::convert::Infallible;
use std::time::Duration;
use tower::{Layer, ServiceExt, service_fn};

/// What the provider makes tokens of RFC 9068 for.
const RESOURCE: &str = "urn:portcullis:api";
const API: &str = "https://api.example.com/orders";

fn endpoint(idp: &Idp, path: &str) -> Endpoint {
    let us = ClientAuthentication::secret_basic(CLIENT_ID, CLIENT_SECRET).unwrap();
    Endpoint::new(&format!("{}{path}", idp.issuer()), client(), us).unwrap()
}

/// Says who calls, and with what scopes.
async fn who(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let principal: &Principal = request.extensions().get().unwrap();
    let scopes: Vec<_> = principal.scopes().unwrap().collect();
    let text = format!("{}, {}", principal.id(), scopes.join(" "));
    Ok(Response::new(Full::new(text.into())))
}

fn get(url: &str) -> Request<Full<Bytes>> {
    Request::get(url).body(Full::default()).unwrap()
}

#[tokio::test]
async fn tokens_for_calls_are_taken_by_the_keys_of_their_provider() {
    let idp = Idp::start("http://127.0.0.1:9", &[]).await;
    let issuer = idp.issuer();
    let time = FakeClock::at_unix_seconds(Clock::system().now().unix_seconds());
    let map = ScopeMap::new().permissions("api:read", ["orders:read"]);
    let tokens = ProviderTokens::builder(&*issuer, RESOURCE, client())
        .principals(PrincipalRules::new().scopes(map))
        .clock(time.clock())
        .build()
        .unwrap();
    let api = AuthenticateLayer::new(tokens).layer(service_fn(who));
    let caller = |scope: &'static str| {
        let tokens = ClientCredentials::builder(endpoint(&idp, "/token"))
            .scopes([scope])
            .resource(RESOURCE)
            .clock(time.clock())
            .build()
            .unwrap();
        let layer = ClientCredentialsLayer::new(tokens, ["https://api.example.com"]).unwrap();
        let client = layer.layer(api.clone());
        async move || {
            let response = client.clone().oneshot(get(API)).await.unwrap();
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            (status, String::from_utf8(body.to_vec()).unwrap())
        }
    };
    let read = caller("api:read");
    let expected = (200, format!("{issuer} {CLIENT_ID}, orders:read"));
    assert_eq!(read().await, expected);
    assert_eq!(read().await, expected);
    assert_eq!(
        (idp.count("/token").await, idp.count("/jwks").await),
        (1, 1)
    );

    // The key is replaced, and what it signed is not taken any more.
    idp.control("rotate", &json!({"keep": 0})).await;
    time.advance(Duration::from_secs(31));
    let write = caller("api:write");
    assert_eq!(write().await, (200, format!("{issuer} {CLIENT_ID}, ")));
    assert_eq!(idp.count("/jwks").await, 2);
    assert_eq!(read().await, expected, "after it was renewed");
    assert_eq!(
        (idp.count("/token").await, idp.count("/jwks").await),
        (3, 2)
    );
}

#[tokio::test]
async fn a_token_that_says_nothing_is_asked_about() {
    let (rp, idp) = Rp::with_provider(&[]).await;
    let mut browser = Browser::default();
    rp.log_in(&mut browser).await;
    let token = {
        let seen = rp.seen.lock().unwrap();
        let tokens = seen.first().unwrap().identity().tokens();
        tokens.access_token().expose().to_owned()
    };
    let issuer = idp.issuer();
    let builder = || {
        let endpoint = endpoint(&idp, "/token/introspection");
        IntrospectedTokens::builder(&*issuer, RESOURCE, endpoint)
    };
    let send = async |tokens: &IntrospectedTokens, token: &str| {
        let service = AuthenticateLayer::new(tokens.clone()).layer(service_fn(who));
        let mut request = get(API);
        let value = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, value);
        let response = service.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    // The provider does not say for whom this one is.
    let strict = builder().build().unwrap();
    assert_eq!(send(&strict, &token).await.0, 401);
    let tokens = builder().insecure_any_audience().build().unwrap();
    let expected = (200, format!("{issuer} {USER}, openid"));
    assert_eq!(send(&tokens, &token).await, expected);
    assert_eq!(send(&tokens, &token).await, expected);
    assert_eq!(idp.count("/token/introspection").await, 2);
    assert_eq!(send(&tokens, "made-up").await.0, 401);

    idp.fault("/token/introspection", json!({"status": 500, "times": 1}))
        .await;
    assert_eq!(send(&tokens, "unknown").await.0, 503);
    assert_eq!(
        send(&tokens, &token).await,
        expected,
        "while it is remembered"
    );
}
