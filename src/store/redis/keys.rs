use super::request::Request;
use super::scripts::Script;
use crate::store::{EntryKind, Key, Owner};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// How keys are written: `prefix{kind name:owner}id`.
///
/// What stands in the braces is the hash tag: a Redis Cluster puts keys with the same tag into
/// one slot. Under an owner it is the owner, so all entries of one live together; otherwise it
/// is the entry. No byte that a user chose reaches the key as it is unless it is harmless, so
/// none can end the tag early, and different keys stay different.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: Box<str>,
}

/// The two keys of an owner's values, in one slot.
#[derive(Debug)]
pub(super) struct OwnerKeys {
    /// A sorted set: id by the microsecond of its expiry.
    pub(super) expiries: Vec<u8>,
    /// A hash: value by id.
    pub(super) values: Vec<u8>,
}

impl OwnerKeys {
    /// A call of a script on both.
    pub(super) fn request(&self, script: &'static Script) -> Request {
        Request::script(script, &[&self.expiries, &self.values])
    }
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        let prefix = prefix.into();
        Self { prefix }
    }

    /// The key of an entry that is a key of its own: all but the values under owners.
    pub(super) fn entry(&self, key: Key<'_>) -> Vec<u8> {
        let (namespace, id) = (key.namespace(), key.id());
        let mut text = self.tag(namespace.kind(), namespace.name());
        match key.owner() {
            None => {
                text.push(b'-');
                push_segment(&mut text, id);
                text.push(b'}');
            }
            Some(owner) => {
                text.push(b'+');
                push_segment(&mut text, owner.id());
                text.push(b'}');
                push_segment(&mut text, id);
            }
        }
        text
    }

    /// Where the values of an owner are. A segment never begins with `!`, so neither of the
    /// two is the key of an entry.
    pub(super) fn owner(&self, owner: Owner<'_>) -> OwnerKeys {
        let namespace = owner.namespace();
        let mut values = self.tag(namespace.kind(), namespace.name());
        values.push(b'+');
        push_segment(&mut values, owner.id());
        values.push(b'}');
        let mut expiries = values.clone();
        expiries.push(b'!');
        OwnerKeys { expiries, values }
    }

    /// A key of this store that holds nothing, to try whether a server takes writes.
    pub(super) fn probe(&self) -> Vec<u8> {
        format!("{}{{probe}}", self.prefix).into_bytes()
    }

    fn tag(&self, kind: EntryKind, name: &str) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.prefix.len() + name.len() + 64);
        text.extend_from_slice(self.prefix.as_bytes());
        text.push(b'{');
        text.push(match kind {
            EntryKind::Value => b'v',
            EntryKind::Counter => b'c',
            EntryKind::Quota => b'q',
        });
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        text
    }
}

/// Plain text after `~`, so that operators can read it; anything else in base64 after `=`.
fn push_segment(text: &mut Vec<u8>, id: &[u8]) {
    const PLAIN: fn(&u8) -> bool = |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':' | b'@' | b'/')
    };
    if id.iter().all(PLAIN) {
        text.push(b'~');
        text.extend_from_slice(id);
    } else {
        text.push(b'=');
        text.extend_from_slice(BASE64_URL_SAFE_NO_PAD.encode(id).as_bytes());
    }
}

/// The slot of a key in a Redis Cluster: CRC-16/XMODEM of its hash tag, modulo 16384.
pub(super) fn slot(key: &[u8]) -> u16 {
    crc16(hash_tag(key)) % SLOTS
}

pub(super) const SLOTS: u16 = 16_384;

fn hash_tag(key: &[u8]) -> &[u8] {
    let mut parts = key.splitn(2, |byte| *byte == b'{');
    let rest = parts.nth(1).unwrap_or_default();
    match rest.iter().position(|byte| *byte == b'}') {
        None | Some(0) => key,
        Some(end) => rest.get(..end).unwrap_or(key),
    }
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc: u16, _| {
            let carry = if crc & 0x8000 == 0 { 0 } else { 0x1021 };
            (crc << 1) ^ carry
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Namespace;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const VALUES: Namespace = Namespace::values("session");
    const QUOTAS: Namespace = Namespace::quotas("rate");

    fn shown(key: &[u8]) -> String {
        String::from_utf8(key.to_vec()).unwrap()
    }

    #[test]
    fn keys_are_readable_where_they_can_be() {
        let keys = Keys::new("portcullis:");
        let client = Owner::new(QUOTAS, "203.0.113.7");
        let binary = Key::new(VALUES, &[0xff, 0x7d]);
        for (name, key, expected) in [
            (
                "text",
                Key::new(VALUES, "a-1"),
                "portcullis:{vsession:-~a-1}",
            ),
            ("bytes", binary, "portcullis:{vsession:-=_30}"),
            ("none", Key::new(VALUES, ""), "portcullis:{vsession:-~}"),
            (
                "braces",
                Key::new(VALUES, "{}"),
                "portcullis:{vsession:-=e30}",
            ),
            (
                "under an owner",
                client.key("login"),
                "portcullis:{qrate:+~203.0.113.7}~login",
            ),
        ] {
            assert_eq!(shown(&keys.entry(key)), expected, "{name}");
        }
        let owner = keys.owner(Owner::new(VALUES, "ann"));
        assert_eq!(shown(&owner.values), "portcullis:{vsession:+~ann}");
        assert_eq!(shown(&owner.expiries), "portcullis:{vsession:+~ann}!");
    }

    /// From the specification of Redis Cluster, and from `CLUSTER KEYSLOT` of a server.
    #[test]
    fn slots_are_those_of_redis() {
        for (key, expected) in [
            ("123456789", 0x31c3),
            ("{user1000}.following", 3443),
            ("{user1000}.followers", 3443),
            ("foo{}{bar}", 8363),
            ("foo{{bar}}zap", 4015),
            ("foo{bar}{zap}", 5061),
            ("foo", 12182),
            ("", 0),
        ] {
            assert_eq!(slot(key.as_bytes()), expected % SLOTS, "{key}");
        }
    }

    proptest! {
        #[test]
        fn different_keys_stay_different_and_owners_share_a_slot(
            ids in prop::collection::vec(prop::collection::vec(prop::sample::select(&b"a~=!+-{}:\xff"[..]), 0..5), 4),
        ) {
            let keys = Keys::new("p:");
            let [owner, other, id, another] = ids.as_slice() else { unreachable!() };
            let (owner, other) = (Owner::new(QUOTAS, owner), Owner::new(QUOTAS, other));
            let all = [Key::new(QUOTAS, id), Key::new(QUOTAS, another), owner.key(id), owner.key(another), other.key(id)];
            let different: HashSet<_> = all.iter().map(|key| key.encode()).collect();
            let written: HashSet<_> = all.iter().map(|key| keys.entry(*key)).collect();
            prop_assert_eq!(different.len(), written.len());
            prop_assert_eq!(slot(&keys.entry(owner.key(id))), slot(&keys.entry(owner.key(another))));
            let pair = keys.owner(owner);
            prop_assert_eq!(slot(&pair.values), slot(&pair.expiries));
            prop_assert_eq!(slot(&pair.values), slot(&keys.entry(owner.key(id))));
        }
    }
}
