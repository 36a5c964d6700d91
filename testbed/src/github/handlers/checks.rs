//! Check runs.

use serde_json::{Value, json};

use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::clock::rfc3339;
use crate::github::records::CheckRun;
use crate::github::shapes::node;

fn apply(run: &mut CheckRun, call: &Call<'_>) {
    let text = |name| call.text(name).map(str::to_owned);
    if let Some(name) = text("name") {
        run.name = name;
    }
    if let Some(status) = text("status") {
        run.status = status;
    }
    if let Some(conclusion) = text("conclusion") {
        run.conclusion = Some(conclusion);
        "completed".clone_into(&mut run.status);
        run.completed_at = Some(call.shared.now());
    }
    run.details_url = text("details_url").or_else(|| run.details_url.take());
    run.external_id = text("external_id").or_else(|| run.external_id.take());
    if let Some(output) = call.body.get("output") {
        run.output = output.clone();
    }
}

pub(crate) fn create(call: &mut Call<'_>) -> Reply {
    let name = call.required("CheckRun", "name")?;
    let head_sha = call.required("CheckRun", "head_sha")?;
    if call.repository.objects.commit(&head_sha).is_none() {
        return Err(Answer::error(422, format!("No commit found for SHA: {head_sha}")));
    }
    completed_with_conclusion(call)?;
    let mut run = CheckRun {
        id: call.shared.next_id(),
        name,
        head_sha,
        status: "queued".to_owned(),
        conclusion: None,
        details_url: None,
        external_id: None,
        output: json!({}),
        started_at: call.shared.now(),
        completed_at: None,
    };
    apply(&mut run, call);
    call.repository.checks.push(run.clone());
    Ok(Answer::created(shape(call, &run)))
}

pub(crate) fn update(call: &mut Call<'_>) -> Reply {
    completed_with_conclusion(call)?;
    let at = position(call)?;
    let mut run = call.repository.checks[at].clone();
    apply(&mut run, call);
    call.repository.checks[at] = run.clone();
    Ok(Answer::ok(shape(call, &run)))
}

pub(crate) fn get(call: &mut Call<'_>) -> Reply {
    let at = position(call)?;
    Ok(Answer::ok(shape(call, &call.repository.checks[at])))
}

/// The check runs of a commit, newest first; by default only the newest of each name.
pub(crate) fn list(call: &mut Call<'_>) -> Reply {
    let name = call.parameter("ref");
    let Some(sha) = call.repository.resolve(name) else {
        return Err(Answer::error(422, format!("No commit found for SHA: {name}")));
    };
    let latest = call.query("filter") != Some("all");
    let mut found: Vec<&CheckRun> = Vec::new();
    for run in call.repository.checks.iter().rev().filter(|run| run.head_sha == sha) {
        let wanted = call.query("check_name").is_none_or(|name| name == run.name)
            && call.query("status").is_none_or(|status| status == run.status);
        if wanted && !(latest && found.iter().any(|newer| newer.name == run.name)) {
            found.push(run);
        }
    }
    Ok(call.counted(&found, "check_runs", |run| shape(call, run)))
}

fn completed_with_conclusion(call: &Call<'_>) -> Result<(), Answer> {
    if call.text("status") == Some("completed") && call.text("conclusion").is_none() {
        return Err(Answer::invalid("CheckRun", "conclusion", "missing_field"));
    }
    Ok(())
}

fn position(call: &Call<'_>) -> Result<usize, Answer> {
    let id = call.id("check_run_id")?;
    let runs = &call.repository.checks;
    runs.iter().position(|run| run.id == id).ok_or_else(Answer::not_found)
}

fn shape(call: &Call<'_>, run: &CheckRun) -> Value {
    let url = format!("{}/check-runs/{}", call.url(), run.id);
    let annotations = run.output.get("annotations").and_then(Value::as_array).map_or(0, Vec::len);
    json!({
        "id": run.id,
        "name": run.name,
        "node_id": node("CR", run.id),
        "head_sha": run.head_sha,
        "external_id": run.external_id.clone().unwrap_or_default(),
        "url": url,
        "html_url": format!("{}/runs/{}", call.urls.page(call.repository), run.id),
        "details_url": run.details_url,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": rfc3339(run.started_at),
        "completed_at": run.completed_at.map(rfc3339),
        "output": {
            "title": run.output.get("title"),
            "summary": run.output.get("summary"),
            "text": run.output.get("text"),
            "annotations_count": annotations,
            "annotations_url": format!("{url}/annotations"),
        },
        "check_suite": {"id": call.repository.id},
        "app": null,
        "pull_requests": [],
    })
}
