use super::races::race;
use super::report::{Problem, fails, holds, same};
use super::{Case, Outcome, Tasks};
use crate::store::StoreErrorKind::{Conflict, Full};
use crate::store::{
    Change, Collection, Key, Record, Records, Store, StoreError, StoreErrorKind, Version,
};
use bytes::Bytes;
use std::collections::HashSet;

/// How the suite gets at records.
pub trait RecordsHarness: Tasks {
    /// Records of which there are none yet.
    fn fresh(&self) -> impl Future<Output = Records> + Send;

    /// Records that are full with this many bytes of values, or a little more, if there is
    /// such a thing.
    fn bounded(&self, _bytes: usize) -> Option<Records> {
        None
    }
}

const USERS: Collection = Collection::new("conformance-user");
const EMAILS: Collection = Collection::new("conformance-email");

/// Tasks in each race.
const RUNNERS: usize = 16;

pub(super) async fn insert_and_get(harness: &impl RecordsHarness) -> Outcome {
    let records = harness.fresh().await;
    same("nothing", records.get(USERS, "1").await?, None)?;
    let version = records.insert(USERS, "1", b"ann").await?;
    fails("again", records.insert(USERS, "1", b"bob").await, Conflict)?;
    let found = read(&records, "1").await?;
    same("id", found.id().as_ref(), b"1")?;
    same("owner", found.owner(), None)?;
    same("version", found.version(), version)?;
    same("value", found.value().as_ref(), b"ann")?;
    same("elsewhere", records.get(EMAILS, "1").await?, None)?;
    records.insert_owned(EMAILS, "1", "ann", b"").await?;
    let owner = records.get(EMAILS, "1").await?;
    let owner = owner.as_ref().and_then(|record| record.owner());
    same("its owner", owner.map(AsRef::as_ref), Some(&b"ann"[..]))?;
    Ok(Case::Passed)
}

pub(super) async fn update_expects_the_version(harness: &impl RecordsHarness) -> Outcome {
    let records = harness.fresh().await;
    let first = records.insert_owned(USERS, "1", "ann", b"a").await?;
    let second = records.update(USERS, "1", first, b"b").await?;
    holds("each version is new", first != second)?;
    let late = records.update(USERS, "1", first, b"c").await;
    fails("the old version", late, Conflict)?;
    let absent = records.update(USERS, "2", second, b"c").await;
    fails("what is not there", absent, Conflict)?;
    let found = read(&records, "1").await?;
    same("value", found.value().as_ref(), b"b")?;
    same("version", found.version(), second)?;
    let owner = found.owner().map(AsRef::as_ref);
    same("the owner stays", owner, Some(&b"ann"[..]))?;
    Ok(Case::Passed)
}

pub(super) async fn delete_expects_the_version(harness: &impl RecordsHarness) -> Outcome {
    let records = harness.fresh().await;
    let first = records.insert_owned(USERS, "1", "ann", b"a").await?;
    let second = records.update(USERS, "1", first, b"b").await?;
    let late = records.delete(USERS, "1", Some(first)).await;
    fails("the old version", late, Conflict)?;
    records.delete(USERS, "1", Some(second)).await?;
    same("gone", records.get(USERS, "1").await?, None)?;
    let owned = records.list_owned(USERS, "ann", None, 10).await?;
    same("listed", owned, vec![])?;
    let again = records.delete(USERS, "1", Some(second)).await;
    fails("again", again, Conflict)?;
    records.delete(USERS, "1", None).await?;
    records.insert(USERS, "1", b"c").await?;
    records.delete(USERS, "1", None).await?;
    same("whatever is there", records.get(USERS, "1").await?, None)?;
    Ok(Case::Passed)
}

