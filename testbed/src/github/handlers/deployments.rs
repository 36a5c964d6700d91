//! Deployments and their statuses.

use serde_json::{Value, json};

use super::{environments, merges};
use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::clock::{Seconds, rfc3339};
use crate::github::records::{Deployment, DeploymentStatus};
use crate::github::shapes::{node, user};
use crate::github::state::Shared;

const STATES: &[&str] = &["error", "failure", "inactive", "in_progress", "queued", "pending", "success"];

/// The longest description GitHub takes.
const DESCRIPTION: usize = 140;

pub(crate) fn list(call: &mut Call<'_>) -> Reply {
    let wanted = |name: &str, value: &str| call.query(name).is_none_or(|asked| asked == value || asked == "none");
    let mut found: Vec<_> = call
        .repository
        .deployments
        .iter()
        .filter(|deployment| {
            wanted("sha", &deployment.sha)
                && wanted("ref", &deployment.git_ref)
                && wanted("task", &deployment.task)
                && wanted("environment", &deployment.environment)
        })
        .cloned()
        .collect();
    found.reverse();
    let shapes: Vec<_> = found.iter().map(|deployment| shape(call, deployment)).collect();
    Ok(call.paged(&shapes, Clone::clone))
}

pub(crate) fn get(call: &mut Call<'_>) -> Reply {
    let deployment = find(call)?.clone();
    Ok(Answer::ok(shape(call, &deployment)))
}

pub(crate) fn create(call: &mut Call<'_>) -> Reply {
    let git_ref = call.required("Deployment", "ref")?;
    let Some(sha) = call.repository.resolve(&git_ref) else {
        return Err(Answer::error(422, format!("No ref found for: {git_ref}")));
    };
    if call.flag("auto_merge") != Some(false)
        && let Some(merged) = merges::default_branch_into(call, &git_ref, &sha)
    {
        return merged;
    }
    merges::required_contexts(call, &git_ref, &sha)?;
    let environment = call.text("environment").unwrap_or("production").to_owned();
    environments::mention(call.shared, call.repository, &environment);
    let now = call.shared.now();
    let deployment = Deployment {
        id: call.shared.next_id(),
        sha,
        git_ref,
        task: call.text("task").unwrap_or("deploy").to_owned(),
        original_environment: environment.clone(),
        payload: match call.body.get("payload") {
            None | Some(Value::Null) => json!({}),
            Some(payload) => payload.clone(),
        },
        description: call.text("description").map(str::to_owned),
        transient_environment: call.flag("transient_environment").unwrap_or(false),
        production_environment: call.flag("production_environment").unwrap_or(environment == "production"),
        environment,
        creator: call.actor.clone(),
        created_at: now,
        updated_at: now,
        statuses: Vec::new(),
    };
    call.repository.deployments.push(deployment.clone());
    Ok(Answer::created(shape(call, &deployment)))
}

pub(crate) fn delete(call: &mut Call<'_>) -> Reply {
    let deployment = find(call)?;
    let (id, environment) = (deployment.id, deployment.environment.clone());
    let inactive = matches!(deployment.state(), Some("inactive"));
    let all = &mut call.repository.deployments;
    let alone = all.iter().filter(|other| other.environment == environment).count() == 1;
    if !inactive && !alone {
        return Err(Answer::error(
            422,
            "We cannot delete an active deployment unless it is the only deployment in a given environment.",
        ));
    }
    all.retain(|other| other.id != id);
    Ok(Answer::no_content())
}

pub(crate) fn list_statuses(call: &mut Call<'_>) -> Reply {
    let deployment = find(call)?.clone();
    let shapes: Vec<_> =
        deployment.statuses.iter().rev().map(|status| status_shape(call, deployment.id, status)).collect();
    Ok(call.paged(&shapes, Clone::clone))
}

pub(crate) fn get_status(call: &mut Call<'_>) -> Reply {
    let id = call.id("status_id")?;
    let deployment = find(call)?;
    let deployment_id = deployment.id;
    let status = deployment.statuses.iter().find(|status| status.id == id).cloned().ok_or_else(Answer::not_found)?;
    Ok(Answer::ok(status_shape(call, deployment_id, &status)))
}

