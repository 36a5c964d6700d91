//! Workflow runs.

use anyhow::Result;
use http::Method;
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde_json::Value;

use super::client::{Github, PAGE};
use super::tags::encode;
use crate::action::inputs::CommitSha;
use crate::calls::enumeration;
use crate::calls::retry::Kind;
use crate::text::escape::RESERVED;

/// A workflow run.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct WorkflowRun {
    /// Its number, the same for all attempts.
    pub id: u64,
    /// 1, and one more each time it is run again.
    pub run_attempt: u64,
    /// What `run-name:` made of it.
    #[serde(default)]
    pub display_title: String,
    /// The file of its workflow, `.github/workflows/ci.yml`.
    #[serde(default)]
    pub path: String,
    /// How far it is.
    pub status: Option<RunStatus>,
    /// How it ended. Nothing while it goes on.
    pub conclusion: Option<Conclusion>,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// When this attempt began, RFC 3339, UTC.
    #[serde(default)]
    pub run_started_at: Option<String>,
}

enumeration! {
    /// How far a run is (<https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-repository>, `status`).
    RunStatus of "the status of a workflow run" {
        /// Asked for.
        Requested = "requested",
        /// No runner has taken it.
        Queued = "queued",
        /// It waits for another run of its group.
        Pending = "pending",
        /// It waits for an approval.
        Waiting = "waiting",
        /// Going on.
        InProgress = "in_progress",
        /// Over.
        Completed = "completed",
    }
}

enumeration! {
    /// How a run, a job or a check ended.
    Conclusion of "the conclusion of a workflow run" {
        /// All is well.
        Success = "success",
        /// Something failed.
        Failure = "failure",
        /// Neither good nor bad.
        Neutral = "neutral",
        /// Somebody, or another run, ended it.
        Cancelled = "cancelled",
        /// Its condition was false.
        Skipped = "skipped",
        /// It took too long.
        TimedOut = "timed_out",
        /// Somebody has to do something.
        ActionRequired = "action_required",
        /// GitHub gave it up.
        Stale = "stale",
        /// Its workflow could not be read.
        StartupFailure = "startup_failure",
    }
}

/// Which runs are listed.
#[derive(Clone, Debug)]
pub struct RunFilter<'a> {
    /// The file of one workflow; else those of all.
    pub workflow: Option<&'a str>,
    /// The event that started them.
    pub event: &'a str,
    /// Those made since, RFC 3339.
    pub since: &'a str,
}

#[derive(Deserialize)]
struct Run {
    name: Option<String>,
    #[serde(default)]
    workflow_id: u64,
    event: String,
    head_repository: Option<Head>,
}

#[derive(Deserialize)]
struct Head {
    full_name: String,
}

impl Github {
    /// The runs that match, newest first, at most this many pages of a hundred.
    /// <https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow>
    pub async fn runs(&self, filter: &RunFilter<'_>, pages: usize) -> Result<Vec<WorkflowRun>> {
        #[derive(Deserialize)]
        struct Runs {
            workflow_runs: Vec<WorkflowRun>,
        }
        let what = format!("list the runs of {}", self.repository());
        let workflow = filter.workflow.map(|file| format!("workflows/{}/", encode(file))).unwrap_or_default();
        let since = utf8_percent_encode(filter.since, RESERVED);
        let route = format!("actions/{workflow}runs?event={}&created=%3E%3D{since}", filter.event);
        let enough = |all: &[WorkflowRun]| all.len() >= pages * PAGE;
        Ok(self.pages(&what, &route, |page: Runs| page.workflow_runs, enough).await?.entries)
    }

    /// One run, as its newest attempt is.
    /// <https://docs.github.com/en/rest/actions/workflow-runs#get-a-workflow-run>
    pub async fn run(&self, id: u64) -> Result<WorkflowRun> {
        self.get(&format!("read run {id} of {}", self.repository()), &format!("actions/runs/{id}")).await
    }

    /// Asks a run to stop; one that is over refuses. Asked twice it is the same.
    /// <https://docs.github.com/en/rest/actions/workflow-runs#cancel-a-workflow-run>
    pub async fn cancel_run(&self, id: u64) -> Result<()> {
        let what = format!("cancel run {id} of {}", self.repository());
        let route = format!("actions/runs/{id}/cancel");
        let _: Value = self.change(&what, Kind::Repeatable, (Method::POST, &route), &()).await?;
        Ok(())
    }

    /// Whether a workflow, by its file or its name, has succeeded for a commit. Runs for pull requests count only where `head`
    /// names the repository of their head: what ran there was decided by whoever opened them. Needs `actions: read`.
    /// <https://docs.github.com/en/rest/actions/workflow-runs>
    pub async fn has_succeeded(&self, workflow: &str, commit: &CommitSha, head: Option<&str>) -> Result<bool> {
        #[derive(Deserialize)]
        struct Runs {
            workflow_runs: Vec<Run>,
        }
        let what = format!("read the runs of {workflow} for commit {}", commit.short());
        let filter = format!("head_sha={commit}&status=success");
        let by_file = [".yml", ".yaml"].iter().any(|end| workflow.ends_with(end));
        let route = if by_file {
            format!("actions/workflows/{}/runs?{filter}", encode(workflow))
        } else {
            format!("actions/runs?{filter}")
        };
        let runs = self.pages(&what, &route, |page: Runs| page.workflow_runs, |_| false).await?.entries;
        let of =
            |run: &Run, repository: &str| run.head_repository.as_ref().is_some_and(|one| one.full_name == repository);
        let counts = |run: &&Run| {
            let for_pull_request = run.event.starts_with("pull_request");
            let here = of(run, self.repository().as_str()) && !for_pull_request;
            here || head.is_some_and(|head| for_pull_request && of(run, head))
        };
        let unnamed = |run: &Run| run.name.as_deref().is_none_or(str::is_empty);
        let mut runs = runs.iter().filter(counts);
        if runs.clone().any(|run| by_file || run.name.as_deref() == Some(workflow)) {
            return Ok(true);
        }
        // The name of a run may be missing: its workflow has it.
        let named = if runs.clone().any(unnamed) { self.workflows_named(workflow).await? } else { Vec::new() };
        Ok(runs.any(|run| unnamed(run) && named.contains(&run.workflow_id)))
    }

    /// The workflows of this name.
    /// <https://docs.github.com/en/rest/actions/workflows#list-repository-workflows>
    async fn workflows_named(&self, name: &str) -> Result<Vec<u64>> {
        #[derive(Deserialize)]
        struct Workflows {
            workflows: Vec<Workflow>,
        }
        #[derive(Deserialize)]
        struct Workflow {
            id: u64,
            name: String,
        }
        let what = format!("list the workflows of {}", self.repository());
        let all = self.pages(&what, "actions/workflows", |page: Workflows| page.workflows, |_| false).await?.entries;
        Ok(all.into_iter().filter(|workflow| workflow.name == name).map(|workflow| workflow.id).collect())
    }
}
