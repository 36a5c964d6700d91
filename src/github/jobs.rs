//! How long a workflow run has been at work.

use anyhow::Result;
use serde::Deserialize;
use time::OffsetDateTime;

use super::client::Github;
use super::moment;
use super::tags::absent_is_none;
use super::{Conclusion, RunStatus, WorkflowRun};
use crate::calls::enumeration;

impl WorkflowRun {
    /// True when no job of it works any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.status == Some(RunStatus::Completed)
    }

    /// When this attempt began.
    #[must_use]
    pub fn began(&self) -> Option<OffsetDateTime> {
        self.run_started_at.as_deref().and_then(moment)
    }
}

/// When a job was at work.
#[derive(Clone, Debug, Deserialize)]
pub struct JobTimes {
    #[serde(default)]
    started_at: Option<String>,
    #[serde(default)]
    completed_at: Option<String>,
    #[serde(default)]
    conclusion: Option<Conclusion>,
}

impl JobTimes {
    /// From when until when a job was at work, until now where it still is; nothing when it was skipped or has not begun.
    #[must_use]
    pub fn working_time(&self, now: OffsetDateTime) -> Option<(OffsetDateTime, OffsetDateTime)> {
        if self.conclusion == Some(Conclusion::Skipped) {
            return None;
        }
        let from = self.started_at.as_deref().and_then(moment)?;
        let until = match self.completed_at.as_deref() {
            Some(text) => moment(text)?,
            None => now,
        };
        (from <= until).then_some((from, until))
    }
}

impl Github {
    /// A run of this number; `None` when GitHub has none. Needs `actions: read`.
    pub async fn run_if_any(&self, run: u64) -> Result<Option<WorkflowRun>> {
        absent_is_none(self.run(run).await)
    }

    /// Whether somebody had to approve a deployment of this run.
    /// <https://docs.github.com/en/rest/actions/workflow-runs#get-the-review-history-for-a-workflow-run>
    pub async fn was_approved(&self, run: u64) -> Result<bool> {
        enumeration! {
            /// What somebody answered who was asked to approve.
            Answered of "the state of an approval" {
                /// Yes.
                Approved = "approved",
                /// No.
                Rejected = "rejected",
                /// Nothing yet.
                Pending = "pending",
            }
        }
        #[derive(Deserialize)]
        struct Review {
            state: Answered,
        }
        let what = format!("read the approvals of run {run}");
        let all: Vec<Review> = self.get(&what, &format!("actions/runs/{run}/approvals")).await?;
        Ok(all.iter().any(|review| review.state == Answered::Approved))
    }

    /// The jobs of one attempt of a run.
    /// <https://docs.github.com/en/rest/actions/workflow-jobs#list-jobs-for-a-workflow-run-attempt>
    pub async fn jobs(&self, run: u64, attempt: u64) -> Result<Vec<JobTimes>> {
        #[derive(Deserialize)]
        struct Jobs {
            jobs: Vec<JobTimes>,
        }
        let what = format!("list the jobs of run {run}");
        let route = format!("actions/runs/{run}/attempts/{attempt}/jobs");
        Ok(self.pages(&what, &route, |page: Jobs| page.jobs, |_| false).await?.entries)
    }
}
