use super::report::{holds, same};
use super::{Case, HOUR, Outcome, StoreHarness, VALUES};
use crate::store::{Key, Store, Swap};
use bytes::Bytes;
use std::time::Duration;

fn some(value: &'static [u8]) -> Option<Bytes> {
    Some(Bytes::from_static(value))
}

fn conflict(value: Option<&'static [u8]>) -> Swap {
    Swap::Conflict(value.map(Bytes::from_static))
}

pub(super) async fn what_is_not_there_is_absent(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let key = Key::new(VALUES, "nothing");
    same("get", store.get(key).await?, None)?;
    same("take", store.take(key).await?, None)?;
    same("delete", store.delete(key).await?, false)?;
    let swap = store.compare_and_swap(key, Some(b"x"), b"y", HOUR).await?;
    same("swap", swap, conflict(None))?;
    same("get after all that", store.get(key).await?, None)?;
    Ok(Case::Passed)
}

pub(super) async fn put_replaces(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let key = Key::new(VALUES, "key");
    store.put(key, b"first", HOUR).await?;
    same("get", store.get(key).await?, some(b"first"))?;
    store.put(key, b"2", HOUR).await?;
    same("get again", store.get(key).await?, some(b"2"))?;
    Ok(Case::Passed)
}

pub(super) async fn an_entry_is_gone_at_its_expiry(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let tick = harness.tick();
    let ids = [
        "get",
        "take",
        "delete",
        "swap",
        "swap none",
        "put_if_absent",
    ];
    for id in ids {
        store.put(Key::new(VALUES, id), b"old", tick * 2).await?;
    }
    harness.pass(tick).await;
    for id in ids {
        same(id, store.get(Key::new(VALUES, id)).await?, some(b"old"))?;
    }
    harness.pass(tick).await;
    let key = |id| Key::new(VALUES, id);
    same("get", store.get(key("get")).await?, None)?;
    same("take", store.take(key("take")).await?, None)?;
    same("delete", store.delete(key("delete")).await?, false)?;
    let swap = store.compare_and_swap(key("swap"), Some(b"old"), b"new", HOUR);
    same("swap", swap.await?, conflict(None))?;
    let swap = store.compare_and_swap(key("swap none"), None, b"new", HOUR);
    same("swap none", swap.await?, Swap::Swapped)?;
    let put = store.put_if_absent(key("put_if_absent"), b"new", HOUR);
    same("put_if_absent", put.await?, true)?;
    Ok(Case::Passed)
}

pub(super) async fn put_starts_the_time_to_live_anew(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let tick = harness.tick();
    let (longer, shorter) = (Key::new(VALUES, "longer"), Key::new(VALUES, "shorter"));
    store.put(longer, b"", tick * 2).await?;
    store.put(shorter, b"", HOUR).await?;
    harness.pass(tick).await;
    store.put(longer, b"", HOUR).await?;
    store.put(shorter, b"", tick).await?;
    harness.pass(tick).await;
    same("made longer", store.get(longer).await?, some(b""))?;
    same("made shorter", store.get(shorter).await?, None)?;
    Ok(Case::Passed)
}

pub(super) async fn put_if_absent_leaves_what_is_there(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let tick = harness.tick();
    let key = Key::new(VALUES, "key");
    let first = store.put_if_absent(key, b"first", tick * 2).await?;
    same("first", first, true)?;
    let second = store.put_if_absent(key, b"second", HOUR).await?;
    same("second", second, false)?;
    same("the value", store.get(key).await?, some(b"first"))?;
    harness.pass(tick * 2).await;
    same("after its time to live", store.get(key).await?, None)?;
    Ok(Case::Passed)
}

pub(super) async fn swap_compares_to_the_byte(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let key = Key::new(VALUES, "key");
    let swap = |expected, value| store.compare_and_swap(key, expected, value, HOUR);
    same("none is none", swap(None, b"").await?, Swap::Swapped)?;
    same(
        "empty is not none",
        swap(None, b"x").await?,
        conflict(Some(b"")),
    )?;
    same(
        "empty is empty",
        swap(Some(b""), b"a\0b").await?,
        Swap::Swapped,
    )?;
    for other in [
        &b""[..],
        b"a",
        b"a\0",
        b"a\0b\0",
        b"A\0B",
        b"a\0b ",
        b"a\\0b",
    ] {
        let found = swap(Some(other), b"x").await?;
        same(format!("{other:?}"), found, conflict(Some(b"a\0b")))?;
    }
    same(
        "the same",
        swap(Some(b"a\0b"), b"new").await?,
        Swap::Swapped,
    )?;
    same("get", store.get(key).await?, some(b"new"))?;
    Ok(Case::Passed)
}

