//! Statuses of commits, as others set them.

use anyhow::Result;
use serde::Deserialize;

use super::Github;
use crate::action::inputs::CommitSha;
use crate::context::Context;

/// The status of a commit under one context.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct CommitStatus {
    /// Its number; later ones have greater.
    pub id: u64,
    /// `error`, `failure`, `pending`, `success`.
    pub state: String,
    /// Its name. GitHub takes no heed of case.
    pub context: String,
    /// Where it leads.
    pub target_url: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
}

impl Github {
    /// The newest status of a commit under a context; `None` when there is none.
    /// <https://docs.github.com/en/rest/commits/statuses#list-commit-statuses-for-a-reference>
    pub async fn commit_status(&self, cx: &Context, commit: &CommitSha, context: &str) -> Result<Option<CommitStatus>> {
        let what = format!("read the statuses of commit {}", commit.short());
        let same = |status: &CommitStatus| status.context.eq_ignore_ascii_case(context);
        let enough = |all: &[CommitStatus]| all.iter().any(same);
        // Newest first, as the API gives them.
        let all = self.list(cx, &what, &format!("commits/{commit}/statuses"), enough).await?;
        Ok(all.into_iter().find(same))
    }
}
