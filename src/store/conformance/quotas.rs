use super::report::{Problem, holds, same};
use super::{Case, HOUR, Outcome, QUOTAS, StoreHarness};
use crate::store::gcra::{Rate, Status};
use crate::store::{Charge, Decision, Key, Owner};
use std::time::Duration;

pub(super) fn rate(count: u64, period: Duration) -> Result<Rate, Problem> {
    Rate::new(count, period).map_err(|error| Problem::new(error.to_string()))
}

fn remaining(decision: &Decision) -> Vec<u64> {
    decision.statuses().iter().map(Status::remaining).collect()
}

pub(super) async fn exactly_the_burst_is_admitted(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let charge = Charge::new(Key::new(QUOTAS, "key"), rate(5, HOUR)?);
    for left in (0..5).rev() {
        let decision = store.charge(&[charge]).await?;
        same(format!("{left} left"), decision.allowed(), true)?;
        same("remaining", remaining(&decision), vec![left])?;
        same("wait", decision.retry_after(), Some(Duration::ZERO))?;
    }
    for _ in 0..3 {
        let decision = store.charge(&[charge]).await?;
        same("the sixth", decision.allowed(), false)?;
        same("remaining", remaining(&decision), vec![0])?;
        let wait = decision.retry_after().unwrap_or_default();
        let interval = charge.rate().interval();
        holds(
            "the wait is one interval",
            wait <= interval && wait > interval / 2,
        )?;
        let reset = decision.statuses().first().map(Status::reset_after);
        let reset = reset.unwrap_or_default();
        holds("it is full in an hour", reset <= HOUR && reset > HOUR / 2)?;
    }
    let other = Charge::new(Key::new(QUOTAS, "other"), charge.rate());
    let decision = store.charge(&[other]).await?;
    same("another key", remaining(&decision), vec![4])?;
    same("no quota at all", store.charge(&[]).await?.allowed(), true)?;
    Ok(Case::Passed)
}

pub(super) async fn refills_steadily(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let tick = harness.tick();
    let charge = Charge::new(Key::new(QUOTAS, "key"), rate(2, tick * 8)?);
    store.charge(&[charge.with_cost(2)]).await?;
    harness.pass(tick * 3).await;
    let early = store.charge(&[charge]).await?;
    same("after three quarters of one", early.allowed(), false)?;
    harness.pass(early.retry_after().unwrap_or_default()).await;
    same(
        "after the wait",
        store.charge(&[charge]).await?.allowed(),
        true,
    )?;
    same(
        "then no more",
        store.charge(&[charge]).await?.allowed(),
        false,
    )?;
    harness.pass(tick * 9).await;
    let decision = store.charge(&[charge.with_cost(2)]).await?;
    same("full again, no more", remaining(&decision), vec![0])?;
    same("which was allowed", decision.allowed(), true)?;
    Ok(Case::Passed)
}

pub(super) async fn all_or_nothing(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let client = Owner::new(QUOTAS, "client");
    let wide = Charge::new(client.key("wide"), rate(10, HOUR)?);
    let narrow = Charge::new(client.key("narrow"), rate(1, HOUR)?);
    let elsewhere = Charge::new(Key::new(QUOTAS, "elsewhere"), rate(10, HOUR)?);
    let first = store.charge(&[wide, narrow, elsewhere]).await?;
    same("first", remaining(&first), vec![9, 0, 9])?;
    for batch in [[wide, narrow, elsewhere], [elsewhere, wide, narrow]] {
        let refused = store.charge(&batch).await?;
        same("second", refused.allowed(), false)?;
    }
    for (name, charge) in [("wide", wide), ("elsewhere", elsewhere)] {
        let left = store.charge(&[charge.with_cost(0)]).await?;
        same(format!("{name} was not charged"), remaining(&left), vec![9])?;
    }
    Ok(Case::Passed)
}

