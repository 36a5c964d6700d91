//! Mutexes of what tests look at.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a mutex holds, whatever became of the test that held it last.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
