//! Documents, which policies as text decide about.

use super::Service;
use super::service::policies;
use axum::body::Body;
use http::Request;
use portcullis::authz::abac::trial::Cases;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const STAFF: &str = "ann@example.com=sales,bob@example.com=sales:manager,lea@example.com=legal";
const HOURS: &str = "context.hour < 6 || context.hour >= 20 || context.weekday > 5";

fn ours() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/policies")
}

/// The policies of the example, with hours that do not depend on when the test runs.
fn write(folder: &TempDir, closed: &str) {
    let text = std::fs::read_to_string(ours().join("documents.cedar")).unwrap();
    assert!(text.contains(HOURS));
    let file = folder.path().join("documents.cedar");
    std::fs::write(file, text.replace(HOURS, closed)).unwrap();
}

const ALWAYS_OPEN: &str = "context.hour > 23";
const ALWAYS_CLOSED: &str = "context.hour >= 0";

async fn service(closed: &str) -> (Service, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, closed);
    let policies = folder.path().to_str().unwrap();
    let variables = [
        ("STAFF", STAFF),
        ("POLICIES", policies),
        ("ADMIN_EMAIL", "root@example.com"),
        ("RATE_LIMIT", "100000"),
    ];
    (Service::with(&variables).await, folder)
}

async fn put(service: &Service, path: &str, token: &str, body: &Value) -> u16 {
    let request = Request::put(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()));
    service.send(request.unwrap()).await.status
}

async fn ask(service: &Service, token: &str, question: &Value) -> super::Answer {
    let request = Request::post("/admin/policies/check")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Body::from(question.to_string()));
    service.send(request.unwrap()).await
}

#[test]
fn the_policies_say_what_their_cases_say() {
    let (authz, _) = policies::open(&ours()).unwrap();
    let text = std::fs::read_to_string(ours().join("documents.cases.toml")).unwrap();
    let report = policies::trial(&authz).run(&Cases::parse(&text).unwrap());
    assert!(report.is_success(), "{report}");
    assert_eq!(report.cases, 13);
    assert_eq!(report.unexercised, Vec::<String>::new());
}

#[tokio::test]
async fn each_sees_what_the_department_owns_and_managers_write_it() {
    let (service, _folder) = service(ALWAYS_OPEN).await;
    let ann = service.member("ann@example.com").await;
    let bob = service.member("bob@example.com").await;
    let lea = service.member("lea@example.com").await;
    let guest = service.member("guest@example.com").await;

    for (name, token, path, status) in [
        ("own", &ann, "/documents/forecast", 200),
        ("of another", &ann, "/documents/contract", 403),
        ("not there", &ann, "/documents/nothing", 404),
        ("own of legal", &lea, "/documents/contract", 200),
        ("of no department", &guest, "/documents/forecast", 403),
    ] {
        let answer = service.get(path, Some(token)).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.body);
        if status != 200 {
            let problem = answer.problem();
            assert!(!problem.to_string().contains("department"), "{problem}");
        }
    }
    assert_eq!(service.get("/documents/forecast", None).await.status, 401);

    let text = json!({"text": "less of it"});
    for (name, token, path, status) in [
        ("a member", &ann, "/documents/forecast", 403),
        ("the manager", &bob, "/documents/forecast", 204),
        ("the manager, elsewhere", &bob, "/documents/contract", 403),
        ("of legal", &lea, "/documents/contract", 403),
    ] {
        assert_eq!(put(&service, path, token, &text).await, status, "{name}");
    }
    let read = service.get("/documents/forecast", Some(&ann)).await.json();
    assert_eq!(read["text"], "less of it");
    let contract = service.get("/documents/contract", Some(&lea)).await.json();
    assert_eq!(contract["text"], "Contract of legal");

    for (token, expected) in [
        (&ann, vec!["forecast", "price-list"]),
        (&lea, vec!["contract"]),
        (&guest, vec![]),
    ] {
        let list = service.get("/documents", Some(token)).await.json();
        let ids = list
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["id"].as_str().unwrap());
        assert_eq!(ids.collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn out_of_hours_a_second_factor_is_asked_for_where_it_would_help() {
    let (service, _folder) = service(ALWAYS_CLOSED).await;
    let ann = service.member("ann@example.com").await;
    let answer = service.get("/documents/forecast", Some(&ann)).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.problem()["code"], "insufficient_user_authentication");
    let challenge = answer.headers["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("max_age=\"43200\""), "{challenge}");
    assert_eq!(service.get("/documents", Some(&ann)).await.status, 401);
    let other = service.get("/documents/contract", Some(&ann)).await;
    assert_eq!(other.status, 403);
    assert!(!other.headers.contains_key("www-authenticate"));
    let bob = service.member("bob@example.com").await;
    let text = json!({"text": "x"});
    assert_eq!(put(&service, "/documents/forecast", &bob, &text).await, 401);
}

