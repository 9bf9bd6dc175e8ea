use super::{EntryError, Key, KeyId, KeyState, Keyring, KeyringError};
use crate::clock::Timestamp;
use crate::secret::{SecretBytes, SecretString};
use base64ct::{Base64UrlUnpadded, Encoding};
use zeroize::Zeroizing;

const VERSION: &str = "pck1";
const MAX_TEXT_LEN: usize = 1 << 16;

impl Keyring {
    /// The environment variable that [`from_env`](Self::from_env) reads.
    pub const VARIABLE: &str = "PORTCULLIS_KEYS";

    /// The keyring whose text is in the environment variable `PORTCULLIS_KEYS`.
    ///
    /// Whoever can read `/proc` as the same user can read the environment: a file that only
    /// the service may read is the better place.
    ///
    /// # Errors
    /// When the variable is not set, or [`parse`](Self::parse) does not take it.
    pub fn from_env() -> Result<Self, KeyringError> {
        let text = std::env::var(Self::VARIABLE).map(Zeroizing::new);
        Self::parse(&text.map_err(|_| KeyringError::Variable(Self::VARIABLE.to_owned()))?)
    }

    /// Reads a keyring's text, as described at [the module](super#as-text).
    ///
    /// # Errors
    /// When an entry is malformed, a key is there twice, or not exactly one is primary. The
    /// error says which entry and why, and shows nothing of it.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        if text.len() > MAX_TEXT_LEN {
            return Err(KeyringError::TextTooLong(text.len()));
        }
        let entries = text
            .split(|c: char| c == ',' || c.is_ascii_whitespace())
            .filter(|entry| !entry.is_empty());
        let keys = entries.zip(1..).map(|(text, entry)| {
            parse_entry(text).map_err(|error| KeyringError::Entry { entry, error })
        });
        Self::from_keys(keys.collect::<Result<_, _>>()?)
    }

    /// The keyring as text, an entry a line. It holds the keys: it is as secret as they are.
    #[must_use]
    pub fn to_text(&self) -> SecretString {
        // Longer than any entry, so that the text is never moved and left behind.
        let mut text = String::with_capacity(self.keys().len() * 128);
        for key in self.keys() {
            let bytes = key.material().unwrap_or(key.commitment());
            let encoded = Zeroizing::new(Base64UrlUnpadded::encode_string(bytes));
            let (state, id, created) = (key.state(), key.id(), key.created().unix_seconds());
            for part in [VERSION, ".", state.as_str(), ".", &id.to_string(), "."] {
                text.push_str(part);
            }
            text.push_str(&created.to_string());
            text.push('.');
            text.push_str(&encoded);
            text.push('\n');
        }
        text.into()
    }
}

fn parse_entry(entry: &str) -> Result<Key, EntryError> {
    let mut parts = entry.split('.');
    let mut next = || parts.next().ok_or(EntryError::Parts);
    let (version, state, id, created, key) = (next()?, next()?, next()?, next()?, next()?);
    if parts.next().is_some() {
        return Err(EntryError::Parts);
    }
    if version != VERSION {
        return Err(EntryError::Version);
    }
    let state = parse_state(state).ok_or(EntryError::State)?;
    let id: KeyId = id.parse().map_err(|_| EntryError::Id)?;
    let created = parse_seconds(created).ok_or(EntryError::Created)?;
    let mut bytes = Zeroizing::new([0; Key::LENGTH]);
    match Base64UrlUnpadded::decode(key, bytes.as_mut()) {
        Ok(decoded) if decoded.len() == Key::LENGTH => {}
        _ => return Err(EntryError::Key),
    }
    let mut key = if state == KeyState::Destroyed {
        Key::destroyed(*bytes, created)
    } else {
        let bytes = SecretBytes::from(bytes.as_slice());
        Key::from_bytes(&bytes, created).map_err(|_| EntryError::NotRandom)?
    };
    key.state = state;
    if key.id() == id {
        Ok(key)
    } else {
        Err(EntryError::WrongId)
    }
}

fn parse_state(text: &str) -> Option<KeyState> {
    let states = [
        KeyState::Primary,
        KeyState::DecryptOnly,
        KeyState::Disabled,
        KeyState::Destroyed,
    ];
    states.into_iter().find(|state| state.as_str() == text)
}

