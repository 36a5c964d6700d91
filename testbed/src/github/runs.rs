//! Workflow runs.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::answer::{Answer, Reply};
use super::call::Call;
use super::clock::{Seconds, rfc3339, seconds};
use super::shapes::{self, node, user};
use super::state::{Repository, Shared};
use super::workflows;
pub use super::workflows::Workflow;
pub(crate) use super::workflows::WorkflowFile;

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

    fn advance(&mut self, now: Seconds) {
        if let Some(next) = self.script.pop_front() {
            self.state = next;
            self.updated_at = now;
        }
    }
}

/// Adds a run; its id.
pub(crate) fn start(shared: &mut Shared, repository: &mut Repository, mut run: WorkflowRun) -> u64 {
    if run.id == 0 {
        run.id = shared.next_id();
    }
    run.created_at = shared.now();
    run.updated_at = run.created_at;
    let id = run.id;
    repository.runs.push(run);
    id
}

/// Runs, newest first; no filter reaches beyond the first 1,000.
pub(crate) fn list(call: &mut Call<'_>) -> Reply {
    let workflow = match call.parameter("workflow_id") {
        "" => None,
        _ => Some(workflows::find(call)?.id),
    };
    let now = call.shared.now();
    for run in &mut call.repository.runs {
        run.advance(now);
    }
    let wanted = |name: &str, value: &str| call.query(name).is_none_or(|asked| asked == value);
    let mut found: Vec<_> = call
        .repository
        .runs
        .iter()
        .filter(|run| workflow.is_none_or(|id| id == run.workflow_id))
        .filter(|run| {
            wanted("event", &run.event)
                && wanted("branch", &run.head_branch)
                && wanted("head_sha", &run.head_sha)
                && wanted("actor", &run.actor)
        })
        .filter(|run| {
            call.query("status")
                .is_none_or(|asked| asked == run.state.status() || Some(asked) == run.state.conclusion())
        })
        .filter(|run| call.query("created").is_none_or(|range| within(run.created_at, range)))
        .cloned()
        .collect();
    found.reverse();
    found.truncate(1_000);
    let shapes: Vec<_> = found.iter().map(|run| shape(call, run)).collect();
    Ok(call.counted(&shapes, "workflow_runs", Clone::clone))
}

pub(crate) fn get(call: &mut Call<'_>) -> Reply {
    let at = position(call)?;
    let now = call.shared.now();
    call.repository.runs[at].advance(now);
    let run = call.repository.runs[at].clone();
    Ok(Answer::ok(shape(call, &run)))
}

pub(crate) fn cancel(call: &mut Call<'_>) -> Reply {
    let at = position(call)?;
    let now = call.shared.now();
    let run = &mut call.repository.runs[at];
    if matches!(run.state, RunState::Completed(_)) {
        return Err(Answer::error(409, "Cannot cancel a workflow run that is completed"));
    }
    run.state = RunState::completed("cancelled");
    run.script.clear();
    run.updated_at = now;
    Ok(Answer::json(202, json!({})))
}

pub(crate) fn approvals(call: &mut Call<'_>) -> Reply {
    let at = position(call)?;
    let approvals = call.repository.runs[at].approvals.clone();
    let shapes = approvals.into_iter().map(|(environment, login, state)| {
        let known = call.repository.environments.get(&environment).map(|known| known.id);
        json!({
            "state": state,
            "comment": "",
            "user": user(call.shared, &call.urls, &login),
            "environments": [{"id": known, "name": environment}],
        })
    });
    Ok(Answer::ok(shapes.collect()))
}

/// The jobs of an attempt.
pub(crate) fn jobs(call: &mut Call<'_>) -> Reply {
    let at = position(call)?;
    let run = call.repository.runs[at].clone();
    if call.id("attempt_number")? > u64::from(run.run_attempt) {
        return Err(Answer::not_found());
    }
    let numbered: Vec<(u64, RunJob)> = (run.id * 1_000..).zip(run.jobs.iter().cloned()).collect();
    Ok(call.counted(&numbered, "jobs", |(id, job)| job_shape(call, &run, *id, job)))
}

