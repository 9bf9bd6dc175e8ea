//! One machine, from the first offense to forgiveness.

use super::*;
use crate::support::Spy;
use portcullis::limit::ban::{NetworkList, Trigger};
use portcullis::limit::{Quota, RateLimitLayer};
use portcullis::net::client_ip::ClientIp;
use tower::{Layer, Service};

fn recommended(time: &FakeClock) -> Machine {
    Machine::new(Bans::builder(memory(time)), time)
}

#[tokio::test]
async fn ten_failed_logins_and_what_comes_of_it() {
    let time = time();
    let machine = recommended(&time);
    let site = machine.site();
    let client = address(7);

    assert_eq!(statuses(&site, client, "/login", 10).await, [401; 10]);
    let refused = send(&site, request_from(client, "/")).await;
    assert_eq!((refused.status().as_u16(), code(&refused)), (403, "banned"));
    assert!(!refused.headers().contains_key("retry-after"));
    assert_eq!(machine.calls(), 0, "refused before anything else runs");
    assert_eq!(
        statuses(&site, address(8), "/", 1).await,
        [200],
        "another client"
    );

    let banned = machine.heard(EventKind::ClientBanned);
    assert_eq!(banned.len(), 1);
    assert_eq!(banned[0].subject(), Some("network:203.0.113.7/32"));
    assert_eq!(banned[0].client_ip(), Some(client));
    assert_eq!(banned[0].reason(), Some("failed-logins"));
    let details: Vec<_> = banned[0].details().collect();
    assert_eq!(details, [("level", "1"), ("seconds", "600")]);
    let refusals = machine.heard(EventKind::MaliciousExtraneous);
    assert_eq!(refusals.len(), 1);
    assert_eq!(refusals[0].code(), Some("banned"));
    assert_eq!(
        refusals[0].reason(),
        Some("banned for failed-logins, level 1")
    );

    // Knocking prolongs nothing.
    time.advance(10 * MINUTE - Duration::from_secs(1));
    assert_eq!(statuses(&site, client, "/login", 50).await, [403; 50]);
    time.advance(Duration::from_secs(1));
    assert_eq!(statuses(&site, client, "/", 1).await, [200]);

    // What was counted before is not counted again; the next ban is longer.
    assert_eq!(statuses(&site, client, "/login", 10).await, [401; 10]);
    time.advance(40 * MINUTE - Duration::from_secs(1));
    assert_eq!(statuses(&site, client, "/", 1).await, [403]);
    time.advance(Duration::from_secs(1));
    assert_eq!(statuses(&site, client, "/", 1).await, [200]);

    // Two days later all is forgiven.
    time.advance(2 * DAY);
    assert_eq!(statuses(&site, client, "/login", 11).await[10], 403);
    let levels = machine.heard(EventKind::ClientBanned);
    let levels = levels.iter().map(|event| event.details().next().unwrap().1);
    assert_eq!(levels.collect::<Vec<_>>(), ["1", "2", "1"]);
}

#[tokio::test]
async fn levels_rise_to_the_ceiling_and_fall_one_by_one() {
    let time = time();
    let escalation = Escalation::new(MINUTE)
        .factor(10)
        .ceiling(HOUR)
        .forgiven_after(DAY);
    let policy = strict().escalation(escalation).unwrap();
    let machine = Machine::new(Bans::builder(memory(&time)).policy(policy), &time);
    let site = machine.site();
    let offend = async |after: Duration| {
        time.advance(after);
        statuses(&site, address(7), "/login", 3).await;
        let ban = machine.bans.find(&subject(7)).await.unwrap().unwrap();
        (ban.level, ban.until.since(ban.since))
    };
    assert_eq!(offend(Duration::ZERO).await, (1, MINUTE));
    assert_eq!(offend(MINUTE).await, (2, 10 * MINUTE));
    assert_eq!(offend(10 * MINUTE).await, (3, HOUR));
    assert_eq!(offend(HOUR).await, (4, HOUR));
    assert_eq!(
        offend(HOUR + DAY).await,
        (4, HOUR),
        "one forgiven, one more"
    );
    assert_eq!(offend(HOUR + 2 * DAY).await, (3, HOUR));
    assert_eq!(offend(HOUR + 3 * DAY).await, (1, MINUTE));
}

#[tokio::test]
async fn the_window_passes() {
    let time = time();
    let machine = Machine::new(Bans::builder(memory(&time)).policy(strict()), &time);
    let site = machine.site();
    for _ in 0..5 {
        assert_eq!(statuses(&site, address(7), "/login", 2).await, [401; 2]);
        time.advance(MINUTE);
    }
    assert_eq!(
        statuses(&site, address(7), "/login", 4).await,
        [401, 401, 401, 403]
    );
}

