//! What one place brought.

use super::run::Found;

/// What one place brought.
pub(super) struct Place {
    /// As it is named in the log.
    pub(super) name: String,
    /// What its attempts found.
    pub(super) found: Found,
    /// The end of the log of the last invocation.
    pub(super) log: String,
    /// Where it was read.
    pub(super) source: &'static str,
}
