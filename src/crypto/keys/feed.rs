use std::fmt;
use std::pin::Pin;

/// Ends when a fetch has, well or not: what it brought is in the
/// [state](KeyFeed::state) of the feed and in the set.
pub type WhenFetched = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Whether keys that somebody supplies may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyState {
    /// They are fresh.
    Ready,
    /// They have become old. Who can wait fetches newer ones first; where that fails, or who
    /// cannot wait, uses these.
    Due,
    /// There are none yet, or they are too old to be used at all.
    Missing,
}

/// What a fetch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WantedKeys {
    /// Keys, since there are none, or old ones.
    Fresh,
    /// A key that the set does not have, though it is fresh: the issuer may have a new one, or
    /// somebody made the name up.
    Unknown,
}

/// Supplies [`LiveKeys`](super::LiveKeys) with an issuer's keys, from wherever they are.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not supply keys",
    note = "implement `portcullis::crypto::keys::KeyFeed`, or replace the set of `LiveKeys` yourself"
)]
pub trait KeyFeed: fmt::Debug + Send + Sync + 'static {
    /// Whether the keys may be used. Asked for every token, so it must be quick. A feed may
    /// begin to fetch in the background here, when it is time.
    fn state(&self) -> KeyState;

    /// Begins to fetch, or joins the fetch that is under way; `None` when none is to be made
    /// now, since one was a moment ago.
    fn fetch(&self, wanted: WantedKeys) -> Option<WhenFetched>;
}
