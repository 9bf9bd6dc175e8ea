use super::{Key, KeyId, KeyState, KeyringError};

/// Keys, one of which seals. An immutable snapshot: each change gives a new one, to be handed
/// to [`LiveKeyring::replace`](super::LiveKeyring::replace).
///
/// It holds at most [`MAX_KEYS`](Self::MAX_KEYS) keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyring {
    /// Exactly one is primary, and no two have one id.
    keys: Vec<Key>,
    /// Where the primary one stands.
    primary: usize,
}

impl Keyring {
    /// The most keys that a ring holds, destroyed ones included.
    pub const MAX_KEYS: usize = 64;

    /// A ring of one new key.
    #[must_use]
    pub fn generate() -> Self {
        Self::new(Key::generate())
    }

    /// A ring of one key, which seals.
    #[must_use]
    pub fn new(mut key: Key) -> Self {
        key.state = KeyState::Primary;
        Self {
            keys: vec![key],
            primary: 0,
        }
    }

    /// A ring of keys whose states are set.
    pub(super) fn from_keys(keys: Vec<Key>) -> Result<Self, KeyringError> {
        if keys.len() > Self::MAX_KEYS {
            return Err(KeyringError::TooManyKeys);
        }
        for (at, key) in keys.iter().enumerate() {
            if keys.iter().take(at).any(|other| other.id() == key.id()) {
                return Err(KeyringError::Duplicate(key.id()));
            }
        }
        let mut primaries = keys.iter().enumerate();
        let mut next = || primaries.find(|(_, key)| key.state() == KeyState::Primary);
        match (next(), next()) {
            (None, _) => Err(KeyringError::NoPrimary),
            (Some((_, one)), Some((_, two))) => Err(KeyringError::TwoPrimaries(one.id(), two.id())),
            (Some((primary, _)), None) => Ok(Self { keys, primary }),
        }
    }

    /// Adds a key that opens and does not seal: the first step of a rotation.
    ///
    /// # Errors
    /// When the ring has this key already, or is full.
    pub fn with_key(&self, mut key: Key) -> Result<Self, KeyringError> {
        if key.state() == KeyState::Primary {
            key.state = KeyState::DecryptOnly;
        }
        let mut keys = self.keys.clone();
        keys.push(key);
        Self::from_keys(keys)
    }

    /// Makes a key the one that seals: the second step of a rotation, when every machine has
    /// the key. The one that did so far opens from now on.
    ///
    /// # Errors
    /// When there is no such key, or it is disabled or destroyed.
    pub fn promote(&self, id: KeyId) -> Result<Self, KeyringError> {
        match self.known(id)?.state() {
            KeyState::Primary => return Ok(self.clone()),
            KeyState::DecryptOnly => {}
            KeyState::Disabled => return Err(KeyringError::IsDisabled(id)),
            KeyState::Destroyed => return Err(KeyringError::IsDestroyed(id)),
        }
        self.changed(|key| {
            if key.id() == id {
                key.state = KeyState::Primary;
            } else if key.state == KeyState::Primary {
                key.state = KeyState::DecryptOnly;
            }
        })
    }

    /// Takes a key out of use, for now: values sealed with it are refused.
    ///
    /// # Errors
    /// When there is no such key, or it is the primary one or destroyed.
    pub fn disable(&self, id: KeyId) -> Result<Self, KeyringError> {
        self.with_state(id, KeyState::Disabled)
    }

    /// Takes a disabled key back into use, to open and not to seal.
    ///
    /// # Errors
    /// When there is no such key, or it is the primary one or destroyed.
    pub fn enable(&self, id: KeyId) -> Result<Self, KeyringError> {
        self.with_state(id, KeyState::DecryptOnly)
    }

    /// Destroys a key: its bytes are gone from this ring, and are wiped from memory with the
    /// last ring that holds them. What it sealed is lost. It says nothing of copies elsewhere:
    /// in the environment, in files, in backups.
    ///
    /// # Errors
    /// When there is no such key, or it is the primary one.
    pub fn destroy(&self, id: KeyId) -> Result<Self, KeyringError> {
        match self.known(id)?.state() {
            KeyState::Primary => Err(KeyringError::IsPrimary(id)),
            _ => self.changed(|key| {
                if key.id() == id {
                    *key = Key::destroyed(*key.commitment(), key.created());
                }
            }),
        }
    }

    /// Takes what is left of a destroyed key out of the ring.
    ///
    /// # Errors
    /// When there is no such key, or it is not destroyed.
    pub fn forget(&self, id: KeyId) -> Result<Self, KeyringError> {
        if self.known(id)?.state() != KeyState::Destroyed {
            return Err(KeyringError::NotDestroyed(id));
        }
        let kept = self.keys.iter().filter(|key| key.id() != id);
        Self::from_keys(kept.cloned().collect())
    }

