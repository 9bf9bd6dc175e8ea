//! What judging a request costs: ordinary requests of about 1 KiB beside libinjectionrs and a
//! set of 150 simple patterns over the same bytes, and bodies made to hurt, at two sizes.
#![allow(clippy::expect_used, reason = "a bench that cannot run has to say so")]

mod common;

use common::Race;
use portcullis::waf::{RawRequest, Ruleset, Waf, WafLayer};
use regex::bytes::RegexSet;
use std::convert::Infallible;
use std::hint::black_box;
use std::time::Instant;
use tower_layer::Layer;

fn main() {
    // `cargo bench --bench waf -- tags` times one kind of awkward body alone.
    let only = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let waf = Waf::new(Ruleset::builtin());
    if only.is_none() {
        ordinary(&waf);
        layer(&waf);
    }
    awkward(&waf, only.as_deref());
}

const AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
const COOKIES: &str = "_ga=GA1.2.743189473.454483220; theme=dark; session=51527398-9c70-440c-a998-79f4b610354d; consent=%7B%22necessary%22%3Atrue%2C%22ads%22%3Afalse%7D";
const BEARER: &str = "Bearer eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIzYzdkMjE3Zi00YWEyIiwiaWF0IjoxNzE4NDg1OTg3LCJleHAiOjE3MjAwMDAwMDAsInNjb3BlIjoicmVhZCB3cml0ZSJ9.dBjftJeZ4CVPmB92K27uhbUJU1p1rwW1gFWFOEjXk";

/// A request as plain data.
struct Sample {
    method: &'static str,
    target: &'static str,
    content_type: &'static str,
    body: String,
}

impl Sample {
    fn request(&self) -> RawRequest<'_> {
        let request = RawRequest::new(self.method, self.target)
            .header("host", "shop.example.com")
            .header("user-agent", AGENT)
            .header(
                "accept",
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            )
            .header("accept-language", "en-GB,en;q=0.9,de;q=0.8")
            .header("accept-encoding", "gzip, deflate, br")
            .header(
                "referer",
                "https://shop.example.com/search?q=c%23+vs+java&sort=name",
            )
            .header("cookie", COOKIES)
            .header("authorization", BEARER);
        if self.content_type.is_empty() {
            return request;
        }
        request
            .header("content-type", self.content_type)
            .body(&self.body)
    }

    /// All that a firewall has to look at, in one piece.
    fn blob(&self) -> Vec<u8> {
        format!("{} {AGENT} {COOKIES} {BEARER} {}", self.target, self.body).into_bytes()
    }
}

fn samples() -> Vec<Sample> {
    let sample = |method, target, content_type, body: &str| Sample {
        method,
        target,
        content_type,
        body: body.to_owned(),
    };
    let json = "application/json";
    vec![
        sample(
            "GET",
            "/search?q=l%27union+fait+la+force&sort=name%2Casc&filter%5Bcolor%5D%5B%5D=Gr%C3%BCn&page=2",
            "",
            "",
        ),
        sample(
            "GET",
            "/api/v1/orders?from=2024-01-01T00%3A00%3A00%2B02%3A00&ids=7017%2C7675%2C2910&fields=id,total,status",
            "",
            "",
        ),
        sample(
            "POST",
            "/checkout/address",
            "application/x-www-form-urlencoded",
            "first_name=Siobh%C3%A1n&last_name=O%27Brien&address1=ul.+%C5%9Awi%C4%99tokrzyska+31%2F33&city=Truth+or+Consequences&zip=SW1A+1AA&company=AT%26T&notes=Please+leave+it+with+the+neighbour%2C+and+ring+twice.&gift_message=Happy+birthday%21%21%21+%3C3",
        ),
        sample(
            "POST",
            "/api/v1/users",
            json,
            r#"{"firstName":"René","lastName":"D'Arc","email":"r.darc@example.com","phone":"+44 (0)20 7946 0958","birthDate":"1994-03-17","acceptTerms":true,"bio":"John's & Mary's order: 2 x coffee, 1 x tea. Having said that, the group by the window was louder."}"#,
        ),
        sample(
            "POST",
            "/api/v1/events/batch",
            json,
            r##"{"events":[{"type":"click","ts":72878669775,"props":{"url":"https://www.example.com/p?id=17&ref=home","selector":"div#main > ul.list li:nth-child(2) a[href]","label":"Union Jack Flag","ms":86.1}},{"type":"error","ts":72878669999,"props":{"message":"Cannot read properties of undefined (reading 'length')","stack":"at render (app.js:17:3)"}}]}"##,
        ),
        sample(
            "POST",
            "/graphql",
            json,
            r#"{"operationName":"UpdateUser","query":"mutation UpdateUser($input: UpdateUserInput!) {\n  updateUser(input: $input) { user { id name email } errors { field message } }\n}","variables":{"input":{"name":"Renée St. John","about":"A+ service, would buy again!!!"}}}"#,
        ),
        sample(
            "POST",
            "/upload",
            "multipart/form-data; boundary=----WebKitFormBoundary38ED3FA95e",
            "------WebKitFormBoundary38ED3FA95e\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nIt's a photo; really\r\n------WebKitFormBoundary38ED3FA95e\r\nContent-Disposition: form-data; name=\"file\"; filename=\"it's me.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n\u{FFFD}JFIF 0123456789\r\n------WebKitFormBoundary38ED3FA95e--\r\n",
        ),
        sample(
            "POST",
            "/comments",
            "application/x-www-form-urlencoded",
            "comment=Our+team+will+run+the+system+test+and+echo+the+results.+We+drop+the+kids+at+school%2C+then+order+by+phone.+I+can%27t+log+in+--+it+says+my+password+is+wrong+or+expired.+Select+a+size%2C+and+where+is+the+table%3F&author=Jos%C3%A9&email=anna%2Bnews%40example.com&url=https%3A%2F%2Fblog.example.org%2F%7Eanna%2F",
        ),
    ]
}

