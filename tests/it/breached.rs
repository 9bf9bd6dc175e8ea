//! Breached passwords, by each kind of source, and by sources that fail.

use bytes::Bytes;
use http::Response;
use portcullis::authn::password::breached::{
    BreachAnswer, BreachDigest, BreachError, BreachFile, BreachRange, BreachRefusal, BreachSet,
    BreachSource, BreachedPasswords,
};
use portcullis::clock::Clock;
use portcullis::event::{Emitter, RecentEvents};
use portcullis::guard::Rejection;
use portcullis::net::client::{BreakerPolicy, FakeAnswer, FakeTransport, HttpClient, RetryPolicy};
use portcullis::secret::SecretString;
use std::io::Write;
use std::sync::{Arc, Mutex};

const KNOWN: &str = "correct horse battery staple";

fn hex(password: &str) -> String {
    BreachDigest::of(password).to_hex().to_string()
}

async fn outcome(breached: &BreachedPasswords, password: &str) -> &'static str {
    match breached.check(&SecretString::from(password)).await {
        Ok(()) => "fine",
        Err(BreachRefusal::Breached(violations)) => violations.iter().next().unwrap().code(),
        Err(BreachRefusal::Unavailable(_)) => "unavailable",
        Err(_) => "unknown",
    }
}

#[tokio::test]
async fn a_set_knows_its_passwords() {
    let text = format!("{}:7\r\n\n{}\n", hex(KNOWN).to_lowercase(), hex("Å"));
    for set in [
        BreachSet::of_passwords([KNOWN, "Å"]),
        BreachSet::of_hashes(&text).unwrap(),
    ] {
        assert_eq!(set.len(), 2);
        let breached = BreachedPasswords::new(set);
        assert_eq!(outcome(&breached, KNOWN).await, "password_breached");
        // The same text, typed on another system.
        assert_eq!(outcome(&breached, "A\u{30a}").await, "password_breached");
        assert_eq!(
            outcome(&breached, "correct horse battery stapl").await,
            "fine"
        );
        assert_eq!(outcome(&breached, &"x".repeat(1 << 20)).await, "fine");
    }
    let bad = BreachSet::of_hashes(&format!("{}\nnot a hash\n", hex(KNOWN)));
    assert!(matches!(bad, Err(BreachError::Malformed(41))), "{bad:?}");
    // What a list has as it was typed is found too.
    let raw = BreachedPasswords::new(BreachSet::of_passwords(["A\u{30a}"]));
    assert_eq!(outcome(&raw, "A\u{30a}").await, "password_breached");
}

#[tokio::test]
async fn a_file_is_searched_where_it_lies() {
    let mut lines: Vec<_> = (0..5000)
        .map(|number| format!("{}:{number}", hex(&number.to_string())))
        .collect();
    lines.push(format!("{}:1000", hex(KNOWN)));
    lines.sort();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(lines.join("\r\n").as_bytes()).unwrap();
    let breached = BreachedPasswords::new(BreachFile::open(file.path()).unwrap());
    for number in 1..5000 {
        assert_eq!(
            outcome(&breached, &number.to_string()).await,
            "password_breached"
        );
    }
    assert_eq!(
        outcome(&breached, "0").await,
        "fine",
        "never seen, says the list"
    );
    assert_eq!(outcome(&breached, "5000").await, "fine");
    let often = breached.clone().seen_at_least(1000);
    assert_eq!(outcome(&often, KNOWN).await, "password_breached");
    assert_eq!(outcome(&often, "999").await, "fine");

    // A file that is gone, or not what it was.
    let path = file.path().to_owned();
    std::fs::write(&path, "<html>").unwrap();
    assert_eq!(outcome(&breached, KNOWN).await, "unavailable");
    drop(file);
    assert_eq!(outcome(&breached, KNOWN).await, "unavailable");
    assert!(matches!(BreachFile::open(&path), Err(BreachError::Io(_))));
}

#[test]
fn a_file_that_is_not_sorted_is_told_when_it_is_opened() {
    let mut lines: Vec<_> = (0..1000).map(|number| hex(&number.to_string())).collect();
    lines.sort();
    lines.reverse();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(lines.join("\n").as_bytes()).unwrap();
    let opened = BreachFile::open(file.path());
    assert!(
        matches!(opened, Err(BreachError::NotSorted(_))),
        "{opened:?}"
    );
}

