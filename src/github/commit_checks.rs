//! What others say of a commit: check runs and commit statuses.

use anyhow::Result;
use futures_util::future::try_join;
use serde::Deserialize;

use super::client::Github;
use crate::action::inputs::CommitSha;

/// One check run, or the newest commit status of a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The check run's name, or the status's context.
    pub name: String,
    /// How it stands.
    pub state: CheckState,
}

/// How a check stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckState {
    /// It succeeded.
    Success,
    /// It has not ended.
    Pending,
    /// It ended otherwise, in GitHub's word: `failure`, `cancelled`, `skipped`, ..
    Ended(String),
}

impl Github {
    /// Every check run and commit status of a commit. Needs `checks: read` and `statuses: read`.
    /// <https://docs.github.com/en/rest/checks/runs#list-check-runs-for-a-git-reference>,
    /// <https://docs.github.com/en/rest/commits/statuses#get-the-combined-status-for-a-specific-reference>
    pub async fn checks(&self, commit: &CommitSha) -> Result<Vec<Check>> {
        let (mut runs, statuses) = try_join(self.check_runs(commit), self.commit_statuses(commit)).await?;
        runs.extend(statuses);
        Ok(runs)
    }

    async fn check_runs(&self, commit: &CommitSha) -> Result<Vec<Check>> {
        #[derive(Deserialize)]
        struct Runs {
            check_runs: Vec<Run>,
        }
        #[derive(Deserialize)]
        struct Run {
            name: String,
            conclusion: Option<String>,
        }
        let what = format!("list the check runs of commit {}", commit.short());
        let route = format!("commits/{commit}/check-runs?filter=latest");
        let all = self.pages(&what, &route, |page: Runs| page.check_runs, |_| false).await?.entries;
        let check = |run: Run| Check {
            name: run.name,
            state: match run.conclusion {
                None => CheckState::Pending,
                Some(end) if end == "success" => CheckState::Success,
                Some(end) => CheckState::Ended(end),
            },
        };
        Ok(all.into_iter().map(check).collect())
    }

    async fn commit_statuses(&self, commit: &CommitSha) -> Result<Vec<Check>> {
        #[derive(Deserialize)]
        struct Combined {
            statuses: Vec<Status>,
        }
        #[derive(Deserialize)]
        struct Status {
            context: String,
            state: String,
        }
        let what = format!("list the statuses of commit {}", commit.short());
        let route = format!("commits/{commit}/status");
        let all = self.pages(&what, &route, |page: Combined| page.statuses, |_| false).await?.entries;
        let check = |status: Status| Check {
            name: status.context,
            state: match status.state.as_str() {
                "success" => CheckState::Success,
                "pending" => CheckState::Pending,
                other => CheckState::Ended(other.to_owned()),
            },
        };
        Ok(all.into_iter().map(check).collect())
    }
}