#[tokio::test]
async fn what_the_recommended_policy_counts() {
    for (path, offenses, status) in [
        ("/login", 10, 401),
        ("/told", 10, 200),
        ("/told-twice", 10, 401),
        ("/token", 100, 401),
        ("/reused", 10, 401),
        ("/attack", 10, 403),
        ("/missing", 100, 404),
        ("/gone", 100, 404),
    ] {
        let time = time();
        let machine = recommended(&time);
        let site = machine.site();
        let found = statuses(&site, address(7), path, offenses).await;
        assert_eq!(found, vec![status; offenses], "{path}");
        let refused = send(&site, request_from(address(7), "/")).await;
        assert_eq!(code(&refused), "banned", "{path}");
        assert_eq!(machine.heard(EventKind::ClientBanned).len(), 1, "{path}");
    }
}

#[tokio::test]
async fn weights_add_up_over_rules_of_their_own() {
    let time = time();
    let machine = Machine::new(Bans::builder(memory(&time)).policy(strict()), &time);
    let site = machine.site();
    // Two failed logins of three, and four points of five.
    statuses(&site, address(7), "/login", 2).await;
    statuses(&site, address(7), "/attack", 2).await;
    assert_eq!(statuses(&site, address(7), "/", 1).await, [200]);
    statuses(&site, address(7), "/attack", 1).await;
    assert_eq!(statuses(&site, address(7), "/", 1).await, [403]);
}

#[tokio::test]
async fn codes_are_counted_too() {
    let time = time();
    let rule = BanRule::new("blocked", 2, MINUTE).on(Trigger::code("request_blocked"));
    let policy = BanPolicy::new([rule]).unwrap();
    let machine = Machine::new(Bans::builder(memory(&time)).policy(policy), &time);
    let site = machine.site();
    statuses(&site, address(7), "/attack", 2).await;
    assert_eq!(statuses(&site, address(7), "/", 1).await, [403]);
}

#[tokio::test]
async fn who_runs_into_the_rate_limit_for_long_is_banned() {
    let time = time();
    let machine = recommended(&time);
    let limit = RateLimitLayer::new(Quota::per_hour(5).unwrap()).clock(time.clock());
    let mut service = ServiceBuilder::new()
        .layer(BanLayer::new(machine.bans.clone()))
        .layer(limit)
        .service(Spy::default());
    let mut statuses = Vec::new();
    for _ in 0..106 {
        let mut request = Request::new(());
        request.extensions_mut().insert(ClientIp::from(address(7)));
        let ready = ServiceExt::<Request<()>>::ready(&mut service)
            .await
            .unwrap();
        let response = ready.call(request).await.unwrap();
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses[..5], [200; 5]);
    assert_eq!(statuses[5..105], [429; 100]);
    assert_eq!(statuses[105], 403);
}

#[tokio::test]
async fn a_refused_request_never_reaches_the_service() {
    let time = time();
    let machine = recommended(&time);
    let ban = machine.bans.ban(&subject(7), HOUR, "test").await.unwrap();
    assert_eq!((ban.level, &*ban.cause), (0, "test"));
    let spy = Spy::default();
    let mut service = BanLayer::new(machine.bans.clone()).layer(spy.clone());
    for (last, status) in [(7, 403), (8, 200), (7, 403)] {
        let mut request = Request::new(());
        request
            .extensions_mut()
            .insert(ClientIp::from(address(last)));
        let ready = ServiceExt::<Request<()>>::ready(&mut service)
            .await
            .unwrap();
        let response = ready.call(request).await.unwrap();
        assert_eq!(response.status(), status);
    }
    assert_eq!((spy.calls(), spy.unready_calls()), (1, 0));
}

#[tokio::test]
async fn the_allow_list_comes_first() {
    let time = time();
    let list: NetworkList = "203.0.113.0/28".parse().unwrap();
    let builder = Bans::builder(memory(&time))
        .allow_networks(list.clone())
        .allow(subject(77))
        .block_networks("203.0.113.0/24".parse().unwrap());
    let machine = Machine::new(builder, &time);
    let site = machine.site();
    for allowed in [7, 77] {
        let found = statuses(&site, address(allowed), "/login", 50).await;
        assert_eq!(found, [401; 50]);
        let error = machine.bans.ban(&subject(allowed), HOUR, "").await;
        assert!(error.unwrap_err().to_string().contains("never banned"));
    }
    assert_eq!(machine.bans.list().await.unwrap(), []);
    let blocked = send(&site, request_from(address(16), "/")).await;
    assert_eq!((blocked.status().as_u16(), code(&blocked)), (403, "banned"));
}

