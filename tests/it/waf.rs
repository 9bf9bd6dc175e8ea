//! The firewall over a real stack, and its decision on plain data.

mod attacks;
mod benign;
mod bypass;
mod heavy;
mod leak;
mod markup;
mod oracle;
mod quoting;
mod text;

use crate::support::Spy;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use portcullis::event::{Emitter, EventKind, RecentEvents, RequestId};
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::monitor::MonitorLayer;
use portcullis::waf::{
    Answer, Class, Condition, Effect, Exclusion, Field, FieldKind, Lessons, Limits, Operator,
    OverLimit, Place, RawRequest, Rule, Ruleset, Severity, Target, Waf, WafLayer,
};
use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};

const ATTACK: &str = "/?q=%27+union+select+password+from+users--";

fn get(target: &str) -> Request<Full<Bytes>> {
    Request::get(target).body(Full::default()).unwrap()
}

fn post(content_type: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post("/")
        .header("content-type", content_type)
        .body(Full::new(body.into()))
        .unwrap()
}

/// A body of two frames whose size nobody knows before.
struct Two(Vec<Bytes>);

impl Two {
    fn of(text: &str, at: usize) -> Self {
        let (first, second) = text.split_at(at);
        Self(vec![second.to_owned().into(), first.to_owned().into()])
    }
}

impl http_body::Body for Two {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop().map(|data| Ok(http_body::Frame::data(data))))
    }
}

async fn echo<B>(layer: WafLayer, request: Request<B>) -> (StatusCode, Bytes)
where
    B: http_body::Body<Data = Bytes, Error = Infallible> + Unpin + 'static,
{
    let echo = service_fn(async |request: Request<_>| {
        let body = BodyExt::collect(request.into_body()).await?.to_bytes();
        Ok::<_, Infallible>(Response::new(Full::new(body)))
    });
    let response = layer.layer(echo).oneshot(request).await.unwrap();
    let status = response.status();
    (
        status,
        response.into_body().collect().await.unwrap().to_bytes(),
    )
}

