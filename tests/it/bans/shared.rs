//! Two machines over one store, and races between them.

use super::*;
use portcullis::limit::ban::Ban;
use tokio::task::JoinSet;

/// Machines over one store, each with a memory of its own.
fn machines<const N: usize>(store: &Store, policy: &BanPolicy, time: &FakeClock) -> [Machine; N] {
    [(); N].map(|()| Machine::new(Bans::builder(store.clone()).policy(policy.clone()), time))
}

#[tokio::test]
async fn banned_on_one_machine_is_banned_on_the_other_at_once() {
    let time = time();
    let [here, there] = machines(&memory(&time), &strict(), &time);
    let (first, second) = (here.site(), there.site());
    // Counted together, too.
    assert_eq!(statuses(&first, address(7), "/login", 2).await, [401; 2]);
    assert_eq!(statuses(&second, address(7), "/login", 1).await, [401]);
    assert_eq!(statuses(&first, address(7), "/", 1).await, [403]);
    assert_eq!(statuses(&second, address(7), "/", 1).await, [403]);
    assert_eq!((here.calls(), there.calls()), (0, 0));

    // Lifted on one, it is seen on the other within a second, and not sooner than that has to
    // be: those known to be banned cost no question.
    assert!(there.bans.lift(&subject(7)).await.unwrap());
    assert_eq!(statuses(&second, address(7), "/", 1).await, [200]);
    assert_eq!(statuses(&first, address(7), "/", 1).await, [403]);
    time.advance(Bans::LIFT_DELAY);
    assert_eq!(statuses(&first, address(7), "/", 1).await, [200]);
    assert_eq!(there.heard(EventKind::ClientBanLifted).len(), 1);
    assert!(
        !there.bans.lift(&subject(7)).await.unwrap(),
        "nothing to lift"
    );
    assert_eq!(there.heard(EventKind::ClientBanLifted).len(), 1);
}

/// One client's requests to several machines at one moment, and what came of them.
struct Burst {
    bans: Vec<SecurityEvent>,
    ban: Option<Ban>,
    /// What the request after the burst is told by each machine.
    after: Vec<u16>,
}

