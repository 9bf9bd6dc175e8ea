//! Bans: the whole story over a real stack, on several machines, in races, under a flood, and
//! with a store that fails.

mod admin;
mod bounds;
mod failing;
mod lists;
mod model;
mod shared;
mod story;
mod subjects;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use portcullis::clock::FakeClock;
use portcullis::event::{Emitter, EventKind, RecentEvents, SecurityEvent};
use portcullis::guard::{Check, GuardLayer, Rejection, RejectionKind};
use portcullis::limit::ban::{
    BanLayer, BanPolicy, BanRule, BanSubject, Bans, BansBuilder, Escalation,
};
use portcullis::monitor::MonitorLayer;
use portcullis::net::client_ip::{ClientIpLayer, PeerAddr};
use portcullis::store::{MemoryStore, Store};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

type Site = BoxCloneSyncService<Request<()>, Response<()>, Infallible>;

/// A machine, with the time of all machines.
struct Machine {
    bans: Bans,
    events: Arc<RecentEvents>,
    calls: Arc<AtomicUsize>,
}

fn time() -> FakeClock {
    FakeClock::at_unix_seconds(1_700_000_000)
}

fn memory(time: &FakeClock) -> Store {
    Store::new(MemoryStore::builder().clock(time.clock()).build())
}

/// Three failed logins within a minute, or five points of attacks; a first ban of a minute.
fn strict() -> BanPolicy {
    let rules = [
        BanRule::new("logins", 3, MINUTE).on(EventKind::AuthnLoginFail),
        BanRule::new("attacks", 5, MINUTE).on_weighing(EventKind::MaliciousAttackTool, 2),
    ];
    let escalation = Escalation::new(MINUTE).factor(2).forgiven_after(HOUR);
    let policy = BanPolicy::new(rules).unwrap();
    policy.escalation(escalation).unwrap()
}

impl Machine {
    fn new(bans: BansBuilder, time: &FakeClock) -> Self {
        Self::of(&bans.clock(time.clock()).build())
    }

    fn of(bans: &Bans) -> Self {
        let events = Arc::new(RecentEvents::new(1000));
        let emitter = Emitter::new(events.clone(), portcullis::clock::Clock::system());
        Self {
            bans: bans.telling(emitter),
            events,
            calls: Arc::default(),
        }
    }

    /// The usual stack.
    fn site(&self) -> Site {
        self.site_with(|layer| layer)
    }

    fn site_with(&self, change: impl FnOnce(BanLayer) -> BanLayer) -> Site {
        let calls = Arc::clone(&self.calls);
        let service = ServiceBuilder::new()
            .layer(MonitorLayer::only(self.events.clone()))
            .layer(ClientIpLayer::default())
            .layer(change(BanLayer::new(self.bans.clone())))
            .layer(GuardLayer::new(Bouncer))
            .service_fn(move |request: Request<()>| {
                calls.fetch_add(1, Ordering::SeqCst);
                std::future::ready(Ok::<_, Infallible>(page(&request)))
            });
        let service = service.map_response(|response| response.map(drop));
        BoxCloneSyncService::new(service)
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn heard(&self, kind: EventKind) -> Vec<SecurityEvent> {
        let events = self.events.snapshot().into_iter();
        events.filter(|event| event.kind() == kind).collect()
    }
}

/// Refuses some paths, each in its way.
#[derive(Clone, Debug)]
struct Bouncer;

impl Check for Bouncer {
    fn check<B>(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        let login_fail = Some(EventKind::AuthnLoginFail);
        let unauthenticated = Rejection::new(RejectionKind::Unauthenticated);
        match request.uri().path() {
            "/login" => Err(unauthenticated.with_event(login_fail)),
            "/token" => Err(unauthenticated.with_event(Some(EventKind::AuthnTokenFail))),
            "/reused" => Err(unauthenticated.with_event(Some(EventKind::AuthnTokenReuse))),
            "/attack" => Err(Rejection::new(RejectionKind::Hostile)),
            "/told-twice" => {
                let event = SecurityEvent::new(EventKind::AuthnLoginFail);
                Emitter::of(request.extensions()).emit(event);
                Err(unauthenticated.with_event(login_fail))
            }
            "/gone" => Err(Rejection::new(RejectionKind::NotFound)),
            _ => Ok(()),
        }
    }
}

fn page(request: &Request<()>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    match request.uri().path() {
        "/missing" => *response.status_mut() = StatusCode::NOT_FOUND,
        "/told" => {
            let event = SecurityEvent::new(EventKind::AuthnLoginFail);
            Emitter::of(request.extensions()).emit(event);
        }
        _ => {}
    }
    response
}

/// A documentation address.
fn address(last: u8) -> IpAddr {
    [203, 0, 113, last].into()
}

fn subject(last: u8) -> BanSubject {
    address(last).into()
}

fn request_from(address: IpAddr, path: &str) -> Request<()> {
    let peer = PeerAddr::from(SocketAddr::from((address, 50_000)));
    Request::get(path).extension(peer).body(()).unwrap()
}

async fn send(site: &Site, request: Request<()>) -> Response<()> {
    site.clone().oneshot(request).await.unwrap()
}

/// The statuses of so many requests for this path, one after the other.
async fn statuses(site: &Site, from: IpAddr, path: &str, times: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..times {
        let response = send(site, request_from(from, path)).await;
        statuses.push(response.status().as_u16());
    }
    statuses
}

fn code(response: &Response<()>) -> &str {
    let rejection = response.extensions().get::<Rejection>();
    rejection.map_or("", Rejection::code)
}