pub(super) async fn versions_are_never_reused(harness: &impl RecordsHarness) -> Outcome {
    let records = harness.fresh().await;
    let mut seen = HashSet::new();
    for _ in 0..10 {
        let inserted = records.insert(USERS, "1", b"").await?;
        let updated = records.update(USERS, "1", inserted, b"").await?;
        holds("a version is new", seen.insert(inserted))?;
        holds("a version is new", seen.insert(updated))?;
        records.delete(USERS, "1", None).await?;
    }
    records.insert(USERS, "1", b"new").await?;
    for old in seen {
        let update = records.update(USERS, "1", old, b"old").await;
        fails("a version from an earlier life", update, Conflict)?;
    }
    Ok(Case::Passed)
}

pub(super) async fn commits_are_whole(harness: &impl RecordsHarness) -> Outcome {
    let records = harness.fresh().await;
    let version = records
        .commit(&[
            Change::insert_owned(EMAILS, "ann@", "1", b"1"),
            Change::insert(USERS, "1", b"ann"),
            Change::delete(USERS, "nobody", None),
        ])
        .await?;
    same("version", read(&records, "1").await?.version(), version)?;
    let late = [
        Change::insert(USERS, "2", b"bob"),
        Change::update(USERS, "1", version, b"changed"),
        Change::delete(EMAILS, "ann@", Some(version)),
        Change::insert_owned(EMAILS, "ann@", "2", b"2"),
    ];
    // The same record twice is refused before the backend sees it.
    let twice = records.commit(&late).await;
    fails("a record twice", twice, StoreErrorKind::Invalid)?;
    let clash = [
        Change::insert(USERS, "2", b"bob"),
        Change::update(USERS, "1", version, b"changed"),
        Change::insert_owned(EMAILS, "ann@", "2", b"2"),
    ];
    let clash = records.commit(&clash).await;
    let place = clash
        .as_ref()
        .err()
        .and_then(StoreError::conflicting_change);
    same("the change that clashed", place, Some(2))?;
    fails("the commit", clash, Conflict)?;
    same("no insert", records.get(USERS, "2").await?, None)?;
    let user = read(&records, "1").await?;
    same("no update", user.value().as_ref(), b"ann")?;
    let end = [
        Change::delete(USERS, "1", Some(version)),
        Change::delete(EMAILS, "ann@", Some(version)),
    ];
    records.commit(&end).await?;
    same("all gone", records.get(EMAILS, "ann@").await?, None)?;
    Ok(Case::Passed)
}

pub(super) async fn a_requirement_guards_a_commit(harness: &impl RecordsHarness) -> Outcome {
    let records = harness.fresh().await;
    let user = records.insert(USERS, "1", b"ann").await?;
    let add_key = |version, id: &'static str| {
        records.commit(&[
            Change::require(USERS, "1", version),
            Change::insert_owned(EMAILS, id, "1", b""),
        ])
    };
    add_key(user, "a").await?;
    let same_version = read(&records, "1").await?.version();
    same("requiring changes nothing", same_version, user)?;
    let changed = records.update(USERS, "1", user, b"locked").await?;
    fails("changed", add_key(user, "b").await, Conflict)?;
    records.delete(USERS, "1", None).await?;
    fails("gone", add_key(changed, "b").await, Conflict)?;
    same("not made", records.get(EMAILS, "b").await?, None)?;
    Ok(Case::Passed)
}

pub(super) async fn lists_by_pages(harness: &impl RecordsHarness) -> Outcome {
    let records = harness.fresh().await;
    for id in ["b", "a", "\u{e4}", "B", "ab", ""] {
        records.insert(USERS, id, id.as_bytes()).await?;
        records.insert(EMAILS, id, b"another collection").await?;
    }
    let all = ["", "B", "a", "ab", "b", "\u{e4}"];
    for size in [1, 2, 5, 6, 7] {
        let mut ids = Vec::new();
        let mut last: Option<Bytes> = None;
        loop {
            let page = records.list(USERS, last.as_deref(), size).await?;
            holds("a page is no longer than asked for", page.len() <= size)?;
            let Some(end) = page.last() else { break };
            last = Some(end.id().clone());
            ids.extend(page.iter().map(|record| record.value().clone()));
        }
        let ids: Vec<&[u8]> = ids.iter().map(AsRef::as_ref).collect();
        let all: Vec<&[u8]> = all.iter().map(|id| id.as_bytes()).collect();
        same(format!("by pages of {size}"), ids, all)?;
    }
    let between = records.list(USERS, Some(b"aa"), 1).await?;
    let first = between.first().map(|record| record.id().as_ref());
    same("after an id that is not there", first, Some(&b"ab"[..]))?;
    same("no page", records.list(USERS, None, 0).await?, vec![])?;
    Ok(Case::Passed)
}

