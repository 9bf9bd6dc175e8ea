//! The store in memory against the plainest thing that could do its work: a `HashMap` behind
//! one `Mutex`, which has no bound, frees nothing and takes ids as they are. Then the longest
//! that an operation takes with a million entries, and the memory of an entry.
#![allow(clippy::expect_used, reason = "a bench that cannot run has to say so")]

mod common;

use common::Race;
use portcullis::clock::{Clock, FakeClock};
use portcullis::store::gcra::{self, Rate};
use portcullis::store::{
    Charge, Key, MemoryStore, Namespace, Owner, OwnerLimit, Store, StoreError, StoreFuture,
};
use std::cell::Cell;
use std::collections::HashMap;
use std::hint::black_box;
use std::ops::Range;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const VALUES: Namespace = Namespace::values("bench");
const COUNTERS: Namespace = Namespace::counters("bench");
const QUOTAS: Namespace = Namespace::quotas("bench");

const HOUR: Duration = Duration::from_secs(60 * 60);
const MILLION: u32 = 1_000_000;

/// As long as a hashed session id.
type Id = [u8; 32];

fn main() {
    if let Ok(kind) = std::env::var(WEIGH) {
        weigh(&kind);
        return;
    }
    for (title, count) in [("hot", 1_000), ("large", MILLION / 2)] {
        race(title, count);
    }
    batches();
    pauses();
    memory();
}

/// The `n`th of many ids, in an order that no cache can guess.
fn id(n: u32) -> Id {
    let mut id = [0x5e; 32];
    id[..4].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
    id
}

/// One id after another, round and round.
fn ids(count: u32) -> impl FnMut() -> Id {
    let next = Cell::new(0);
    move || {
        next.set(if next.get() + 1 >= count {
            0
        } else {
            next.get() + 1
        });
        black_box(id(next.get()))
    }
}

fn now<T>(answer: StoreFuture<T>) -> Result<T, StoreError> {
    answer
        .try_ready()
        .expect("the memory store answers at once")
}

type Table<T> = Mutex<HashMap<Box<[u8]>, T>>;

/// What it is measured against.
struct Peer {
    clock: Clock,
    values: Table<(Duration, Vec<u8>)>,
    counters: Table<(Duration, u64)>,
    quotas: Table<u64>,
}

impl Peer {
    fn new() -> Self {
        Self {
            clock: Clock::system(),
            values: Mutex::default(),
            counters: Mutex::default(),
            quotas: Mutex::default(),
        }
    }

    fn get(&self, id: &[u8]) -> Option<Vec<u8>> {
        let values = self.values.lock().expect("not poisoned");
        let (due, value) = values.get(id)?;
        (self.clock.elapsed() < *due).then(|| value.clone())
    }

    fn put(&self, id: &[u8], value: &[u8], ttl: Duration) {
        let due = self.clock.elapsed() + ttl;
        let mut values = self.values.lock().expect("not poisoned");
        values.insert(id.into(), (due, value.to_vec()));
    }

    fn increment(&self, id: &[u8], window: Duration) -> u64 {
        let now = self.clock.elapsed();
        let mut counters = self.counters.lock().expect("not poisoned");
        let (due, count) = counters.entry(id.into()).or_insert((now + window, 0));
        if *due <= now {
            (*due, *count) = (now + window, 0);
        }
        *count += 1;
        *count
    }

    fn charge(&self, id: &[u8], rate: Rate) -> bool {
        let now = u64::try_from(self.clock.elapsed().as_nanos()).expect("not 584 years");
        let mut quotas = self.quotas.lock().expect("not poisoned");
        let arrival = quotas.entry(id.into()).or_default();
        let step = gcra::step(*arrival, now, rate, 1);
        *arrival = step.arrival;
        step.allowed
    }
}

