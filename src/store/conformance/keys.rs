use super::report::{holds, same};
use super::{COUNTERS, Case, HOUR, Outcome, QUOTAS, StoreHarness, VALUES};
use crate::store::gcra::Rate;
use crate::store::{Charge, Key, Namespace, Owner, OwnerLimit};
use std::collections::HashSet;

/// Ids that look alike, that mean something to a database, or that are no text.
fn ids() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 26] = [
        b"",
        b" ",
        b"\0",
        b"a",
        b"a ",
        b" a",
        b"A",
        b"a\0",
        b"\0a",
        b"a\0b",
        b"a\nb",
        b"a\r\nb",
        b"a:b",
        b"a}b",
        b"{a}",
        b"{a}{b}",
        b"*",
        b"?",
        b"[a]",
        b"%",
        b"_",
        b"'",
        b"\"",
        b"\\",
        b"\xff\xfe",
        b"\xc3\xa4",
    ];
    let mut ids: Vec<Vec<u8>> = texts.iter().map(|id| id.to_vec()).collect();
    ids.push("a\u{308}".into()); // As above, decomposed.
    ids.push("DEL a\r\n".into());
    ids.push("../../etc/passwd".into());
    for last in [b'x', b'y'] {
        let mut long = vec![b'x'; Key::MAX_ID_LEN - 1];
        long.push(last);
        ids.push(long);
    }
    ids
}

pub(super) async fn any_bytes_are_an_id(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    for id in &ids() {
        store.put(Key::new(VALUES, id), id, HOUR).await?;
        let window = store.increment(Key::new(COUNTERS, id), 1, HOUR).await?;
        same(
            format!("count of {:.20}", id.escape_ascii()),
            window.count(),
            1,
        )?;
    }
    for id in &ids() {
        let found = store.take(Key::new(VALUES, id)).await?;
        let name = id.escape_ascii();
        holds(
            format!("{name:.20} holds its own"),
            found.as_ref().is_some_and(|f| f == id),
        )?;
    }
    Ok(Case::Passed)
}

pub(super) async fn kinds_and_namespaces_never_meet(harness: &impl StoreHarness) -> Outcome {
    const OTHER: Namespace = Namespace::values("conformance-2");
    let store = harness.fresh().await;
    let rate = Rate::new(1, HOUR).map_err(|e| super::report::Problem::new(e.to_string()))?;
    let value = Key::new(VALUES, "2");
    let other = Key::new(OTHER, "2");
    let counter = Key::new(COUNTERS, "2");
    let quota = Key::new(QUOTAS, "2");
    store.increment(counter, 7, HOUR).await?;
    store.charge(&[Charge::new(quota, rate)]).await?;
    same("neither is a value", store.get(value).await?, None)?;
    store.put(value, b"1", HOUR).await?;
    same("nor another namespace's", store.get(other).await?, None)?;
    same("delete the value", store.delete(value).await?, true)?;
    same("delete it again", store.delete(value).await?, false)?;
    let count = store.increment(counter, 0, HOUR).await?.count();
    same("the counter", count, 7)?;
    same("delete the counter", store.delete(counter).await?, true)?;
    let decision = store.charge(&[Charge::new(quota, rate)]).await?;
    same("the quota is still spent", decision.allowed(), false)?;
    same("delete the quota", store.delete(quota).await?, true)?;
    Ok(Case::Passed)
}

pub(super) async fn owners_never_meet(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let limit = OwnerLimit::refuse_above(3);
    for owner in &ids() {
        for id in ["", "a", "b"] {
            let key = Owner::new(VALUES, owner).key(id);
            store.put_owned(key, owner, HOUR, limit).await?;
        }
    }
    same("unowned", store.get(Key::new(VALUES, "a")).await?, None)?;
    for owner in &ids() {
        let name = owner.escape_ascii();
        let listed = store.list_owned(Owner::new(VALUES, owner)).await?;
        let ids: HashSet<_> = listed.iter().map(|entry| entry.id().as_ref()).collect();
        let all: HashSet<&[u8]> = HashSet::from([&b""[..], b"a", b"b"]);
        same(format!("ids of {name:.20}"), ids, all)?;
        let own = listed.iter().all(|entry| entry.value() == owner);
        holds(format!("{name:.20} has its own entries"), own)?;
        let deleted = store.delete_owned(Owner::new(VALUES, owner), None).await?;
        same(format!("deleted of {name:.20}"), deleted, 3)?;
    }
    Ok(Case::Passed)
}
