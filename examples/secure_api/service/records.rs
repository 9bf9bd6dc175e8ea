//! What everything that is kept among the records has in common.

use portcullis::guard::{Rejection, RejectionKind};
use portcullis::random::Random;
use portcullis::store::StoreError;

/// How long an id is. The records would call a longer one a mistake of ours.
pub(super) const ID_LEN: usize = 32;

/// An id that nobody can guess: 128 bits as text.
pub(super) fn new_id() -> String {
    hex(&Random::secure().bytes::<16>())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Without its records the service knows nothing, and so lets nobody in.
pub(super) fn unavailable(error: &StoreError) -> Rejection {
    Rejection::new(RejectionKind::Unavailable).with_reason(error.to_string())
}
