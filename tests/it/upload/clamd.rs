//! A stand-in for clamd on loopback that reads the protocol as the daemon does.

use portcullis::clock::FakeClock;
use portcullis::input::upload::{Clamd, ClamdError, ScanVerdict};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The test file of EICAR, in two halves, so that no scanner takes this for it.
const EICAR: [&str; 2] = [
    "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-",
    "ANTIVIRUS-TEST-FILE!$H+H*",
];
const STREAM_MAX_LENGTH: usize = 100_000;

async fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut command = [0; 10];
    stream.read_exact(&mut command).await?;
    if command != *b"zINSTREAM\0" {
        return stream.write_all(b"UNKNOWN COMMAND\0").await;
    }
    let mut content = Vec::new();
    loop {
        let length = stream.read_u32().await? as usize;
        if length == 0 {
            break;
        }
        if content.len() + length > STREAM_MAX_LENGTH {
            // The daemon answers and hangs up.
            return stream
                .write_all(b"INSTREAM size limit exceeded. ERROR\0")
                .await;
        }
        let from = content.len();
        content.resize(from + length, 0);
        stream.read_exact(&mut content[from..]).await?;
    }
    let eicar = EICAR.concat();
    let is_found = content
        .windows(eicar.len())
        .any(|window| window == eicar.as_bytes());
    let answer: &[u8] = match is_found {
        true => b"stream: Eicar-Test-Signature FOUND\0",
        false => b"stream: OK\0",
    };
    stream.write_all(answer).await
}

/// Starts the stand-in; counts its connections.
pub(super) async fn start() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream));
        }
    });
    (address, connections)
}

#[tokio::test]
async fn it_finds_and_does_not_find() {
    let (address, _) = start().await;
    let clamd = Clamd::tcp(address);
    assert_eq!(clamd.scan(b"hello").await.unwrap(), ScanVerdict::Clean);
    assert_eq!(clamd.scan(b"").await.unwrap(), ScanVerdict::Clean);
    let found = ScanVerdict::Found("Eicar-Test-Signature".to_owned());
    assert_eq!(clamd.scan(EICAR.concat().as_bytes()).await.unwrap(), found);
    // In pieces.
    let mut scan = clamd.begin();
    for half in EICAR {
        scan.push(half.as_bytes()).await;
    }
    assert_eq!(scan.finish().await.unwrap(), found);
}

#[tokio::test]
async fn a_file_that_is_too_large_for_it_has_no_verdict() {
    let (address, _) = start().await;
    let result = Clamd::tcp(address)
        .scan(&vec![0; STREAM_MAX_LENGTH + 1])
        .await;
    // Its answer may be lost when it hangs up on what is still being sent.
    assert!(
        matches!(result, Err(ClamdError::TooLarge | ClamdError::Io(_))),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_daemon_that_fails_is_left_alone_for_a_while() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let clock = FakeClock::at_unix_seconds(0);
    let clamd = Clamd::tcp(address).clock(clock.clock());
    for _ in 0..5 {
        assert!(matches!(clamd.scan(b"x").await, Err(ClamdError::Io(_))));
    }
    assert!(matches!(clamd.scan(b"x").await, Err(ClamdError::Resting)));
    clock.advance(Duration::from_secs(30));
    assert!(matches!(clamd.scan(b"x").await, Err(ClamdError::Io(_))));
}

#[tokio::test]
async fn a_daemon_that_is_silent_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let clamd = Clamd::tcp(address).deadline(Duration::from_millis(50));
    assert!(matches!(clamd.scan(b"x").await, Err(ClamdError::Timeout)));
    drop(listener);
}

/// Lets this much time pass between two pieces of a file.
async fn later(wait: Duration) {
    tokio::time::pause();
    tokio::time::advance(wait).await;
    tokio::time::resume();
}

#[tokio::test]
async fn senders_that_are_slow_use_up_no_deadline() {
    let (address, _) = start().await;
    let clamd = Clamd::tcp(address);
    for _ in 0..6 {
        let mut scan = clamd.begin();
        scan.push(b"hel").await;
        later(Duration::from_secs(60)).await;
        scan.push(b"lo").await;
        assert_eq!(scan.finish().await.unwrap(), ScanVerdict::Clean);
    }
}

#[tokio::test]
async fn a_daemon_that_hangs_up_on_slow_senders_is_asked_by_others() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let clamd = Clamd::tcp(address);
    for _ in 0..6 {
        let mut scan = clamd.begin();
        scan.push(b"hel").await;
        later(Duration::from_secs(150)).await;
        assert!(matches!(scan.finish().await, Err(ClamdError::Io(_))));
    }
    for _ in 0..5 {
        assert!(matches!(clamd.scan(b"x").await, Err(ClamdError::Io(_))));
    }
    assert!(matches!(clamd.scan(b"x").await, Err(ClamdError::Resting)));
}

mod uploads {
    use super::super::multipart::{body, file, request, upload};
    use super::{EICAR, start};
    use axum::Router;
    use axum::routing::post;
    use portcullis::guard::Rejection;
    use portcullis::input::upload::{Clamd, FileType, UploadLayer, UploadPolicy};
    use tower::ServiceExt;

    async fn send(clamd: Clamd, content: &str) -> (u16, String) {
        let layer = UploadLayer::new(UploadPolicy::new([FileType::Text])).scanned_by(clamd);
        let app: Router = Router::new().route("/", post(upload)).layer(layer);
        let request = request(body(&[file("a.txt", content.as_bytes())]));
        let response = app.oneshot(request).await.unwrap();
        let rejection = response.extensions().get::<Rejection>();
        let code = rejection.map(|rejection| rejection.code().to_owned());
        (response.status().as_u16(), code.unwrap_or_default())
    }

    #[tokio::test]
    async fn are_scanned_and_fail_closed() {
        let (address, connections) = start().await;
        let clamd = Clamd::tcp(address);
        assert_eq!(send(clamd.clone(), "hello").await.0, 200);
        let malware = send(clamd, &EICAR.concat()).await;
        assert_eq!(malware, (422, "upload_malware".to_owned()));
        assert_eq!(connections.load(std::sync::atomic::Ordering::SeqCst), 2);

        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let gone = listener.local_addr().unwrap();
        drop(listener);
        let refused = send(Clamd::tcp(gone), "hello").await;
        assert_eq!(refused, (503, "upload_scanner_unavailable".to_owned()));
        let accepted = send(Clamd::tcp(gone).insecure_accept_unscanned(), "hello").await;
        assert_eq!(accepted.0, 200);
    }
}
