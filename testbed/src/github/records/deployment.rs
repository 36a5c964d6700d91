//! Deployments and their statuses.

use serde_json::Value;

/// A deployment as GitHub has it, with its statuses.
#[derive(Debug, Clone, Default)]
pub struct Deployment {
    /// Its id; newer deployments have greater ones.
    pub id: u64,
    /// The commit.
    pub sha: String,
    /// What the request named: a branch, a tag or a commit.
    pub git_ref: String,
    /// `deploy` when the request named none.
    pub task: String,
    /// The environment; a status can change it.
    pub environment: String,
    /// The environment of the request.
    pub original_environment: String,
    /// Stored and returned as it came: an object or a string.
    pub payload: Value,
    /// Free text.
    pub description: Option<String>,
    /// Whether the environment ends some day.
    pub transient_environment: bool,
    /// Whether end users meet the environment.
    pub production_environment: bool,
    /// Who made it.
    pub creator: String,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Seconds since 1970; the newest status moves it.
    pub updated_at: i64,
    /// Oldest first.
    pub statuses: Vec<DeploymentStatus>,
}

impl Deployment {
    /// The newest status's state; `None` without a status.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.statuses.last().map(|status| status.state.as_str())
    }

    /// All states, oldest first.
    #[must_use]
    pub fn states(&self) -> Vec<&str> {
        self.statuses.iter().map(|status| status.state.as_str()).collect()
    }
}

/// A status of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeploymentStatus {
    /// Its id; newer statuses have greater ones.
    pub id: u64,
    /// `error failure inactive in_progress queued pending success`.
    pub state: String,
    /// At most 140 characters.
    pub description: String,
    /// The environment at that moment.
    pub environment: String,
    /// Where the deployment can be looked at.
    pub environment_url: String,
    /// Where its log is.
    pub log_url: String,
    /// Who made it.
    pub creator: String,
    /// Seconds since 1970.
    pub created_at: i64,
}
