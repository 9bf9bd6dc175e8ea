//! Who has done enough: bans that escalate, by network, principal, credential or fingerprint.
//!
//! A limit slows a client that does too much; whoever goes on guessing passwords or looking
//! for holes has to be shut out (contributes to ASVS 5.0 2.4.1 and 6.3.1). A [`BanLayer`]
//! hears what controls and handlers further in tell of a request, counts it by the rules of a
//! [`BanPolicy`], and refuses who broke one:
//!
//! 1. Clients of networks on the allow-list are never banned, whatever happens. Those on a list
//!    of networks to block are refused ([`NetworkList`], replaced while the service runs).
//!    Neither costs a question to the store.
//! 2. Who is banned is refused with 403 and the code `banned`, before anything else runs. The
//!    refusal counts for nothing: a ban does not prolong itself.
//! 3. Whatever else is counted: events that are emitted further in, the event and code of a
//!    rejection, the status of the response. One thing counts once, whether it was told by an
//!    event, a rejection or both.
//! 4. Who breaks a rule is banned, each time longer ([`Escalation`]). The response that broke
//!    it is held back until the ban is in the store: the next request is refused, on every
//!    machine that shares the store. Requests that do no wrong wait for nothing.
//! 5. Many offenses at one moment, on any number of machines, make one ban and one level.
//! 6. What a page of another site makes its visitors' browsers send, by hundreds of images that
//!    do not load, say, is counted and refused apart: browsers name it
//!    (`Sec-Fetch-Site: cross-site`). Such a page gets banned what it can send, and not what its
//!    visitors do themselves, nor whoever shares their address. A scanner that calls itself one
//!    is banned all the same, as [what other sites send](BanSubject::of_other_sites).
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use portcullis::limit::ban::{BanLayer, BanPolicy, BanRule, Bans};
//! use portcullis::net::client_ip::ClientIp;
//! use portcullis::store::Store;
//! use std::time::Duration;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let scanning = BanRule::new("not-found", 3, Duration::from_secs(60)).on(StatusCode::NOT_FOUND);
//! let bans = Bans::builder(Store::memory()).policy(BanPolicy::new([scanning])?).build();
//! let service = BanLayer::new(bans).layer(service_fn(async |_: Request<()>| {
//!     let mut response = Response::new(Full::<Bytes>::default());
//!     *response.status_mut() = StatusCode::NOT_FOUND;
//!     Ok::<_, std::convert::Infallible>(response)
//! }));
//! let request = |last: u8| {
//!     // In a service, a `ClientIpLayer` does this.
//!     let client = ClientIp::from(std::net::IpAddr::from([203, 0, 113, last]));
//!     Request::get("/wp-login.php").extension(client).body(()).unwrap()
//! };
//!
//! for _ in 0..3 {
//!     assert_eq!(service.clone().oneshot(request(7)).await?.status(), 404);
//! }
//! assert_eq!(service.clone().oneshot(request(7)).await?.status(), 403);
//! assert_eq!(service.oneshot(request(8)).await?.status(), 404, "another client");
//! # Ok(())
//! # }
//! ```
//!
//! # Deployment
//! - Put the layer directly inside of the [`ClientIpLayer`], outside of all that costs or
//!   refuses. Where there is no [`ClientIp`], nobody is banned by address, and the first such
//!   request says so in an event. Behind authentication, a second one can ban
//!   [by principal](BanLayer::by_principal), with the same [`Bans`].
//! - Addresses that stand for many are never banned by accident: loopback,
//!   private and link-local ones only [if](BansBuilder::including_private_networks)
//!   [told](BansBuilder::including_loopback_for_services_of_one_machine). Proxies with
//!   public addresses belong on the [allow-list](BansBuilder::allow_networks), as well as
//!   among the trusted ones.
//! - Clients behind one address share its fate, an office as a carrier's customers. While what
//!   other sites send is banned, that is also links from them, logins that come back from a
//!   provider, and the requests of pages of your own that are of another site than the service
//!   (`same-site` ones are not). Browsers name the site that sends over TLS alone, some since
//!   2023: where yours do not, a page can send attacks and ask for what is not there in its
//!   visitors' name, so keep the thresholds of what a `GET` can do high.
//! - A client that goes away before its response is there is not counted, nor does it learn
//!   anything.
//!
//! # When the store fails
//! Who is known to be banned on this machine stays so until the ban ends; others are admitted,
//! unless [told otherwise](BanLayer::refuse_all_while_the_store_is_unavailable); nothing is
//! counted. One event an outage says so (`bans_not_checked`, `bans_not_counted`). A response
//! waits no longer for the store than the store's own deadline, for each step of a ban, and for
//! a second while offenses before it are counted in the same place.
//!
//! # Bounds
//! [`Bans::MAX`] bans at once; where there are more, those go that would end first, and the
//! event of the ban that drove them out says how many. For each rule, 131,072 subjects are
//! counted at once, in 4,096 places of 32 by their names, in some 4 MB: where a place is full,
//! who weighs least is forgotten. The levels of those who were banned are bounded by the store:
//! when it is [full](crate::store::StoreErrorKind::Full), who breaks a rule is banned on this
//! machine alone, and where not even the counts have room, nobody is counted. All this is what
//! strangers cause: give bans a store that sessions do not share. What a machine knows of bans
//! takes some 20 MB at most, and what one request did as much as there are rules.
//!
//! [`ClientIp`]: crate::net::client_ip::ClientIp
//! [`ClientIpLayer`]: crate::net::client_ip::ClientIpLayer

mod admin;
mod bans;
mod counts;
mod court;
mod error;
mod known;
mod layer;
mod ledger;
mod network_list;
mod other_sites;
mod outage;
mod policy;
mod record;
mod scope;
mod service;
mod subject;
mod tally;
mod watch;

pub use admin::BanAdmin;
pub use bans::{Bans, BansBuilder};
pub use error::{
    BanError, InvalidBanPolicy, InvalidBanSubject, InvalidIpv4Prefix, InvalidNetworkList,
};
pub use layer::{BanExit, BanGuard, BanLayer};
pub use network_list::NetworkList;
pub use policy::{BanPolicy, BanRule, Escalation, Trigger};
pub use record::Ban;
pub use scope::Ipv4Prefix;
pub use service::{Counting, CountingFuture};
pub use subject::BanSubject;
pub use watch::Watch;