#[tokio::test]
async fn policies_are_replaced_while_the_service_runs_and_never_by_wrong_ones() {
    let (service, folder) = service(ALWAYS_OPEN).await;
    let ann = service.member("ann@example.com").await;
    assert_eq!(
        service.get("/documents/forecast", Some(&ann)).await.status,
        200
    );
    tokio::time::pause();

    write(&folder, ALWAYS_CLOSED);
    let mut status = 200;
    for _ in 0..2000 {
        tokio::time::advance(Duration::from_secs(3)).await;
        status = service.get("/documents/forecast", Some(&ann)).await.status;
        if status != 200 {
            break;
        }
    }
    assert_eq!(status, 401, "the new policies count");

    let wrong = "permit (principal, action, resource) when { resource.departement == \"sales\" };";
    std::fs::write(folder.path().join("wrong.cedar"), wrong).unwrap();
    for _ in 0..100 {
        tokio::time::advance(Duration::from_secs(3)).await;
        let answer = service.get("/documents/contract", Some(&ann)).await;
        assert_eq!(answer.status, 403, "the old policies stay");
    }
}

#[tokio::test]
async fn administrators_ask_the_policies() {
    let (service, _folder) = service(ALWAYS_OPEN).await;
    let root = service.member("root@example.com").await;
    let ann = service.member("ann@example.com").await;
    let question = |department: &str| {
        json!({
            "principal": {"id": "x", "roles": ["member"], "attributes": {"department": department}},
            "action": "documents:read",
            "resource": {
                "type": "Document", "id": "d", "title": "T", "text": "a secret",
                "department": "sales",
            },
            "context": {"time": "2026-11-23T10:00:00Z", "ip": "192.0.2.1"},
        })
    };
    assert_eq!(ask(&service, &ann, &question("sales")).await.status, 403);

    let allowed = ask(&service, &root, &question("sales")).await;
    assert_eq!(allowed.status, 200, "{}", allowed.body);
    let allowed = allowed.json();
    assert_eq!(allowed["outcome"], "allow");
    assert_eq!(allowed["reasons"], json!(["same-department"]));

    let denied = ask(&service, &root, &question("legal")).await.json();
    assert_eq!(denied["outcome"], "not_permitted");
    assert_eq!(denied["reasons"], json!([]));
    let candidates = denied["explanation"]["candidates"].as_array().unwrap();
    let failing = candidates
        .iter()
        .find(|it| it["policy"] == "same-department")
        .unwrap();
    let conditions = failing["conditions"].as_array().unwrap();
    assert!(
        conditions.iter().any(|it| it["holds"] == false),
        "{failing}"
    );
    assert!(!denied.to_string().contains("a secret"), "{denied}");

    let mut unknown = question("sales");
    unknown["action"] = json!("documents:shred");
    let unknown = ask(&service, &root, &unknown).await.json();
    assert_eq!(unknown["outcome"], "unknown_permission");

    for (name, change) in [
        ("no type", json!({"type": "Ghost", "id": "d"})),
        ("no fields", json!({"type": "Document", "id": "d"})),
        ("no object", json!("Document")),
    ] {
        let mut wrong = question("sales");
        wrong["resource"] = change;
        let answer = ask(&service, &root, &wrong).await;
        assert_eq!(answer.status, 422, "{name}");
        assert_eq!(
            answer.problem()["errors"][0]["code"],
            "not_a_question",
            "{name}"
        );
    }
}
