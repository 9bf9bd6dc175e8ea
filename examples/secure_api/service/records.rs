//! What everything that is kept among the records has in common.

use portcullis::guard::{Rejection, RejectionKind};
use portcullis::random::Random;

/// How long an id is. The records would call a longer one a mistake of ours.
pub(super) const ID_LEN: usize = 32;

/// An id that nobody can guess: 128 bits as text.
pub(super) fn new_id() -> String {
    hex(&Random::secure().bytes::<16>())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is kept is not what was kept.
pub(super) fn broken() -> Rejection {
    Rejection::new(RejectionKind::Internal).with_reason("a record cannot be read")
}
