//! Serves the application with the limits that only a server can set, for no layer of it hears
//! of a connection before a request comes:
//!
//! - A client that sends its headers byte by byte, or nothing at all, holds a connection no
//!   longer than [`HEADER_TIMEOUT`].
//! - One that asked and then falls silent, and be it that it answers pings, loses it after
//!   [`IDLE_TIMEOUT`], and what it does not read of an answer after [`GRACE`].
//! - One client has [`Connections::per_client`] at once, all together have
//!   [`Connections::in_all`]: further ones wait until others end.
//!
//! Whoever has many networks may hold all connections all the same. What stands in front of a
//! service that many depend on, a load balancer, has more of them and tells them apart sooner.

mod connections;
mod silence;

pub(crate) use connections::Connections;

use axum::Router;
use connections::{Clients, Place};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use portcullis::net::client_ip::PeerAddr;
use silence::{Requests, Silence, UnderWay};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tower::ServiceExt;

/// How long a client may take to send a request's headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is kept with no request under way.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// The bytes of a request's headers before the server hangs up. `HeaderLimits` answers with
/// a problem document long before.
const HEADER_BUFFER: usize = 256 * 1024;
const MAX_HEADERS: usize = 1000;
/// How long the rest may take after the signal to stop, or on a connection that was idle.
const GRACE: Duration = Duration::from_secs(10);

pub(crate) async fn serve(listener: TcpListener, app: Router, limits: Connections) {
    let (stop, stopped) = watch::channel(false);
    let all = Arc::new(Semaphore::new(limits.in_all as usize));
    let (in_all, clients) = (limits.in_all, Clients::new(limits));
    let server = Server {
        http: http(),
        app,
        stopped,
    };
    let accepting = async {
        loop {
            // Whoever connects while there are too many waits in the queue of the system.
            let Ok(permit) = Arc::clone(&all).acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    if let Some(place) = clients.admit(peer.ip()) {
                        server.connect(stream, peer, (permit, place));
                    }
                }
                // Out of file descriptors, most likely: give it time to get better.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    let _nobody_is_connected = stop.send(true);
    // All permits are back when all connections have ended.
    let ended = all.acquire_many(in_all);
    if timeout(GRACE, ended).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
}

fn http() -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BUFFER)
        .max_headers(MAX_HEADERS);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEADER_TIMEOUT);
    http
}

struct Server {
    http: auto::Builder<TokioExecutor>,
    app: Router,
    stopped: watch::Receiver<bool>,
}

impl Server {
    fn connect(&self, stream: TcpStream, peer: SocketAddr, places: (OwnedSemaphorePermit, Place)) {
        let requests = Arc::new(Requests::default());
        let coming = Arc::clone(&requests);
        let app = self
            .app
            .clone()
            .map_request(move |request: hyper::Request<hyper::body::Incoming>| {
                let mut request = request.map(axum::body::Body::new);
                request.extensions_mut().insert(PeerAddr::from(peer));
                request
            })
            .map_future(move |answer| {
                let under_way = UnderWay::begin(&coming);
                async move {
                    let answer = answer.await;
                    drop(under_way);
                    answer
                }
            });
        let connection = self
            .http
            .serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(app))
            .into_owned();
        let mut stopped = self.stopped.clone();
        tokio::spawn(async move {
            let _places = places;
            let mut connection = pin!(connection);
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    return;
                }
                silence = requests.silence() => {
                    tracing::debug!(?silence, "a connection asks for nothing");
                    if matches!(silence, Silence::FromTheBeginning) {
                        return;
                    }
                }
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
            connection.as_mut().graceful_shutdown();
            let _cut_off = timeout(GRACE, connection).await;
        });
    }
}