pub(crate) fn create_status(call: &mut Call<'_>) -> Reply {
    let resource = "DeploymentStatus";
    let deployment = find(call)?;
    let (id, environment) = (deployment.id, deployment.environment.clone());
    let state = call.required(resource, "state")?;
    if !STATES.contains(&state.as_str()) {
        return Err(Answer::invalid_because(resource, "state", "state is not included in the list"));
    }
    let description = call.text("description").unwrap_or_default().to_owned();
    if description.chars().count() > DESCRIPTION {
        let message = format!("description is too long (maximum is {DESCRIPTION} characters)");
        return Err(Answer::invalid_because(resource, "description", &message));
    }
    let log_url = call.text("log_url").or_else(|| call.text("target_url")).unwrap_or_default().to_owned();
    let environment_url = call.text("environment_url").unwrap_or_default().to_owned();
    for (field, url) in [("log_url", &log_url), ("environment_url", &environment_url)] {
        if !(url.is_empty() || url.starts_with("http://") || url.starts_with("https://")) {
            return Err(Answer::invalid_because(resource, field, &format!("{field} must use http(s) scheme")));
        }
    }
    let status = DeploymentStatus {
        id: call.shared.next_id(),
        state,
        description,
        environment: call.text("environment").unwrap_or(&environment).to_owned(),
        environment_url,
        log_url,
        creator: call.actor.clone(),
        created_at: call.shared.now(),
    };
    let auto_inactive = call.flag("auto_inactive").unwrap_or(true);
    append(call.shared, &mut call.repository.deployments, id, &status, auto_inactive);
    Ok(Answer::created(status_shape(call, id, &status)))
}

/// Adds a status; with `auto_inactive` a success ends the earlier ones of its environment.
pub(crate) fn append(
    shared: &mut Shared,
    deployments: &mut [Deployment],
    id: u64,
    status: &DeploymentStatus,
    auto_inactive: bool,
) {
    let (now, environment) = (status.created_at, status.environment.clone());
    let (success, creator) = (status.state == "success", status.creator.clone());
    for deployment in deployments.iter_mut() {
        if deployment.id == id {
            deployment.environment.clone_from(&environment);
            deployment.updated_at = now;
            deployment.statuses.push(status.clone());
        } else if success && auto_inactive && ends_with(deployment, id, &environment) {
            deployment.updated_at = now;
            deployment.statuses.push(DeploymentStatus {
                id: shared.next_id(),
                state: "inactive".to_owned(),
                environment: environment.clone(),
                creator: creator.clone(),
                created_at: now,
                ..DeploymentStatus::default()
            });
        }
    }
}

/// GitHub's rule: "prior non-transient, non-production environment deployments with the same repository and environment
/// name"; "an `inactive` status is only added to deployments that had a `success` state".
fn ends_with(earlier: &Deployment, id: u64, environment: &str) -> bool {
    earlier.id < id
        && earlier.environment == environment
        && !earlier.transient_environment
        && !earlier.production_environment
        && earlier.state() == Some("success")
}

fn find<'a>(call: &'a Call<'_>) -> Result<&'a Deployment, Answer> {
    let id = call.id("deployment_id")?;
    call.repository.deployments.iter().find(|deployment| deployment.id == id).ok_or_else(Answer::not_found)
}

pub(crate) fn shape(call: &mut Call<'_>, deployment: &Deployment) -> Value {
    let url = format!("{}/deployments/{}", call.url(), deployment.id);
    json!({
        "url": url,
        "id": deployment.id,
        "node_id": node("DE", deployment.id),
        "task": deployment.task,
        "original_environment": deployment.original_environment,
        "environment": deployment.environment,
        "description": deployment.description,
        "created_at": rfc3339(deployment.created_at),
        "updated_at": rfc3339(deployment.updated_at),
        "statuses_url": format!("{url}/statuses"),
        "repository_url": call.url(),
        "creator": user(call.shared, &call.urls, &deployment.creator),
        "sha": deployment.sha,
        "ref": deployment.git_ref,
        "payload": deployment.payload,
        "transient_environment": deployment.transient_environment,
        "production_environment": deployment.production_environment,
        "performed_via_github_app": null,
    })
}

fn status_shape(call: &mut Call<'_>, deployment: u64, status: &DeploymentStatus) -> Value {
    let created: Seconds = status.created_at;
    let deployment_url = format!("{}/deployments/{deployment}", call.url());
    json!({
        "url": format!("{deployment_url}/statuses/{}", status.id),
        "id": status.id,
        "node_id": node("DES", status.id),
        "state": status.state,
        "creator": user(call.shared, &call.urls, &status.creator),
        "description": status.description,
        "environment": status.environment,
        "target_url": status.log_url,
        "created_at": rfc3339(created),
        "updated_at": rfc3339(created),
        "deployment_url": deployment_url,
        "repository_url": call.url(),
        "environment_url": status.environment_url,
        "log_url": status.log_url,
        "performed_via_github_app": null,
    })
}
