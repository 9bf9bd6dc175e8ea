use bytes::Bytes;
use std::fmt;
use std::time::Duration;

/// What became of a compare-and-swap.
#[derive(Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "it was done or it was not, there is nothing between"
)]
pub enum Swap {
    /// The entry was as expected, and now holds the new value.
    Swapped,
    /// The entry was not as expected, and was left alone. Here is what it holds.
    Conflict(Option<Bytes>),
}

/// Values can be secrets, so none is shown.
impl fmt::Debug for Swap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Swapped => "Swapped",
            Self::Conflict(Some(_)) => "Conflict(Some(_))",
            Self::Conflict(None) => "Conflict(None)",
        })
    }
}

/// How often something was counted within its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    count: u64,
    remaining: Duration,
}

impl Count {
    /// Where counting stops: 2^53 - 1, the last whole number a double holds for sure.
    pub const MAX: u64 = (1 << 53) - 1;

    /// This count, in a window that still lasts this long.
    #[must_use]
    pub const fn new(count: u64, remaining: Duration) -> Self {
        Self { count, remaining }
    }

    /// The count, this call's share included.
    #[must_use]
    pub const fn count(self) -> u64 {
        self.count
    }

    /// How long until the count starts anew.
    #[must_use]
    pub const fn remaining(self) -> Duration {
        self.remaining
    }
}

/// How many entries an owner may have, and what happens when there would be more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerLimit {
    max: usize,
    evict: bool,
}

impl OwnerLimit {
    /// The most that any limit allows: no more can be listed or deleted without others having
    /// to wait for it.
    pub const MAX: usize = 128;

    /// At most `max` entries; one more is refused.
    #[must_use]
    pub const fn refuse_above(max: usize) -> Self {
        Self::new(max, false)
    }

    /// At most `max` entries; for one more, those go that would expire first. Of sessions
    /// with an idle timeout, these are the ones that were not used for longest.
    #[must_use]
    pub const fn evict_above(max: usize) -> Self {
        Self::new(max, true)
    }

    const fn new(max: usize, evict: bool) -> Self {
        let max = if max > Self::MAX { Self::MAX } else { max };
        Self { max, evict }
    }

    /// The number allowed, at most [`MAX`](Self::MAX). Zero allows none, also by eviction.
    #[must_use]
    pub const fn max(self) -> usize {
        self.max
    }

    /// Whether entries go to make room.
    #[must_use]
    pub const fn evicts(self) -> bool {
        self.evict
    }
}

/// What became of an entry put under an owner.
#[derive(Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "it was stored or it was not, there is nothing between"
)]
pub enum OwnedPut {
    /// It is stored. The ids of the entries that had to go for it.
    Stored {
        /// In the order in which they would have expired.
        evicted: Vec<Bytes>,
    },
    /// The owner has as many entries as the limit allows. Nothing was changed.
    LimitReached,
}

/// Ids can be secrets, so none is shown.
impl fmt::Debug for OwnedPut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored { evicted } => write!(f, "Stored {{ {} evicted }}", evicted.len()),
            Self::LimitReached => f.write_str("LimitReached"),
        }
    }
}

/// One of an owner's entries.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnedEntry {
    id: Bytes,
    value: Bytes,
    remaining: Duration,
}

impl OwnedEntry {
    /// An entry that lives this much longer.
    #[must_use]
    pub const fn new(id: Bytes, value: Bytes, remaining: Duration) -> Self {
        Self {
            id,
            value,
            remaining,
        }
    }

    /// Its id among the owner's entries.
    #[must_use]
    pub const fn id(&self) -> &Bytes {
        &self.id
    }

    /// What it holds.
    #[must_use]
    pub const fn value(&self) -> &Bytes {
        &self.value
    }

    /// How long until it expires.
    #[must_use]
    pub const fn remaining(&self) -> Duration {
        self.remaining
    }
}

impl fmt::Debug for OwnedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedEntry")
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}
