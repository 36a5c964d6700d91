//! What a pull request has beside its issue.

/// The branches of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// The branch that is merged.
    pub head: String,
    /// The branch that it is merged into.
    pub base: String,
}
