use super::quotas::rate;
use super::report::{fails, same};
use super::{COUNTERS, Case, HOUR, Outcome, QUOTAS, StoreHarness, VALUES};
use crate::store::StoreErrorKind::Full;
use crate::store::{Charge, Key, Owner, OwnerLimit, Swap};

pub(super) async fn a_full_store_refuses_and_keeps(harness: &impl StoreHarness) -> Outcome {
    const ENTRIES: usize = 100;
    let Some(store) = harness.bounded(ENTRIES) else {
        return Ok(Case::Skipped);
    };
    let tick = harness.tick();
    let ids: Vec<[u8; 8]> = (0..ENTRIES as u64).map(u64::to_be_bytes).collect();
    for (id, ttl) in ids.iter().zip([tick, HOUR].into_iter().cycle()) {
        store.put(Key::new(VALUES, id), b"old", ttl).await?;
    }
    let new = Key::new(VALUES, "new");
    let owned = Owner::new(VALUES, "ann").key("new");
    let limit = OwnerLimit::refuse_above(1);
    let count = Key::new(COUNTERS, "new");
    let quota = Charge::new(Key::new(QUOTAS, "new"), rate(1, HOUR)?);
    let other = Charge::new(Key::new(QUOTAS, "other"), rate(1, HOUR)?);
    fails("put", store.put(new, b"", HOUR).await, Full)?;
    fails("absent", store.put_if_absent(new, b"", HOUR).await, Full)?;
    let swap = store.compare_and_swap(new, None, b"", HOUR).await;
    fails("swap", swap, Full)?;
    fails("count", store.increment(count, 1, HOUR).await, Full)?;
    fails("charge", store.charge(&[quota, other]).await, Full)?;
    let put = store.put_owned(owned, b"", HOUR, limit).await;
    fails("owned", put, Full)?;

    same(
        "looking goes on",
        store.increment(count, 0, HOUR).await?.count(),
        0,
    )?;
    for id in &ids {
        let key = Key::new(VALUES, id);
        same("kept", store.get(key).await?.as_deref(), Some(&b"old"[..]))?;
    }
    for id in ids.iter().skip(1).step_by(2) {
        let key = Key::new(VALUES, id);
        let swap = store.compare_and_swap(key, Some(b"old"), b"new", HOUR);
        same("what is there can change", swap.await?, Swap::Swapped)?;
    }
    harness.pass(tick).await;
    store.charge(&[quota, other]).await?;
    for id in ids.iter().take(ENTRIES / 2 - 2) {
        store.increment(Key::new(COUNTERS, id), 1, HOUR).await?;
    }
    fails("full again", store.put(new, b"", HOUR).await, Full)?;
    Ok(Case::Passed)
}