/// A service that answers this, and notes what it was asked.
fn range(
    answer: impl Fn(&str) -> FakeAnswer + Send + Sync + 'static,
) -> (BreachedPasswords, Arc<Mutex<Vec<String>>>) {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&asked);
    let transport = FakeTransport::answering(move |request| {
        assert_eq!(request.headers()["add-padding"], "true");
        noted.lock().unwrap().push(request.uri().to_string());
        answer(request.uri().path())
    });
    let client = HttpClient::builder()
        .retry(RetryPolicy::none())
        .breaker(BreakerPolicy::never());
    let client = client.build_over(transport).unwrap();
    (BreachedPasswords::new(BreachRange::new(client)), asked)
}

/// What the service says of the group of this password, among others and padding.
fn group(password: &str, times: u64) -> String {
    let suffix = hex(password)[5..].to_owned();
    let [padding, other] = ["0".repeat(35), "F".repeat(35)];
    format!("{padding}:0\r\n{suffix}:{times}\r\n{other}:3")
}

#[tokio::test]
async fn a_service_is_told_five_digits_and_no_more() {
    let (breached, asked) = range(|_| FakeAnswer::body(group(KNOWN, 216)));
    assert_eq!(outcome(&breached, KNOWN).await, "password_breached");
    let asked = asked.lock().unwrap().clone();
    let expected = format!("https://api.pwnedpasswords.com/range/{}", &hex(KNOWN)[..5]);
    assert_eq!(asked, [expected]);
}

#[tokio::test]
async fn answers_of_the_service() {
    let other = "0".repeat(35);
    for (name, answer, expected) in [
        ("there", group(KNOWN, 1), "password_breached"),
        (
            "in lower case",
            group(KNOWN, 1).to_lowercase(),
            "password_breached",
        ),
        ("as padding", group(KNOWN, 0), "fine"),
        ("not there", format!("{other}:1\r\n"), "fine"),
        ("nothing", String::new(), "unavailable"),
        ("empty lines", "\r\n\r\n".to_owned(), "unavailable"),
        ("a page", "<html>".to_owned(), "unavailable"),
        (
            "cut behind the right one",
            format!("{}\r\n0123", group(KNOWN, 1)),
            "unavailable",
        ),
        ("whole hashes", format!("{}:1", hex(KNOWN)), "unavailable"),
        ("no count", format!("{other}:\r\n"), "unavailable"),
    ] {
        let (breached, _) = range(move |_| FakeAnswer::body(answer.clone()));
        assert_eq!(outcome(&breached, KNOWN).await, expected, "{name}");
    }
    for status in [204, 302, 404, 429, 503] {
        let body = group("other", 1);
        let (breached, _) = range(move |_| {
            let response = Response::builder().status(status);
            FakeAnswer::response(response.body(Bytes::from(body.clone())).unwrap())
        });
        assert_eq!(outcome(&breached, KNOWN).await, "unavailable", "{status}");
    }
}

#[derive(Debug)]
struct Failing;

impl BreachSource for Failing {
    fn times(&self, _digest: BreachDigest) -> BreachAnswer {
        Box::pin(std::future::ready(Err(BreachError::Other(
            "down".to_owned(),
        ))))
    }
}

#[tokio::test]
async fn a_source_that_fails_refuses_unless_told_otherwise_and_tells_either_way() {
    let heard = Arc::new(RecentEvents::new(9));
    let emitter = Emitter::new(heard.clone(), Clock::system());
    let closed = BreachedPasswords::new(Failing).emitter(emitter);
    let refused = closed.check(&SecretString::from(KNOWN)).await.unwrap_err();
    assert_eq!(Rejection::from(refused).status(), 503);
    let open = closed.accept_unchecked_when_unavailable();
    assert_eq!(outcome(&open, KNOWN).await, "fine");
    let events = heard.snapshot();
    let codes: Vec<_> = events
        .iter()
        .rev()
        .map(|event| event.code().unwrap())
        .collect();
    assert_eq!(codes, ["breach_check_failed", "breach_check_skipped"]);
    assert!(
        events
            .iter()
            .all(|event| event.reason().is_some_and(|it| it.contains("down")))
    );
}

#[tokio::test]
async fn a_breached_password_is_a_wrong_field() {
    let breached = BreachedPasswords::new(BreachSet::of_passwords([KNOWN]));
    let refused = breached
        .check(&SecretString::from(KNOWN))
        .await
        .unwrap_err();
    let rejection = Rejection::from(refused);
    assert_eq!(rejection.status(), 422);
    assert_eq!(rejection.errors()[0].code, "password_breached");
    assert!(!format!("{breached:?}").contains("horse"));
}