pub(super) async fn lists_by_owner(harness: &impl RecordsHarness) -> Outcome {
    let records = harness.fresh().await;
    for (id, owner) in [
        ("1", "ann"),
        ("2", "bob"),
        ("3", "ann"),
        ("4", "an"),
        ("5", "ann"),
    ] {
        records.insert_owned(USERS, id, owner, b"").await?;
        records.insert_owned(EMAILS, id, "ann", b"").await?;
    }
    records.insert(USERS, "6", b"").await?;
    records.insert_owned(USERS, "7", "", b"").await?;
    let ids = |page: Vec<Record>| -> String {
        page.iter()
            .map(|record| String::from_utf8_lossy(record.id()))
            .collect()
    };
    let list = |owner: &'static str, after: Option<&'static [u8]>, limit| {
        records.list_owned(USERS, owner, after, limit)
    };
    for (owner, after, limit, expected) in [
        ("ann", None, 10, "135"),
        ("ann", None, 2, "13"),
        ("ann", Some(&b"1"[..]), 1, "3"),
        ("ann", Some(b"4"), 10, "5"),
        ("bob", None, 10, "2"),
        ("", None, 10, "7"),
        ("nobody", None, 10, ""),
    ] {
        let found = ids(list(owner, after, limit).await?);
        same(format!("of {owner:?}"), found, expected.to_owned())?;
    }
    records.delete(USERS, "3", None).await?;
    let found = ids(list("ann", None, 10).await?);
    same("after a deletion", found, "15".to_owned())?;
    Ok(Case::Passed)
}

pub(super) async fn any_bytes_are_ids_and_values(harness: &impl RecordsHarness) -> Outcome {
    let records = harness.fresh().await;
    let longest = vec![b'x'; Key::MAX_ID_LEN];
    let ids: [&[u8]; 12] = [
        b"",
        b" ",
        b"a",
        b"a ",
        b"A",
        b"\0",
        b"a\0",
        b"a\nb",
        b"' OR 1=1 --",
        b"%",
        b"\xff",
        &longest,
    ];
    let largest = vec![0xfe; Store::MAX_VALUE_LEN];
    for id in ids {
        records.insert_owned(USERS, id, id, id).await?;
    }
    for id in ids {
        let name = id.escape_ascii();
        let found = records.get(USERS, id).await?;
        let value = found.as_ref().map(|record| record.value().as_ref());
        holds(format!("{name:.20} holds its own"), value == Some(id))?;
        let owned = records.list_owned(USERS, id, None, 10).await?;
        same(format!("records of {name:.20}"), owned.len(), 1)?;
    }
    records.insert(EMAILS, "large", &largest).await?;
    let found = records.get(EMAILS, "large").await?;
    let whole = found.is_some_and(|record| *record.value() == largest);
    holds("the largest value is kept whole", whole)?;
    Ok(Case::Passed)
}

pub(super) async fn full_records_refuse_and_keep(harness: &impl RecordsHarness) -> Outcome {
    let value = vec![0; 1024];
    let Some(records) = harness.bounded(100 * value.len()) else {
        return Ok(Case::Skipped);
    };
    let mut inserted = Vec::new();
    let refused = loop {
        let id = inserted.len().to_string();
        match records.insert(USERS, &id, &value).await {
            Ok(version) => inserted.push((id, version)),
            Err(error) => break error,
        }
        holds("there is a bound", inserted.len() <= 200)?;
    };
    same("the refusal", refused.kind(), Full)?;
    for (id, version) in &inserted {
        let found = read(&records, id).await?;
        same("kept", found.version(), *version)?;
    }
    let Some((id, version)) = inserted.pop() else {
        return Err(Problem::new("nothing fits"));
    };
    let version = records.update(USERS, &id, version, b"shorter").await?;
    let longer = vec![0; 4096];
    let longer = records.update(USERS, &id, version, &longer).await;
    fails("a longer value", longer, Full)?;
    records.delete(USERS, &id, Some(version)).await?;
    records.insert(USERS, "room again", &value).await?;
    Ok(Case::Passed)
}

