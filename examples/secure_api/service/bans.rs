//! Who gets banned, and for what.

use http::StatusCode;
use ipnet::IpNet;
use portcullis::event::EventKind;
use portcullis::limit::ban::{BanPolicy, BanRule, Bans, InvalidBanPolicy, NetworkList};
use portcullis::store::Store;
use std::num::NonZeroU32;
use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(600);
/// What programs do in haste, and people do not mean, counts so much less.
const LENIENCY: u32 = 10;

/// Bans after so many offenses within ten minutes, shared through the store.
pub(crate) fn bans(
    store: Store,
    after: NonZeroU32,
    proxies: &[IpNet],
) -> Result<Bans, InvalidBanPolicy> {
    let often = after.get().saturating_mul(LENIENCY);
    let policy = BanPolicy::new([
        BanRule::new("offenses", after.get(), WINDOW)
            .on(EventKind::AuthnLoginFail)
            .on(EventKind::AuthnTokenFail)
            .on(EventKind::MaliciousAttackTool)
            .on(EventKind::MaliciousExtraneous),
        BanRule::new("not-found", often, WINDOW).on(StatusCode::NOT_FOUND),
        BanRule::new("rate-limit", often, WINDOW).on(EventKind::ExcessRateLimitExceeded),
    ])?;
    Ok(Bans::builder(store)
        .policy(policy)
        // Behind them are all clients, also those whose address could not be found.
        .allow_networks(NetworkList::new(proxies.iter().copied()))
        .including_private_networks()
        // This service listens on the loopback address alone: those are its clients.
        .including_loopback_for_services_of_one_machine()
        .build())
}
