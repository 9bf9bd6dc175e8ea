//! The pages of a login as a tower service, without a router around them.

use super::rp::{Place, Rp};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::Empty;
use portcullis::authn::oauth2::{
    FinishedLogin, KeptLogin, LoggedOut, LoginErrorKind, LoginHandler, LoginRequest, LoginRoutes,
    Logins, Provider, RelyingParty, ReturnPath,
};
use portcullis::crypto::field::FieldCipher;
use portcullis::crypto::keyring::Keyring;
use portcullis::crypto::{Refused, SecretSealer};
use portcullis::guard::Rejection;
use portcullis::net::client::{FakeAnswer, FakeTransport, HttpClient};
use portcullis::secret::SecretBytes;
use portcullis::store::Store;
use serde_json::json;
use std::time::Duration;
use tower::ServiceExt;

const NAME: &str = "https://id.example.com";

async fn provider(place: &Place) -> Provider {
    let transport = FakeTransport::answering(|_| {
        let body = json!({
            "issuer": NAME,
            "authorization_endpoint": format!("{NAME}/auth"),
            "token_endpoint": format!("{NAME}/token"),
            "jwks_uri": format!("{NAME}/keys"),
        });
        let answer = ::http::Response::builder().header("content-type", "application/json");
        FakeAnswer::response(answer.body(Bytes::from(body.to_string())).unwrap())
    });
    let client = HttpClient::builder().build_over(transport).unwrap();
    place.provider("oidc", NAME).build(client).unwrap()
}

/// What it seals is longer than what it is given, by so many bytes.
#[derive(Clone, Debug)]
struct Padding(usize);

impl SecretSealer for Padding {
    fn seal_secret(&self, _: &str, _: &str, secret: &[u8]) -> Result<Vec<u8>, Refused> {
        Ok([secret, &vec![0; self.0]].concat())
    }

    fn open_secret(&self, _: &str, _: &str, sealed: &[u8]) -> Result<SecretBytes, Refused> {
        let end = sealed.len() - self.0;
        Ok(sealed[..end].into())
    }
}

/// ASVS 5.0 3.3.5.
#[tokio::test]
async fn a_login_whose_cookie_no_browser_keeps_is_not_begun() {
    let place = Place::take().await;
    let provider = provider(&place).await;
    // All that may be asked for, and of the most that there may be.
    let path = format!("/{}", "a".repeat(ReturnPath::MAX_LEN - 1));
    let levels = vec!["x".repeat(96); 8];
    let largest = LoginRequest::new()
        .return_to(ReturnPath::parse(&path).unwrap())
        .acr_values(levels.iter().map(String::as_str))
        .max_age(Duration::from_secs(u64::MAX));
    let (mut kept, mut refused) = (0, 0);
    for padding in (0..2_000).step_by(10) {
        let builder = RelyingParty::builder(Store::memory(), Padding(padding));
        let relying_party = builder.provider(provider.clone()).build().unwrap();
        match relying_party.begin("oidc", &largest).await {
            Ok(begun) => {
                let set = begun.set_cookie().to_str().unwrap();
                let pair = set.split(';').next().unwrap();
                assert!(pair.len() - "=".len() <= 4096, "{padding}");
                kept += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), LoginErrorKind::Sealing);
                assert!(error.to_string().contains("browsers keep"), "{error}");
                refused += 1;
            }
        }
    }
    // With a field cipher, which adds some fifty bytes, there is always room.
    assert!(kept > 20 && refused > 20, "{kept} {refused}");
}

/// Nobody gets that far here.
struct Nobody;

impl LoginHandler for Nobody {
    async fn logged_in(&self, _: &Parts, _: &FinishedLogin) -> Result<HeaderMap, Rejection> {
        Ok(HeaderMap::new())
    }

    async fn log_out(&self, _: &Parts) -> Result<LoggedOut, Rejection> {
        Ok(LoggedOut::new())
    }

    async fn ended(&self, _: &Parts, _: &KeptLogin) -> Result<(), Rejection> {
        Ok(())
    }
}

#[tokio::test]
async fn the_routes_stand_below_their_prefix_and_nowhere_else() {
    let place = Place::take().await;
    let provider = provider(&place).await;
    let rp = Rp::serve(place, [provider]);
    let fields = FieldCipher::new(Keyring::generate(), "test");
    let logins = Logins::new(Store::memory(), fields.column("logins", "tokens").unwrap());
    let at = |prefix| LoginRoutes::under(prefix, rp.relying_party.clone(), logins.clone(), Nobody);
    let bare = LoginRoutes::new(rp.relying_party.clone(), logins.clone(), Nobody);
    let (get, post) = (Method::GET, Method::POST);
    for (name, routes, method, path, expected) in [
        ("below it", at("/auth"), &get, "/auth/oidc/login", 303),
        (
            "with a query",
            at("/auth"),
            &get,
            "/auth/oidc/login?return_to=/me",
            303,
        ),
        (
            "a prefix with a slash",
            at("/auth/"),
            &get,
            "/auth/oidc/login",
            303,
        ),
        ("a longer prefix", at("/a/b"), &get, "/a/b/oidc/login", 303),
        (
            "the end of a login",
            at("/auth"),
            &post,
            "/auth/oidc/logout",
            303,
        ),
        (
            "a callback of nobody",
            at("/auth"),
            &get,
            "/auth/oidc/callback?state=x&code=y",
            400,
        ),
        ("without it", at("/auth"), &get, "/oidc/login", 404),
        ("the prefix alone", at("/auth"), &get, "/auth", 404),
        (
            "no slash behind it",
            at("/auth"),
            &get,
            "/authoidc/login",
            404,
        ),
        ("it goes on", at("/auth"), &get, "/authx/oidc/login", 404),
        ("twice", at("/auth"), &get, "/auth/auth/oidc/login", 404),
        ("not in front", at("/auth"), &get, "/x/auth/oidc/login", 404),
        (
            "another provider",
            at("/auth"),
            &get,
            "/auth/else/login",
            404,
        ),
        ("another action", at("/auth"), &get, "/auth/oidc/else", 404),
        (
            "another method",
            at("/auth"),
            &post,
            "/auth/oidc/login",
            405,
        ),
        ("no prefix", bare.clone(), &get, "/oidc/login", 303),
        ("none, and one came", bare, &get, "/auth/oidc/login", 404),
    ] {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let response = routes.oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), expected, "{name}: {path}");
        if response.status() == StatusCode::SEE_OTHER && method == get {
            let location = response.headers()["location"].to_str().unwrap();
            assert!(location.starts_with(&format!("{NAME}/auth?")), "{name}");
        }
    }
}