pub(super) async fn one_insert_wins(harness: &impl RecordsHarness) -> Outcome {
    let records = harness.fresh().await;
    for round in 0..harness.rounds() {
        let found = race(harness, RUNNERS, |runner| {
            let records = records.clone();
            async move {
                let (email, user) = (round.to_string(), format!("{round}-{runner}"));
                let commit = [
                    Change::insert(USERS, &user, b""),
                    Change::insert(EMAILS, &email, user.as_bytes()),
                ];
                won(records.commit(&commit).await)
            }
        });
        same("winners", found.await?.into_iter().flatten().count(), 1)?;
        let users = records.list(USERS, None, Records::MAX_PAGE).await?;
        same("users", users.len(), round + 1)?;
    }
    Ok(Case::Passed)
}

pub(super) async fn no_update_is_lost(harness: &impl RecordsHarness) -> Outcome {
    let records = harness.fresh().await;
    for round in 0..harness.rounds() {
        records.insert(USERS, &round.to_string(), b"").await?;
        race(harness, RUNNERS, |runner| {
            let records = records.clone();
            async move { append(&records, &round.to_string(), runner).await }
        })
        .await?;
        let value = read(&records, &round.to_string()).await?;
        let runners: HashSet<_> = value.value().iter().collect();
        same("updates in the end", value.value().len(), RUNNERS)?;
        same("of different runners", runners.len(), RUNNERS)?;
    }
    Ok(Case::Passed)
}

pub(super) async fn commits_do_not_mix(harness: &impl RecordsHarness) -> Outcome {
    let records = harness.fresh().await;
    let (mut left, mut right) = (
        records.insert(USERS, "left", b"").await?,
        records.insert(USERS, "right", b"").await?,
    );
    for _ in 0..harness.rounds() {
        let found = race(harness, RUNNERS, |runner| {
            let records = records.clone();
            async move {
                let value = runner.to_string();
                let mut commit = [
                    Change::update(USERS, "left", left, value.as_bytes()),
                    Change::update(USERS, "right", right, value.as_bytes()),
                ];
                if runner % 2 == 0 {
                    commit.reverse();
                }
                won(records.commit(&commit).await)
            }
        });
        same("winners", found.await?.into_iter().flatten().count(), 1)?;
        let (l, r) = (
            read(&records, "left").await?,
            read(&records, "right").await?,
        );
        same("both of one commit", l.value(), r.value())?;
        (left, right) = (l.version(), r.version());
    }
    Ok(Case::Passed)
}

async fn read(records: &Records, id: &str) -> Result<Record, Problem> {
    let found = records.get(USERS, id).await?;
    found.ok_or_else(|| Problem::new("a record is missing"))
}

/// A conflict is what losers get; any other error is one.
fn won(commit: Result<Version, StoreError>) -> Result<Option<Version>, StoreError> {
    match commit {
        Ok(version) => Ok(Some(version)),
        Err(error) if error.kind() == Conflict => Ok(None),
        Err(error) => Err(error),
    }
}

/// Adds a byte to a record, as often as it takes.
async fn append(records: &Records, id: &str, runner: usize) -> Result<(), StoreError> {
    loop {
        let Some(record) = records.get(USERS, id).await? else {
            continue;
        };
        let mut value = record.value().to_vec();
        value.push(u8::try_from(runner).unwrap_or(u8::MAX));
        let update = records.update(USERS, id, record.version(), &value).await;
        if won(update)?.is_some() {
            return Ok(());
        }
    }
}
