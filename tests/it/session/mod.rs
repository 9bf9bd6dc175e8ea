//! Sessions over a real stack: their whole life, hostile cookies, races in memory and on Redis,
//! and a store that fails.

mod cookies;
mod failing;
mod handlers;
mod life;
mod manage;
mod races;
mod remember;

use crate::support::Spy;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use portcullis::authn::AuthenticateLayer;
use portcullis::authn::session::{
    NewSession, Session, SessionError, Sessions, SessionsBuilder, Visitor,
};
use portcullis::clock::{Clock, FakeClock};
use portcullis::event::{Emitter, EventKind, RecentEvents, SecurityEvent};
use portcullis::guard::RequestHead;
use portcullis::monitor::MonitorLayer;
use portcullis::net::client_ip::ClientIp;
use portcullis::principal::{Authentication, Method, Principal};
use portcullis::store::{MemoryStore, Store};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tower::{ServiceBuilder, ServiceExt};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const COOKIE: &str = "__Host-session";

/// Sessions, with a time and events of their own.
struct House {
    time: FakeClock,
    sessions: Sessions,
    events: Arc<RecentEvents>,
}

impl House {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(configure: impl FnOnce(SessionsBuilder) -> SessionsBuilder) -> Self {
        let time = FakeClock::at_unix_seconds(1_700_000_000);
        let store = Store::new(MemoryStore::builder().clock(time.clock()).build());
        Self::on(store, time, configure)
    }

    fn on(
        store: Store,
        time: FakeClock,
        configure: impl FnOnce(SessionsBuilder) -> SessionsBuilder,
    ) -> Self {
        let events = Arc::new(RecentEvents::new(10_000));
        let builder = Sessions::builder(store).clock(time.clock());
        let sessions = configure(builder).build().unwrap();
        let emitter = Emitter::new(events.clone(), Clock::system());
        Self {
            time,
            sessions: sessions.telling(emitter),
            events,
        }
    }

    /// Somebody who has just typed the password.
    fn proved(&self, user: &str) -> Principal {
        let proof = Authentication::new(self.time.clock().now());
        Principal::new(user, proof.with_method(Method::Password))
    }

    /// A browser with these cookies.
    fn visitor(&self, cookies: &[&str]) -> Visitor {
        let mut request = Request::new(());
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, HeaderValue::from_static("browser/1.0"));
        for cookie in cookies {
            let cookie = HeaderValue::from_str(cookie).unwrap();
            headers.append(header::COOKIE, cookie);
        }
        let extensions = request.extensions_mut();
        extensions.insert(ClientIp::from(std::net::IpAddr::from([192, 0, 2, 7])));
        extensions.insert(Emitter::new(self.events.clone(), Clock::system()));
        Visitor::of(&RequestHead::of(&request))
    }

    /// Logs in with a browser that has these cookies.
    async fn login(&self, cookies: &[&str], user: &str) -> Result<NewSession, SessionError> {
        let visitor = self.visitor(cookies);
        self.sessions.login(&visitor, &self.proved(user)).await
    }

    /// Logs in with a fresh browser, and gives the cookie.
    async fn log_in(&self, user: &str) -> String {
        cookie_of(&self.login(&[], user).await.unwrap())
    }

    async fn list(&self, user: &str) -> Vec<Session> {
        self.sessions.list(user).await.unwrap()
    }

    /// Sends a request with these `Cookie` headers. The answer names the principal.
    async fn send(&self, cookies: &[&[u8]]) -> Answer {
        self.send_to(AuthenticateLayer::new(self.sessions.clone()), cookies)
            .await
    }

    async fn send_to(&self, layer: AuthenticateLayer<Sessions>, cookies: &[&[u8]]) -> Answer {
        let spy = Spy::default();
        let seen = spy.clone();
        let service = ServiceBuilder::new()
            .layer(MonitorLayer::only(self.events.clone()))
            .layer(layer)
            .service_fn(move |request: Request<()>| {
                let seen = seen.clone();
                async {
                    let principal = request.extensions().get::<Principal>().cloned();
                    let mut response = seen.oneshot(request).await?;
                    response.extensions_mut().insert(Seen(principal));
                    Ok::<_, Infallible>(response)
                }
            });
        let mut request = Request::new(());
        for cookie in cookies {
            let cookie = HeaderValue::from_bytes(cookie).unwrap();
            request.headers_mut().append(header::COOKIE, cookie);
        }
        let response = service.oneshot(request).await.unwrap();
        Answer {
            status: response.status(),
            calls: spy.calls(),
            headers: response.headers().clone(),
            principal: response
                .extensions()
                .get::<Seen>()
                .and_then(|seen| seen.0.clone()),
        }
    }

    /// The principal that a request with this cookie has; `None` when it is refused.
    async fn principal(&self, cookie: &str) -> Option<Principal> {
        let answer = self.send(&[cookie.as_bytes()]).await;
        assert_eq!(answer.calls, usize::from(answer.status == StatusCode::OK));
        answer.principal
    }

    fn heard(&self, kind: EventKind) -> Vec<SecurityEvent> {
        let events = self.events.snapshot().into_iter();
        events.filter(|event| event.kind() == kind).collect()
    }

    /// The codes of the ends that were told.
    fn ends(&self) -> Vec<String> {
        let ends = self.heard(EventKind::SessionExpired).into_iter();
        ends.map(|event| event.code().unwrap_or_default().to_owned())
            .collect()
    }
}

#[derive(Clone)]
struct Seen(Option<Principal>);

struct Answer {
    status: StatusCode,
    calls: usize,
    headers: HeaderMap,
    principal: Option<Principal>,
}

impl Answer {
    /// The cookies that the browser is told to forget.
    fn cleared(&self) -> Vec<&str> {
        let set = self.headers.get_all(header::SET_COOKIE).iter();
        let set = set.map(|cookie| cookie.to_str().unwrap());
        set.filter(|cookie| cookie.contains("=; ") && cookie.contains("Max-Age=0"))
            .filter_map(|cookie| cookie.split('=').next())
            .collect()
    }
}

/// What the browser sends back: the last cookie that was set.
fn cookie_of(session: &NewSession) -> String {
    pair(session.set_cookies().last().unwrap())
}

fn pair(set_cookie: &HeaderValue) -> String {
    let text = set_cookie.to_str().unwrap();
    text.split(';').next().unwrap().to_owned()
}
