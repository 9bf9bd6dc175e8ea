//! Whom a ban is about.

use super::*;
use portcullis::authn::AuthenticateLayer;
use portcullis::authn::authenticate::{Attempt, Authenticator};
use portcullis::clock::Timestamp;
use portcullis::guard::{Challenge, RequestHead};
use portcullis::principal::{Authentication, Principal};
use std::net::Ipv6Addr;

/// Believes `x-user` and `x-key`: a stand-in for real authentication.
#[derive(Debug)]
struct ByHeader;

impl Authenticator for ByHeader {
    fn challenges(&self) -> Vec<Challenge> {
        Vec::new()
    }

    fn authenticate(&self, request: &RequestHead<'_>) -> Attempt {
        let header = |name| request.headers().get(name)?.to_str().ok();
        let (Some(user), Some(key)) = (header("x-user"), header("x-key")) else {
            return Attempt::Absent;
        };
        let how = Authentication::new(Timestamp::default()).with_credential(key);
        Attempt::Authenticated(Principal::new(user, how).with_tenant("acme").into())
    }
}

fn by_user(last: u8, user: &str, key: &str, path: &str) -> Request<()> {
    let mut request = request_from(address(last), path);
    for (name, value) in [("x-user", user), ("x-key", key)] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request
}

/// A layer by address outside of authentication, and another one inside.
fn site(machine: &Machine, inside: BanLayer) -> Site {
    let service = ServiceBuilder::new()
        .layer(MonitorLayer::only(machine.events.clone()))
        .layer(ClientIpLayer::default())
        .layer(BanLayer::new(machine.bans.clone()))
        .layer(AuthenticateLayer::new(ByHeader).allow_anonymous())
        .layer(inside)
        .service_fn(async |request: Request<()>| {
            let emitter = Emitter::of(request.extensions());
            if request.uri().path() == "/steal" {
                emitter.emit(SecurityEvent::new(EventKind::MaliciousDirectReference));
            }
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
    BoxCloneSyncService::new(service.map_response(|response| response.map(drop)))
}

fn policy() -> BanPolicy {
    let stealing = BanRule::new("stealing", 5, MINUTE).on(EventKind::MaliciousDirectReference);
    BanPolicy::new([stealing]).unwrap()
}

#[tokio::test]
async fn principals_are_banned_wherever_they_come_from() {
    let time = time();
    let machine = Machine::new(Bans::builder(memory(&time)).policy(policy()), &time);
    let site = site(&machine, BanLayer::new(machine.bans.clone()).by_principal());

    // From five addresses, so that none of them has done much.
    for last in 1..=5 {
        let response = send(&site, by_user(last, "eve", "k1", "/steal")).await;
        assert_eq!(response.status(), 200);
    }
    let refused = send(&site, by_user(6, "eve", "k2", "/")).await;
    assert_eq!((refused.status().as_u16(), code(&refused)), (403, "banned"));
    assert_eq!(
        send(&site, by_user(6, "ann", "k3", "/")).await.status(),
        200
    );
    assert_eq!(
        statuses(&site, address(1), "/", 1).await,
        [200],
        "anonymous"
    );

    let bans = machine.bans.list().await.unwrap();
    let subjects: Vec<_> = bans.iter().map(|ban| ban.subject.to_string()).collect();
    assert_eq!(subjects, ["principal:acme/eve"]);
    let event = &machine.heard(EventKind::ClientBanned)[0];
    assert_eq!(event.subject(), Some("principal:acme/eve"));

    // A banned principal who knocks does not get the address banned.
    for _ in 0..200 {
        assert_eq!(
            send(&site, by_user(6, "eve", "k1", "/")).await.status(),
            403
        );
    }
    assert_eq!(statuses(&site, address(6), "/", 1).await, [200]);
}

#[tokio::test]
async fn both_layers_hear_and_the_monitor_knows_who_it_was() {
    let time = time();
    let machine = Machine::new(Bans::builder(memory(&time)).policy(policy()), &time);
    let site = site(&machine, BanLayer::new(machine.bans.clone()).by_principal());
    for _ in 0..5 {
        send(&site, by_user(7, "eve", "k1", "/steal")).await;
    }
    let bans = machine.bans.list().await.unwrap();
    let mut subjects: Vec<_> = bans.iter().map(|ban| ban.subject.to_string()).collect();
    subjects.sort();
    assert_eq!(subjects, ["network:203.0.113.7/32", "principal:acme/eve"]);
    let heard = machine.heard(EventKind::MaliciousDirectReference);
    assert_eq!(heard.len(), 5, "each event once");
    assert!(heard.iter().all(|event| event.subject() == Some("eve")));
    assert!(
        heard
            .iter()
            .all(|event| event.client_ip() == Some(address(7)))
    );
}

#[tokio::test]
async fn credentials_and_fingerprints() {
    let cases: [(&str, fn(BanLayer) -> BanLayer, &str); 2] = [
        ("credential", BanLayer::by_credential, "credential:k1"),
        (
            "fingerprint",
            |layer| layer.by(|head| Some(head.headers().get("x-key")?.to_str().ok()?.to_owned())),
            "fingerprint:k1",
        ),
    ];
    for (name, change, expected) in cases {
        let time = time();
        let machine = Machine::new(Bans::builder(memory(&time)).policy(policy()), &time);
        let site = site(&machine, change(BanLayer::new(machine.bans.clone())));
        for last in 1..=5 {
            send(&site, by_user(last, "eve", "k1", "/steal")).await;
        }
        let bans = machine.bans.list().await.unwrap();
        assert_eq!(bans.len(), 1, "{name}");
        assert_eq!(bans[0].subject.to_string(), expected);
        for (key, status) in [("k1", 403), ("k2", 200)] {
            let response = send(&site, by_user(6, "eve", key, "/")).await;
            assert_eq!(response.status(), status, "{name} {key}");
        }
    }
}

#[tokio::test]
async fn what_is_empty_is_not_everybody() {
    let time = time();
    let machine = Machine::new(Bans::builder(memory(&time)).policy(policy()), &time);
    let layer = BanLayer::new(machine.bans.clone()).by(|_| Some(String::new()));
    let site = site(&machine, layer);
    for last in 1..=50 {
        send(&site, by_user(last, "eve", "k1", "/steal")).await;
    }
    assert_eq!(machine.bans.list().await.unwrap(), []);
}

#[tokio::test]
async fn an_ipv6_client_is_its_whole_network() {
    let time = time();
    let machine = Machine::new(Bans::builder(memory(&time)).policy(strict()), &time);
    let site = machine.site();
    let v6 = |text: &str| IpAddr::V6(text.parse::<Ipv6Addr>().unwrap());
    for host in ["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:3:4:5:6"] {
        statuses(&site, v6(host), "/login", 1).await;
    }
    assert_eq!(statuses(&site, v6("2001:db8:1:2::99"), "/", 1).await, [403]);
    assert_eq!(statuses(&site, v6("2001:db8:1:3::1"), "/", 1).await, [200]);
    // The same IPv4 client, in its clothes.
    statuses(&site, v6("::ffff:203.0.113.9"), "/login", 3).await;
    assert_eq!(statuses(&site, address(9), "/", 1).await, [403]);
}

#[tokio::test]
async fn who_stands_for_many_is_never_banned_by_accident() {
    for (address, by_default, if_told) in [
        ("10.0.0.1", 401, 403),
        ("192.168.1.1", 401, 403),
        ("100.64.0.1", 401, 403),
        ("fd00::1", 401, 403),
        ("127.0.0.1", 401, 401),
        ("::1", 401, 401),
        ("203.0.113.7", 403, 403),
    ] {
        let time = time();
        let plain = Bans::builder(memory(&time)).policy(strict());
        let private = Bans::builder(memory(&time))
            .policy(strict())
            .including_private_networks();
        for (builder, status) in [(plain, by_default), (private, if_told)] {
            let site = Machine::new(builder, &time).site();
            let found = statuses(&site, address.parse().unwrap(), "/login", 4).await;
            assert_eq!(found[3], status, "{address}");
        }
    }
}

#[tokio::test]
async fn without_an_address_nobody_is_banned_and_it_is_said_once() {
    let time = time();
    let machine = Machine::new(Bans::builder(memory(&time)).policy(strict()), &time);
    let service = ServiceBuilder::new()
        .layer(MonitorLayer::only(machine.events.clone()))
        .layer(BanLayer::new(machine.bans.clone()))
        .layer(GuardLayer::new(Bouncer))
        .service_fn(async |_: Request<()>| {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
    for _ in 0..50 {
        // What a client may write into headers is no address.
        let request = Request::get("/login").header("x-forwarded-for", "203.0.113.7");
        let response = service.clone().oneshot(request.body(()).unwrap()).await;
        assert_eq!(response.unwrap().status(), 401);
    }
    let told = machine.heard(EventKind::SysControlDegraded);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].code(), Some("bans_without_address"));
    assert_eq!(machine.bans.list().await.unwrap(), []);
}
