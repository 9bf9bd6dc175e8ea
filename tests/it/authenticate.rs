//! Several ways in, one principal out.

use crate::support::Spy;
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::Full;
use portcullis::authn::AuthenticateLayer;
use portcullis::authn::authenticate::{Admission, Attempt, Authenticator, CurrentRights};
use portcullis::clock::Timestamp;
use portcullis::guard::{Challenge, Rejection, RejectionKind, RequestHead};
use portcullis::principal::{Authentication, Principal};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tower::{Layer, ServiceExt, service_fn};

/// A scheme whose credential is good when it reads `good` or `later-good`.
#[derive(Clone, Copy, Debug)]
struct Scheme(&'static str);

impl Authenticator for Scheme {
    fn challenges(&self) -> Vec<Challenge> {
        vec![Challenge::new(self.0)]
    }

    fn authenticate(&self, request: &RequestHead<'_>) -> Attempt {
        let principal = Principal::new(self.0, Authentication::new(Timestamp::default()));
        let rejection = Rejection::new(RejectionKind::Unauthenticated);
        match request
            .headers()
            .get(format!("x-{}", self.0))
            .map(http::HeaderValue::as_bytes)
        {
            None => Attempt::Absent,
            Some(b"good") => Attempt::Authenticated(principal.into()),
            Some(b"later-good") => Attempt::Later(Box::pin(async { Ok(principal.into()) })),
            Some(b"later-bad") => Attempt::Later(Box::pin(async { Err(rejection) })),
            Some(_) => Attempt::Rejected(rejection),
        }
    }
}

async fn send(
    layer: AuthenticateLayer<(Scheme, Scheme)>,
    headers: &[(&'static str, &'static str)],
) -> Response<portcullis::guard::Body<Full<Bytes>>> {
    let service = layer.layer(service_fn(async |request: Request<()>| {
        let id = request
            .extensions()
            .get::<Principal>()
            .map(|p| p.id().to_owned());
        let mut response = Response::new(Full::new(Bytes::new()));
        response
            .extensions_mut()
            .insert(id.unwrap_or_else(|| "nobody".to_owned()));
        Ok::<_, Infallible>(response)
    }));
    let mut request = Request::new(());
    // What a careless layer outside, or an attack on one, could have left.
    let forged = Principal::new("forged", Authentication::new(Timestamp::default()));
    request.extensions_mut().insert(forged);
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    service.oneshot(request).await.unwrap()
}

#[tokio::test]
async fn the_first_that_finds_its_credential_decides() {
    let layer = || AuthenticateLayer::new((Scheme("a"), Scheme("b")));
    let cases: [(&str, &[(&str, &str)], Result<&str, usize>); 8] = [
        ("none", &[], Err(2)),
        ("the first", &[("x-a", "good")], Ok("a")),
        ("the second", &[("x-b", "good")], Ok("b")),
        ("both", &[("x-a", "good"), ("x-b", "good")], Ok("a")),
        (
            "a bad one is not mended by a good one",
            &[("x-a", "bad"), ("x-b", "good")],
            Err(2),
        ),
        ("later", &[("x-b", "later-good")], Ok("b")),
        ("bad later", &[("x-a", "later-bad")], Err(2)),
        (
            "bad later before a good one",
            &[("x-a", "later-bad"), ("x-b", "good")],
            Err(2),
        ),
    ];
    for (name, headers, expected) in cases {
        let response = send(layer(), headers).await;
        match expected {
            Ok(id) => {
                assert_eq!(response.extensions().get::<String>().unwrap(), id, "{name}");
                let outside = response.extensions().get::<Principal>().unwrap();
                assert_eq!(outside.id(), id, "{name}");
            }
            Err(challenges) => {
                assert_eq!(response.status(), 401, "{name}");
                let count = response
                    .headers()
                    .get_all(header::WWW_AUTHENTICATE)
                    .iter()
                    .count();
                assert_eq!(count, challenges, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn anonymous_passes_only_where_allowed_and_only_without_credential() {
    let layer = || AuthenticateLayer::new((Scheme("a"), Scheme("b"))).allow_anonymous();
    let response = send(layer(), &[]).await;
    assert_eq!(response.extensions().get::<String>().unwrap(), "nobody");
    assert!(response.extensions().get::<Principal>().is_none());
    assert_eq!(send(layer(), &[("x-a", "bad")]).await.status(), 401);
}

/// Tells whoever gets in the name of the next key, now or later.
struct Telling;

impl Authenticator for Telling {
    fn challenges(&self) -> Vec<Challenge> {
        vec![Challenge::new("Telling")]
    }

    fn authenticate(&self, request: &RequestHead<'_>) -> Attempt {
        let principal = Principal::new("ann", Authentication::new(Timestamp::default()));
        let next = |name| {
            let name = http::HeaderName::from_static(name);
            (name, http::HeaderValue::from_static("2"))
        };
        let admission = [next("x-next"), next("x-own")]
            .into_iter()
            .fold(Admission::new(principal), |admission, (name, value)| {
                admission.with_header(name, value)
            });
        match request.headers().contains_key("x-later") {
            true => Attempt::Later(Box::pin(async { Ok(admission) })),
            false => Attempt::Authenticated(admission),
        }
    }
}

#[tokio::test]
async fn what_an_authenticator_has_to_tell_goes_out_with_the_answer() {
    let service = AuthenticateLayer::new((Scheme("a"), Telling)).layer(service_fn(
        async |request: Request<()>| {
            let found = request.extensions().get::<Principal>();
            let id = found.map(|it| it.id().to_owned()).unwrap_or_default();
            let response = Response::builder()
                .header("x-own", "handler")
                .header("x-id", id);
            Ok::<_, Infallible>(response.body(Full::new(Bytes::new())).unwrap())
        },
    ));
    for (name, header, id, next) in [
        ("at once", "x-else", "ann", Some("2")),
        ("later", "x-later", "ann", Some("2")),
        ("of another way in", "x-a", "a", None),
    ] {
        let request = Request::get("/").header(header, "good").body(()).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        let told = |name| response.headers().get(name).map(|it| it.to_str().unwrap());
        assert_eq!(told("x-id"), Some(id), "{name}");
        assert_eq!(told("x-next"), next, "{name}");
        assert_eq!(
            told("x-own"),
            Some("handler"),
            "{name}: the service's stays"
        );
        assert_eq!(
            response.headers().get_all("x-own").iter().count(),
            1,
            "{name}"
        );
    }
}

/// Sets two cookies and keeps caches away.
struct Setting;

impl Authenticator for Setting {
    fn challenges(&self) -> Vec<Challenge> {
        vec![Challenge::new("Setting")]
    }

    fn authenticate(&self, _: &RequestHead<'_>) -> Attempt {
        let principal = Principal::new("ann", Authentication::new(Timestamp::default()));
        let value = http::HeaderValue::from_static;
        let admission = Admission::new(principal)
            .with_header(header::SET_COOKIE, value("first=1"))
            .with_header(header::SET_COOKIE, value("second=2"))
            .with_header(header::CACHE_CONTROL, value("no-store"));
        Attempt::Authenticated(admission)
    }
}

#[tokio::test]
async fn cookies_stand_beside_each_other_and_no_cache_keeps_them() {
    let service = AuthenticateLayer::new(Setting).layer(service_fn(async |_: Request<()>| {
        let response = Response::builder()
            .header(header::SET_COOKIE, "first=of-the-service")
            .header(header::CACHE_CONTROL, "public, max-age=60");
        Ok::<_, Infallible>(response.body(Full::new(Bytes::new())).unwrap())
    }));
    let request = Request::get("/").body(()).unwrap();
    let response = service.oneshot(request).await.unwrap();
    let all = |name| {
        let values = response.headers().get_all(name).iter();
        values.map(|it| it.to_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(
        all(header::SET_COOKIE),
        ["first=of-the-service", "second=2"]
    );
    assert_eq!(all(header::CACHE_CONTROL), ["no-store"]);
}

/// ASVS 5.0 8.3.2.
#[tokio::test]
async fn rights_are_those_of_this_moment() {
    type Table = Arc<Mutex<Result<Vec<&'static str>, RejectionKind>>>;
    let table: Table = Arc::new(Mutex::new(Ok(vec!["admin"])));
    let known = Arc::clone(&table);
    let look_up = move |principal: Principal| {
        let found = known.lock().unwrap().clone();
        async move {
            // As a table across a network does.
            tokio::task::yield_now().await;
            let roles = found.map_err(Rejection::new)?;
            Ok(principal.without_roles().with_roles(roles))
        }
    };
    let spy = Spy::default();
    let layer = AuthenticateLayer::new((CurrentRights::new(Scheme("a"), look_up), Scheme("b")));
    let service = layer.layer(spy.clone());
    let send = async |header: &'static str, value: &'static str| {
        let request = Request::get("/").header(header, value).body(()).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        let principal = response.extensions().get::<Principal>();
        let roles = principal.map(|it| it.roles().map(str::to_owned).collect::<Vec<_>>());
        (response.status().as_u16(), roles.unwrap_or_default())
    };
    let admin = vec!["admin".to_owned()];
    assert_eq!(send("x-a", "good").await, (200, admin.clone()));
    assert_eq!(send("x-a", "later-good").await, (200, admin));
    // Taken away: the very next request is without it.
    *table.lock().unwrap() = Ok(vec![]);
    assert_eq!(send("x-a", "good").await, (200, vec![]));
    *table.lock().unwrap() = Ok(vec!["reader", "writer"]);
    let both = vec!["reader".to_owned(), "writer".to_owned()];
    assert_eq!(send("x-a", "later-good").await, (200, both));
    assert_eq!(send("x-b", "good").await, (200, vec![]), "not asked for");
    let calls = spy.calls();
    // Gone, or nobody knows.
    for (kind, status) in [
        (RejectionKind::Unauthenticated, 401),
        (RejectionKind::Unavailable, 503),
    ] {
        *table.lock().unwrap() = Err(kind);
        for value in ["good", "later-good"] {
            assert_eq!(send("x-a", value).await.0, status);
        }
    }
    assert_eq!(send("x-a", "bad").await.0, 401);
    assert_eq!(spy.calls(), calls);
}

#[tokio::test]
async fn the_refused_never_reach_the_service() {
    let spy = Spy::default();
    let service = AuthenticateLayer::new(Scheme("a")).layer(spy.clone());
    for value in [None, Some("bad"), Some("later-bad")] {
        let mut request = Request::new(());
        if let Some(value) = value {
            request.headers_mut().insert("x-a", value.parse().unwrap());
        }
        assert_eq!(
            service.clone().oneshot(request).await.unwrap().status(),
            401
        );
    }
    assert_eq!(spy.calls(), 0);
}

#[tokio::test]
async fn layers_outside_are_told_where_they_cannot_see() {
    for (seen, is_told) in [
        ("authorization", false),
        ("cookie", false),
        ("x-other", true),
    ] {
        let layer = AuthenticateLayer::new((Scheme("a"), Scheme("b")));
        let response = send(layer, &[("x-a", "good"), (seen, "x")]).await;
        let told = response.extensions().get::<Principal>();
        assert_eq!(told.is_some(), is_told, "{seen}");
    }
}
