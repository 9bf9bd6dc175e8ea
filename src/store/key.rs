use super::StoreError;
use std::fmt;
use std::hash::{Hash, Hasher};

/// What the entries of a [`Namespace`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum EntryKind {
    /// Bytes.
    Value,
    /// Counts within a window.
    Counter,
    /// States of a quota (GCRA).
    Quota,
}

impl EntryKind {
    const fn letter(self) -> u8 {
        match self {
            Self::Value => b'v',
            Self::Counter => b'c',
            Self::Quota => b'q',
        }
    }
}

/// One control's part of a store: a fixed name, and the kind of the entries.
///
/// Namespaces of different kinds never meet, even under one name.
///
/// ```
/// use portcullis::store::Namespace;
///
/// const SESSIONS: Namespace = Namespace::values("session");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Namespace {
    name: &'static str,
    kind: EntryKind,
}

impl Namespace {
    /// The longest name, in bytes.
    pub const MAX_NAME_LEN: usize = 32;

    /// A namespace of values.
    ///
    /// # Panics
    /// If the name is empty, longer than [`MAX_NAME_LEN`](Self::MAX_NAME_LEN), or has other
    /// characters than `a-z`, `0-9`, `-` and `.`. Make it a `const`, and the compiler tells.
    #[must_use]
    pub const fn values(name: &'static str) -> Self {
        Self::new(name, EntryKind::Value)
    }

    /// A namespace of counters. Panics as [`values`](Self::values) does.
    #[must_use]
    pub const fn counters(name: &'static str) -> Self {
        Self::new(name, EntryKind::Counter)
    }

    /// A namespace of quotas. Panics as [`values`](Self::values) does.
    #[must_use]
    pub const fn quotas(name: &'static str) -> Self {
        Self::new(name, EntryKind::Quota)
    }

    const fn new(name: &'static str, kind: EntryKind) -> Self {
        assert_name(name);
        Self { name, kind }
    }

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The kind of the entries.
    #[must_use]
    pub const fn kind(self) -> EntryKind {
        self.kind
    }
}

/// Names go into keys, table names and metrics unquoted, so they are kept to what is safe in
/// all of them.
pub(super) const fn assert_name(name: &str) {
    let mut rest = name.as_bytes();
    assert!(!rest.is_empty(), "a name must not be empty");
    assert!(
        rest.len() <= Namespace::MAX_NAME_LEN,
        "a name has at most 32 bytes"
    );
    while let [first, others @ ..] = rest {
        assert!(
            matches!(first, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'),
            "a name consists of a-z, 0-9, - and ."
        );
        rest = others;
    }
}

/// Whose entries these are: a user with sessions, a client with several quotas.
///
/// Keys under one owner live together (in one slot of a Redis Cluster, behind one lock in
/// memory), which is what makes operations on several of them atomic.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner<'a> {
    namespace: Namespace,
    id: &'a [u8],
}

impl<'a> Owner<'a> {
    /// The owner of this id. Any bytes will do, up to [`Key::MAX_ID_LEN`].
    #[must_use]
    pub fn new<T: AsRef<[u8]> + ?Sized>(namespace: Namespace, id: &'a T) -> Self {
        let id = id.as_ref();
        Self { namespace, id }
    }

    /// The key of one entry of this owner.
    #[must_use]
    pub fn key<T: AsRef<[u8]> + ?Sized>(self, id: &'a T) -> Key<'a> {
        Key {
            namespace: self.namespace,
            owner: Some(self.id),
            id: id.as_ref(),
        }
    }

    /// The namespace.
    #[must_use]
    pub const fn namespace(self) -> Namespace {
        self.namespace
    }

    /// The owner's id.
    #[must_use]
    pub const fn id(self) -> &'a [u8] {
        self.id
    }

    /// One string of bytes for this owner, different from that of every other owner and of
    /// every key.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        encode(self.namespace, b'o', self.id, &[])
    }

    pub(super) fn checked(self) -> Result<Self, StoreError> {
        if self.namespace.kind != EntryKind::Value {
            return Err(StoreError::invalid("only values are listed by owner"));
        }
        check_len(self.id)?;
        Ok(self)
    }
}

/// Names an entry: a namespace, maybe an owner, and an id of any bytes.
///
/// It only borrows, so making one costs nothing. The parts stay apart: no text that a user
/// chooses can reach into another namespace or another owner's entries.
///
/// ```
/// use portcullis::store::{Key, Namespace, Owner};
///
/// const SEEN: Namespace = Namespace::values("jwt-id");
/// const SESSIONS: Namespace = Namespace::values("session");
///
/// let seen = Key::new(SEEN, "c3b1f2");
/// let session = Owner::new(SESSIONS, "user-17").key(&[0x5e; 32]);
/// assert_ne!(seen.encode(), session.encode());
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    namespace: Namespace,
    owner: Option<&'a [u8]>,
    id: &'a [u8],
}

impl<'a> Key<'a> {
    /// The longest id of an entry or an owner, in bytes. An operation on a longer one fails
    /// with [`TooLarge`](super::StoreErrorKind::TooLarge); hash what may be longer.
    pub const MAX_ID_LEN: usize = 512;

    /// The key of an entry that has no owner.
    #[must_use]
    pub fn new<T: AsRef<[u8]> + ?Sized>(namespace: Namespace, id: &'a T) -> Self {
        Self {
            namespace,
            owner: None,
            id: id.as_ref(),
        }
    }

    /// The namespace.
    #[must_use]
    pub const fn namespace(self) -> Namespace {
        self.namespace
    }

