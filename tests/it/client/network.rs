//! Real connections, on the loopback.

use super::*;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use portcullis::net::address::AddressPolicy;
use portcullis::net::client::{Resolve, ResolveFuture};
use std::convert::Infallible;
use std::error::Error;
use std::future::{pending, ready};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tower::service_fn;

/// A server that counts who connects.
struct Server {
    port: u16,
    connections: Arc<AtomicUsize>,
    task: AbortHandle,
}

impl Server {
    async fn start<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream));
            }
        });
        let task = task.abort_handle();
        Self {
            port,
            connections,
            task,
        }
    }

    /// One that says hello.
    async fn hello() -> Self {
        Self::start(|stream| hello(TokioIo::new(stream))).await
    }

    /// One that sends these bytes, whatever comes.
    async fn saying(bytes: &'static [u8]) -> Self {
        Self::start(move |mut stream: TcpStream| async move {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(bytes).await;
            let _ = stream.shutdown().await;
        })
        .await
    }

    fn url(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}/", self.port)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn hello<S>(stream: TokioIo<S>)
where
    TokioIo<S>: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    let hello = hyper::service::service_fn(async |_: Request<hyper::body::Incoming>| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello"))))
    });
    let _ = http1::Builder::new().serve_connection(stream, hello).await;
}

/// Knows one answer after the other, and the last for ever.
#[derive(Debug)]
struct Script {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Script {
    fn of(answers: &[&[&str]]) -> Self {
        let addresses = |answer: &&[&str]| answer.iter().map(|it| it.parse().unwrap()).collect();
        Self {
            answers: answers.iter().map(addresses).collect(),
            asked: AtomicUsize::new(0),
        }
    }
}

impl Resolve for Script {
    fn resolve(&self, _host: &str) -> ResolveFuture {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers[asked.min(self.answers.len() - 1)].clone();
        Box::pin(ready(Ok(answer)))
    }
}

fn local() -> ClientBuilder {
    plain().addresses(AddressPolicy::public().allow_loopback())
}

#[tokio::test]
async fn this_machine_is_called_when_that_is_allowed() {
    let server = Server::hello().await;
    let client = local().build().unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let response = client.get(&server.url("http", host)).await.unwrap();
        assert_eq!(response.body(), "hello", "{host}");
    }
    let before = server.connections();
    client.get(&server.url("http", "127.0.0.1")).await.unwrap();
    assert_eq!(server.connections(), before, "connections are kept");
}

