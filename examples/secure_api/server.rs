//! Serves the application with the limits that only a server can set: a client that sends its
//! headers byte by byte, or nothing at all, holds a connection no longer than the timeout.

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use portcullis::net::client_ip::PeerAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tower::ServiceExt;

/// How long a client may take to send a request's headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// The bytes of a request's headers before the server hangs up. `HeaderLimits` answers with
/// a problem document long before.
const HEADER_BUFFER: usize = 256 * 1024;
const MAX_HEADERS: usize = 1000;
/// How long requests in flight may take after the signal to stop.
const GRACE: Duration = Duration::from_secs(10);

pub(crate) async fn serve(listener: TcpListener, app: Router) {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BUFFER)
        .max_headers(MAX_HEADERS);
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEADER_TIMEOUT);

    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => connect(&server, &graceful, &app, stream, peer),
            // Out of file descriptors, most likely: give it time to get better.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    if tokio::time::timeout(GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests did not finish in time");
    }
}

fn connect(
    server: &auto::Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
    app: &Router,
    stream: TcpStream,
    peer: SocketAddr,
) {
    let first_request = Arc::new(Notify::new());
    let asked = Arc::clone(&first_request);
    let app = app
        .clone()
        .map_request(move |request: hyper::Request<hyper::body::Incoming>| {
            asked.notify_one();
            let mut request = request.map(axum::body::Body::new);
            request.extensions_mut().insert(PeerAddr::from(peer));
            request
        });
    let connection = server
        .serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(app))
        .into_owned();
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        tokio::select! {
            ended = connection => if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            },
            () = silence(&first_request) => tracing::debug!("a connection asked for nothing"),
        }
    });
}

/// Ends when no request came in time. The builder begins its own timeouts when it knows the
/// version of HTTP, and waits for that without end.
async fn silence(first_request: &Notify) {
    let first = tokio::time::timeout(HEADER_TIMEOUT, first_request.notified());
    if first.await.is_ok() {
        std::future::pending::<()>().await;
    }
}