#[tokio::test]
async fn what_is_refused_never_reaches_the_service() {
    let spy = Spy::default();
    let service = WafLayer::new(Ruleset::builtin()).layer(spy.clone());
    let hostile = [
        get(ATTACK),
        post(
            "application/x-www-form-urlencoded",
            "a=<script>alert(1)</script>",
        ),
        post("application/json", r#"{"a":{"b":["' or 1=1 --"]}}"#),
        post("application/json", "{\"a\":"),
        post("application/x-www-form-urlencoded; charset=ibm037", "a=b"),
    ];
    for request in hostile {
        let name = format!("{request:?}");
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{name}");
    }
    assert_eq!(spy.calls(), 0);
    let response = service.oneshot(get("/?q=union+station")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!((spy.calls(), spy.unready_calls()), (1, 0));
}

#[tokio::test]
async fn bodies_arrive_byte_for_byte() {
    let bodies: [(&str, &[u8]); 4] = [
        ("application/json", b" {\"a\" : \"\\u00e9\"}\n"),
        ("application/x-www-form-urlencoded", b"a=%C3%A9+b&&c"),
        ("image/png", b"\x89PNG\r\n\x1a\n\0\0\xFF"),
        ("text/plain", b""),
    ];
    for (content_type, body) in bodies {
        let layer = WafLayer::new(Ruleset::builtin());
        let (status, echoed) = echo(layer, post(content_type, body)).await;
        assert_eq!(
            (status, &echoed[..]),
            (StatusCode::OK, body),
            "{content_type}"
        );
    }
}

#[tokio::test]
async fn a_refusal_says_where_to_ask_and_nothing_else() {
    let (status, body) = echo(WafLayer::new(Ruleset::builtin()), get(ATTACK)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let reference = body["reference"].as_str().unwrap();
    assert_eq!(reference.len(), 32);
    let rest = serde_json::json!({
        "type": "about:blank", "title": "The request was blocked", "status": 403,
        "code": "request_blocked", "reference": reference,
    });
    assert_eq!(body, rest);
}

#[tokio::test]
async fn the_event_says_it_all_but_secrets() {
    let recent = Arc::new(RecentEvents::new(4));
    let mut request = get("/login?password=%27+union+select+hunter2+from+users--");
    let id = RequestId::parse("r-17").unwrap();
    let emitter = Emitter::for_request(recent.clone(), Default::default(), &request);
    request.extensions_mut().insert(emitter);
    request.extensions_mut().insert(id);
    let service = WafLayer::new(Ruleset::builtin()).layer(Spy::default());
    let response = service.oneshot(request).await.unwrap();
    let rejection = response.extensions().get::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::Hostile);
    // The client chose the id of its request, and does not choose the reference.
    let reference = rejection.members()["reference"].as_str().unwrap();
    assert!(reference.len() == 32 && reference != "r-17", "{reference}");

    let events = recent.snapshot();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(
        (event.kind(), event.code()),
        (EventKind::MaliciousAttackTool, Some("sqli"))
    );
    let details: HashMap<_, _> = event.details().collect();
    assert_eq!(event.status(), Some(403));
    assert_eq!(details["parameter"], "query:password");
    assert_eq!(details["action"], "refused");
    assert_eq!(details["reference"], reference);
    assert_eq!(details["excerpt"], "(not shown)");
    assert!(details["score"].parse::<u32>().unwrap() >= 5);
    assert!(details["rules"].contains("sqli"));
    assert!(!format!("{event:?}").contains("hunter2"));
}

#[tokio::test]
async fn monitoring_refuses_nothing_and_tells() {
    let recent = Arc::new(RecentEvents::new(4));
    let mut request = get(ATTACK);
    let emitter = Emitter::for_request(recent.clone(), Default::default(), &request);
    request.extensions_mut().insert(emitter);
    let layer = WafLayer::new(Ruleset::builtin()).monitor_only();
    assert_eq!(echo(layer, request).await.0, StatusCode::OK);
    let events = recent.snapshot();
    let details: HashMap<_, _> = events[0].details().collect();
    assert_eq!(details["action"], "admitted");
}

#[tokio::test]
async fn a_challenge_decides() {
    let layer = || {
        WafLayer::new(Ruleset::builtin()).challenge(|request, report| {
            assert_eq!(report.class(), Some(Class::Sqli));
            match request.headers().get("x-solved") {
                Some(_) => Answer::Admit,
                None => Answer::With(Rejection::new(RejectionKind::RateLimited)),
            }
        })
    };
    assert_eq!(
        echo(layer(), get(ATTACK)).await.0,
        StatusCode::TOO_MANY_REQUESTS
    );
    let mut solved = get(ATTACK);
    solved
        .headers_mut()
        .insert("x-solved", "1".parse().unwrap());
    assert_eq!(echo(layer(), solved).await.0, StatusCode::OK);
}

/// Each event of the firewall carries its class as code, and the metrics count by code.
#[test]
fn metrics_count_by_class() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(async {
            let service = ServiceBuilder::new()
                .layer(MonitorLayer::tracing_and_metrics())
                .layer(WafLayer::new(Ruleset::builtin()))
                .service(Spy::default());
            let script = "/?q=%3Cscript%3Ealert(1)%3C/script%3E";
            for target in [ATTACK, ATTACK, script, "/"] {
                service.clone().oneshot(get(target)).await.unwrap();
            }
        });
    });
    let counted = snapshotter.snapshot().into_vec();
    let mut counted: Vec<_> = counted
        .iter()
        .filter(|(key, ..)| key.key().name() == "portcullis_events_total")
        .map(|(key, _, _, value)| {
            let labels = key.key().labels();
            let labels: HashMap<_, _> = labels.map(|label| (label.key(), label.value())).collect();
            (labels["code"], labels["event"], labels["level"], value)
        })
        .collect();
    counted.sort_unstable_by_key(|(code, ..)| *code);
    let event = "malicious_attack_tool";
    let expected = [
        ("sqli", event, "critical", &DebugValue::Counter(2)),
        ("xss", event, "critical", &DebugValue::Counter(1)),
    ];
    assert_eq!(counted, expected);
}

