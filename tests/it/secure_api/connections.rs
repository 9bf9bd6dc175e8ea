//! What clients may do with connections, of which no layer hears.

use super::Service;
use super::server::{self, Connections};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

async fn serve(limits: Connections) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Service::new().await.0;
    (address, tokio::spawn(server::serve(listener, app, limits)))
}

/// Whether a new connection is answered: `None` when it is closed, or nothing comes.
async fn ask(address: SocketAddr) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    ask_again(&mut stream).await.then_some(stream)
}

async fn ask_again(stream: &mut TcpStream) -> bool {
    let request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    if stream.write_all(request).await.is_err() {
        return false;
    }
    let mut answer = [0; 4096];
    let read = timeout(Duration::from_millis(500), stream.read(&mut answer)).await;
    matches!(read, Ok(Ok(1..)))
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_nothing_is_hung_up_on() {
    let (address, server) = serve(Connections::default()).await;
    for start in ["", "G", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\nHo"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let read = timeout(Duration::from_secs(60), stream.read(&mut [0; 8])).await;
        assert!(
            matches!(read, Ok(Ok(0) | Err(_))),
            "{start:?} keeps a connection: {read:?}"
        );
    }
    server.abort();
}

/// The head of the next frame of HTTP/2, and what is in it; `None` at the end.
async fn frame(stream: &mut TcpStream) -> Option<([u8; 9], Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload).await.ok()?;
    Some((head, payload))
}

#[tokio::test(start_paused = true)]
async fn pings_alone_keep_no_connection() {
    const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    /// GET, http, / (RFC 7541, appendix A), of stream 1, which ends with it.
    const HEADERS: &[u8] = &[0, 0, 3, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x84];
    const PING: u8 = 6;
    let (address, server) = serve(Connections::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let hello = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", SETTINGS, HEADERS].concat();
    stream.write_all(&hello).await.unwrap();
    let (mut answers, mut pings) = (0, 0);
    let ends = timeout(Duration::from_secs(600), async {
        while let Some((head, payload)) = frame(&mut stream).await {
            answers += usize::from(head[3] == 1);
            if head[3] == PING && head[4] == 0 {
                pings += 1;
                let answer = [&[0, 0, 8, PING, 1, 0, 0, 0, 0], &payload[..]].concat();
                if stream.write_all(&answer).await.is_err() {
                    break;
                }
            }
        }
    });
    assert!(ends.await.is_ok(), "kept by {pings} pings");
    assert_eq!(answers, 1, "it was answered before");
    assert!(pings >= 3, "not cut off for missing ones: {pings}");
    server.abort();
}

#[tokio::test]
async fn one_client_has_so_many_connections_and_no_more() {
    let limits = Connections {
        per_client: 3,
        ..Connections::default()
    };
    let (address, server) = serve(limits).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(ask(address).await.expect("one of three"));
    }
    assert!(ask(address).await.is_none(), "the fourth");
    assert!(ask_again(&mut open[0]).await, "the others are kept");
    drop(open.pop());
    // The server hears of it soon, if not at once.
    let mut admitted = None;
    for _ in 0..100 {
        admitted = ask(address).await;
        if admitted.is_some() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(admitted.is_some(), "after one has gone");
    server.abort();
}

#[tokio::test]
async fn a_proxy_has_as_many_as_there_are() {
    let limits = Connections {
        per_client: 1,
        in_all: 3,
        proxies: vec!["127.0.0.0/8".parse().unwrap()],
    };
    let (address, server) = serve(limits).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(ask(address).await.expect("one of three"));
    }
    // One more waits until another ends.
    let mut waiting = TcpStream::connect(address).await.unwrap();
    assert!(!ask_again(&mut waiting).await, "the fourth");
    drop(open.pop());
    let read = timeout(Duration::from_secs(10), waiting.read(&mut [0; 64])).await;
    assert!(matches!(read, Ok(Ok(1..))), "{read:?}");
    server.abort();
}
