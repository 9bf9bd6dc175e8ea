use super::report::{Problem, holds, same};
use super::{Case, HOUR, Outcome, StoreHarness, VALUES};
use crate::store::{OwnedPut, Owner, OwnerLimit, Store, Swap};
use bytes::Bytes;

/// The ids of an owner's entries, in the order of the list.
pub(super) async fn ids(store: &Store, owner: Owner<'_>) -> Result<Vec<String>, Problem> {
    let entries = store.list_owned(owner).await?;
    let id = |entry: &crate::store::OwnedEntry| String::from_utf8_lossy(entry.id()).into_owned();
    Ok(entries.iter().map(id).collect())
}

fn stored(evicted: &[&'static str]) -> OwnedPut {
    let evicted = evicted.iter().map(|id| Bytes::from_static(id.as_bytes()));
    OwnedPut::Stored {
        evicted: evicted.collect(),
    }
}

const MANY: OwnerLimit = OwnerLimit::refuse_above(OwnerLimit::MAX);

pub(super) async fn lists_what_expires_soonest_first(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let owner = Owner::new(VALUES, "ann");
    same("nothing", ids(&store, owner).await?, vec![])?;
    for (id, hours) in [("b", 2), ("c", 3), ("a", 1), ("d", 4)] {
        let put = store.put_owned(owner.key(id), id.as_bytes(), HOUR * hours, MANY);
        same(id, put.await?, stored(&[]))?;
    }
    let listed = store.list_owned(owner).await?;
    for ((entry, id), hours) in listed.iter().zip(["a", "b", "c", "d"]).zip(1..) {
        same("id", entry.id().as_ref(), id.as_bytes())?;
        same("value", entry.value().as_ref(), id.as_bytes())?;
        let remaining = entry.remaining();
        let as_put = remaining <= HOUR * hours && remaining > HOUR * hours - HOUR / 2;
        holds(format!("{id} lives {hours} hours"), as_put)?;
        let found = store.get(owner.key(id)).await?;
        same("get", found.as_ref(), Some(entry.value()))?;
    }
    same("entries", listed.len(), 4)?;
    Ok(Case::Passed)
}

pub(super) async fn the_list_follows_every_operation(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let owner = Owner::new(VALUES, "ann");
    for (id, hours) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
        store
            .put_owned(owner.key(id), b"1", HOUR * hours, MANY)
            .await?;
    }
    store.take(owner.key("b")).await?;
    same(
        "after take",
        ids(&store, owner).await?.join(""),
        "acd".into(),
    )?;
    store.delete(owner.key("d")).await?;
    same(
        "after delete",
        ids(&store, owner).await?.join(""),
        "ac".into(),
    )?;
    let swap = store.compare_and_swap(owner.key("a"), Some(b"1"), b"2", HOUR * 9);
    same("swap", swap.await?, Swap::Swapped)?;
    same(
        "after swap",
        ids(&store, owner).await?.join(""),
        "ca".into(),
    )?;
    store
        .put_owned(owner.key("c"), b"3", HOUR * 10, MANY)
        .await?;
    same("after put", ids(&store, owner).await?.join(""), "ac".into())?;
    let values: Vec<_> = store.list_owned(owner).await?;
    let values: Vec<_> = values.iter().map(|entry| entry.value().as_ref()).collect();
    same("values", values, vec![&b"2"[..], b"3"])?;
    Ok(Case::Passed)
}

pub(super) async fn expired_entries_are_neither_listed_nor_counted(
    harness: &impl StoreHarness,
) -> Outcome {
    let store = harness.fresh().await;
    let tick = harness.tick();
    let owner = Owner::new(VALUES, "ann");
    let limit = OwnerLimit::refuse_above(3);
    for (id, ttl) in [("a", tick * 2), ("b", tick * 2), ("c", HOUR)] {
        store.put_owned(owner.key(id), b"1", ttl, limit).await?;
    }
    harness.pass(tick).await;
    // Its old place in the list must not make it go.
    store
        .compare_and_swap(owner.key("b"), Some(b"1"), b"1", HOUR / 2)
        .await?;
    harness.pass(tick).await;
    same("listed", ids(&store, owner).await?.join(""), "bc".into())?;
    let put = store.put_owned(owner.key("d"), b"1", HOUR, limit).await?;
    same("counted", put, stored(&[]))?;
    let put = store.put_owned(owner.key("e"), b"1", HOUR, limit).await?;
    same("now full", put, OwnedPut::LimitReached)?;
    same("deleted", store.delete_owned(owner, None).await?, 3)?;
    Ok(Case::Passed)
}