pub(super) async fn swap_starts_the_time_to_live_anew(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let tick = harness.tick();
    let (swapped, refused) = (Key::new(VALUES, "swapped"), Key::new(VALUES, "refused"));
    store.put(swapped, b"a", tick * 2).await?;
    store.put(refused, b"a", tick * 2).await?;
    harness.pass(tick).await;
    store
        .compare_and_swap(swapped, Some(b"a"), b"a", HOUR)
        .await?;
    store
        .compare_and_swap(refused, Some(b"b"), b"c", HOUR)
        .await?;
    harness.pass(tick).await;
    same("swapped", store.get(swapped).await?, some(b"a"))?;
    same("refused", store.get(refused).await?, None)?;
    Ok(Case::Passed)
}

pub(super) async fn take_takes_once(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let key = Key::new(VALUES, "key");
    store.put(key, b"once", HOUR).await?;
    same("first", store.take(key).await?, some(b"once"))?;
    same("second", store.take(key).await?, None)?;
    same("get", store.get(key).await?, None)?;
    same("anew", store.put_if_absent(key, b"", HOUR).await?, true)?;
    Ok(Case::Passed)
}

pub(super) async fn delete_tells_whether_there_was_one(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let key = Key::new(VALUES, "key");
    store.put(key, b"", HOUR).await?;
    same("first", store.delete(key).await?, true)?;
    same("second", store.delete(key).await?, false)?;
    same("get", store.get(key).await?, None)?;
    Ok(Case::Passed)
}

pub(super) async fn a_time_to_live_of_zero_is_over_at_once(harness: &impl StoreHarness) -> Outcome {
    const ZERO: Duration = Duration::ZERO;
    let store = harness.fresh().await;
    let key = Key::new(VALUES, "key");
    store.put(key, b"", ZERO).await?;
    same("put", store.get(key).await?, None)?;
    same("absent", store.put_if_absent(key, b"", ZERO).await?, true)?;
    same(
        "absent again",
        store.put_if_absent(key, b"", ZERO).await?,
        true,
    )?;
    let swap = store.compare_and_swap(key, None, b"", ZERO).await?;
    same("swap none", swap, Swap::Swapped)?;
    same("swap none, get", store.get(key).await?, None)?;
    store.put(key, b"old", HOUR).await?;
    same("there", store.put_if_absent(key, b"", ZERO).await?, false)?;
    same("still there", store.get(key).await?, some(b"old"))?;
    let swap = store.compare_and_swap(key, Some(b"old"), b"new", ZERO);
    same("swap", swap.await?, Swap::Swapped)?;
    same("swap, get", store.get(key).await?, None)?;
    store.put(key, b"old", HOUR).await?;
    store.put(key, b"new", ZERO).await?;
    same("put over it", store.get(key).await?, None)?;
    Ok(Case::Passed)
}

pub(super) async fn times_to_live_from_shortest_to_longest(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let key = Key::new(VALUES, "key");
    store.put(key, b"", Duration::from_nanos(1)).await?;
    harness.pass(harness.tick()).await;
    same("a nanosecond", store.get(key).await?, None)?;
    for ttl in [
        Duration::from_nanos(1_000_000_001),
        Store::MAX_TTL,
        Duration::MAX,
    ] {
        let ttl = ttl.max(harness.tick() * 2);
        store.put(key, b"", ttl).await?;
        harness.pass(harness.tick()).await;
        same(format!("{ttl:?}"), store.get(key).await?, some(b""))?;
    }
    Ok(Case::Passed)
}

pub(super) async fn any_bytes_are_a_value(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let all_bytes: Vec<u8> = (0..=u8::MAX).collect();
    let longest = vec![b'x'; Store::MAX_VALUE_LEN];
    for value in [
        &b""[..],
        b"\0",
        b"\r\n",
        b"$3\r\nGET\r\n",
        b"'; DROP TABLE entries; --",
        b"12",
        b"-1",
        b"nil",
        b"null",
        b"{\"a\": 1}",
        b"\xff\xfe not UTF-8 \xc3\x28",
        "ÄÖ \u{1f512}".as_bytes(),
        &all_bytes,
        &longest,
    ] {
        let key = Key::new(VALUES, "key");
        let name = format!(
            "a value of {} bytes, {:.20}",
            value.len(),
            value.escape_ascii()
        );
        store.put(key, value, HOUR).await?;
        holds(
            format!("{name}: put and get"),
            store.get(key).await?.as_deref() == Some(value),
        )?;
        let swap = store
            .compare_and_swap(key, Some(value), value, HOUR)
            .await?;
        same(format!("{name}: swap"), swap, Swap::Swapped)?;
        holds(
            format!("{name}: take"),
            store.take(key).await?.as_deref() == Some(value),
        )?;
        let put = store.put_if_absent(key, value, HOUR).await?;
        same(format!("{name}: put_if_absent"), put, true)?;
        holds(
            format!("{name}: get"),
            store.get(key).await?.as_deref() == Some(value),
        )?;
    }
    Ok(Case::Passed)
}
