use crate::clock::Timestamp;
use crate::crypto::kek::WrappedKey;

/// What is stored of a subject: a byte of version, one that tells a key from a tombstone, the
/// time it was made in seconds since the Unix epoch (8 bytes, big-endian), and of a key the
/// wrapped key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SubjectRecord {
    Key {
        created: Timestamp,
        wrapped: WrappedKey,
    },
    Tombstone {
        destroyed: Timestamp,
    },
}

const VERSION: u8 = 1;
const KEY: u8 = 1;
const TOMBSTONE: u8 = 0;

impl SubjectRecord {
    pub(super) fn encode(&self) -> Vec<u8> {
        let (kind, time, rest) = match self {
            Self::Key { created, wrapped } => (KEY, created, wrapped.as_bytes()),
            Self::Tombstone { destroyed } => (TOMBSTONE, destroyed, &[][..]),
        };
        let mut bytes = vec![VERSION, kind];
        bytes.extend_from_slice(&time.unix_seconds().to_be_bytes());
        bytes.extend_from_slice(rest);
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let ([version, kind], rest) = bytes.split_first_chunk()?;
        let (time, rest) = rest.split_first_chunk()?;
        let time = Timestamp::from_unix_seconds(u64::from_be_bytes(*time));
        match (*version, *kind, rest) {
            (VERSION, TOMBSTONE, []) => Some(Self::Tombstone { destroyed: time }),
            (VERSION, KEY, [_, ..]) => Some(Self::Key {
                created: time,
                wrapped: WrappedKey::from_bytes(rest.to_vec()),
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let time = Timestamp::from_unix_seconds(1_790_000_000);
        let key = SubjectRecord::Key {
            created: time,
            wrapped: WrappedKey::from_bytes(vec![7; 40]),
        };
        let tombstone = SubjectRecord::Tombstone { destroyed: time };
        for record in [&key, &tombstone] {
            assert_eq!(
                SubjectRecord::decode(&record.encode()).as_ref(),
                Some(record)
            );
        }
        let (mut version, mut kind) = (key.encode(), key.encode());
        version[0] = 2;
        kind[1] = 2;
        let mut longer = tombstone.encode();
        longer.push(0);
        let short = key.encode()[..10].to_vec();
        for wrong in [version, kind, longer, short, vec![], vec![1], vec![1; 9]] {
            assert_eq!(SubjectRecord::decode(&wrong), None, "{wrong:?}");
        }
    }
}
