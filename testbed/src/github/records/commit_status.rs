//! Commit statuses.

/// A commit status.
#[derive(Debug, Clone)]
pub struct CommitStatus {
    /// Its id.
    pub id: u64,
    /// The commit.
    pub sha: String,
    /// `error failure pending success`.
    pub state: String,
    /// Its name; GitHub ignores case.
    pub context: String,
    /// At most 140 characters.
    pub description: Option<String>,
    /// Where it leads.
    pub target_url: Option<String>,
    /// Who made it.
    pub creator: String,
    /// Seconds since 1970.
    pub created_at: i64,
}
