//! Workflow runs.

use anyhow::Result;
use serde::Deserialize;

use super::Github;
use super::tags::encoded;
use crate::action::inputs::CommitSha;
use crate::context::Context;

#[derive(Deserialize)]
struct Run {
    name: Option<String>,
    event: String,
    head_repository: Option<Head>,
}

#[derive(Deserialize)]
struct Head {
    full_name: String,
}

impl Github {
    /// Whether a workflow, by its file or its name, has succeeded for a commit. Runs for pull requests do not count: what ran
    /// there was decided by whoever opened them. Needs `actions: read`.
    /// <https://docs.github.com/en/rest/actions/workflow-runs>
    pub async fn has_succeeded(&self, cx: &Context, workflow: &str, commit: &CommitSha) -> Result<bool> {
        #[derive(Deserialize)]
        struct Runs {
            workflow_runs: Vec<Run>,
        }
        let what = format!("read the runs of {workflow} for commit {}", commit.short());
        let filter = format!("head_sha={commit}&status=success&per_page=100");
        let by_file = [".yml", ".yaml"].iter().any(|end| workflow.ends_with(end));
        let route = if by_file {
            format!("actions/workflows/{}/runs?{filter}", encoded(workflow))
        } else {
            format!("actions/runs?{filter}")
        };
        let runs: Runs = self.get(cx, &what, &route).await?;
        let here =
            |run: &Run| run.head_repository.as_ref().is_some_and(|head| head.full_name == self.repository.as_str());
        let named = |run: &Run| by_file || run.name.as_deref() == Some(workflow);
        Ok(runs.workflow_runs.iter().any(|run| named(run) && here(run) && !run.event.starts_with("pull_request")))
    }
}
