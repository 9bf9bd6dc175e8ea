//! Answers 200 `ok` to every request that the firewall admits: to test it from outside.
//!
//! ```console
//! $ PORT=8080 LEVEL=1 MODE=block cargo run --release --example waf_server --features full
//! listening on http://127.0.0.1:8080
//! ```
//!
//! `LEVEL` is 1 to 3, `MODE` is `block`, `monitor` or `off`. Whatever the firewall refuses is
//! 403, malformed requests included; 413 is a body over 1 MiB, 408 one that does not arrive.

use axum::Router;
use bytes::Bytes;
use http::{Response, StatusCode};
use portcullis::guard::render::Standard;
use portcullis::guard::{Rejection, RejectionKind, Render, RequestHead};
use portcullis::waf::{Ruleset, Waf, WafLayer};
use std::error::Error;
use std::process::ExitCode;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("waf_server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let variable = |name: &str, default: &str| std::env::var(name).unwrap_or(default.to_owned());
    let port = number("PORT", &variable("PORT", "0"))?;
    let level = number("LEVEL", &variable("LEVEL", "1"))?;
    let waf = Waf::new(Ruleset::builtin().level(level)?);

    let router = Router::new().fallback(async || "ok");
    let router = match variable("MODE", "block").as_str() {
        "block" => router.layer(WafLayer::new(waf).rendered_by(one_refusal)),
        "monitor" => router.layer(WafLayer::new(waf).monitor_only()),
        "off" => router,
        other => return Err(format!("MODE is {other:?}; use block, monitor or off").into()),
    };

    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

fn number<N: std::str::FromStr>(name: &str, value: &str) -> Result<N, String> {
    let wrong = |_| format!("{name} is {value:?}, and no number that fits");
    value.parse().map_err(wrong)
}

/// A body that breaks off is as much of a refusal here as one that attacks.
fn one_refusal(rejection: &Rejection, request: &RequestHead<'_>) -> Response<Bytes> {
    let mut response = Standard::default().render(rejection, request);
    if rejection.kind() == RejectionKind::Malformed {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
    response
}
