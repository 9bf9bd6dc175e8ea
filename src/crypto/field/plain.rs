use super::value::FieldValue;
use std::fmt;

/// A value that was opened. It is wiped when dropped, and its `Debug` shows nothing.
///
/// It does not clone, does not serialize and does not display, so that it goes nowhere by
/// accident:
///
/// ```compile_fail,E0277
/// # use portcullis::crypto::field::Plain;
/// fn copied<T: Clone>() {}
/// copied::<Plain<String>>();
/// ```
/// ```compile_fail,E0277
/// # use portcullis::crypto::field::Plain;
/// fn answered<T: serde::Serialize>() {}
/// answered::<Plain<String>>();
/// ```
/// ```compile_fail,E0277
/// # use portcullis::crypto::field::Plain;
/// fn logged<T: std::fmt::Display>() {}
/// logged::<Plain<String>>();
/// ```
/// ```compile_fail,E0308
/// # use portcullis::crypto::field::Plain;
/// fn text(email: &Plain<String>) -> &str { email }
/// ```
pub struct Plain<T: FieldValue>(T);

impl<T: FieldValue> Plain<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. The name makes each use easy to find in a review.
    #[must_use]
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: FieldValue> Drop for Plain<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

impl<T: FieldValue> fmt::Debug for Plain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain([redacted])")
    }
}