/// 150 patterns of the simple kind: a word, a bit of syntax.
fn patterns() -> RegexSet {
    let words = [
        "select",
        "insert",
        "update",
        "delete",
        "union",
        "script",
        "alert",
        "onload",
        "onerror",
        "passwd",
        "shadow",
        "system",
        "exec",
        "eval",
        "passthru",
        "wget",
        "curl",
        "bash",
        "cmd",
        "powershell",
        "runtime",
        "jndi",
        "ldap",
        "proto",
        "constructor",
        "require",
        "include",
        "document",
        "cookie",
        "benchmark",
    ];
    let forms = [
        r"\bW\b\s*\(",
        r"\bW\b\s+\w+",
        r"<W[\s>]",
        r"[;|&]\s*W\b",
        r"'\s*W\b",
    ];
    let patterns = forms.iter().flat_map(|form| {
        words
            .iter()
            .map(move |word| format!("(?i-u){}", form.replace('W', word)))
    });
    RegexSet::new(patterns).expect("patterns")
}

fn ordinary(waf: &Waf) {
    let samples = samples();
    let blobs: Vec<_> = samples.iter().map(Sample::blob).collect();
    for sample in &samples {
        let report = waf.explain(&sample.request());
        assert!(
            !report.is_hostile(),
            "{} is ordinary: {report:?}",
            sample.target
        );
    }
    let bytes: usize = blobs.iter().map(Vec::len).sum();
    println!(
        "an operation is {} requests of {} bytes on average",
        samples.len(),
        bytes / samples.len()
    );
    let set = patterns();
    let times = Race::new("ordinary")
        .operation("portcullis", || {
            samples
                .iter()
                .filter(|sample| waf.judge(&sample.request()).is_hostile())
                .count()
        })
        .operation("libinjectionrs", || {
            let found = |blob: &&Vec<u8>| {
                libinjectionrs::detect_sqli(blob).is_injection()
                    || libinjectionrs::detect_xss(blob).is_injection()
            };
            blobs.iter().filter(found).count()
        })
        .operation("regex-set-150", || {
            blobs
                .iter()
                .map(|blob| set.matches(blob).iter().count())
                .sum::<usize>()
        })
        .run();
    println!(
        "time request {:.2} us",
        times.nanos("portcullis") / 1000.0 / samples.len() as f64
    );
    times.ratio("waf-libinjectionrs", "portcullis", "libinjectionrs");
    times.ratio("waf-regex-set", "portcullis", "regex-set-150");
}

/// What the layer adds to a service that does nothing.
fn layer(waf: &Waf) {
    type Request = http::Request<http_body_util::Full<bytes::Bytes>>;
    let request = || -> Request {
        let samples = samples();
        let sample = samples.into_iter().nth(3).expect("a sample");
        http::Request::post(sample.target)
            .header("host", "shop.example.com")
            .header("user-agent", AGENT)
            .header("cookie", COOKIES)
            .header("content-type", sample.content_type)
            .body(sample.body.into())
            .expect("a request")
    };
    let prepared = request();
    let again = || {
        let mut request = http::Request::new(prepared.body().clone());
        *request.uri_mut() = prepared.uri().clone();
        *request.method_mut() = prepared.method().clone();
        *request.headers_mut() = prepared.headers().clone();
        request
    };
    let times = Race::new("layer")
        .service(
            "bare",
            tower::service_fn(async |_: Request| {
                Ok::<_, Infallible>(http::Response::new(
                    http_body_util::Full::<bytes::Bytes>::default(),
                ))
            }),
            again,
        )
        .service(
            "waf",
            WafLayer::new(waf.clone()).layer(tower::service_fn(async |_| {
                Ok::<_, Infallible>(http::Response::new(
                    http_body_util::Full::<bytes::Bytes>::default(),
                ))
            })),
            again,
        )
        .run();
    times.added("waf-layer", "waf", "bare");
}