async fn burst<const N: usize>(
    machines: &[Machine; N],
    from: IpAddr,
    requests: &[&'static str],
) -> Burst {
    let sites: Vec<_> = machines.iter().map(Machine::site).collect();
    let mut running = JoinSet::new();
    for (n, path) in requests.iter().copied().enumerate() {
        let site = sites[n % N].clone();
        running.spawn(async move {
            tokio::task::yield_now().await;
            send(&site, request_from(from, path)).await
        });
    }
    running.join_all().await;
    let mut after = Vec::new();
    for site in &sites {
        after.extend(statuses(site, from, "/", 1).await);
    }
    let is_about = |event: &SecurityEvent| event.client_ip() == Some(from);
    let bans = machines
        .iter()
        .flat_map(|machine| machine.heard(EventKind::ClientBanned));
    Burst {
        bans: bans.filter(is_about).collect(),
        ban: machines[0].bans.find(&from.into()).await.unwrap(),
        after,
    }
}

/// The `n`th client.
fn client(n: usize) -> IpAddr {
    IpAddr::from([198, 51, (n >> 8) as u8, n as u8])
}

async fn race_on(store: &Store, clock: &FakeClock) {
    let slow = Escalation::new(HOUR);
    let policy = strict().escalation(slow).unwrap();
    race_between(&machines(store, &policy, clock)).await;
}

async fn race_between(machines: &[Machine; 2]) {
    for round in 0..200 {
        let (name, requests): (_, &[&'static str]) = match round % 4 {
            0 => ("as many as it takes", &["/login"; 3]),
            1 => ("many more", &["/login"; 24]),
            2 => (
                "two rules at once",
                &[
                    "/login", "/login", "/login", "/attack", "/attack", "/attack",
                ],
            ),
            _ => ("one too few", &["/login"; 2]),
        };
        let burst = burst(machines, client(round), requests).await;
        if name == "one too few" {
            assert_eq!((burst.bans.len(), burst.ban), (0, None), "{round}");
            assert_eq!(burst.after, [200; 2]);
            continue;
        }
        assert_eq!(burst.bans.len(), 1, "{round}: {name}: one event");
        assert_eq!(burst.ban.unwrap().level, 1, "{round}: {name}: one level");
        assert_eq!(burst.after, [403; 2], "{round}: {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_offenses_at_one_moment_are_one_ban() {
    let time = time();
    race_on(&memory(&time), &time).await;
}

/// The same where every operation of the store is a trip.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_offenses_at_one_moment_are_one_ban_over_a_network() {
    let time = time();
    let (store, _) = failing::remote(&time);
    race_on(&store, &time).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lift_and_offenses_at_one_moment_leave_nothing_half_done() {
    let time = time();
    let (store, _) = failing::remote(&time);
    let [here, there]: [Machine; 2] = machines(&store, &strict(), &time);
    for round in 0..200 {
        let who = BanSubject::from(client(round));
        let mut running = JoinSet::new();
        for machine in [&here, &there] {
            let (bans, who) = (machine.bans.clone(), who.clone());
            running.spawn(async move {
                for _ in 0..3 {
                    bans.report(&who, EventKind::AuthnLoginFail).await;
                }
            });
        }
        let (bans, lifted) = (there.bans.clone(), who.clone());
        running.spawn(async move {
            tokio::task::yield_now().await;
            bans.lift(&lifted).await.unwrap();
        });
        running.join_all().await;
        time.advance(Bans::LIFT_DELAY);
        // Banned or not, all agree; and a lift that comes last ends it.
        let found = [&here, &there].map(|machine| machine.bans.find(&who));
        let [one, other] = found;
        let (one, other) = (one.await.unwrap(), other.await.unwrap());
        assert_eq!(one, other, "{round}");
        assert_eq!(
            here.bans.lift(&who).await.unwrap(),
            one.is_some(),
            "{round}"
        );
        time.advance(Bans::LIFT_DELAY);
        assert_eq!(there.bans.find(&who).await.unwrap(), None, "{round}");
        // Nothing is left of what was counted.
        for _ in 0..2 {
            there.bans.report(&who, EventKind::AuthnLoginFail).await;
        }
        assert_eq!(there.bans.find(&who).await.unwrap(), None, "{round}");
    }
}

#[tokio::test]
async fn fifty_thousand_attackers_at_once() {
    let time = time();
    let rule = BanRule::new("once", 1, MINUTE).on(EventKind::MaliciousAttackTool);
    let policy = BanPolicy::new([rule]).unwrap();
    let [here, there]: [Machine; 2] = machines(&memory(&time), &policy, &time);
    let attacker = |n: u32| IpAddr::from((0xC633_0000 + n).to_be_bytes());
    for n in 0..50_000 {
        let attacker = attacker(n).into();
        here.bans
            .report(&attacker, EventKind::MaliciousAttackTool)
            .await;
    }
    assert_eq!(there.bans.list().await.unwrap().len(), 50_000);
    let sites = [here.site(), there.site()];
    for n in (0..50_000).step_by(100) {
        for site in &sites {
            assert_eq!(statuses(site, attacker(n), "/", 1).await, [403], "{n}");
        }
    }
    assert_eq!(statuses(&sites[0], attacker(50_000), "/", 1).await, [200]);
    assert_eq!((here.calls(), there.calls()), (1, 0));
}

/// The same on Redis, whose clock is that of the machine.
#[cfg(feature = "redis")]
mod redis {
    use super::*;
    use crate::support::redis::Server;
    use portcullis::clock::Clock;

    async fn machines(server: &Server, policy: BanPolicy) -> [Machine; 2] {
        let [here, there] = [server.store().await, server.store().await];
        [here, there].map(|store| {
            let bans = Bans::builder(store).policy(policy.clone());
            Machine::of(&bans.build())
        })
    }

    /// As [`strict`], with bans that outlast the test.
    fn slow() -> BanPolicy {
        strict().escalation(Escalation::new(HOUR)).unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn banned_on_one_machine_is_banned_on_the_other_at_once() {
        let server = Server::start().await;
        let [here, there] = machines(&server, slow()).await;
        let (first, second) = (here.site(), there.site());
        for n in 0..20 {
            let client = client(n);
            assert_eq!(statuses(&first, client, "/login", 2).await, [401; 2]);
            assert_eq!(statuses(&second, client, "/login", 1).await, [401]);
            assert_eq!(statuses(&first, client, "/", 1).await, [403]);
            assert_eq!(statuses(&second, client, "/", 1).await, [403]);
        }
        assert_eq!((here.calls(), there.calls()), (0, 0));
        assert_eq!(there.bans.list().await.unwrap().len(), 20);
        let ban = &here.bans.list().await.unwrap()[0];
        assert_eq!((ban.level, &*ban.cause), (1, "logins"));
        let remaining = ban.remaining(Clock::system().now());
        assert!(
            remaining > HOUR - MINUTE && remaining <= HOUR,
            "{remaining:?}"
        );
        assert!(here.bans.lift(&ban.subject).await.unwrap());
        assert_eq!(here.bans.find(&ban.subject).await.unwrap(), None);
        assert_eq!(there.bans.list().await.unwrap().len(), 19);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_offenses_at_one_moment_are_one_ban() {
        let server = Server::start().await;
        race_between(&machines(&server, slow()).await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_that_goes_away_takes_no_ban_along() {
        let mut server = Server::start().await;
        let [here, there] = machines(&server, slow()).await;
        let (first, second) = (here.site(), there.site());
        statuses(&first, client(1), "/login", 3).await;
        assert_eq!(statuses(&first, client(1), "/", 1).await, [403]);
        server.kill();
        assert_eq!(
            statuses(&first, client(1), "/", 1).await,
            [403],
            "known here"
        );
        assert_eq!(statuses(&second, client(2), "/", 1).await, [200], "unknown");
        let told = there.heard(EventKind::SysControlDegraded);
        assert_eq!(told.len(), 1);
    }
}