#[test]
fn lessons_are_learned_from_honest_traffic() {
    let waf = Waf::new(Ruleset::builtin());
    let mut lessons = Lessons::new(&waf);
    let query = "q=select+name+from+users+where+id%3D1--";
    for target in [
        format!("/reports/17?{query}"),
        format!("/reports/18?{query}"),
        "/".to_owned(),
    ] {
        lessons.hear(&RawRequest::new("GET", &target));
    }
    lessons.hear(&RawRequest::new("GET", "/..%2f..%2fetc/passwd"));
    let needed = lessons.needed();
    assert_eq!(needed.len(), 2);
    assert_eq!(
        (&*needed[0].route, &*needed[0].name, needed[0].requests),
        ("/reports/{id}", "q", 2)
    );
    let builder = Waf::builder(Ruleset::builtin());
    let builder = needed[0].rules.iter().fold(builder, |builder, rule| {
        let field = Field::named("q").on("/reports/{id}").at(Place::Query);
        builder.exclude(Exclusion::of_rule(rule.as_str(), field))
    });
    let taught = builder.build().unwrap();
    assert!(
        !hostile(&taught, &format!("/reports/19?{query}")),
        "{}",
        needed[0]
    );
    assert!(hostile(&taught, &format!("/users/19?{query}")));
    // Where there is no name, there is nothing to paste.
    assert!(needed[1].to_string().contains("no name"), "{}", needed[1]);
    assert!(!needed[1].to_string().contains(".exclude"), "{}", needed[1]);
}

