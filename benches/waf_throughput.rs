//! How much of axum's throughput is left behind the firewall: ordinary requests of about
//! 1 KiB over real connections, to the same service with and without it, turn by turn.
//!
//! Each server has one thread, and so has the client, which sends what it prepared and reads
//! as little as it can. Prints `ratio waf-throughput with/without VALUE`, the median of all
//! rounds: requests a second with the firewall as a part of those without.
#![allow(clippy::expect_used, reason = "a bench that cannot run has to say so")]

use axum::Router;
use axum::body::Bytes;
use portcullis::waf::{Ruleset, WafLayer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;

/// Connections at the same time, as the reference has them.
const CONNECTIONS: usize = 8;
const ROUND: Duration = Duration::from_secs(1);
/// Odd, so that the median is one of them.
const ROUNDS: usize = 9;

fn main() {
    let router = || Router::new().fallback(async |_body: Bytes| "ok");
    let without = serve(router());
    let with = serve(router().layer(WafLayer::new(Ruleset::builtin())));
    let requests: Arc<[Vec<u8>]> = requests().into();
    let bytes: usize = requests.iter().map(Vec::len).sum();
    println!(
        "{} ordinary requests of {} bytes on average, {CONNECTIONS} connections",
        requests.len(),
        bytes / requests.len()
    );
    let client = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut rates = [Vec::new(), Vec::new()];
    // The first round warms up.
    for round in 0..=ROUNDS {
        for (server, rates) in [without, with].into_iter().zip(&mut rates) {
            let rate = client.block_on(load(server, &requests));
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    let [without, with] = &rates;
    let ratios = with
        .iter()
        .zip(without)
        .map(|(with, without)| with / without);
    let kept = median(ratios.collect());
    println!(
        "waf-throughput/without {:>12.0} requests/s",
        median(without.clone())
    );
    println!(
        "waf-throughput/with {:>15.0} requests/s",
        median(with.clone())
    );
    println!("ratio waf-throughput with/without {kept:.2}");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Serves from a thread of its own, for as long as the process lasts.
fn serve(router: Router) -> SocketAddr {
    let (tell, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let server = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        server.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            tell.send(listener.local_addr().expect("an address"))
                .expect("somebody who waits");
            axum::serve(listener, router).await.expect("a server");
        });
    });
    address.recv().expect("an address")
}

/// Requests a second, over all connections.
async fn load(server: SocketAddr, requests: &Arc<[Vec<u8>]>) -> f64 {
    let start = Instant::now();
    let connections = (0..CONNECTIONS)
        .map(|first| tokio::spawn(keep_asking(server, Arc::clone(requests), first, start)));
    let mut answered = 0;
    for connection in connections.collect::<Vec<_>>() {
        answered += connection.await.expect("a connection that lasts");
    }
    answered as f64 / start.elapsed().as_secs_f64()
}

async fn keep_asking(
    server: SocketAddr,
    requests: Arc<[Vec<u8>]>,
    first: usize,
    start: Instant,
) -> usize {
    let mut stream = TcpStream::connect(server).await.expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    let mut answer = [0; 1024];
    for (answered, request) in requests.iter().cycle().skip(first).enumerate() {
        if start.elapsed() >= ROUND {
            return answered;
        }
        stream
            .write_all(request)
            .await
            .expect("a server that reads");
        let mut read = 0;
        // `ok` is the whole body, and all answers have one.
        while !answer
            .get(..read)
            .unwrap_or_default()
            .ends_with(b"\r\n\r\nok")
        {
            let rest = answer.get_mut(read..).unwrap_or_default();
            let more = stream.read(rest).await.expect("a server that answers");
            let so_far = answer.get(..read + more).unwrap_or_default();
            assert!(more > 0, "answered {:?}", String::from_utf8_lossy(so_far));
            read += more;
        }
        assert!(
            answer.starts_with(b"HTTP/1.1 200"),
            "an ordinary request is refused"
        );
    }
    0
}

fn requests() -> Vec<Vec<u8>> {
    const HEAD: &str = "Host: shop.example.com\r\n\
        User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n\
        Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
        Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
        Accept-Encoding: gzip, deflate, br\r\n\
        Referer: https://shop.example.com/search?q=c%23+vs+java&sort=name\r\n\
        Cookie: _ga=GA1.2.743189473.454483220; theme=dark; session=51527398-9c70-440c-a998-79f4b610354d; consent=%7B%22necessary%22%3Atrue%2C%22ads%22%3Afalse%7D\r\n\
        Authorization: Bearer eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIzYzdkMjE3Zi00YWEyIiwiaWF0IjoxNzE4NDg1OTg3LCJleHAiOjE3MjAwMDAwMDAsInNjb3BlIjoicmVhZCB3cml0ZSJ9.dBjftJeZ4CVPmB92K27uhbUJU1p1rwW1gFWFOEjXk\r\n";
    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json";
    let kinds = [
        (
            "GET",
            "/search?q=l%27union+fait+la+force&sort=name%2Casc&filter%5Bcolor%5D%5B%5D=Gr%C3%BCn&page=2",
            "",
            "",
        ),
        (
            "GET",
            "/api/v1/orders?from=2024-01-01T00%3A00%3A00%2B02%3A00&ids=7017%2C7675%2C2910&fields=id,total,status",
            "",
            "",
        ),
        (
            "POST",
            "/checkout/address",
            FORM,
            "first_name=Siobh%C3%A1n&last_name=O%27Brien&address1=ul.+%C5%9Awi%C4%99tokrzyska+31%2F33&city=Truth+or+Consequences&zip=SW1A+1AA&company=AT%26T&notes=Please+leave+it+with+the+neighbour%2C+and+ring+twice.",
        ),
        (
            "POST",
            "/comments",
            FORM,
            "comment=Our+team+will+run+the+system+test+and+echo+the+results.+We+drop+the+kids+at+school%2C+then+order+by+phone.+I+can%27t+log+in+--+it+says+my+password+is+wrong+or+expired.+Select+a+size%2C+and+where+is+the+table%3F&author=Jos%C3%A9&email=anna%2Bnews%40example.com",
        ),
        (
            "POST",
            "/api/v1/users",
            JSON,
            r#"{"firstName":"René","lastName":"D'Arc","email":"r.darc@example.com","phone":"+44 (0)20 7946 0958","birthDate":"1994-03-17","acceptTerms":true,"bio":"John's & Mary's order: 2 x coffee, 1 x tea. Having said that, the group by the window was louder."}"#,
        ),
        (
            "PUT",
            "/api/v1/items/17",
            JSON,
            r#"{"sku":"A-17/3","title":"Mug, 12 oz; \"large\"","price":{"amount":1299,"currency":"EUR"},"tags":["kitchen","gift & more"],"stock":[{"place":"Köln","count":12},{"place":"Łódź","count":7}],"active":true}"#,
        ),
        (
            "POST",
            "/graphql",
            JSON,
            r#"{"operationName":"UpdateUser","query":"mutation UpdateUser($input: UpdateUserInput!) {\n  updateUser(input: $input) { user { id name email } errors { field message } }\n}","variables":{"input":{"name":"Renée St. John","about":"A+ service, would buy again!!!"}}}"#,
        ),
    ];
    let request = |(method, target, content_type, body): (&str, &str, &str, &str)| {
        let mut text = format!("{method} {target} HTTP/1.1\r\n{HEAD}");
        if !content_type.is_empty() {
            let length = body.len();
            text += &format!("Content-Type: {content_type}\r\nContent-Length: {length}\r\n");
        }
        (text + "\r\n" + body).into_bytes()
    };
    kinds.into_iter().map(request).collect()
}
