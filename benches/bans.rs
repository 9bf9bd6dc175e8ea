//! The check of a ban against the least that could be done: a look into a set of addresses.
//! And lists of networks against a set of as many addresses.
#![allow(clippy::expect_used, reason = "a bench that cannot run has to say so")]

mod common;

use bytes::Bytes;
use common::Race;
use http::{Request, Response};
use http_body_util::Full;
use ipnet::IpNet;
use portcullis::limit::ban::{BanLayer, BanSubject, Bans, NetworkList};
use portcullis::net::client_ip::ClientIp;
use portcullis::store::Store;
use std::collections::HashSet;
use std::convert::Infallible;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use tower::{Layer, service_fn};

const PREFIXES: u32 = 100_000;
const BANNED: u32 = 10_000;

fn main() {
    lists();
    checks();
    layers();
}

/// The `n`th of many addresses, in an order that no cache can guess.
fn address(n: u32) -> IpAddr {
    Ipv4Addr::from(n.wrapping_mul(2_654_435_761)).into()
}

fn addresses(first: u32, count: u32) -> impl FnMut() -> IpAddr {
    let mut n = 0;
    move || {
        n = if n + 1 >= count { 0 } else { n + 1 };
        black_box(address(first + n))
    }
}

/// A hundred thousand networks of 20 to 32 bits, against a set of as many addresses; half of
/// the lookups find something.
fn lists() {
    let network = |n| {
        let prefix = 20 + (n % 13) as u8;
        IpNet::new(address(n), prefix).expect("a prefix").trunc()
    };
    let list = NetworkList::new((0..PREFIXES).map(network));
    let set: HashSet<IpAddr> = (0..PREFIXES).map(address).collect();
    let (mut for_ours, mut for_peer) = (addresses(0, 2 * PREFIXES), addresses(0, 2 * PREFIXES));
    Race::new("bans/list")
        .operation("ours", || list.contains(for_ours()))
        .operation("hash-set", || set.contains(&for_peer()))
        .run()
        .ratio("ban_network_list", "ours", "hash-set");
}

fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime starts")
}

/// Ten thousand banned of a million; the clients that ask are not.
fn banned() -> (Bans, HashSet<IpAddr>) {
    let bans = Bans::builder(Store::memory()).including_private_networks();
    let bans = bans.build();
    let hour = Duration::from_secs(3600);
    let set: HashSet<IpAddr> = (0..BANNED).map(address).collect();
    runtime().block_on(async {
        for address in &set {
            // Some addresses are nobody's.
            let _exempt = bans.ban(&BanSubject::from(*address), hour, "bench").await;
        }
    });
    (bans, set)
}

fn checks() {
    let (bans, set) = banned();
    let (mut for_ours, mut for_peer) = (addresses(BANNED, BANNED), addresses(BANNED, BANNED));
    let (mut known, mut known_for_peer) = (addresses(0, 1000), addresses(0, 1000));
    let times = Race::new("bans/check")
        .asynchronous("free", async || {
            let subject = BanSubject::from(for_ours());
            bans.find(&subject)
                .await
                .expect("the store answers")
                .is_some()
        })
        .operation("hash-set-miss", || set.contains(&for_peer()))
        .asynchronous("banned", async || {
            let subject = BanSubject::from(known());
            bans.find(&subject)
                .await
                .expect("the store answers")
                .is_some()
        })
        .operation("hash-set-hit", || set.contains(&known_for_peer()))
        .run();
    times.ratio("ban_check_free", "free", "hash-set-miss");
    times.ratio("ban_check_banned", "banned", "hash-set-hit");
}

/// What a layer adds to a request.
fn layers() {
    let bare = service_fn(async |_: Request<Full<Bytes>>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let (bans, _) = banned();
    let layer = BanLayer::new(bans);
    let request = |mut address: Box<dyn FnMut() -> IpAddr>| {
        move || {
            let client = ClientIp::from(address());
            Request::builder()
                .extension(client)
                .body(Full::default())
                .expect("a request")
        }
    };
    let times = Race::new("bans/layer")
        .service("bare", bare, request(Box::new(addresses(BANNED, BANNED))))
        .service(
            "free",
            layer.layer(bare),
            request(Box::new(addresses(BANNED, BANNED))),
        )
        .service(
            "banned",
            layer.layer(bare),
            request(Box::new(addresses(0, 1000))),
        )
        .run();
    times.added("ban_layer_free", "free", "bare");
    times.added("ban_layer_banned", "banned", "bare");
}
