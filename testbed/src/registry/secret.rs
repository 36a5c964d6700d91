//! Passwords, tokens and names of sessions.

use std::fmt::Write as _;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// A text nobody can guess.
pub(super) fn secret(prefix: &str) -> String {
    (0..3).fold(prefix.to_owned(), |mut text, _| {
        let _ = write!(text, "{:016x}", RandomState::new().build_hasher().finish());
        text
    })
}
