use super::report::{holds, same};
use super::{COUNTERS, Case, HOUR, Outcome, StoreHarness};
use crate::store::{Count, Key};
use std::time::Duration;

pub(super) async fn counts_add_up(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let key = Key::new(COUNTERS, "key");
    for (by, expected) in [
        (1, 1),
        (1, 2),
        (40, 42),
        (0, 42),
        (1_000_000_000_000, 1_000_000_000_042),
    ] {
        let window = store.increment(key, by, HOUR).await?;
        same(format!("by {by}"), window.count(), expected)?;
        let remaining = window.remaining();
        holds("the window is within what it was", remaining <= HOUR)?;
        holds("the window is open", remaining > HOUR / 2)?;
    }
    Ok(Case::Passed)
}

pub(super) async fn the_first_count_starts_the_window(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let tick = harness.tick();
    let key = Key::new(COUNTERS, "key");
    store.increment(key, 1, tick * 3).await?;
    harness.pass(tick).await;
    let later = store.increment(key, 1, HOUR).await?;
    same("within", later.count(), 2)?;
    holds(
        "a longer window changes nothing",
        later.remaining() <= tick * 2,
    )?;
    let shorter = store.increment(key, 1, Duration::ZERO).await?;
    same("a shorter one too", shorter.count(), 3)?;
    harness.pass(tick * 2).await;
    let anew = store.increment(key, 1, HOUR).await?;
    same("after", anew.count(), 1)?;
    holds("with a window of its own", anew.remaining() > HOUR / 2)?;
    Ok(Case::Passed)
}

pub(super) async fn counting_zero_only_looks(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let tick = harness.tick();
    let key = Key::new(COUNTERS, "key");
    let nothing = Count::new(0, Duration::ZERO);
    same("nothing", store.increment(key, 0, HOUR).await?, nothing)?;
    same("not made", store.delete(key).await?, false)?;
    store.increment(key, 5, tick * 2).await?;
    let look = store.increment(key, 0, HOUR).await?;
    same("count", look.count(), 5)?;
    holds("the window stays", look.remaining() <= tick * 2)?;
    harness.pass(tick * 2).await;
    same("after", store.increment(key, 0, HOUR).await?, nothing)?;
    Ok(Case::Passed)
}

pub(super) async fn the_count_stops_at_its_end(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let (slow, fast) = (Key::new(COUNTERS, "slow"), Key::new(COUNTERS, "fast"));
    let count = store.increment(slow, Count::MAX - 1, HOUR).await?.count();
    same("before the end", count, Count::MAX - 1)?;
    for by in [1, 1, u64::MAX, 0] {
        let count = store.increment(slow, by, HOUR).await?.count();
        same(format!("{by} more"), count, Count::MAX)?;
    }
    let count = store.increment(fast, u64::MAX, HOUR).await?.count();
    same("at once", count, Count::MAX)?;
    Ok(Case::Passed)
}

pub(super) async fn a_window_of_zero_is_over_at_once(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let key = Key::new(COUNTERS, "key");
    for _ in 0..2 {
        let window = store.increment(key, 3, Duration::ZERO).await?;
        same("each", window, Count::new(3, Duration::ZERO))?;
    }
    same("left", store.delete(key).await?, false)?;
    Ok(Case::Passed)
}

pub(super) async fn delete_starts_anew(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let key = Key::new(COUNTERS, "key");
    store.increment(key, 5, HOUR).await?;
    same("delete", store.delete(key).await?, true)?;
    same("count", store.increment(key, 1, HOUR).await?.count(), 1)?;
    Ok(Case::Passed)
}
