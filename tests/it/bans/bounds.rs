//! What strangers can put into the store.

use super::*;
use std::net::Ipv6Addr;

/// The `n`th network of 64 bits.
fn network(n: u64) -> IpAddr {
    Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(n) << 64 | 1).into()
}

#[tokio::test]
async fn one_offense_from_each_of_many_networks_fills_no_store() {
    let time = time();
    let memory = MemoryStore::builder().clock(time.clock()).build();
    let machine = Machine::new(Bans::builder(Store::new(memory.clone())), &time);
    let site = machine.site();
    for n in 0..20_000 {
        assert_eq!(statuses(&site, network(n), "/missing", 1).await, [404]);
    }
    let usage = memory.usage();
    assert!(usage.entries() <= 4096, "{usage:?}");
    // In the midst of all these, who goes on is found, and nobody else.
    let found = statuses(&site, address(7), "/login", 11).await;
    assert_eq!(found.last(), Some(&403));
    assert_eq!(machine.bans.list().await.unwrap().len(), 1);
    assert_eq!(statuses(&site, address(8), "/login", 9).await, [401; 9]);
}