/// Every operation on `count` entries that are there.
fn race(title: &'static str, count: u32) {
    const VALUE: &[u8] = &[7; 100];
    // One unit refills in 8 seconds, so the state of every quota stays.
    let rate = Rate::new(1_000_000, HOUR * 24 * 90).expect("a rate");
    let (ours, peer) = (Store::memory(), Peer::new());
    println!("-- {title}: {count} entries");
    for n in 0..count {
        now(ours.put(Key::new(VALUES, &id(n)), VALUE, HOUR)).expect("room");
        peer.put(&id(n), VALUE, HOUR);
    }
    let (mut a, mut b) = (ids(count), ids(count));
    Race::new("get")
        .operation("ours", || {
            now(ours.get(Key::new(VALUES, &a()))).expect("an answer")
        })
        .operation("mutex-hashmap", || peer.get(&b()))
        .run()
        .ratio(named(title, "get"), "ours", "mutex-hashmap");
    let (mut a, mut b) = (ids(count), ids(count));
    Race::new("put")
        .operation("ours", || {
            now(ours.put(Key::new(VALUES, &a()), VALUE, HOUR)).is_ok()
        })
        .operation("mutex-hashmap", || peer.put(&b(), VALUE, HOUR))
        .run()
        .ratio(named(title, "put"), "ours", "mutex-hashmap");
    drop((ours, peer));

    let (ours, peer) = (Store::memory(), Peer::new());
    let (mut a, mut b) = (ids(count), ids(count));
    Race::new("increment")
        .operation("ours", || {
            now(ours.increment(Key::new(COUNTERS, &a()), 1, HOUR)).is_ok()
        })
        .operation("mutex-hashmap", || peer.increment(&b(), HOUR))
        .run()
        .ratio(named(title, "increment"), "ours", "mutex-hashmap");
    drop((ours, peer));

    let (ours, peer) = (Store::memory(), Peer::new());
    let (mut a, mut b) = (ids(count), ids(count));
    let charge = |id: &Id| now(ours.charge(&[Charge::new(Key::new(QUOTAS, id), rate)])).is_ok();
    Race::new("gcra")
        .operation("ours", || charge(&a()))
        .operation("mutex-hashmap", || peer.charge(&b(), rate))
        .run()
        .ratio(named(title, "gcra"), "ours", "mutex-hashmap");
}

fn named(title: &str, operation: &str) -> &'static str {
    format!("store-{operation}-{title}").leak()
}

/// Several quotas of one client in one operation, and of nobody in particular.
fn batches() {
    const NAMES: [&str; 4] = ["second", "minute", "hour", "day"];
    let store = Store::memory();
    let rate = Rate::new(1_000_000, HOUR * 24 * 90).expect("a rate");
    let (mut a, mut b) = (ids(1_000), ids(1_000));
    Race::new("gcra of 4")
        .operation("one owner", || {
            let id = a();
            let client = Owner::new(QUOTAS, &id);
            let batch = NAMES.map(|name| Charge::new(client.key(name), rate));
            now(store.charge(&batch)).is_ok()
        })
        .operation("no owner", || {
            let mut ids = [b(); 4];
            for (id, last) in ids.iter_mut().zip(0..) {
                id[31] = last;
            }
            let batch = ids
                .each_ref()
                .map(|id| Charge::new(Key::new(QUOTAS, id), rate));
            now(store.charge(&batch)).is_ok()
        })
        .run();
}

/// How long single operations take while a million entries come, expire and are replaced.
///
/// What lies in the store comes in each pass, what lies in the machine does not: of several
/// passes the least is told.
fn pauses() {
    let passes = if in_earnest() { 7 } else { 1 };
    let mut least: Vec<(&str, [f64; 4])> = Vec::new();
    for pass in 0..passes {
        for (place, (title, found)) in one_pass().into_iter().enumerate() {
            if pass == 0 {
                least.push((title, found));
            } else if let Some((_, kept)) = least.get_mut(place) {
                for (kept, found) in kept.iter_mut().zip(found) {
                    *kept = kept.min(found);
                }
            }
        }
    }
    println!("-- one operation in us, a million entries, the least of {passes} passes");
    for (title, [half, most, rare, max]) in least {
        println!(
            "pause {title:<36} p50 {half:>6.2}  p99 {most:>6.2}  p99.99 {rare:>7.2}  max {max:>7.2}"
        );
    }
}

