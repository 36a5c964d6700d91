//! Environments.

use crate::github::clock::Seconds;

#[derive(Debug, Clone)]
pub(crate) struct Environment {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) created: Seconds,
    /// Minutes a job waits before it may deploy; 0 is no rule.
    pub(crate) wait_minutes: u32,
}
