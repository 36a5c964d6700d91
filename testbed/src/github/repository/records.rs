//! Deployments, commit statuses and check runs, as a test adds and reads them.

use serde_json::json;

use super::{BOT, Repository};
use crate::github::handlers::{deployments, environments};
use crate::github::records::{CheckRun, CommitStatus, Deployment, DeploymentStatus};

impl Repository {
    /// All deployments, oldest first.
    #[must_use]
    pub fn deployments(&self) -> Vec<Deployment> {
        self.with(|_, repository| repository.deployments.clone())
    }

    /// One deployment.
    #[must_use]
    pub fn deployment(&self, id: u64) -> Option<Deployment> {
        self.deployments().into_iter().find(|deployment| deployment.id == id)
    }

    /// Adds a deployment; its id. What is left empty is filled in as the API does: `ref` with the commit, `task` with
    /// `deploy`, the payload with `{}`, ids, dates and creator.
    #[expect(clippy::must_use_candidate, reason = "called for its effect as often as for the id")]
    pub fn add_deployment(&self, mut deployment: Deployment) -> u64 {
        self.with(|shared, repository| {
            let fill = |text: &mut String, default: &str| {
                if text.is_empty() {
                    default.clone_into(text);
                }
            };
            deployment.id = shared.next_id();
            let (sha, environment) = (deployment.sha.clone(), deployment.environment.clone());
            fill(&mut deployment.git_ref, &sha);
            fill(&mut deployment.task, "deploy");
            fill(&mut deployment.original_environment, &environment);
            fill(&mut deployment.creator, BOT);
            if deployment.payload.is_null() {
                deployment.payload = json!({});
            }
            if deployment.created_at == 0 {
                deployment.created_at = shared.now();
            }
            deployment.updated_at = deployment.created_at;
            for status in &mut deployment.statuses {
                status.id = shared.next_id();
                if status.created_at == 0 {
                    status.created_at = deployment.created_at;
                }
                fill(&mut status.environment, &environment);
                fill(&mut status.creator, BOT);
            }
            environments::mention(shared, repository, &environment);
            let id = deployment.id;
            repository.deployments.push(deployment);
            id
        })
    }

    /// Appends a status to a deployment, without ending earlier deployments.
    pub fn add_status(&self, deployment: u64, state: &str, description: &str) {
        self.add_status_at(deployment, state, description, "");
    }

    /// The same, with the address of what was deployed.
    pub fn add_status_at(&self, deployment: u64, state: &str, description: &str, environment_url: &str) {
        self.with(|shared, repository| {
            let all = &mut repository.deployments;
            let environment = all.iter().find(|one| one.id == deployment).map(|one| one.environment.clone());
            let status = DeploymentStatus {
                id: shared.next_id(),
                state: state.to_owned(),
                description: description.to_owned(),
                environment_url: environment_url.to_owned(),
                environment: environment.unwrap_or_default(),
                creator: BOT.to_owned(),
                created_at: shared.now(),
                ..DeploymentStatus::default()
            };
            deployments::append(shared, all, deployment, &status, false);
        });
    }

    /// The statuses of a commit, oldest first.
    #[must_use]
    pub fn commit_statuses(&self, sha: &str) -> Vec<CommitStatus> {
        self.with(|_, repository| repository.statuses.iter().filter(|status| status.sha == sha).cloned().collect())
    }

    /// Adds a commit status.
    pub fn add_commit_status(&self, sha: &str, context: &str, state: &str) {
        self.with(|shared, repository| {
            repository.statuses.push(CommitStatus {
                id: shared.next_id(),
                sha: sha.to_owned(),
                state: state.to_owned(),
                context: context.to_owned(),
                description: None,
                target_url: None,
                creator: BOT.to_owned(),
                created_at: shared.now(),
            });
        });
    }

    /// The check runs of a commit, oldest first.
    #[must_use]
    pub fn check_runs(&self, sha: &str) -> Vec<CheckRun> {
        self.with(|_, repository| repository.checks.iter().filter(|run| run.head_sha == sha).cloned().collect())
    }

    /// Adds a check run: in progress, or completed with this conclusion; its id.
    #[expect(clippy::must_use_candidate, reason = "called for its effect as often as for the id")]
    pub fn add_check_run(&self, sha: &str, name: &str, conclusion: Option<&str>) -> u64 {
        self.with(|shared, repository| {
            let (id, now) = (shared.next_id(), shared.now());
            repository.checks.push(CheckRun {
                id,
                name: name.to_owned(),
                head_sha: sha.to_owned(),
                status: conclusion.map_or("in_progress", |_| "completed").to_owned(),
                conclusion: conclusion.map(str::to_owned),
                details_url: None,
                external_id: None,
                output: json!({}),
                started_at: now,
                completed_at: conclusion.map(|_| now),
            });
            id
        })
    }
}
