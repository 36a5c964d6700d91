//! Environments.

use crate::github::clock::Seconds;

/// Where an environment may be deployed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BranchPolicy {
    /// From protected branches.
    Protected,
    /// From branches and tags of these names: name, and `branch` or `tag`.
    Named(Vec<(String, String)>),
}

#[derive(Debug, Clone)]
pub(crate) struct Environment {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) created: Seconds,
    /// Minutes a job waits before it may deploy; 0 is no rule.
    pub(crate) wait_minutes: u32,
    /// Logins of those who must approve.
    pub(crate) reviewers: Vec<String>,
    /// Where it may be deployed from; nothing is any branch.
    pub(crate) branches: Option<BranchPolicy>,
}
