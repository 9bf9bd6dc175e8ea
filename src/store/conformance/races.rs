use super::owners::ids;
use super::quotas::rate;
use super::report::{Problem, holds, same};
use super::{COUNTERS, Case, HOUR, Outcome, QUOTAS, StoreHarness, Task, Tasks, VALUES};
use crate::lock::lock;
use crate::store::gcra::Status;
use crate::store::{Charge, Key, OwnedPut, Owner, OwnerLimit, Store, StoreError, Swap};
use bytes::Bytes;
use std::collections::HashSet;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

/// Tasks in each race.
const RUNNERS: usize = 16;

/// How often a runner looks whether the others have come to the start, before it goes alone.
const PATIENCE: usize = 1_000;

/// Runs this many tasks at once, and gives back what each found.
pub(super) async fn race<H, T, F>(
    harness: &H,
    runners: usize,
    runner: impl Fn(usize) -> F,
) -> Result<Vec<T>, Problem>
where
    H: Tasks,
    T: Send + 'static,
    F: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    let start = Arc::new(AtomicUsize::new(0));
    let found = Arc::new(Mutex::new(Vec::with_capacity(runners)));
    let task = |number| -> Task {
        let (start, found, run) = (Arc::clone(&start), Arc::clone(&found), runner(number));
        Box::pin(async move {
            all_at_start(&start, runners).await;
            let answer = run.await;
            lock(&found).push(answer);
        })
    };
    harness.run((0..runners).map(task).collect()).await;
    let mut found = lock(&found);
    same("tasks that ended", found.len(), runners)?;
    found.drain(..).map(|answer| Ok(answer?)).collect()
}

