//! A plain hyper service behind portcullis layers: no framework.
//!
//! ```console
//! $ cargo run --example hyper_service --features full
//! listening on http://127.0.0.1:3001
//! ```

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use portcullis::browser::cross_origin::CrossOriginLayer;
use portcullis::browser::headers::SecurityHeadersLayer;
use portcullis::limit::{Quota, RateLimitLayer};
use portcullis::net::client_ip::{ClientIp, ClientIpLayer, PeerAddr};
use portcullis::net::request_id::RequestIdLayer;
use std::convert::Infallible;
use std::time::Duration;
use tokio::net::TcpListener;
use tower::{ServiceBuilder, ServiceExt};

async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let client = request.extensions().get::<ClientIp>();
    let client = client.map_or_else(|| "stranger".to_owned(), ToString::to_string);
    let text = format!("hello, {client}\n");
    Ok(Response::new(Full::new(Bytes::from(text))))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let service = ServiceBuilder::new()
        .layer(RequestIdLayer::new())
        .layer(ClientIpLayer::default())
        .layer(SecurityHeadersLayer::api())
        .layer(RateLimitLayer::new(Quota::per_minute(100)?))
        .layer(CrossOriginLayer::new())
        .service_fn(hello);

    let port = std::env::var("PORT")
        .ok()
        .and_then(|port| port.parse().ok());
    let listener = TcpListener::bind(("127.0.0.1", port.unwrap_or(3001))).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        let service = service
            .clone()
            .map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(PeerAddr::from(peer));
                request
            });
        tokio::spawn(async move {
            let mut server = auto::Builder::new(TokioExecutor::new());
            let timeout = Duration::from_secs(10);
            server
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(timeout);
            let service = TowerToHyperService::new(service);
            // An error here is a client that went away.
            let _ended = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
