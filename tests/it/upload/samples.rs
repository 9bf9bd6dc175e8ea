//! The outside samples, by the decision that the probe gives.

use super::probe;
use crate::support::vectors;
use serde_json::Value;
use std::collections::BTreeMap;

/// Whether a verdict is one that the sample allows. Where a name may be changed instead of
/// refused, it is: what is stored gets a name of our own.
fn is_right(expected: &str, found: &str) -> bool {
    match expected {
        "reject-or-rename" | "reject-or-basename" => {
            found == "reject" || found.starts_with("accept")
        }
        expected => expected == found,
    }
}

#[test]
fn every_verdict_is_right() {
    let Some(text) = vectors("upload/samples.jsonl") else {
        return;
    };
    let mut classes: BTreeMap<String, [u32; 3]> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in text.lines() {
        count += 1;
        let sample: Value = serde_json::from_str(line).unwrap();
        let answer = probe::decide(&sample).unwrap();
        let [expected, found] =
            [&sample["verdict"], &answer["verdict"]].map(|v| v.as_str().unwrap());
        let right = is_right(expected, found);
        let row = classes
            .entry(sample["class"].as_str().unwrap().to_owned())
            .or_default();
        row[0] += 1;
        row[1] += u32::from(right);
        row[2] += u32::from(found == "reject");
        if !right {
            let [id, name] = [&sample["id"], &sample["filename"]];
            wrong.push(format!(
                "{id} {name}: {expected}, not {found}: {}",
                answer["reason"]
            ));
        }
    }
    println!(
        "{:<20} {:>6} {:>6} {:>8}",
        "class", "files", "right", "refused"
    );
    for (class, [files, right, refused]) in &classes {
        println!("{class:<20} {files:>6} {right:>6} {refused:>8}");
    }
    assert_eq!(count, 96, "samples were left out");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