fn one_pass() -> Vec<(&'static str, [f64; 4])> {
    let time = FakeClock::at_unix_seconds(0);
    let store = Store::new(MemoryStore::builder().clock(time.clock()).build());
    let put = |n: u32| now(store.put(Key::new(VALUES, &id(n)), b"value", HOUR)).is_ok();
    let owned = |owner: &Id, n: u32| {
        let limit = OwnerLimit::evict_above(OwnerLimit::MAX);
        let owner = Owner::new(VALUES, owner);
        now(store.put_owned(owner.key(&id(n)), b"value", HOUR, limit)).is_ok()
    };
    let mut found = Vec::new();
    found.push(("new", percentiles(0..MILLION, put)));
    let refused = percentiles(MILLION..MILLION * 2, put);
    found.push(("refused, as all are alive", refused));
    time.advance(HOUR);
    let replaced = percentiles(MILLION..MILLION * 2, put);
    found.push(("new, as all have expired", replaced));
    time.advance(HOUR);
    // All goes to one shard, so the room has to be found in the others.
    let one = percentiles(0..MILLION / 4, |n| owned(&id(0), n));
    found.push(("new for one owner, evicting another", one));
    let many = percentiles(0..MILLION / 2, |n| owned(&id(n % 4_000), n));
    found.push(("new for one of 4000 owners", many));
    let listed = percentiles(0..4_000, |n| {
        now(store.list_owned(Owner::new(VALUES, &id(n)))).is_ok()
    });
    found.push(("list 125 of an owner", listed));
    let deleted = percentiles(0..4_000, |n| {
        now(store.delete_owned(Owner::new(VALUES, &id(n)), None)).is_ok()
    });
    found.push(("delete 125 of an owner", deleted));
    found
}

/// The median, p99, p99.99 and longest time, in microseconds.
fn percentiles(numbers: Range<u32>, operation: impl Fn(u32) -> bool) -> [f64; 4] {
    let some = if in_earnest() { numbers.len() } else { 1_000 };
    let time = |n| {
        let start = Instant::now();
        black_box(operation(n));
        start.elapsed()
    };
    let mut times: Vec<Duration> = numbers.take(some).map(time).collect();
    times.sort_unstable();
    [0.5, 0.99, 0.9999, 1.0].map(|share| {
        let place = (times.len() as f64 * share) as usize;
        let time = times.get(place.min(times.len() - 1));
        time.copied().unwrap_or_default().as_nanos() as f64 / 1e3
    })
}

fn in_earnest() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// Resident memory of an entry, against what is charged for it. Each kind is weighed in a
/// process of its own, for one process seldom gives memory back.
fn memory() {
    println!("-- bytes an entry, ids of 32 bytes");
    for kind in ["counter", "quota", "value", "owned value"] {
        let weighed = std::env::current_exe().and_then(|this| {
            let mut weigh = Command::new(this);
            weigh.env(WEIGH, kind).status()
        });
        weighed.expect("this bench starts itself");
    }
}

/// Names the kind of entry to weigh.
const WEIGH: &str = "PORTCULLIS_BENCH_WEIGH";

fn weigh(kind: &str) {
    let rate = Rate::new(10, HOUR).expect("a rate");
    let memory = MemoryStore::default();
    let store = Store::new(memory.clone());
    let before = resident();
    for n in 0..MILLION {
        let id = id(n);
        let written = match kind {
            "counter" => now(store.increment(Key::new(COUNTERS, &id), 1, HOUR)).is_ok(),
            "quota" => now(store.charge(&[Charge::new(Key::new(QUOTAS, &id), rate)])).is_ok(),
            "value" => now(store.put(Key::new(VALUES, &id), &[7; 100], HOUR)).is_ok(),
            _ => {
                let limit = OwnerLimit::refuse_above(1);
                let key = Owner::new(VALUES, &id).key("session");
                now(store.put_owned(key, &[7; 100], HOUR, limit)).is_ok()
            }
        };
        if !written {
            break;
        }
    }
    let grown = resident().saturating_sub(before) as f64;
    let (entries, bytes) = (memory.usage().entries(), memory.usage().bytes());
    println!(
        "memory {kind:<12} resident {:>5.0}  charged {:>5.0}  entries {entries}",
        grown / entries as f64,
        bytes as f64 / entries as f64,
    );
}

/// Bytes of this process in memory, by Linux; zero elsewhere.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or_default() * 4096
}