fn job_shape(call: &Call<'_>, run: &WorkflowRun, id: u64, job: &RunJob) -> Value {
    let url = format!("{}/actions/jobs/{id}", call.url());
    json!({
        "id": id,
        "run_id": run.id,
        "run_url": format!("{}/actions/runs/{}", call.url(), run.id),
        "run_attempt": run.run_attempt,
        "node_id": node("CR", id),
        "head_sha": run.head_sha,
        "url": url,
        "html_url": format!("{}/actions/runs/{}/job/{id}", call.urls.page(call.repository), run.id),
        "status": if job.completed_at.is_some() { "completed" } else { "in_progress" },
        "conclusion": job.conclusion,
        "created_at": rfc3339(job.started_at),
        "started_at": rfc3339(job.started_at),
        "completed_at": job.completed_at.map(rfc3339),
        "name": job.name,
        "steps": [],
        "check_run_url": format!("{}/check-runs/{id}", call.url()),
        "labels": ["ubuntu-latest"],
        "runner_id": 1,
        "runner_name": "GitHub Actions 1",
        "runner_group_id": 0,
        "runner_group_name": "GitHub Actions",
        "workflow_name": run.name,
        "head_branch": run.head_branch,
    })
}

/// `created`: a date or an hour alone, `>=`, `<=`, `>`, `<`, or `from..to`.
fn within(created: Seconds, range: &str) -> bool {
    let moment = |text: &str, end: bool| {
        let suffix = if end { "T23:59:59Z" } else { "T00:00:00Z" };
        seconds(text).or_else(|| seconds(&format!("{text}{suffix}")))
    };
    let holds = |text: &str, end: bool, test: fn(Seconds, Seconds) -> bool| {
        text == "*" || moment(text, end).is_some_and(|limit| test(created, limit))
    };
    if let Some((from, to)) = range.split_once("..") {
        holds(from, false, |one, other| one >= other) && holds(to, true, |one, other| one <= other)
    } else if let Some(from) = range.strip_prefix(">=") {
        holds(from, false, |one, other| one >= other)
    } else if let Some(to) = range.strip_prefix("<=") {
        holds(to, true, |one, other| one <= other)
    } else if let Some(from) = range.strip_prefix('>') {
        holds(from, true, |one, other| one > other)
    } else if let Some(to) = range.strip_prefix('<') {
        holds(to, false, |one, other| one < other)
    } else {
        holds(range, false, |one, other| one >= other) && holds(range, true, |one, other| one <= other)
    }
}

fn position(call: &Call<'_>) -> Result<usize, Answer> {
    let id = call.id("run_id")?;
    let runs = &call.repository.runs;
    runs.iter().position(|run| run.id == id).ok_or_else(Answer::not_found)
}

pub(crate) fn shape(call: &mut Call<'_>, run: &WorkflowRun) -> Value {
    let url = format!("{}/actions/runs/{}", call.url(), run.id);
    let repository = shapes::repository(&call.urls, call.repository);
    let actor = user(call.shared, &call.urls, &run.actor);
    let head = call.repository.objects.commit(&run.head_sha).map(|commit| {
        let who = json!({"name": commit.author.name, "email": commit.author.email});
        json!({
            "id": commit.sha, "tree_id": commit.tree, "message": commit.message,
            "timestamp": rfc3339(commit.date), "author": who, "committer": who,
        })
    });
    let number = call.repository.runs.iter().filter(|other| other.id <= run.id && other.workflow == run.workflow);
    json!({
        "id": run.id,
        "name": run.name,
        "node_id": node("WFR", run.id),
        "check_suite_id": run.id,
        "check_suite_node_id": node("CS", run.id),
        "head_branch": run.head_branch,
        "head_sha": run.head_sha,
        "path": format!(".github/workflows/{}", run.workflow),
        "display_title": run.display_title,
        "run_number": number.count(),
        "run_attempt": run.run_attempt,
        "event": run.event,
        "status": run.state.status(),
        "conclusion": run.state.conclusion(),
        "workflow_id": run.workflow_id,
        "url": url,
        "html_url": format!("{}/actions/runs/{}", call.urls.page(call.repository), run.id),
        "pull_requests": [],
        "created_at": rfc3339(run.created_at),
        "updated_at": rfc3339(run.updated_at),
        "run_started_at": rfc3339(run.run_started_at.unwrap_or(run.created_at)),
        "actor": actor,
        "triggering_actor": actor,
        "jobs_url": format!("{url}/jobs"),
        "logs_url": format!("{url}/logs"),
        "check_suite_url": format!("{}/check-suites/{}", call.url(), run.id),
        "artifacts_url": format!("{url}/artifacts"),
        "cancel_url": format!("{url}/cancel"),
        "rerun_url": format!("{url}/rerun"),
        "previous_attempt_url": null,
        "workflow_url": format!("{}/actions/workflows/{}", call.url(), run.workflow_id),
        "head_commit": head,
        "repository": repository,
        "head_repository": repository,
        "referenced_workflows": [],
    })
}
