use super::{ConfigError, Door};
use crate::crypto::kdf::HmacSha256;
use crate::secret::SecretBytes;
use std::net::IpAddr;

/// The shortest key, in bytes.
const MIN_KEY_LEN: usize = 32;

/// Different passwords that guesses are told apart as: so few that what the store holds of a
/// guess says next to nothing of it, even to who has the key.
const GUESSES: u64 = 4096;

/// One of so many places: what something goes by in the store.
pub(super) type Place = [u8; 4];

/// Keyed hashes, cut to few places: what is counted must not be read in the store, and must not
/// grow with what strangers type.
#[derive(Clone, Debug)]
pub(super) struct Names {
    mac: HmacSha256,
    places: u64,
}

impl Names {
    pub(super) fn new(key: &SecretBytes, places: u32) -> Result<Self, ConfigError> {
        match key.expose().len() {
            MIN_KEY_LEN.. => Ok(Self {
                mac: HmacSha256::new(key.expose()),
                places: places.into(),
            }),
            short => Err(ConfigError::ShortKey(short)),
        }
    }

    /// A tag for these parts, which cannot run into each other.
    pub(super) fn tag(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        let head = [b"portcullis throttle v1", label.as_bytes()];
        for part in head.iter().chain(parts) {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            mac.update(&length.to_be_bytes());
            mac.update(part);
        }
        mac.finish()
    }

    fn place(&self, label: &str, parts: &[&[u8]], places: u64) -> Place {
        let tag = self.tag(label, parts);
        let number = tag.first_chunk().copied().map_or(0, u64::from_be_bytes);
        let [_, _, _, _, place @ ..] = (number % places.max(1)).to_be_bytes();
        place
    }

    pub(super) fn client(&self, network: IpAddr) -> Place {
        self.place("client", &[&octets(network)], self.places)
    }

    pub(super) fn account(&self, door: Door, account: &str) -> Place {
        let parts = [door.name().as_bytes(), account.as_bytes()];
        self.place("account", &parts, self.places)
    }

    pub(super) fn pair(&self, door: Door, account: &str, network: IpAddr) -> Place {
        let address = octets(network);
        let parts = [door.name().as_bytes(), account.as_bytes(), &address];
        self.place("pair", &parts, self.places)
    }

    /// A place of its own for each: only who has logged in comes with one.
    pub(super) fn device(&self, door: Door, id: &[u8]) -> [u8; 32] {
        self.tag("device", &[door.name().as_bytes(), id])
    }

    /// What a guess goes by within one window of time.
    pub(super) fn guess(&self, guess: &str, window: u64) -> Place {
        let parts = [&window.to_be_bytes()[..], guess.as_bytes()];
        self.place("guess", &parts, GUESSES)
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn names(key: u8, places: u32) -> Names {
        Names::new(&SecretBytes::from(vec![key; 32]), places).unwrap()
    }

    #[test]
    fn names_of_different_things_differ() {
        let (all, other) = (names(7, u32::MAX), names(8, u32::MAX));
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let found = [
            all.account(Door::PASSWORD, "ann"),
            all.account(Door::TOTP, "ann"),
            all.account(Door::PASSWORD, "bob"),
            other.account(Door::PASSWORD, "ann"),
            all.pair(Door::PASSWORD, "ann", address),
            all.client(address),
        ];
        assert_eq!(HashSet::from(found).len(), found.len());
        assert_ne!(all.tag("a", &[b"bc"]), all.tag("a", &[b"b", b"c"]));
    }

    #[test]
    fn there_are_no_more_places_than_were_given() {
        let names = names(7, 1024);
        let accounts: HashSet<_> = (0..50_000)
            .map(|number| names.account(Door::PASSWORD, &number.to_string()))
            .collect();
        assert_eq!(accounts.len(), 1024);
        let guesses: HashSet<_> = (0..100_000)
            .map(|number| names.guess(&number.to_string(), 1))
            .collect();
        assert_eq!(guesses.len(), 4096);
        let moved = (0..100)
            .filter(|n: &u32| names.guess(&n.to_string(), 1) != names.guess(&n.to_string(), 2));
        assert!(moved.count() > 90, "another window, other places");
    }

    #[test]
    fn keys_that_can_be_guessed_are_refused() {
        for length in [0, 16, 31] {
            let refused = Names::new(&SecretBytes::from(vec![7; length]), 1024).unwrap_err();
            assert_eq!(refused, ConfigError::ShortKey(length));
        }
    }
}
