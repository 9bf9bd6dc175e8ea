//! Fields of forms and queries.

use super::report::{malformed, unreadable};
use crate::guard::Rejection;
use serde::de::DeserializeOwned;

/// The most fields.
const MAX_FIELDS: usize = 256;

/// Reads `application/x-www-form-urlencoded`.
pub(super) fn read<T: DeserializeOwned>(encoded: &[u8]) -> Result<T, Rejection> {
    if encoded.split(|byte| *byte == b'&').count() > MAX_FIELDS {
        return Err(malformed("form_too_many_fields"));
    }
    let pairs = form_urlencoded::parse(encoded);
    serde_path_to_error::deserialize(serde_html_form::Deserializer::new(pairs))
        .map_err(|error| unreadable(error.path(), &error.inner().to_string()))
}
