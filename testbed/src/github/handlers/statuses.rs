//! Commit statuses.

use serde_json::{Value, json};

use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::clock::rfc3339;
use crate::github::records::CommitStatus;
use crate::github::shapes::{self, node, user};

/// How many statuses one commit takes per context.
const LIMIT: usize = 1_000;

pub(crate) fn create(call: &mut Call<'_>) -> Reply {
    let sha = call.parameter("sha").to_owned();
    if call.repository.objects.commit(&sha).is_none() {
        return Err(Answer::error(422, format!("No commit found for SHA: {sha}")));
    }
    let state = call.required("Status", "state")?;
    if !["error", "failure", "pending", "success"].contains(&state.as_str()) {
        return Err(Answer::invalid_because("Status", "state", "state is not included in the list"));
    }
    let description = call.text("description").map(str::to_owned);
    if description.as_ref().is_some_and(|text| text.chars().count() > 140) {
        let message = "description is too long (maximum is 140 characters)";
        return Err(Answer::invalid_because("Status", "description", message));
    }
    let context = call.text("context").unwrap_or("default").to_owned();
    let same = |status: &&CommitStatus| status.sha == sha && status.context.eq_ignore_ascii_case(&context);
    if call.repository.statuses.iter().filter(same).count() >= LIMIT {
        let message = "This SHA and context has reached the maximum number of statuses.";
        return Err(Answer::invalid_because("Status", "base", message));
    }
    let status = CommitStatus {
        id: call.shared.next_id(),
        sha,
        state,
        context,
        description,
        target_url: call.text("target_url").map(str::to_owned),
        creator: call.actor.clone(),
        created_at: call.shared.now(),
    };
    call.repository.statuses.push(status.clone());
    Ok(Answer::created(shape(call, &status)))
}

pub(crate) fn list(call: &mut Call<'_>) -> Reply {
    let sha = commit(call)?;
    let found: Vec<_> = call.repository.statuses.iter().rev().filter(|status| status.sha == sha).cloned().collect();
    let shapes: Vec<_> = found.iter().map(|status| shape(call, status)).collect();
    Ok(call.paged(&shapes, Clone::clone))
}

/// The combined status: one per context, the newest.
pub(crate) fn combined(call: &mut Call<'_>) -> Reply {
    let sha = commit(call)?;
    let newest: Vec<_> = newest_per_context(&call.repository.statuses, &sha).into_iter().cloned().collect();
    let any = |states: &[&str]| newest.iter().any(|status| states.contains(&status.state.as_str()));
    let state = if any(&["error", "failure"]) {
        "failure"
    } else if newest.is_empty() || any(&["pending"]) {
        "pending"
    } else {
        "success"
    };
    let shapes: Vec<_> = newest
        .iter()
        .map(|status| {
            let mut shape = shape(call, status);
            if let Some(members) = shape.as_object_mut() {
                members.remove("creator");
            }
            shape
        })
        .collect();
    let (per_page, page) = call.page();
    let shown: Vec<_> = shapes.into_iter().skip((page - 1) * per_page).take(per_page).collect();
    let url = call.url();
    let answer = Answer::ok(json!({
        "state": state,
        "statuses": shown,
        "sha": sha,
        "total_count": newest.len(),
        "repository": shapes::repository(&call.urls, call.repository),
        "commit_url": format!("{url}/commits/{sha}"),
        "url": format!("{url}/commits/{sha}/status"),
    }));
    Ok(match call.link(newest.len()) {
        Some(link) => answer.header("link", link),
        None => answer,
    })
}

/// The newest status of each context of a commit.
pub(crate) fn newest_per_context<'a>(statuses: &'a [CommitStatus], sha: &str) -> Vec<&'a CommitStatus> {
    let mut newest: Vec<&CommitStatus> = Vec::new();
    for status in statuses.iter().rev().filter(|status| status.sha == sha) {
        if !newest.iter().any(|seen| seen.context.eq_ignore_ascii_case(&status.context)) {
            newest.push(status);
        }
    }
    newest
}

fn commit(call: &Call<'_>) -> Result<String, Answer> {
    let name = call.parameter("ref");
    call.repository.resolve(name).ok_or_else(|| Answer::error(404, format!("No commit found for SHA: {name}")))
}

fn shape(call: &mut Call<'_>, status: &CommitStatus) -> Value {
    let creator = user(call.shared, &call.urls, &status.creator);
    json!({
        "url": format!("{}/statuses/{}", call.url(), status.sha),
        "avatar_url": creator["avatar_url"],
        "id": status.id,
        "node_id": node("SC", status.id),
        "state": status.state,
        "description": status.description,
        "target_url": status.target_url,
        "context": status.context,
        "created_at": rfc3339(status.created_at),
        "updated_at": rfc3339(status.created_at),
        "creator": creator,
    })
}
