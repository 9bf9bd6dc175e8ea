//! Answers 200 `ok` to every request that the firewall admits: to test it from outside.
//!
//! ```console
//! $ PORT=8080 LEVEL=1 MODE=block cargo run --release --example waf_server --features full
//! listening on http://127.0.0.1:8080
//! ```
//!
//! `LEVEL` is 1 to 3, `MODE` is `block`, `monitor` or `off`. Whatever the firewall refuses is
//! 403, malformed requests included; 413 is a body over 1 MiB.

use axum::Router;
use portcullis::waf::{Ruleset, Waf, WafLayer};
use std::error::Error;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let variable = |name: &str, default: &str| std::env::var(name).unwrap_or(default.to_owned());
    let port: u16 = variable("PORT", "0").parse()?;
    let level: u8 = variable("LEVEL", "1").parse()?;
    let waf = Waf::new(Ruleset::builtin().level(level)?);

    let router = Router::new().fallback(async || "ok");
    let router = match variable("MODE", "block").as_str() {
        "block" => router.layer(WafLayer::new(waf)),
        "monitor" => router.layer(WafLayer::new(waf).monitor_only()),
        "off" => router,
        other => return Err(format!("MODE is {other:?}; use block, monitor or off").into()),
    };

    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}
