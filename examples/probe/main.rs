//! Try any decision from the shell, without a server.
//!
//! JSON lines in on stdin, one JSON line out per line in, in the same order and with the same
//! `id`. A line that cannot be understood gives `{"id": ..., "error": "..."}`.
//!
//! ```console
//! $ echo '{"id": 1, "peer": "192.0.2.1", "headers": [], "mode": "xff"}' |
//!     cargo run --example probe --features full -- client-ip
//! {"id":1,"client_ip":"192.0.2.1"}
//! ```

mod aead;
mod bytes;
mod cedar;
mod client_ip;
mod cobblestone;
mod issue;
mod jws;
mod jwt;
mod password;
mod sanitize;
mod signing;
mod upload;
mod waf;

use serde_json::{Map, Value, json};
use std::io::{BufRead, Write};
use std::process::ExitCode;

/// Decides one record. The answer's `id` is added outside.
type Decision = fn(&Value) -> Result<Map<String, Value>, String>;

const DECISIONS: &[(&str, Decision)] = &[
    ("client-ip", client_ip::decide),
    ("jwt", jwt::decide),
    ("jws", jws::decide),
    ("issue", issue::decide),
    ("password", password::decide),
    ("cobblestone", cobblestone::decide),
    ("aead", aead::decide),
    ("signature", signing::signature),
    ("content-digest", signing::content_digest),
    ("webhook", signing::webhook),
    ("upload", upload::decide),
    ("sigv4", signing::sigv4),
    ("sign", signing::sign),
    ("sign-webhook", signing::sign_webhook),
    ("waf", waf::decide),
    ("sanitize", sanitize::decide),
    ("cedar", cedar::decide),
];

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    let Some((_, decision)) = DECISIONS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<_> = DECISIONS.iter().map(|(name, _)| *name).collect();
        eprintln!("usage: probe DECISION < records.jsonl");
        eprintln!(
            "there is no decision {name:?}; there are: {}",
            known.join(", ")
        );
        return ExitCode::from(2);
    };
    match answer_all(*decision) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("probe: {error}");
            ExitCode::FAILURE
        }
    }
}

fn answer_all(decision: Decision) -> std::io::Result<()> {
    let mut input = std::io::stdin().lock();
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return output.flush();
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        serde_json::to_writer(&mut output, &answer(decision, &line))?;
        output.write_all(b"\n")?;
        // A caller that talks to us line by line waits for each answer.
        output.flush()?;
    }
}

fn answer(decision: Decision, line: &[u8]) -> Value {
    let record: Value = match serde_json::from_slice(line) {
        Ok(record) => record,
        Err(error) => return json!({"id": null, "error": format!("not JSON: {error}")}),
    };
    let id = record.get("id").cloned().unwrap_or_default();
    let mut answer = Map::from_iter([("id".to_owned(), id)]);
    match decision(&record) {
        Ok(decided) => answer.extend(decided),
        Err(error) => {
            answer.insert("error".to_owned(), error.into());
        }
    }
    answer.into()
}
