//! Locks that no panic closes.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock, poisoned or not. What a lock of this crate guards is whole at every moment:
/// nothing under one panics between two changes that belong together.
#[inline]
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
