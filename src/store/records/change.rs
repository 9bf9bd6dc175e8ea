use crate::store::key::assert_name;
use std::fmt;

/// The name of a kind of records, fixed in the program.
///
/// ```
/// use portcullis::store::Collection;
///
/// const USERS: Collection = Collection::new("user");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Collection(&'static str);

impl Collection {
    /// A collection of this name.
    ///
    /// # Panics
    /// As [`Namespace::values`](crate::store::Namespace::values) does. Make it a `const`, and
    /// the compiler tells.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        assert_name(name);
        Self(name)
    }

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// Says that a record is the one that was read. Only good for comparing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(u64);

impl Version {
    /// For backends: the version of this number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// For backends: its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// One change of a [`commit`](super::Records::commit), and what it expects to find.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    collection: Collection,
    id: &'a [u8],
    action: Action<'a>,
}

/// What a [`Change`] does.
#[derive(Clone, Copy)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a backend must do every one of them"
)]
pub enum Action<'a> {
    /// Makes a record that is not there yet. Whose it is stays as it is for all its life.
    Insert {
        /// Whose record it is, where that means something.
        owner: Option<&'a [u8]>,
        /// What it holds.
        value: &'a [u8],
    },
    /// Sets what a record holds that still has this version.
    Update {
        /// The version that was read.
        expected: Version,
        /// What it shall hold.
        value: &'a [u8],
    },
    /// Deletes a record that still has this version; without one, whatever is there, which
    /// may be nothing.
    Delete {
        /// The version that was read.
        expected: Option<Version>,
    },
    /// Changes nothing, and lets the others happen only if the record still has this version.
    Require {
        /// The version that was read.
        expected: Version,
    },
}

impl<'a> Change<'a> {
    /// The most changes of one commit.
    pub const MAX_BATCH: usize = 25;

    /// Makes a record that is not there yet.
    #[must_use]
    pub fn insert<T: AsRef<[u8]> + ?Sized>(
        collection: Collection,
        id: &'a T,
        value: &'a [u8],
    ) -> Self {
        let owner = None;
        Self::new(collection, id, Action::Insert { owner, value })
    }

    /// Makes a record of this owner that is not there yet.
    #[must_use]
    pub fn insert_owned<T: AsRef<[u8]> + ?Sized, O: AsRef<[u8]> + ?Sized>(
        collection: Collection,
        id: &'a T,
        owner: &'a O,
        value: &'a [u8],
    ) -> Self {
        let owner = Some(owner.as_ref());
        Self::new(collection, id, Action::Insert { owner, value })
    }

    /// Sets what a record holds that still has this version.
    #[must_use]
    pub fn update<T: AsRef<[u8]> + ?Sized>(
        collection: Collection,
        id: &'a T,
        expected: Version,
        value: &'a [u8],
    ) -> Self {
        Self::new(collection, id, Action::Update { expected, value })
    }

    /// Deletes a record; with a version, only if it still has it.
    #[must_use]
    pub fn delete<T: AsRef<[u8]> + ?Sized>(
        collection: Collection,
        id: &'a T,
        expected: Option<Version>,
    ) -> Self {
        Self::new(collection, id, Action::Delete { expected })
    }

    /// Lets the other changes happen only if this record still has this version.
    #[must_use]
    pub fn require<T: AsRef<[u8]> + ?Sized>(
        collection: Collection,
        id: &'a T,
        expected: Version,
    ) -> Self {
        Self::new(collection, id, Action::Require { expected })
    }

    fn new<T: AsRef<[u8]> + ?Sized>(collection: Collection, id: &'a T, action: Action<'a>) -> Self {
        let id = id.as_ref();
        Self {
            collection,
            id,
            action,
        }
    }

    /// The collection of the record.
    #[must_use]
    pub const fn collection(&self) -> Collection {
        self.collection
    }

    /// The record's id.
    #[must_use]
    pub const fn id(&self) -> &'a [u8] {
        self.id
    }

    /// What to do with it.
    #[must_use]
    pub const fn action(&self) -> Action<'a> {
        self.action
    }
}

/// Ids, owners and values can be secrets or personal data, so none is shown.
impl fmt::Debug for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {}", self.action, self.collection.name())
    }
}

impl fmt::Debug for Action<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Insert { .. } => "Insert",
            Self::Update { .. } => "Update",
            Self::Delete { .. } => "Delete",
            Self::Require { .. } => "Require",
        })
    }
}
