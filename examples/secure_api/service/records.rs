//! What everything that is kept among the records has in common.

use portcullis::guard::{Rejection, RejectionKind};
use portcullis::random::Random;
use portcullis::store::{StoreError, StoreErrorKind};

/// How long an id is. The records would call a longer one a mistake of ours.
pub(super) const ID_LEN: usize = 32;

/// An id that nobody can guess: 128 bits as text.
pub(super) fn new_id() -> String {
    hex(&Random::secure().bytes::<16>())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Without its records the service knows nothing, and so lets nobody in. What they would take
/// from nobody is no outage.
pub(super) fn unavailable(error: &StoreError) -> Rejection {
    let kind = match error.kind() {
        StoreErrorKind::TooLarge => RejectionKind::PayloadTooLarge,
        StoreErrorKind::Invalid => RejectionKind::Internal,
        _ => RejectionKind::Unavailable,
    };
    Rejection::new(kind).with_reason(error.to_string())
}

/// What is kept is not what was kept.
pub(super) fn broken() -> Rejection {
    Rejection::new(RejectionKind::Internal).with_reason("a record cannot be read")
}