async fn all_at_start(start: &AtomicUsize, runners: usize) {
    start.fetch_add(1, Ordering::AcqRel);
    let mut looks = 0;
    poll_fn(|context| {
        looks += 1;
        if start.load(Ordering::Acquire) >= runners || looks > PATIENCE {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A store, and an id of its own for each round.
async fn rounds<H: StoreHarness>(harness: &H) -> (Store, impl Iterator<Item = [u8; 8]> + use<H>) {
    let rounds = 0..harness.rounds() as u64;
    (harness.fresh().await, rounds.map(u64::to_be_bytes))
}

fn winners(found: &[bool]) -> usize {
    found.iter().filter(|won| **won).count()
}

pub(super) async fn one_put_if_absent_wins(harness: &impl StoreHarness) -> Outcome {
    let (store, rounds) = rounds(harness).await;
    for id in rounds {
        let found = race(harness, RUNNERS, |runner| {
            let store = store.clone();
            async move {
                let value = runner.to_string();
                store
                    .put_if_absent(Key::new(VALUES, &id), value.as_bytes(), HOUR)
                    .await
            }
        });
        same("winners", winners(&found.await?), 1)?;
    }
    Ok(Case::Passed)
}

pub(super) async fn one_take_wins(harness: &impl StoreHarness) -> Outcome {
    let (store, rounds) = rounds(harness).await;
    for id in rounds {
        store.put(Key::new(VALUES, &id), b"once", HOUR).await?;
        let found = race(harness, RUNNERS, |_| {
            let store = store.clone();
            async move { Ok(store.take(Key::new(VALUES, &id)).await?.is_some()) }
        });
        same("winners", winners(&found.await?), 1)?;
    }
    Ok(Case::Passed)
}

pub(super) async fn one_delete_wins(harness: &impl StoreHarness) -> Outcome {
    let (store, rounds) = rounds(harness).await;
    for id in rounds {
        store.put(Key::new(VALUES, &id), b"", HOUR).await?;
        let found = race(harness, RUNNERS, |_| {
            let store = store.clone();
            async move { store.delete(Key::new(VALUES, &id)).await }
        });
        same("winners", winners(&found.await?), 1)?;
    }
    Ok(Case::Passed)
}

pub(super) async fn no_swap_is_lost(harness: &impl StoreHarness) -> Outcome {
    let (store, rounds) = rounds(harness).await;
    for id in rounds {
        let found = race(harness, RUNNERS, |runner| {
            let store = store.clone();
            async move { append(&store, &id, runner).await }
        });
        found.await?;
        let value = store.get(Key::new(VALUES, &id)).await?.unwrap_or_default();
        let runners: HashSet<_> = value.iter().collect();
        same("updates in the end", value.len(), RUNNERS)?;
        same("of different runners", runners.len(), RUNNERS)?;
    }
    Ok(Case::Passed)
}

/// Adds a byte to a value by compare-and-swap, as often as it takes.
async fn append(store: &Store, id: &[u8], runner: usize) -> Result<(), StoreError> {
    let key = Key::new(VALUES, id);
    let mut seen: Option<Bytes> = None;
    loop {
        let mut value = seen.as_deref().unwrap_or_default().to_vec();
        value.push(u8::try_from(runner).unwrap_or(u8::MAX));
        match store
            .compare_and_swap(key, seen.as_deref(), &value, HOUR)
            .await?
        {
            Swap::Swapped => return Ok(()),
            Swap::Conflict(found) => seen = found,
        }
    }
}

pub(super) async fn no_count_is_lost(harness: &impl StoreHarness) -> Outcome {
    let (store, rounds) = rounds(harness).await;
    for id in rounds {
        let found = race(harness, RUNNERS, |_| {
            let store = store.clone();
            async move {
                Ok(store
                    .increment(Key::new(COUNTERS, &id), 1, HOUR)
                    .await?
                    .count())
            }
        });
        let mut counts = found.await?;
        counts.sort_unstable();
        same("counts", counts, (1..=RUNNERS as u64).collect())?;
    }
    Ok(Case::Passed)
}

pub(super) async fn no_quota_admits_too_much(harness: &impl StoreHarness) -> Outcome {
    let (store, rounds) = rounds(harness).await;
    // Refills within an hour, so nothing to speak of within the race.
    let rate = rate(10, HOUR)?;
    for id in rounds {
        let found = race(harness, RUNNERS, |_| {
            let store = store.clone();
            async move {
                let charge = Charge::new(Key::new(QUOTAS, &id), rate);
                Ok(store.charge(&[charge]).await?.allowed())
            }
        });
        same("admitted", winners(&found.await?), 10)?;
    }
    Ok(Case::Passed)
}

pub(super) async fn batches_are_charged_whole(harness: &impl StoreHarness) -> Outcome {
    let (store, rounds) = rounds(harness).await;
    let (wide, narrow) = (rate(100, HOUR)?, rate(5, HOUR)?);
    for id in rounds {
        let found = race(harness, RUNNERS, |runner| {
            let store = store.clone();
            async move {
                let client = Owner::new(QUOTAS, &id);
                let mut batch = [
                    Charge::new(client.key("wide"), wide),
                    Charge::new(client.key("narrow"), narrow),
                ];
                if runner % 2 == 0 {
                    batch.reverse();
                }
                Ok(store.charge(&batch).await?.allowed())
            }
        });
        same("admitted", winners(&found.await?), 5)?;
        let client = Owner::new(QUOTAS, &id);
        let look = Charge::new(client.key("wide"), wide).with_cost(0);
        let look = store.charge(&[look]).await?;
        let left = look.statuses().first().map(Status::remaining);
        same("left of the wider one", left, Some(95))?;
    }
    Ok(Case::Passed)
}

pub(super) async fn owners_stay_within_their_limit(harness: &impl StoreHarness) -> Outcome {
    let (store, rounds) = rounds(harness).await;
    for id in rounds {
        let found = race(harness, RUNNERS, |runner| {
            let store = store.clone();
            async move {
                let (owner, entry) = (Owner::new(VALUES, &id), runner.to_string());
                let limit = OwnerLimit::refuse_above(3);
                let put = store.put_owned(owner.key(&entry), b"", HOUR, limit).await?;
                Ok(put != OwnedPut::LimitReached)
            }
        });
        same("admitted", winners(&found.await?), 3)?;
        let listed = ids(&store, Owner::new(VALUES, &id)).await?;
        same("listed", listed.len(), 3)?;
    }
    Ok(Case::Passed)
}

pub(super) async fn evictions_are_told_once(harness: &impl StoreHarness) -> Outcome {
    let (store, rounds) = rounds(harness).await;
    for id in rounds {
        let found = race(harness, RUNNERS, |runner| {
            let store = store.clone();
            async move {
                let (owner, entry) = (Owner::new(VALUES, &id), runner.to_string());
                let limit = OwnerLimit::evict_above(3);
                store.put_owned(owner.key(&entry), b"", HOUR, limit).await
            }
        });
        let mut gone = HashSet::new();
        for put in found.await? {
            let OwnedPut::Stored { evicted } = put else {
                return Err(Problem::new("a limit that evicts refused"));
            };
            for id in evicted {
                same("told before", gone.insert(id), true)?;
            }
        }
        let owner = Owner::new(VALUES, &id);
        let left = store.list_owned(owner).await?;
        same("left", left.len(), 3)?;
        same("gone", gone.len(), RUNNERS - 3)?;
        let both = left.iter().any(|entry| gone.contains(entry.id()));
        holds("none is both gone and left", !both)?;
    }
    Ok(Case::Passed)
}

pub(super) async fn revoking_beats_swapping(harness: &impl StoreHarness) -> Outcome {
    let (store, rounds) = rounds(harness).await;
    for id in rounds {
        let owner = Owner::new(VALUES, &id);
        let limit = OwnerLimit::refuse_above(1);
        store
            .put_owned(owner.key("session"), b"1", HOUR, limit)
            .await?;
        let found = race(harness, RUNNERS, |runner| {
            let store = store.clone();
            async move {
                let owner = Owner::new(VALUES, &id);
                if runner == 0 {
                    return Ok(store.delete_owned(owner, None).await? == 1);
                }
                let (key, value) = (owner.key("session"), Some(&b"1"[..]));
                store.compare_and_swap(key, value, b"1", HOUR).await?;
                Ok(false)
            }
        });
        same("revoked", winners(&found.await?), 1)?;
        same("entry", store.get(owner.key("session")).await?, None)?;
        same("list", ids(&store, owner).await?, vec![])?;
    }
    Ok(Case::Passed)
}

pub(super) async fn lists_and_entries_agree(harness: &impl StoreHarness) -> Outcome {
    let (store, rounds) = rounds(harness).await;
    for id in rounds {
        race(harness, RUNNERS, |runner| {
            let store = store.clone();
            async move {
                let (owner, entry) = (Owner::new(VALUES, &id), (runner % 4).to_string());
                match runner {
                    15 => drop(store.delete_owned(owner, None).await?),
                    12..15 => drop(store.take(owner.key(&entry)).await?),
                    _ => {
                        let limit = OwnerLimit::evict_above(3);
                        drop(store.put_owned(owner.key(&entry), b"", HOUR, limit).await?);
                    }
                }
                Ok(())
            }
        })
        .await?;
        let owner = Owner::new(VALUES, &id);
        let listed = ids(&store, owner).await?;
        for entry in 0..4 {
            let entry = entry.to_string();
            let found = store.get(owner.key(&entry)).await?.is_some();
            same(format!("{entry} is listed"), listed.contains(&entry), found)?;
        }
    }
    Ok(Case::Passed)
}