#[tokio::test]
async fn how_a_refusal_looks() {
    let time = time();
    let machine = recommended(&time);
    machine.bans.ban(&subject(7), MINUTE, "test").await.unwrap();
    time.advance(Duration::from_millis(500));
    let cases: [(&str, fn(BanLayer) -> BanLayer, u16, Option<&str>); 4] = [
        ("plain", |layer| layer, 403, None),
        ("429", BanLayer::answer_too_many_requests, 429, None),
        ("told", BanLayer::tell_remaining_time, 403, Some("60")),
        (
            "rendered",
            |layer| {
                layer.rendered_by(
                    |rejection: &Rejection, _: &portcullis::guard::RequestHead<'_>| {
                        assert_eq!(rejection.code(), "banned");
                        let mut response = Response::new(Bytes::new());
                        *response.status_mut() = StatusCode::IM_A_TEAPOT;
                        response
                    },
                )
            },
            418,
            None,
        ),
    ];
    for (name, change, status, retry_after) in cases {
        let site = machine.site_with(change);
        let response = send(&site, request_from(address(7), "/")).await;
        assert_eq!(response.status(), status, "{name}");
        assert_eq!(code(&response), "banned", "{name}");
        let told = response.headers().get("retry-after");
        assert_eq!(
            told.map(|value| value.to_str().unwrap()),
            retry_after,
            "{name}"
        );
    }
    let refusals = machine.heard(EventKind::MaliciousExtraneous);
    assert_eq!(refusals.len(), 4, "recorded, whatever the status");
}

/// A request that a page of another site made the browser send.
fn from_another_site(client: IpAddr, path: &str) -> Request<()> {
    let mut request = request_from(client, path);
    let headers = request.headers_mut();
    headers.insert("sec-fetch-site", "cross-site".parse().unwrap());
    headers.insert("sec-fetch-mode", "no-cors".parse().unwrap());
    headers.insert("sec-fetch-dest", "image".parse().unwrap());
    request
}

#[tokio::test]
async fn a_page_of_another_site_gets_nobody_banned_but_itself() {
    for path in ["/attack", "/login", "/missing", "/gone"] {
        let time = time();
        let machine = recommended(&time);
        let site = machine.site();
        let client = address(7);
        let mut refused = 0;
        for _ in 0..500 {
            let response = send(&site, from_another_site(client, path)).await;
            refused += usize::from(code(&response) == "banned");
        }
        assert!(refused >= 400, "{path}: the page is banned: {refused}");
        let banned = machine.heard(EventKind::ClientBanned);
        assert_eq!(banned.len(), 1, "{path}");
        assert_eq!(
            banned[0].subject(),
            Some("other-sites:network:203.0.113.7/32"),
            "{path}"
        );
        // Who visits it, and whoever shares the address, goes on.
        assert_eq!(statuses(&site, client, "/", 3).await, [200; 3], "{path}");
        for own in ["none", "same-origin", "same-site"] {
            let mut request = request_from(client, "/");
            let headers = request.headers_mut();
            headers.insert("sec-fetch-site", own.parse().unwrap());
            assert_eq!(send(&site, request).await.status(), 200, "{path}: {own}");
        }
    }
}

#[tokio::test]
async fn who_is_banned_is_so_whatever_it_says_of_other_sites() {
    let time = time();
    let machine = recommended(&time);
    let site = machine.site();
    statuses(&site, address(7), "/attack", 10).await;
    let refused = send(&site, from_another_site(address(7), "/")).await;
    assert_eq!(code(&refused), "banned");
    assert_eq!(machine.calls(), 0);
    // An administrator lifts the one ban as the other.
    for _ in 0..10 {
        send(&site, from_another_site(address(8), "/attack")).await;
    }
    let list = machine.bans.list().await.unwrap();
    assert_eq!(list.len(), 2);
    let others: BanSubject = "other-sites:network:203.0.113.8".parse().unwrap();
    assert!(machine.bans.lift(&others).await.unwrap());
    let admitted = send(&site, from_another_site(address(8), "/")).await;
    assert_eq!(admitted.status(), 200);
}

#[tokio::test]
async fn what_other_sites_send_is_counted_apart_over_a_network_too() {
    let time = time();
    let (store, _) = failing::remote(&time);
    let machine = Machine::new(Bans::builder(store).policy(strict()), &time);
    let site = machine.site();
    for _ in 0..3 {
        send(&site, from_another_site(address(7), "/login")).await;
    }
    let refused = send(&site, from_another_site(address(7), "/")).await;
    assert_eq!(code(&refused), "banned");
    assert_eq!(statuses(&site, address(7), "/login", 4).await[3], 403);
}
