//! Lists of networks of any text hold what a plain walk over their lines finds; who is banned
//! is written as it is read.
#![no_main]

use ipnet::IpNet;
use libfuzzer_sys::fuzz_target;
use portcullis::limit::ban::{BanSubject, NetworkList};
use std::net::{IpAddr, Ipv4Addr};

fn network(line: &str) -> Option<IpNet> {
    let text = line.split('#').next()?.trim();
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(address)
}

fn holds(network: &IpNet, address: IpAddr) -> bool {
    let mapped = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().into(),
        address @ IpAddr::V6(_) => address,
    };
    // ::/0 and its like hold no IPv4: that is written as 0.0.0.0/0, or as ::ffff:0:0/96.
    let wider = matches!(network, IpNet::V6(network) if network.prefix_len() < 96);
    network.contains(&address) || (!wider && network.contains(&mapped))
}

fuzz_target!(|input: (&str, &str, [u8; 16], u32)| {
    let (list, subject, v6, v4) = input;
    if let Ok(found) = list.parse::<NetworkList>() {
        let text = list.strip_prefix('\u{FEFF}').unwrap_or(list);
        let networks: Vec<IpNet> = text.lines().filter_map(network).collect();
        let inside = networks.iter().map(|network| network.addr());
        for address in inside.chain([IpAddr::from(v6), Ipv4Addr::from_bits(v4).into()]) {
            let address = address.to_canonical();
            let expected = networks.iter().any(|network| holds(network, address));
            assert_eq!(found.contains(address), expected, "{address} in {list:?}");
        }
    }
    if let Ok(subject) = subject.parse::<BanSubject>() {
        assert_eq!(subject.to_string().parse().as_ref(), Ok(&subject));
    }
    for subject in [
        BanSubject::principal(Some(list), subject),
        BanSubject::credential(subject),
        BanSubject::fingerprint(subject),
        BanSubject::from(IpAddr::from(v6)),
    ] {
        // A subject without a name cannot be written, and nobody can be without one.
        if !subject.to_string().ends_with(':') {
            assert_eq!(subject.to_string().parse(), Ok(subject));
        }
    }
});