    /// The key that seals.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "no constructor makes a ring without a primary key"
    )]
    pub fn primary(&self) -> &Key {
        self.keys
            .get(self.primary)
            .expect("a ring has a primary key")
    }

    /// A key, whatever its state.
    #[must_use]
    pub fn key(&self, id: KeyId) -> Option<&Key> {
        self.keys.iter().find(|key| key.id() == id)
    }

    /// The keys, in the order they were added.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Key> {
        self.keys.iter()
    }

    fn known(&self, id: KeyId) -> Result<&Key, KeyringError> {
        self.key(id).ok_or(KeyringError::Unknown(id))
    }

    fn with_state(&self, id: KeyId, state: KeyState) -> Result<Self, KeyringError> {
        match self.known(id)?.state() {
            KeyState::Primary => Err(KeyringError::IsPrimary(id)),
            KeyState::Destroyed => Err(KeyringError::IsDestroyed(id)),
            KeyState::DecryptOnly | KeyState::Disabled => self.changed(|key| {
                if key.id() == id {
                    key.state = state;
                }
            }),
        }
    }

    fn changed(&self, change: impl Fn(&mut Key)) -> Result<Self, KeyringError> {
        let mut keys = self.keys.clone();
        keys.iter_mut().for_each(change);
        Self::from_keys(keys)
    }
}

impl From<Key> for Keyring {
    fn from(key: Key) -> Self {
        Self::new(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ring with a key of each state: primary, decrypt-only, disabled, destroyed.
    fn ring() -> (Keyring, [KeyId; 4]) {
        let keys = [(); 4].map(|()| Key::generate());
        let ids = keys.clone().map(|key| key.id());
        let [primary, rest @ ..] = keys;
        let ring = rest
            .into_iter()
            .try_fold(Keyring::new(primary), |ring, key| ring.with_key(key))
            .and_then(|ring| ring.disable(ids[2])?.destroy(ids[3]))
            .unwrap();
        (ring, ids)
    }

    #[test]
    fn every_change_of_every_state() {
        use KeyState::{DecryptOnly, Destroyed, Disabled, Primary};
        type Change = fn(&Keyring, KeyId) -> Result<Keyring, KeyringError>;
        let changes: [(&str, Change, [Option<KeyState>; 4]); 4] = [
            (
                "promote",
                Keyring::promote,
                [Some(Primary), Some(Primary), None, None],
            ),
            (
                "disable",
                Keyring::disable,
                [None, Some(Disabled), Some(Disabled), None],
            ),
            (
                "enable",
                Keyring::enable,
                [None, Some(DecryptOnly), Some(DecryptOnly), None],
            ),
            (
                "destroy",
                Keyring::destroy,
                [None, Some(Destroyed), Some(Destroyed), Some(Destroyed)],
            ),
        ];
        let (ring, ids) = ring();
        for (name, change, after) in changes {
            for (id, after) in ids.into_iter().zip(after) {
                let changed = change(&ring, id);
                let state = changed.as_ref().ok().and_then(|ring| ring.key(id));
                assert_eq!(state.map(Key::state), after, "{name} {:?}", ring.key(id));
            }
            let stranger = Key::generate().id();
            assert_eq!(
                change(&ring, stranger),
                Err(KeyringError::Unknown(stranger)),
                "{name}"
            );
        }
    }

    #[test]
    fn the_one_that_sealed_opens_after_a_promotion() {
        let (ring, ids) = ring();
        let promoted = ring.promote(ids[1]).unwrap();
        assert_eq!(promoted.primary().id(), ids[1]);
        assert_eq!(promoted.key(ids[0]).unwrap().state(), KeyState::DecryptOnly);
    }

    #[test]
    fn a_destroyed_key_gives_nothing_and_can_be_forgotten() {
        let (ring, ids) = ring();
        let destroyed = ring.key(ids[3]).unwrap();
        assert!(destroyed.material().is_none() && destroyed.derive(&[b"x"]).is_none());
        assert!(
            ring.key(ids[2]).unwrap().derive(&[b"x"]).is_none(),
            "disabled"
        );
        assert_eq!(ring.forget(ids[2]), Err(KeyringError::NotDestroyed(ids[2])));
        assert!(ring.forget(ids[3]).unwrap().key(ids[3]).is_none());
    }

    #[test]
    fn a_ring_is_bounded_and_holds_a_key_once() {
        let key = Key::generate();
        let ring = Keyring::new(key.clone());
        let twice = ring.with_key(key.clone());
        assert_eq!(twice, Err(KeyringError::Duplicate(key.id())));
        let full = (1..Keyring::MAX_KEYS)
            .try_fold(ring, |ring, _| ring.with_key(Key::generate()))
            .unwrap();
        let more = full.with_key(Key::generate());
        assert_eq!(more, Err(KeyringError::TooManyKeys));
    }
}