/// Bodies of one field, made to hurt.
fn awkward(waf: &Waf, only: Option<&str>) {
    let base64_layers = |size: usize| {
        use base64::Engine;
        let mut text = "some text that is no attack at all. ".repeat(size / 36 / 3);
        while text.len() * 4 / 3 < size {
            text = base64::engine::general_purpose::STANDARD_NO_PAD.encode(text);
        }
        text
    };
    let repeated = |unit: &'static str| move |size: usize| unit.repeat(size / unit.len());
    type Make<'a> = Box<dyn Fn(usize) -> String + 'a>;
    let form = "application/x-www-form-urlencoded";
    let json = "application/json";
    let kinds: Vec<(&'static str, &str, Make<'_>)> = vec![
        ("tabs", form, Box::new(repeated("\t"))),
        ("quotes", form, Box::new(repeated("'\""))),
        ("angles", form, Box::new(repeated("<"))),
        ("tags", form, Box::new(repeated("<a "))),
        ("percent-25", form, Box::new(repeated("%25"))),
        (
            "nested-25",
            json,
            Box::new(move |size| format!("{{\"a\":\"%{}41\"}}", "25".repeat(size / 2))),
        ),
        (
            "backslashes",
            json,
            Box::new(move |size| format!("{{\"a\":\"{}\"}}", "\\\\".repeat(size / 2))),
        ),
        ("brackets", form, Box::new(repeated("(["))),
        ("braces", form, Box::new(repeated("${{"))),
        ("dots", form, Box::new(repeated("../"))),
        ("comments", form, Box::new(repeated("/*"))),
        ("words", form, Box::new(repeated("select+"))),
        ("and-not", form, Box::new(repeated("1+and+"))),
        ("semicolons", form, Box::new(repeated("a;|`"))),
        ("statements", form, Box::new(repeated("%3B+"))),
        ("lines", form, Box::new(repeated("a%0A"))),
        ("substitutions", form, Box::new(repeated("$("))),
        ("conditions", form, Box::new(repeated("%27+or+%27"))),
        ("calls", form, Box::new(repeated("a("))),
        ("cases", form, Box::new(repeated("case+when+"))),
        ("attributes", form, Box::new(repeated("<a+b=%27"))),
        ("namespaces", form, Box::new(repeated("<a:"))),
        ("styles", form, Box::new(repeated("style="))),
        ("filters", form, Box::new(repeated("(|("))),
        ("lookups", form, Box::new(repeated("${${"))),
        ("urls", form, Box::new(repeated("http://a@"))),
        ("truncated", form, Box::new(repeated("%E5%98%8D"))),
        (
            "unicode",
            json,
            Box::new(move |size| format!("{{\"a\":\"{}\"}}", "\\u0041".repeat(size / 6))),
        ),
        ("fields", form, Box::new(repeated("a=%27&"))),
        ("names", form, Box::new(repeated("a[$ne]=&"))),
        ("ampersands", form, Box::new(repeated("&#"))),
        (
            "json-arrays",
            json,
            Box::new(move |size| format!("{}{}", "[".repeat(size / 2), "]".repeat(size / 2))),
        ),
        (
            "json-objects",
            json,
            Box::new(move |size| format!("[{}1]", "{\"a\":\"b'c\"},".repeat(size / 12))),
        ),
        (
            "json-flat",
            json,
            Box::new(move |size| format!("[{}1]", "\"it's\",".repeat(size / 7))),
        ),
        ("base64", form, Box::new(base64_layers)),
        (
            "xml",
            "application/xml",
            Box::new(repeated("<a b='c'>d</a>")),
        ),
        (
            "prose",
            form,
            Box::new(repeated(
                "It's+a+long+story%2C+and+we+select+the+best+of+it+--+or+drop+the+rest.+",
            )),
        ),
    ];
    for (name, content_type, make) in kinds {
        if only.is_some_and(|only| only != name) {
            continue;
        }
        let body = |size: usize| {
            let text = make(size);
            if content_type == form {
                format!("a={text}")
            } else {
                text
            }
        };
        let (half, whole) = (body(60 << 10), body(120 << 10));
        let explain = |body: &str| {
            let request = RawRequest::new("POST", "/")
                .header("content-type", content_type)
                .body(body);
            black_box(waf.explain(&request)).score()
        };
        let time = |body: &str| {
            let mut times: Vec<_> = (0..15)
                .map(|_| {
                    let start = Instant::now();
                    black_box(explain(body));
                    start.elapsed().as_secs_f64() * 1e3
                })
                .collect();
            // The shortest: whatever else the machine does only adds.
            times.sort_by(f64::total_cmp);
            times.first().copied().unwrap_or(f64::NAN)
        };
        let (of_half, of_whole) = (time(&half), time(&whole));
        println!("time waf-{name}-120KiB {of_whole:.3} ms");
        println!(
            "ratio waf-growth-{name} time(2n)/time(n) {:.2}",
            of_whole / of_half
        );
    }
}