/// A number without sign and without leading zeros: one time, one spelling.
fn parse_seconds(text: &str) -> Option<Timestamp> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let plain = digits && (text == "0" || !text.starts_with('0'));
    let seconds = plain.then(|| text.parse().ok())?;
    seconds.map(Timestamp::from_unix_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The entry of the key 00 01 02 ... 1f.
    const ENTRY: &str = "pck1.primary.ID.1790000000.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    fn entry() -> String {
        let bytes: Vec<u8> = (0..32).collect();
        let key = Key::from_bytes(&bytes.into(), Timestamp::default()).unwrap();
        ENTRY.replace("ID", &key.id().to_string())
    }

    #[test]
    fn what_is_written_is_read() {
        let ring = Keyring::generate();
        let (disabled, destroyed) = (Key::generate(), Key::generate());
        let ids = [disabled.id(), destroyed.id()];
        let ring = ring
            .with_key(disabled)
            .and_then(|ring| ring.with_key(destroyed)?.disable(ids[0])?.destroy(ids[1]))
            .unwrap();
        let text = ring.to_text();
        let read = Keyring::parse(text.expose()).unwrap();
        assert_eq!(read.to_text(), text);
        assert_eq!(read.primary().id(), ring.primary().id());
        let commas = text.expose().replace('\n', " ,\r\n,");
        assert_eq!(Keyring::parse(&commas).unwrap(), read);
    }

    #[test]
    fn errors_say_where_and_why() {
        let good = entry();
        let key = good.rsplit('.').next().unwrap().to_owned();
        let cases = [
            (
                "a part too few",
                "pck1.primary.1790000000".to_owned(),
                EntryError::Parts,
            ),
            ("a part too many", format!("{good}.x"), EntryError::Parts),
            ("a bare key", key.clone(), EntryError::Parts),
            (
                "another version",
                good.replace("pck1", "pck2"),
                EntryError::Version,
            ),
            (
                "a state in capitals",
                good.replace("primary", "Primary"),
                EntryError::State,
            ),
            (
                "the key for a state",
                good.replace("primary", &key),
                EntryError::State,
            ),
            (
                "a time with a sign",
                good.replace(".179", ".+179"),
                EntryError::Created,
            ),
            (
                "a time with a zero",
                good.replace(".179", ".0179"),
                EntryError::Created,
            ),
            (
                "no time",
                good.replace("1790000000", ""),
                EntryError::Created,
            ),
            ("a key cut short", good.replace("Hh8", "H"), EntryError::Key),
            ("padding", good.replace("Hh8", "Hh8="), EntryError::Key),
            (
                "bits that are not used",
                good.replace("Hh8", "Hh9"),
                EntryError::Key,
            ),
            (
                "another key",
                good.replace("AAEC", "BAEC"),
                EntryError::WrongId,
            ),
            (
                "said to be destroyed",
                good.replace("primary", "destroyed"),
                EntryError::WrongId,
            ),
            (
                "all zero",
                good.replace(&key, &"A".repeat(43)),
                EntryError::NotRandom,
            ),
        ];
        for (name, text, error) in cases {
            let read = Keyring::parse(&format!("{good}\n{text}"));
            let expected = KeyringError::Entry { entry: 2, error };
            assert_eq!(read, Err(expected.clone()), "{name}");
            let shown = format!("{expected} {expected:?}");
            assert!(
                !shown.contains("AAEC") && !shown.contains(&key),
                "{name}: {shown}"
            );
        }
        let id = good.split('.').nth(2).unwrap();
        let upper = good.replace(id, "ABCDEF0123456789");
        let expected = KeyringError::Entry {
            entry: 1,
            error: EntryError::Id,
        };
        assert_eq!(Keyring::parse(&upper), Err(expected));
    }

    #[test]
    fn exactly_one_is_primary() {
        let one = entry();
        let other = Keyring::generate();
        let two = format!("{one},{}", other.to_text().expose());
        let first = Keyring::parse(&one).unwrap().primary().id();
        let clash = KeyringError::TwoPrimaries(first, other.primary().id());
        assert_eq!(Keyring::parse(&two), Err(clash));
        let none = one.replace("primary", "decrypt-only");
        assert_eq!(Keyring::parse(&none), Err(KeyringError::NoPrimary));
        assert_eq!(Keyring::parse(" \n,"), Err(KeyringError::NoPrimary));
        let twice = Keyring::parse(&format!("{one} {one}"));
        assert_eq!(twice, Err(KeyringError::Duplicate(first)));
        let long = " ".repeat(MAX_TEXT_LEN + 1);
        assert_eq!(
            Keyring::parse(&long),
            Err(KeyringError::TextTooLong(MAX_TEXT_LEN + 1))
        );
    }
}
