//! Check runs.

use serde_json::Value;

/// A check run.
#[derive(Debug, Clone)]
pub struct CheckRun {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// The commit.
    pub head_sha: String,
    /// `queued in_progress completed`.
    pub status: String,
    /// Set once it is completed.
    pub conclusion: Option<String>,
    /// The integrator's address of the details.
    pub details_url: Option<String>,
    /// The integrator's own name for it.
    pub external_id: Option<String>,
    /// Title, summary and text.
    pub output: Value,
    /// Seconds since 1970.
    pub started_at: i64,
    /// Seconds since 1970.
    pub completed_at: Option<i64>,
}
