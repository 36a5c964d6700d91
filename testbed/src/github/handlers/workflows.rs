//! Workflow files, and what starts their runs.

use serde_json::{Map, Value, json};

use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::clock::rfc3339;
use crate::github::records::{Workflow, WorkflowFile, WorkflowRun};
use crate::github::shapes::node;
use crate::github::state::Repository;

pub(crate) fn list(call: &mut Call<'_>) -> Reply {
    Ok(call.counted(&call.repository.workflows, "workflows", |workflow| shape(call, workflow)))
}

pub(crate) fn get(call: &mut Call<'_>) -> Reply {
    Ok(Answer::ok(shape(call, find(call)?)))
}

/// `workflow_dispatch`: 200 with the run's id when details are asked for or the API version always gives them, else 204.
pub(crate) fn dispatch(call: &mut Call<'_>) -> Reply {
    let workflow = find(call)?.clone();
    let git_ref = call.required("Workflow", "ref")?;
    let name = git_ref.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/").to_owned();
    let sha = [format!("heads/{name}"), format!("tags/{name}")]
        .iter()
        .find_map(|name| call.repository.refs.get(name))
        .and_then(|object| call.repository.objects.peel(object))
        .map(|commit| commit.sha.clone());
    let Some(sha) = sha else {
        return Err(Answer::error(422, format!("No ref found for: {git_ref}")));
    };
    let inputs = call.body.get("inputs").cloned().unwrap_or_else(|| json!({}));
    let unexpected: Vec<_> = keys(&inputs).filter(|name| !workflow.description.inputs.contains(name)).collect();
    if !unexpected.is_empty() {
        return Err(Answer::error(422, format!("Unexpected inputs provided: {}", json!(unexpected))));
    }
    let title = title(&workflow.description, &json!({"inputs": inputs}));
    let run = WorkflowRun {
        event: "workflow_dispatch".to_owned(),
        head_branch: name,
        head_sha: sha,
        display_title: title,
        actor: call.actor.clone(),
        inputs,
        ..WorkflowRun::of(&workflow)
    };
    let id = call.repository.start_run(call.shared, run);
    let details = call.flag("return_run_details") == Some(true) || call.api_version.as_str() >= "2026-03-10";
    if !details {
        return Ok(Answer::no_content());
    }
    Ok(Answer::ok(json!({
        "workflow_run_id": id,
        "run_url": format!("{}/actions/runs/{id}", call.url()),
        "html_url": format!("{}/actions/runs/{id}", call.urls.page(call.repository)),
    })))
}

/// `repository_dispatch`: starts every workflow of the default branch that names the event type, and tells nothing.
pub(crate) fn repository_dispatch(call: &mut Call<'_>) -> Reply {
    let resource = "RepositoryDispatch";
    let event_type = call.required(resource, "event_type")?;
    if event_type.chars().count() > 100 {
        return Err(Answer::invalid_because(
            resource,
            "event_type",
            "event_type is too long (maximum is 100 characters)",
        ));
    }
    let payload = call.body.get("client_payload").cloned().unwrap_or_else(|| json!({}));
    if keys(&payload).count() > 10 {
        return Err(Answer::error(422, "No more than 10 properties are allowed; client_payload has more."));
    }
    if payload.to_string().len() > 64 * 1024 {
        return Err(Answer::error(422, "client_payload is too large."));
    }
    let branch = call.repository.default_branch.clone();
    let Some(sha) = call.repository.refs.get(&format!("heads/{branch}")).cloned() else {
        return Ok(Answer::no_content());
    };
    let listening: Vec<_> = call
        .repository
        .workflows
        .iter()
        .filter(|workflow| workflow.description.repository_dispatch.contains(&event_type))
        .cloned()
        .collect();
    let context = json!({"github": {"event": {"action": event_type, "client_payload": payload}}});
    for workflow in listening {
        let run = WorkflowRun {
            event: "repository_dispatch".to_owned(),
            head_branch: branch.clone(),
            head_sha: sha.clone(),
            display_title: title(&workflow.description, &context),
            actor: call.actor.clone(),
            inputs: payload.clone(),
            ..WorkflowRun::of(&workflow)
        };
        call.repository.start_run(call.shared, run);
    }
    Ok(Answer::no_content())
}

/// The workflow by its id or its file name.
pub(crate) fn find<'a>(call: &'a Call<'_>) -> Result<&'a WorkflowFile, Answer> {
    let asked = call.parameter("workflow_id");
    named(call.repository, asked).ok_or_else(Answer::not_found)
}

pub(crate) fn named<'a>(repository: &'a Repository, asked: &str) -> Option<&'a WorkflowFile> {
    repository.workflows.iter().find(|workflow| workflow.description.file == asked || workflow.id.to_string() == asked)
}

fn keys(object: &Value) -> impl Iterator<Item = String> + '_ {
    object.as_object().into_iter().flat_map(Map::keys).cloned()
}

/// The run's title: `run-name` filled in, or the workflow's name.
fn title(workflow: &Workflow, context: &Value) -> String {
    let Some(template) = &workflow.run_name else {
        return workflow.name.clone();
    };
    let mut title = String::new();
    let mut rest = template.as_str();
    while let Some((before, after)) = rest.split_once("${{") {
        title.push_str(before);
        let (expression, after) = after.split_once("}}").unwrap_or((after, ""));
        let value = context.pointer(&format!("/{}", expression.trim().replace('.', "/")));
        match value {
            Some(Value::String(text)) => title.push_str(text),
            Some(other) => title.push_str(&other.to_string()),
            None => {}
        }
        rest = after;
    }
    title.push_str(rest);
    title
}

pub(crate) fn shape(call: &Call<'_>, workflow: &WorkflowFile) -> Value {
    let file = &workflow.description.file;
    let page = call.urls.page(call.repository);
    json!({
        "id": workflow.id,
        "node_id": node("W", workflow.id),
        "name": workflow.description.name,
        "path": format!(".github/workflows/{file}"),
        "state": "active",
        "created_at": rfc3339(workflow.created),
        "updated_at": rfc3339(workflow.created),
        "url": format!("{}/actions/workflows/{}", call.url(), workflow.id),
        "html_url": format!("{page}/blob/{}/.github/workflows/{file}", call.repository.default_branch),
        "badge_url": format!("{page}/workflows/{file}/badge.svg"),
    })
}
