//! Headers and rate limits on a hello route of axum, beside the crates that most services
//! take for them. Both sides find the client's address by the peer of the connection, and
//! neither reaches its quota.

#[path = "../../common/mod.rs"]
mod common;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::get;
use axum_helmet::Helmet;
use common::Race;
use http::Request;
use portcullis::browser::headers::SecurityHeadersLayer;
use portcullis::limit::{Quota, RateLimitLayer};
use portcullis::net::client_ip::ClientIpLayer;
use std::net::SocketAddr;
use tower::ServiceBuilder;
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;
use tower_helmet::HelmetLayer;

/// More requests a second than a bench can send.
const NEVER_REACHED: u32 = 1_000_000_000;

fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

/// The router as `axum::serve` runs it: its routes and layers are put together once, and not
/// again for each request.
fn served(router: Router) -> Router {
    router.with_state(())
}

fn request() -> impl FnMut() -> Request<Body> {
    let mut request = Request::new(());
    let peer = SocketAddr::from(([203, 0, 113, 7], 50_000));
    request.extensions_mut().insert(ConnectInfo(peer));
    move || request.clone().map(|()| Body::empty())
}

macro_rules! governor {
    () => {
        GovernorLayer::new(
            GovernorConfigBuilder::default()
                .per_nanosecond(1)
                .burst_size(NEVER_REACHED)
                .use_headers()
                .finish()
                .expect("a quota above zero"),
        )
    };
}

fn axum_helmet() -> axum_helmet::HelmetLayer {
    Helmet::default()
        .into_layer()
        .expect("the defaults are headers")
}

fn rate_limit() -> RateLimitLayer {
    RateLimitLayer::new(Quota::per_second(NEVER_REACHED).expect("a quota above zero"))
}

fn main() {
    let address = || ClientIpLayer::trusting([]).peer_from::<ConnectInfo<SocketAddr>>();
    let limits = ServiceBuilder::new().layer(address()).layer(rate_limit());
    let both = ServiceBuilder::new()
        .layer(address())
        .layer(SecurityHeadersLayer::recommended())
        .layer(rate_limit());
    let times = Race::new("edge")
        .service("bare", served(hello()), request())
        .service(
            "tower_governor",
            served(hello().layer(governor!())),
            request(),
        )
        .service("our-limit", served(hello().layer(limits)), request())
        .service(
            "axum-helmet",
            served(hello().layer(axum_helmet())),
            request(),
        )
        .service(
            "tower-helmet",
            served(hello().layer(HelmetLayer::with_defaults())),
            request(),
        )
        .service(
            "our-headers",
            served(hello().layer(SecurityHeadersLayer::recommended())),
            request(),
        )
        .service(
            "their-both",
            served(hello().layer(axum_helmet()).layer(governor!())),
            request(),
        )
        .service("our-both", served(hello().layer(both)), request())
        .run();
    for name in [
        "tower_governor",
        "our-limit",
        "axum-helmet",
        "tower-helmet",
        "our-headers",
        "their-both",
        "our-both",
    ] {
        times.added(name, name, "bare");
    }
    times.ratio_of_added(
        "limit-vs-tower_governor",
        "our-limit",
        "tower_governor",
        "bare",
    );
    times.ratio_of_added(
        "headers-vs-axum-helmet",
        "our-headers",
        "axum-helmet",
        "bare",
    );
    times.ratio_of_added(
        "headers-vs-tower-helmet",
        "our-headers",
        "tower-helmet",
        "bare",
    );
    times.ratio_of_added("both-vs-both", "our-both", "their-both", "bare");
}
