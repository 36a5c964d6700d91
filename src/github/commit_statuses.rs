//! Statuses of commits: those that others set, and ours.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::Github;
use super::deployments::public_description;
use crate::action::inputs::CommitSha;
use crate::calls::enumeration;
use crate::calls::retry::Kind;

/// The status of a commit under one context.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct CommitStatus {
    /// Its number; later ones have greater.
    pub id: u64,
    /// What it says.
    pub state: CommitState,
    /// Its name. GitHub takes no heed of case.
    pub context: String,
    /// Where it leads.
    pub target_url: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
}

enumeration! {
    /// The states of a commit's status.
    CommitState of "the state of a commit's status" {
        /// All is well.
        Success = "success",
        /// Judged bad.
        Failure = "failure",
        /// Not judged.
        Error = "error",
        /// Not over.
        Pending = "pending",
    }
}

/// A status of a commit, to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewCommitStatus {
    /// The state.
    pub state: CommitState,
    /// Its name beside the others of the commit, `deploy/prd`. GitHub ignores case.
    pub context: String,
    /// One line; cut to 140 characters when it is sent.
    pub description: String,
    /// Where it leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_url: Option<String>,
}

impl Github {
    /// The newest status of a commit under a context; `None` when there is none.
    /// <https://docs.github.com/en/rest/commits/statuses#list-commit-statuses-for-a-reference>
    pub async fn commit_status(&self, commit: &CommitSha, context: &str) -> Result<Option<CommitStatus>> {
        let what = format!("read the statuses of commit {}", commit.short());
        let same = |status: &CommitStatus| status.context.eq_ignore_ascii_case(context);
        let enough = |all: &[CommitStatus]| all.iter().any(same);
        // Newest first, as the API gives them.
        let all = self.list(&what, &format!("commits/{commit}/statuses"), enough).await?;
        Ok(all.into_iter().find(same))
    }

    /// Adds a status to a commit. Repeatable: the newest of a name counts, and the same twice says the same.
    /// <https://docs.github.com/en/rest/commits/statuses#create-a-commit-status>
    pub async fn set_commit_status(&self, commit: &CommitSha, status: &NewCommitStatus) -> Result<()> {
        let status = NewCommitStatus { description: public_description(&status.description), ..status.clone() };
        let what = format!("set the status {} of commit {}", status.context, commit.short());
        let _: Value = self.post(&what, Kind::Repeatable, &format!("statuses/{commit}"), &status).await?;
        Ok(())
    }
}
