//! Workflow runs.

use serde_json::{Value, json};

use super::workflows;
use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::clock::{Seconds, rfc3339, seconds};
use crate::github::records::{RunJob, RunState, WorkflowRun};
use crate::github::shapes::{self, node, user};

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
    Ok(Answer::json(202, &json!({})))
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