    /// The owner, where there is one.
    #[must_use]
    pub fn owner(self) -> Option<Owner<'a>> {
        let namespace = self.namespace;
        self.owner.map(|id| Owner { namespace, id })
    }

    /// The id within the namespace, or within the owner's entries.
    #[must_use]
    pub const fn id(self) -> &'a [u8] {
        self.id
    }

    /// One string of bytes for this key, different from that of every other key.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        match self.owner {
            None => encode(self.namespace, b'-', &[], self.id),
            Some(owner) => encode(self.namespace, b'+', owner, self.id),
        }
    }

    pub(super) fn checked(self, kind: EntryKind) -> Result<Self, StoreError> {
        if self.namespace.kind != kind {
            return Err(StoreError::invalid(match kind {
                EntryKind::Value => "the namespace holds no values",
                EntryKind::Counter => "the namespace holds no counters",
                EntryKind::Quota => "the namespace holds no quotas",
            }));
        }
        self.checked_len()
    }

    pub(super) fn checked_len(self) -> Result<Self, StoreError> {
        check_len(self.id)?;
        self.owner.map_or(Ok(()), check_len)?;
        Ok(self)
    }
}

/// As derived, in fewer and larger pieces: the lengths in one number, then the texts.
impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (name, owner) = (self.namespace.name, self.owner.unwrap_or_default());
        let form = [self.namespace.kind.letter(), u8::from(self.owner.is_some())];
        let lengths = ((name.len() as u64) << 48) | owner.len() as u64;
        state.write_u64(lengths ^ (u64::from(u16::from_be_bytes(form)) << 32));
        state.write(name.as_bytes());
        state.write(owner);
        state.write(self.id);
    }
}

pub(super) fn check_len(id: &[u8]) -> Result<(), StoreError> {
    if id.len() <= Key::MAX_ID_LEN {
        return Ok(());
    }
    Err(StoreError::too_large(format!(
        "an id of {} bytes is too long, the limit is {}: hash it first",
        id.len(),
        Key::MAX_ID_LEN
    )))
}

/// Kind, name, form and length come first, and none of them can run into the bytes that a
/// user chose: a name holds no colon, and the length of the owner has a fixed width.
fn encode(namespace: Namespace, form: u8, owner: &[u8], id: &[u8]) -> Vec<u8> {
    let name = namespace.name.as_bytes();
    let mut bytes = Vec::with_capacity(name.len() + owner.len() + id.len() + 7);
    bytes.push(namespace.kind.letter());
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(&[b':', form]);
    let owner_len = u32::try_from(owner.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&owner_len.to_be_bytes());
    bytes.extend_from_slice(owner);
    bytes.extend_from_slice(id);
    bytes
}

/// Ids can be secrets or personal data, so none is shown.
impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("namespace", &self.namespace.name)
            .field("owned", &self.owner.is_some())
            .field("id_len", &self.id.len())
            .finish()
    }
}

impl fmt::Debug for Owner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner")
            .field("namespace", &self.namespace.name)
            .field("id_len", &self.id.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const A: Namespace = Namespace::values("a");
    const A_COUNTERS: Namespace = Namespace::counters("a");
    const AB: Namespace = Namespace::values("a-b");

    #[test]
    fn keys_that_look_alike_differ() {
        let encoded = [
            Key::new(A, "").encode(),
            Key::new(A, "x").encode(),
            Key::new(A_COUNTERS, "x").encode(),
            Key::new(AB, "x").encode(),
            Key::new(A, "-b:x").encode(),
            Key::new(A, "x\0").encode(),
            Owner::new(A, "x").key("").encode(),
            Owner::new(A, "").key("x").encode(),
            Owner::new(A, "x").key("y").encode(),
            Owner::new(A, "xy").key("").encode(),
            Owner::new(A, "x").encode(),
            Owner::new(A, "xy").encode(),
        ];
        let different: HashSet<_> = encoded.iter().collect();
        assert_eq!(different.len(), encoded.len());
    }

    #[test]
    fn debug_shows_no_id() {
        let shown = format!("{:?}", Owner::new(A, "ann@example.com").key("s3cret"));
        assert!(!shown.contains("ann") && !shown.contains("s3cret"));
    }

    #[test]
    fn long_ids_and_wrong_kinds_are_refused() {
        let long = [0; Key::MAX_ID_LEN + 1];
        let fits = [0; Key::MAX_ID_LEN];
        let value = EntryKind::Value;
        assert!(Key::new(A, &fits).checked(value).is_ok());
        assert!(Key::new(A, &long).checked(value).is_err());
        assert!(Owner::new(A, &fits).key(&fits).checked(value).is_ok());
        assert!(Owner::new(A, &long).key("x").checked(value).is_err());
        assert!(Key::new(A_COUNTERS, "x").checked(value).is_err());
        assert!(Owner::new(A_COUNTERS, "x").checked().is_err());
    }

    proptest! {
        #[test]
        fn encoding_is_injective(
            one in (prop::option::of(prop::collection::vec(0u8..3, 0..4)), prop::collection::vec(0u8..3, 0..4)),
            other in (prop::option::of(prop::collection::vec(0u8..3, 0..4)), prop::collection::vec(0u8..3, 0..4)),
        ) {
            fn key((owner, id): &(Option<Vec<u8>>, Vec<u8>)) -> Key<'_> {
                match owner {
                    None => Key::new(A, id),
                    Some(owner) => Owner::new(A, owner).key(id),
                }
            }
            prop_assert_eq!(one == other, key(&one).encode() == key(&other).encode());
        }
    }
}