#[tokio::test]
async fn addresses_that_may_not_be_called_see_no_connection() {
    let server = Server::hello().await;
    let forbidden = Some(ClientErrorKind::ForbiddenAddress);
    let client = plain().insecure_plain_http().build().unwrap();
    // Spellings that only the operating system takes for an address are among them.
    for host in [
        "127.0.0.1",
        "localhost",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[::]",
        "0.0.0.0",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "10.0.0.1",
        "[fe80::1]",
        "[fd00:ec2::254]",
    ] {
        let outcome = kind(client.get(&server.url("http", host)).await);
        assert_eq!(outcome, forbidden, "{host}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_is_judged_by_what_it_resolves_to_each_time() {
    let server = Server::hello().await;
    let forbidden = Some(ClientErrorKind::ForbiddenAddress);
    let url = server.url("http", "rebinding.example");
    let build = |answers: &[&[&str]], policy: AddressPolicy| {
        let resolver = Script::of(answers);
        plain()
            .insecure_plain_http()
            .addresses(policy)
            .resolver(resolver)
            .build()
            .unwrap()
    };
    let exact = || AddressPolicy::public().allow("127.0.0.1/32".parse().unwrap());

    // Private from the start.
    let client = build(&[&["127.0.0.1"]], AddressPolicy::public());
    assert_eq!(kind(client.get(&url).await), forbidden);
    // Another private one beside: passed over.
    let client = build(&[&["10.0.0.1", "::1", "127.0.0.1"]], exact());
    assert_eq!(client.get(&url).await.unwrap().body(), "hello");
    assert_eq!(server.connections(), 1);
    // First one that is allowed, then one that is not. The server closes what is not used.
    let closing = Server::saying(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await;
    let url = closing.url("http", "rebinding.example");
    let client = build(&[&["127.0.0.1"], &["127.0.0.2"]], exact());
    assert_eq!(client.get(&url).await.unwrap().status(), 200);
    assert_eq!(kind(client.get(&url).await), forbidden);
    // No address at all.
    let client = build(&[&[]], AddressPolicy::public());
    assert_eq!(
        kind(client.get(&url).await),
        Some(ClientErrorKind::Unresolved)
    );
}

#[tokio::test]
async fn who_calls_itself_localhost_has_to_be_it() {
    let resolver = Script::of(&[&["203.0.112.1"]]);
    let client = plain().resolver(resolver).build().unwrap();
    let outcome = client.get("http://localhost:1/").await;
    assert_eq!(kind(outcome), Some(ClientErrorKind::PlainHttp));
}

#[derive(Debug)]
struct Silent;

impl Resolve for Silent {
    fn resolve(&self, _host: &str) -> ResolveFuture {
        Box::pin(pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_has_a_deadline_of_its_own() {
    let client = plain().resolver(Silent).connect_timeout(seconds(2));
    let client = client.build().unwrap();
    let start = Instant::now();
    let outcome = kind(client.get("https://id.example.com/").await);
    assert_eq!(outcome, Some(ClientErrorKind::ConnectTimeout));
    assert_eq!(start.elapsed().as_secs(), 2);
}

#[derive(Debug)]
struct Unknown(Arc<AtomicUsize>);

impl Resolve for Unknown {
    fn resolve(&self, _host: &str) -> ResolveFuture {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(ready(Err(io::ErrorKind::NotFound.into())))
    }
}

#[tokio::test(start_paused = true)]
async fn what_never_reached_the_service_is_tried_again() {
    let asked = Arc::new(AtomicUsize::new(0));
    let client = plain().resolver(Unknown(Arc::clone(&asked)));
    let client = client.retry(RetryPolicy::default()).build().unwrap();
    let request = Request::post(URL).body(Bytes::new()).unwrap();
    let outcome = kind(client.send(request).await);
    assert_eq!(outcome, Some(ClientErrorKind::Unresolved));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn nobody_there_is_told_as_that() {
    let port = {
        let server = Server::hello().await;
        server.task.abort();
        server.port
    };
    tokio::task::yield_now().await;
    let client = local().build().unwrap();
    let error = client
        .get(&format!("http://127.0.0.1:{port}/secret?a=b"))
        .await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ClientErrorKind::Unreachable);
    assert_eq!(
        error.to_string(),
        format!("no connection could be opened: http://127.0.0.1:{port}")
    );
    assert!(error.source().is_some());
}

#[tokio::test]
async fn answers_that_are_no_http() {
    const BIG: usize = 70 * 1024;
    let mut head = b"HTTP/1.1 200 OK\r\nx: ".to_vec();
    head.resize(BIG, b'x');
    let head: &'static [u8] = head.leak();
    for (name, answer) in [
        ("nothing", &b""[..]),
        ("noise", b"\x16\x03\x01\x02\x00"),
        ("half a head", b"HTTP/1.1 200 OK\r\ncontent-le"),
        (
            "half a body",
            b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhal",
        ),
        (
            "two lengths",
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        ),
        ("a head without end", head),
    ] {
        let server = Server::saying(answer).await;
        let client = local().build().unwrap();
        let outcome = kind(client.get(&server.url("http", "127.0.0.1")).await);
        assert_eq!(outcome, Some(ClientErrorKind::Broken), "{name}");
    }
    let announced = Server::saying(b"HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n").await;
    let client = local().build().unwrap();
    let outcome = kind(client.get(&announced.url("http", "127.0.0.1")).await);
    assert_eq!(outcome, Some(ClientErrorKind::TooLarge));
}

#[tokio::test]
async fn layers_go_around_the_transport() {
    let server = Server::hello().await;
    let builder = local();
    let transport = builder.transport().unwrap();
    let signing = service_fn(move |mut request: Request<Full<Bytes>>| {
        request
            .headers_mut()
            .insert("x-signature", "1".parse().unwrap());
        let mut transport = transport.clone();
        async move { tower::Service::call(&mut transport, request).await }
    });
    let client = builder.build_over(signing).unwrap();
    let response = client.get(&server.url("http", "127.0.0.1")).await;
    assert_eq!(response.unwrap().body(), "hello");
    // What the transport says goes through.
    let outcome = client.get("https://10.0.0.1/").await;
    assert_eq!(kind(outcome), Some(ClientErrorKind::ForbiddenAddress));
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn a_server_has_to_prove_who_it_is() {
    use crate::support::redis::Certificates;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_rustls::TlsAcceptor;

    let certificates = Certificates::new();
    let [certificate, key] = certificates.server();
    let chain = CertificateDer::pem_slice_iter(&certificate).map(Result::unwrap);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            chain.collect(),
            PrivateKeyDer::from_pem_slice(&key).unwrap(),
        );
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    let server = Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                hello(TokioIo::new(stream)).await;
            }
        }
    })
    .await;

    let trusting = |pem: Vec<u8>| local().trusted_certificates(pem);
    let client = trusting(certificates.authority()).build().unwrap();
    for host in ["localhost", "127.0.0.1"] {
        let response = client.get(&server.url("https", host)).await.unwrap();
        assert_eq!(response.body(), "hello", "{host}");
    }
    let refused = Some(ClientErrorKind::Tls);
    let outcome = async |builder: ClientBuilder, host: &str| {
        let client = builder.build().unwrap();
        kind(client.get(&server.url("https", host)).await)
    };
    // Another's name, though the address is right.
    let resolver = Script::of(&[&["127.0.0.1"]]);
    let other = trusting(certificates.authority()).resolver(resolver);
    assert_eq!(outcome(other, "bank.example").await, refused);
    // Nobody we know vouches for it.
    let stranger = trusting(Certificates::new().authority());
    assert_eq!(outcome(stranger, "localhost").await, refused);
    // No TLS at all is no way round.
    let plain = Server::hello().await;
    let outcome = client.get(&plain.url("https", "localhost")).await;
    assert_eq!(kind(outcome), refused);
}
