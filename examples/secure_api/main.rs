//! A service to start from: an axum API with accounts and second factors, sessions and tokens,
//! roles and policies, notes and uploads kept encrypted, a page, rate limits, bans, a firewall
//! and a log of security events. Everything is kept in memory, unless told otherwise.
//!
//! To read it, begin with `service/mod.rs`, which puts the layers and routes together, and
//! `service/state.rs`, which puts the controls together; each file beside them is one matter.
//!
//! ```console
//! $ cargo run --example secure_api --features full
//! listening on http://127.0.0.1:3000
//! ```
//!
//! With `DATABASE` it needs keys that outlive it:
//!
//! ```console
//! $ export PORTCULLIS_KEYS=$(cargo run --example secure_api --features full -- new-keys)
//! $ DATABASE=service.db cargo run --example secure_api --features full
//! ```
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `PORT` | the port on 127.0.0.1 to listen on; 0 takes a free one | 3000 |
//! | `ADMIN_EMAIL` | who becomes an administrator at registration | `admin@example.com` |
//! | `STAFF` | departments by address: `ann@example.com=sales,bob@example.com=sales:manager` | nobody is of any |
//! | `POLICIES` | the folder of the policies about documents | `examples/policies` |
//! | `RATE_LIMIT` | requests a minute for each client | 100 |
//! | `STORE` | where sessions are kept: `memory`, or `redis://host:port` for several processes | `memory` |
//! | `ANONYMOUS_STORE` | where limits, bans and failed logins are kept, which strangers can make many of: `memory`, or a Redis that is not that of the sessions | where `STORE` is `memory`, a memory of its own; else `STORE`, with a warning |
//! | `DATABASE` | where accounts and notes are kept: a file of SQLite | in memory |
//! | `JWT_KEY` | what signs the tokens: a private JWK, an Ed25519 key in PEM, or a secret of at least 32 bytes | a new key at each start |
//! | `PORTCULLIS_KEYS` | what encrypts notes and national ids: a keyring, as `new-keys` prints them | new keys at each start; needed with `DATABASE` |
//! | `WEBHOOK_SECRET_STRIPE`, `_GITHUB`, `_SLACK`, `_STANDARD_WEBHOOKS` | the secret of the webhooks of this scheme | none are taken |
//! | `MAIL_DIR` | a folder for the mails; without it they are printed | none |
//! | `BAN_AFTER` | how many offenses within ten minutes get a client banned | 100 |
//! | `TRUSTED_PROXIES` | proxies believed in `X-Forwarded-For`: CIDRs with commas between | none |
//! | `OIDC_ISSUER`, `OIDC_CLIENT_ID`, `OIDC_CLIENT_SECRET` | an OpenID provider to log in with; there, the redirect URI is `http://127.0.0.1:PORT/auth/oidc/callback`, after logout `http://127.0.0.1:PORT/`, for back-channel logout `http://127.0.0.1:PORT/auth/oidc/backchannel` | none |
//! | `RUST_LOG` | what is logged, as `tracing-subscriber` reads it | `warn,portcullis=info` |

mod server;
mod service;

use ipnet::IpNet;
use portcullis::crypto::keyring::Keyring;
use server::Connections;
use service::{Config, Stores};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("secure_api: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("new-keys") => {
            print!("{}", Keyring::generate().to_text().expose());
            return Ok(());
        }
        Some(other) => return Err(format!("{other:?} is neither nothing nor new-keys").into()),
    }
    let filter = EnvFilter::try_from_default_env()
        .or_else(|_| EnvFilter::try_new("warn,portcullis=info"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();

    let mut config = Config::from_env(|name| std::env::var(name).ok())?;
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, config.port))).await?;
    // A free port is known only now, and a provider sends browsers back to it.
    config.port = listener.local_addr()?.port();
    let stores = Stores::open(&config).await?;
    let app = service::app(&config, stores)?;
    welcome(listener.local_addr()?, &config);
    // Whoever connects to this address is a proxy of this machine, or you.
    let this_machine = IpNet::from(IpAddr::from(Ipv4Addr::LOCALHOST));
    let limits = Connections {
        proxies: [config.trusted_proxies, vec![this_machine]].concat(),
        ..Connections::default()
    };
    server::serve(listener, app, limits).await;
    Ok(())
}

fn welcome(address: SocketAddr, config: &Config) {
    let admin = &config.admin_email;
    println!("listening on http://{address}");
    println!(
        r#"
try:
  curl -i http://{address}/health
  curl -i http://{address}/register --json '{{"email":"ann@example.com","password":"nine purple lanterns drift","name":"Ann"}}'
  curl -s http://{address}/login    --json '{{"email":"ann@example.com","password":"nine purple lanterns drift"}}'
  curl -i http://{address}/me -H "Authorization: Bearer $TOKEN"
  curl -i http://{address}/admin/users -H "Authorization: Bearer $TOKEN"   # 403, unless you registered as {admin}
  curl -i http://{address}/login -H 'Origin: https://evil.example' --json '{{}}'   # 403: cross-origin
"#
    );
}
