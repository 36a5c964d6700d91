//! Workflow files and their runs.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::github::clock::Seconds;

/// A workflow file of a repository, as the test describes it.
#[derive(Debug, Clone, Default)]
pub struct Workflow {
    /// The file's name in `.github/workflows`, e.g. `deploy.yml`.
    pub file: String,
    /// Its `name:`.
    pub name: String,
    /// Its `run-name:`; `${{ inputs.x }}` and `${{ github.event.client_payload.x.y }}` are filled in.
    pub run_name: Option<String>,
    /// The inputs of its `workflow_dispatch`; others are refused.
    pub inputs: Vec<String>,
    /// The `types:` of its `repository_dispatch`; such a dispatch starts a run.
    pub repository_dispatch: Vec<String>,
    /// What becomes of a run: each reading of the run takes the next state. Empty: the test moves it.
    pub script: Vec<RunState>,
}

#[derive(Debug, Clone)]
pub(crate) struct WorkflowFile {
    pub(crate) id: u64,
    pub(crate) created: Seconds,
    pub(crate) description: Workflow,
}

/// A state of a workflow run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunState {
    /// Waiting for a runner.
    Queued,
    /// Waiting for an environment's approval.
    Waiting,
    /// Running.
    InProgress,
    /// Over, with the conclusion (`success failure cancelled skipped timed_out action_required neutral stale
    /// startup_failure`).
    Completed(String),
}

impl RunState {
    /// Over, with this conclusion.
    #[must_use]
    pub fn completed(conclusion: &str) -> Self {
        Self::Completed(conclusion.to_owned())
    }

    /// The `status` of the API.
    #[must_use]
    pub fn status(&self) -> &str {
        match self {
            Self::Queued => "queued",
            Self::Waiting => "waiting",
            Self::InProgress => "in_progress",
            Self::Completed(_) => "completed",
        }
    }

    /// The `conclusion` of the API.
    #[must_use]
    pub fn conclusion(&self) -> Option<&str> {
        match self {
            Self::Completed(conclusion) => Some(conclusion),
            _ => None,
        }
    }
}

/// A workflow run.
#[derive(Debug, Clone)]
pub struct WorkflowRun {
    /// Its id.
    pub id: u64,
    /// The file of its workflow.
    pub workflow: String,
    /// The id of its workflow.
    pub workflow_id: u64,
    /// The workflow's name.
    pub name: String,
    /// What the list of runs shows.
    pub display_title: String,
    /// `push`, `workflow_dispatch`, ..
    pub event: String,
    /// The branch or tag.
    pub head_branch: String,
    /// The commit.
    pub head_sha: String,
    /// Which attempt is shown.
    pub run_attempt: u32,
    /// Who started it.
    pub actor: String,
    /// The dispatch's inputs or payload.
    pub inputs: Value,
    /// Where it stands.
    pub state: RunState,
    /// States that the next readings of the run take.
    pub script: VecDeque<RunState>,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Seconds since 1970.
    pub updated_at: i64,
    /// When this attempt began, seconds since 1970; else when the run was made.
    pub run_started_at: Option<i64>,
    /// Approvals of its environments: environment, login and `approved` or `rejected`.
    pub approvals: Vec<(String, String, String)>,
    /// Its jobs, in every attempt the same.
    pub jobs: Vec<RunJob>,
}

/// A job of a run.
#[derive(Debug, Clone, Default)]
pub struct RunJob {
    /// Its name.
    pub name: String,
    /// Seconds since 1970.
    pub started_at: i64,
    /// Seconds since 1970; nothing while it works.
    pub completed_at: Option<i64>,
    /// How it ended; nothing while it works.
    pub conclusion: Option<String>,
}

impl WorkflowRun {
    /// A new, queued run of a workflow.
    pub(crate) fn of(workflow: &WorkflowFile) -> Self {
        let description = &workflow.description;
        Self {
            id: 0,
            workflow: description.file.clone(),
            workflow_id: workflow.id,
            name: description.name.clone(),
            display_title: description.name.clone(),
            event: "push".to_owned(),
            head_branch: "main".to_owned(),
            head_sha: String::new(),
            run_attempt: 1,
            actor: "github-actions[bot]".to_owned(),
            inputs: json!({}),
            state: RunState::Queued,
            script: description.script.iter().cloned().collect(),
            created_at: 0,
            updated_at: 0,
            run_started_at: None,
            approvals: Vec::new(),
            jobs: Vec::new(),
        }
    }

    /// What one reading of the run does: the next state of its script.
    pub(crate) fn advance(&mut self, now: Seconds) {
        if let Some(next) = self.script.pop_front() {
            self.state = next;
            self.updated_at = now;
        }
    }
}