pub(super) async fn above_the_limit_is_refused(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let owner = Owner::new(VALUES, "ann");
    let limit = OwnerLimit::refuse_above(2);
    for id in ["a", "b"] {
        store.put_owned(owner.key(id), b"1", HOUR, limit).await?;
    }
    let put = store
        .put_owned(owner.key("c"), b"1", HOUR * 2, limit)
        .await?;
    same("a third", put, OwnedPut::LimitReached)?;
    same("is not there", store.get(owner.key("c")).await?, None)?;
    let put = store
        .put_owned(owner.key("a"), b"2", HOUR * 2, limit)
        .await?;
    same("one that is there", put, stored(&[]))?;
    let other = Owner::new(VALUES, "bob").key("c");
    let put = store.put_owned(other, b"1", HOUR, limit).await?;
    same("another owner's", put, stored(&[]))?;
    for limit in [OwnerLimit::refuse_above(0), OwnerLimit::evict_above(0)] {
        let put = store.put_owned(owner.key("c"), b"1", HOUR, limit).await?;
        same(format!("{limit:?}"), put, OwnedPut::LimitReached)?;
    }
    same("kept", ids(&store, owner).await?.join(""), "ba".into())?;
    Ok(Case::Passed)
}

pub(super) async fn above_the_limit_the_soonest_to_expire_go(
    harness: &impl StoreHarness,
) -> Outcome {
    let store = harness.fresh().await;
    let owner = Owner::new(VALUES, "ann");
    let put = |id: &'static str, hours, max| {
        let limit = OwnerLimit::evict_above(max);
        store.put_owned(owner.key(id), b"1", HOUR * hours, limit)
    };
    same("a", put("a", 3, 3).await?, stored(&[]))?;
    same("b", put("b", 1, 3).await?, stored(&[]))?;
    same("c", put("c", 2, 3).await?, stored(&[]))?;
    same("d", put("d", 4, 3).await?, stored(&["b"]))?;
    same("gone", store.get(owner.key("b")).await?, None)?;
    same("c again", put("c", 5, 3).await?, stored(&[]))?;
    same("a lower limit", put("e", 6, 2).await?, stored(&["a", "d"]))?;
    // The new one stays even when it is the soonest to expire of all.
    same("the soonest", put("f", 1, 2).await?, stored(&["c"]))?;
    same("listed", ids(&store, owner).await?.join(""), "fe".into())?;
    Ok(Case::Passed)
}

pub(super) async fn deletes_all_or_all_but_one(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let (ann, bob) = (Owner::new(VALUES, "ann"), Owner::new(VALUES, "bob"));
    for id in ["a", "b", "c"] {
        store.put_owned(ann.key(id), b"1", HOUR, MANY).await?;
        store.put_owned(bob.key(id), b"1", HOUR, MANY).await?;
    }
    same("all but one", store.delete_owned(ann, Some(b"b")).await?, 2)?;
    same("the one", ids(&store, ann).await?.join(""), "b".into())?;
    same(
        "which is there",
        store.get(ann.key("b")).await?.is_some(),
        true,
    )?;
    same("the others", store.get(ann.key("a")).await?, None)?;
    same(
        "keep what is not there",
        store.delete_owned(ann, Some(b"x")).await?,
        1,
    )?;
    same("again", store.delete_owned(ann, None).await?, 0)?;
    same("none", ids(&store, ann).await?, vec![])?;
    same("another owner's", ids(&store, bob).await?.len(), 3)?;
    same("all", store.delete_owned(bob, None).await?, 3)?;
    Ok(Case::Passed)
}

pub(super) async fn what_was_revoked_does_not_rise_again(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let owner = Owner::new(VALUES, "ann");
    for id in ["a", "b"] {
        store.put_owned(owner.key(id), b"1", HOUR, MANY).await?;
    }
    store.delete(owner.key("a")).await?;
    store.delete_owned(owner, None).await?;
    for id in ["a", "b"] {
        let swap = store.compare_and_swap(owner.key(id), Some(b"1"), b"2", HOUR);
        same(id, swap.await?, Swap::Conflict(None))?;
    }
    same("none", ids(&store, owner).await?, vec![])?;
    Ok(Case::Passed)
}