#[tokio::test]
async fn a_body_over_the_limit_is_a_decision() {
    let text = "application/json";
    let body = || {
        format!(
            "{{\"a\":\"{}\",\"b\":\"<script>alert(1)</script>\"}}",
            "x".repeat(2000)
        )
    };
    let with = |limits| {
        let waf = Waf::builder(Ruleset::builtin()).limits(limits).build();
        WafLayer::new(waf.unwrap())
    };
    let cases = [
        (
            "refused",
            Limits::new().body(1000),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        ("within", Limits::new().body(10_000), StatusCode::FORBIDDEN),
        (
            "the beginning alone",
            Limits::new().body(1000).over(OverLimit::InspectBeginning),
            StatusCode::OK,
        ),
    ];
    for (name, limits, status) in cases {
        let request = Request::post("/").header("content-type", text);
        let request = request.body(Two::of(&body(), 1200)).unwrap();
        let (got, echoed) = echo(with(limits), request).await;
        assert_eq!(got, status, "{name}");
        if got == StatusCode::OK {
            assert_eq!(echoed, body(), "{name}");
        }
    }
}

fn hostile(waf: &Waf, target: &str) -> bool {
    waf.judge(&RawRequest::new("GET", target)).is_hostile()
}

#[test]
fn kinds_of_fields() {
    let sql = "/?f=select+name+from+users+where+id%3D1+or+1%3D1--";
    let script = "/?f=<script>alert(1)</script>";
    let markup = "/?f=<p+class%3D\"a\">Hello+<b>you</b></p>";
    let jndi = "/?f=%24%7Bjndi:ldap://x.example/a%7D";
    let cases = [
        (FieldKind::Plain, sql, true),
        (FieldKind::Code, sql, false),
        (FieldKind::Plain, script, true),
        (FieldKind::RichText, script, true),
        (FieldKind::RichText, markup, false),
        (FieldKind::Code, script, false),
        (FieldKind::Opaque, script, false),
        (FieldKind::Code, jndi, true),
        (FieldKind::Opaque, jndi, false),
    ];
    for (kind, target, expected) in cases {
        let waf = Waf::builder(Ruleset::builtin()).field(Field::named("f"), kind);
        let waf = waf.build().unwrap();
        assert_eq!(hostile(&waf, target), expected, "{kind:?} {target}");
        let other = target.replace("f=", "g=");
        let plain = Waf::new(Ruleset::builtin());
        assert_eq!(
            hostile(&waf, &other),
            hostile(&plain, &other),
            "{kind:?} of another field"
        );
    }
}

#[test]
fn an_exclusion_holds_where_it_says() {
    let field = Field::named("q").on("/reports/{id}").at(Place::Query);
    let waf = Waf::builder(Ruleset::builtin())
        .exclude(Exclusion::of_class(Class::Sqli, field))
        .build()
        .unwrap();
    assert_eq!(waf.unused_exclusions().len(), 1);
    let attack = "q=%27+union+select+password+from+users--";
    let cases = [
        ("/reports/17", false),
        ("/reports/17/x", true),
        ("/reports/..%2f", true),
        ("/", true),
    ];
    for (path, expected) in cases {
        assert_eq!(
            hostile(&waf, &format!("{path}?{attack}")),
            expected,
            "{path}"
        );
    }
    assert!(hostile(&waf, "/reports/17?q=<script>alert(1)</script>"));
    assert!(hostile(&waf, &format!("/reports/17?p{attack}")));
    assert!(waf.unused_exclusions().is_empty());
}

#[test]
fn what_would_do_nothing_is_an_error() {
    let builder = || Waf::builder(Ruleset::builtin()).routes(["/a", "/b/{id}"]);
    let q = || Field::named("q");
    let of_sqli = |field| Exclusion::of_class(Class::Sqli, field);
    let rules = Ruleset::builtin().without_class(Class::Sqli);
    let cases = [
        (
            "an unknown rule",
            builder().exclude(Exclusion::of_rule("sqli-nothing", q())),
            "sqli-nothing",
        ),
        (
            "an unknown tag",
            builder().exclude(Exclusion::of_tag("no-tag", q())),
            "no-tag",
        ),
        (
            "an unknown route",
            builder().exclude(of_sqli(q().on("/c"))),
            "/c",
        ),
        (
            "a route that is none",
            builder().exclude(of_sqli(q().on("a"))),
            "\"a\"",
        ),
        (
            "a class switched off",
            Waf::builder(rules).exclude(of_sqli(q())),
            "sqli",
        ),
        (
            "the same twice",
            builder().exclude(of_sqli(q())).exclude(of_sqli(q())),
            "covered",
        ),
        (
            "covered by a wider one",
            builder()
                .exclude(of_sqli(q()))
                .exclude(of_sqli(q().on("/a"))),
            "covered",
        ),
        (
            "two kinds",
            builder()
                .field(q(), FieldKind::Code)
                .field(q(), FieldKind::Url),
            "two kinds",
        ),
        (
            "no name",
            builder().field(Field::named(""), FieldKind::Code),
            "name",
        ),
    ];
    for (name, builder, says) in cases {
        let error = builder.build().expect_err(name).to_string();
        assert!(error.contains(says), "{name}: {error}");
    }
    assert!(
        Ruleset::builtin()
            .without("no-rule")
            .unwrap_err()
            .is_unknown()
    );
    assert!(
        Ruleset::builtin()
            .without_tag("no-tag")
            .unwrap_err()
            .is_unknown()
    );
    assert!(Ruleset::builtin().level(4).is_err());
}

#[test]
fn rules_of_users() {
    let begins = |text: &str| Condition::new(Target::path(), Operator::BeginsWith(text.into()));
    let rule = Rule::new("vp-1", Class::Generic)
        .named("an id that is no number")
        .reference("CVE-2026-0001")
        .tag("patch")
        .when(begins("/invoices"))
        .when(Condition::new(
            Target::parameter("id"),
            Operator::regex("[^0-9]").unwrap(),
        ))
        .must_match("GET", "/invoices?id=1x")
        .must_not_match("GET", "/invoices?id=1")
        .must_not_match("GET", "/orders?id=1x");
    let rules = Ruleset::builtin().with(rule.clone()).unwrap();
    assert!(
        rules.clone().with(rule.clone()).is_err(),
        "the same id twice"
    );
    assert!(
        Ruleset::builtin()
            .with(Rule::new("empty", Class::Generic))
            .is_err()
    );
    let wrong = Rule::new("wrong", Class::Generic)
        .when(begins("/a"))
        .must_match("GET", "/b");
    assert!(
        Ruleset::builtin()
            .with(wrong)
            .unwrap_err()
            .to_string()
            .contains("GET /b")
    );

    let waf = Waf::new(rules.clone());
    assert!(hostile(&waf, "/invoices?id=1x"));
    assert!(!hostile(&waf, "/invoices?id=1"));
    let report = waf.explain(
        &RawRequest::new("POST", "/invoices")
            .header("content-type", "application/json")
            .body("{\"id\":\"x\"}"),
    );
    assert!(report.is_hostile());
    assert_eq!(report.matches()[0].rule().as_str(), "vp-1");
    assert!(!hostile(
        &Waf::new(rules.clone().without("vp-1").unwrap()),
        "/invoices?id=1x"
    ));
    assert!(!hostile(
        &Waf::new(rules.without_tag("patch").unwrap()),
        "/invoices?id=1x"
    ));
}

#[test]
fn effects_negation_and_absence() {
    let header = |name: &str, operator| Condition::new(Target::header(name), operator);
    let admit = Rule::new("health", Class::Generic)
        .effect(Effect::DangerouslyAdmit)
        .when(Condition::new(
            Target::client_address(),
            Operator::AddressIn(vec!["10.0.0.0/8".parse().unwrap()]),
        ));
    let refuse = Rule::new("no-key", Class::Generic)
        .effect(Effect::Refuse)
        .severity(Severity::Notice)
        .when(header("X-Key", Operator::Absent));
    let only_known = Rule::new("unknown-key", Class::Generic)
        .when(header("x-key", Operator::OneOf(vec!["a".into(), "b".into()])).negated());
    let rules = Ruleset::builtin()
        .with(admit)
        .unwrap()
        .with(refuse)
        .unwrap()
        .with(only_known)
        .unwrap();
    let waf = Waf::new(rules);
    let request = |key: &'static str| RawRequest::new("GET", "/").header("X-Key", key);
    assert!(!waf.judge(&request("a")).is_hostile());
    assert!(waf.judge(&request("c")).is_hostile());
    assert!(waf.judge(&RawRequest::new("GET", "/")).is_hostile());
    let inside = RawRequest::new("GET", ATTACK).client_address([10, 1, 2, 3].into());
    assert!(!waf.judge(&inside).is_hostile());
    let outside = RawRequest::new("GET", ATTACK).client_address([11, 1, 2, 3].into());
    assert!(waf.judge(&outside).is_hostile());
}

#[test]
fn limits_are_refusals() {
    let waf = Waf::new(Ruleset::builtin());
    let many = (0..5000).map(|n| format!("a{n}=1&")).collect::<String>();
    let json = |body: String| {
        let request = RawRequest::new("POST", "/").header("content-type", "application/json");
        waf.judge(&request.body(&body))
            .matches()
            .iter()
            .map(|found| found.rule().to_string())
            .collect::<Vec<_>>()
    };
    assert!(hostile(&waf, &format!("/?{many}")));
    assert_eq!(json("[".repeat(1000)), ["protocol-depth"]);
    assert_eq!(
        json(format!("{{\"a\":\"%{}41\"}}", "25".repeat(20))),
        ["protocol-nested-encoding"]
    );
}

#[test]
fn methods() {
    let waf = Waf::new(Ruleset::builtin());
    for method in [
        Method::GET,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ] {
        assert!(
            !waf.judge(&RawRequest::new(method.as_str(), "/"))
                .is_hostile(),
            "{method}"
        );
    }
    for method in ["TRACE", "CONNECT", "track"] {
        assert!(
            waf.judge(&RawRequest::new(method, "/")).is_hostile(),
            "{method}"
        );
    }
}