pub(super) async fn costs_are_charged(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    // One unit refills in 8 seconds, which no call takes.
    let rate = rate(1_000_000, HOUR * 24 * 90)?;
    let charge = Charge::new(Key::new(QUOTAS, "key"), rate);
    let decision = store.charge(&[charge.with_cost(999_998)]).await?;
    same("most of it", remaining(&decision), vec![2])?;
    let decision = store.charge(&[charge.with_cost(3)]).await?;
    same("too much", decision.allowed(), false)?;
    same("leaves it", remaining(&decision), vec![2])?;
    for cost in [1_000_001, u64::MAX] {
        let never = store.charge(&[charge.with_cost(cost)]).await?;
        same(format!("{cost}"), never.allowed(), false)?;
        same("is never admitted", never.retry_after(), None)?;
    }
    let decision = store.charge(&[charge.with_cost(2)]).await?;
    same("the rest", remaining(&decision), vec![0])?;
    same("is allowed", decision.allowed(), true)?;
    Ok(Case::Passed)
}

pub(super) async fn a_cost_of_zero_only_looks(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let key = Key::new(QUOTAS, "key");
    let charge = Charge::new(key, rate(3, HOUR)?);
    let look = store.charge(&[charge.with_cost(0)]).await?;
    same("full", remaining(&look), vec![3])?;
    same("not made", store.delete(key).await?, false)?;
    store.charge(&[charge.with_cost(3)]).await?;
    let look = store.charge(&[charge.with_cost(0)]).await?;
    same("empty", remaining(&look), vec![0])?;
    same("looking is allowed", look.allowed(), true)?;
    Ok(Case::Passed)
}

pub(super) async fn eight_are_decided_together(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let client = Owner::new(QUOTAS, "client");
    let ids = ["1", "2", "3", "4", "5", "6", "7", "8"];
    let mut batch = Vec::new();
    for (id, limit) in ids.iter().zip(2..) {
        batch.push(Charge::new(client.key(id), rate(limit, HOUR)?));
    }
    let first = store.charge(&batch).await?;
    same("first", remaining(&first), (1..=8).collect())?;
    let second = store.charge(&batch).await?;
    same("second", remaining(&second), (0..=7).collect())?;
    let third = store.charge(&batch).await?;
    same("third", third.allowed(), false)?;
    same("changes nothing", remaining(&third), (0..=7).collect())?;
    let waits: Vec<_> = third
        .statuses()
        .iter()
        .filter_map(Status::retry_after)
        .collect();
    let waiting = waits.iter().filter(|wait| !wait.is_zero()).count();
    same("quotas that refuse", waiting, 1)?;
    Ok(Case::Passed)
}

pub(super) async fn delete_fills_a_quota(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let key = Key::new(QUOTAS, "key");
    let charge = Charge::new(key, rate(1, HOUR)?);
    store.charge(&[charge]).await?;
    same("delete", store.delete(key).await?, true)?;
    same("full", store.charge(&[charge]).await?.allowed(), true)?;
    Ok(Case::Passed)
}

pub(super) async fn a_changed_rate_counts_at_once(harness: &impl StoreHarness) -> Outcome {
    let store = harness.fresh().await;
    let key = Key::new(QUOTAS, "key");
    let slow = Charge::new(key, rate(1, HOUR)?);
    let fast = Charge::new(key, rate(2, HOUR / 60)?);
    store.charge(&[slow]).await?;
    let decision = store.charge(&[fast]).await?;
    same("spent", decision.allowed(), false)?;
    let wait = decision.retry_after().unwrap_or(HOUR);
    holds("for no longer than the new rate says", wait <= HOUR / 60)?;
    Ok(Case::Passed)
}

pub(super) async fn the_fastest_and_the_slowest_rate(harness: &impl StoreHarness) -> Outcome {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let store = harness.fresh().await;
    let slow = Charge::new(Key::new(QUOTAS, "slow"), rate(3, DAY * 99)?);
    for left in [2, 1, 0] {
        same("slow", remaining(&store.charge(&[slow]).await?), vec![left])?;
    }
    same("slow, spent", store.charge(&[slow]).await?.allowed(), false)?;
    let per_nano = rate(1_000_000_000, Duration::from_secs(1))?;
    let burst = per_nano.with_burst(3_600_000_000_000);
    let burst = burst.map_err(|error| Problem::new(error.to_string()))?;
    let fast = Charge::new(Key::new(QUOTAS, "fast"), burst).with_cost(3_600_000_000_000);
    same("fast", store.charge(&[fast]).await?.allowed(), true)?;
    same("fast, spent", store.charge(&[fast]).await?.allowed(), false)?;
    Ok(Case::Passed)
}
