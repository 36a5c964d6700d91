//! Issues, their labels and comments.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::labels::{self, has_label};
use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::clock::{rfc3339, seconds};
use crate::github::records::{Comment, Issue};
use crate::github::shapes::{node, user};
use crate::github::state::Repository;

/// The longest body of an issue or a comment.
const BODY: usize = 65_536;

pub(crate) fn list(call: &mut Call<'_>) -> Reply {
    let labels: Vec<&str> = call.query("labels").map(|names| names.split(',').collect()).unwrap_or_default();
    let since = call.query("since").and_then(seconds);
    let mut found: Vec<Issue> = call
        .repository
        .issues
        .iter()
        .filter(|issue| match call.query("state").unwrap_or("open") {
            "all" => true,
            "closed" => !issue.open,
            _ => issue.open,
        })
        .filter(|issue| labels.iter().all(|name| has_label(issue, name)))
        .filter(|issue| since.is_none_or(|since| issue.updated_at >= since))
        .filter(|issue| call.query("creator").is_none_or(|login| login == issue.author))
        .cloned()
        .collect();
    match call.query("sort") {
        Some("updated") => found.sort_by_key(|issue| (issue.updated_at, issue.number)),
        _ => found.sort_by_key(|issue| issue.number),
    }
    if call.query("direction") != Some("asc") {
        found.reverse();
    }
    let shapes: Vec<_> = found.iter().map(|issue| shape(call, issue)).collect();
    Ok(call.paged(&shapes, Clone::clone))
}

pub(crate) fn get(call: &mut Call<'_>) -> Reply {
    let at = position(call)?;
    let issue = call.repository.issues[at].clone();
    Ok(Answer::ok(shape(call, &issue)))
}

pub(crate) fn create(call: &mut Call<'_>) -> Reply {
    enabled(call)?;
    let title = call.required("Issue", "title")?;
    let body = body(call, "Issue")?;
    let now = call.shared.now();
    let mut labels = names(call.body.get("labels"));
    if call.repository.drops_labels {
        // "Labels are silently dropped otherwise": of who has no push access.
        labels.clear();
    }
    labels::check(&labels)?;
    labels::make(call, &labels);
    let issue = Issue {
        id: call.shared.next_id(),
        number: call.repository.issues.last().map_or(0, |last| last.number) + 1,
        title,
        body,
        labels,
        assignees: names(call.body.get("assignees")),
        open: true,
        is_pull_request: false,
        state_reason: None,
        author: call.actor.clone(),
        created_at: now,
        updated_at: now,
        closed_at: None,
    };
    call.repository.issues.push(issue.clone());
    Ok(Answer::created(shape(call, &issue)))
}

pub(crate) fn update(call: &mut Call<'_>) -> Reply {
    enabled(call)?;
    let at = position(call)?;
    let mut issue = call.repository.issues[at].clone();
    let now = call.shared.now();
    if let Some(title) = call.text("title") {
        title.clone_into(&mut issue.title);
    }
    if call.body.get("body").is_some() {
        issue.body = body(call, "Issue")?;
    }
    if let Some(labels) = call.body.get("labels") {
        issue.labels = names(Some(labels));
        labels::make(call, &issue.labels);
    }
    if let Some(assignees) = call.body.get("assignees") {
        issue.assignees = names(Some(assignees));
    }
    match call.text("state") {
        Some("closed") if issue.open => {
            issue.open = false;
            issue.closed_at = Some(now);
            issue.state_reason = Some(call.text("state_reason").unwrap_or("completed").to_owned());
        }
        Some("open") if !issue.open => {
            issue.open = true;
            issue.closed_at = None;
            issue.state_reason = Some("reopened".to_owned());
        }
        Some("open" | "closed") | None => {}
        Some(_) => return Err(Answer::invalid("Issue", "state", "invalid")),
    }
    issue.updated_at = now;
    call.repository.issues[at] = issue.clone();
    Ok(Answer::ok(shape(call, &issue)))
}

pub(crate) fn add_labels(call: &mut Call<'_>) -> Reply {
    let at = position(call)?;
    let added = names(Some(call.body.get("labels").unwrap_or(&call.body)));
    labels::make(call, &added);
    for name in added {
        if !has_label(&call.repository.issues[at], &name) {
            call.repository.issues[at].labels.push(name);
        }
    }
    let labels = call.repository.issues[at].labels.iter().map(|name| labels::by_name(call, name));
    Ok(Answer::ok(labels.collect()))
}

pub(crate) fn list_comments(call: &mut Call<'_>) -> Reply {
    let at = position(call)?;
    let number = call.repository.issues[at].number;
    let all = call.repository.comments.clone();
    let own: Vec<_> = all.iter().filter(|comment| comment.issue == number).collect();
    let shapes: Vec<_> = own.iter().map(|comment| comment_shape(call, comment)).collect();
    Ok(call.paged(&shapes, Clone::clone))
}

pub(crate) fn create_comment(call: &mut Call<'_>) -> Reply {
    let at = position(call)?;
    if !call.repository.issues[at].is_pull_request {
        enabled(call)?;
    }
    let now = call.shared.now();
    let Some(text) = body(call, "IssueComment")?.filter(|text| !text.is_empty()) else {
        return Err(Answer::invalid_because("IssueComment", "body", "body cannot be blank"));
    };
    call.repository.issues[at].updated_at = now;
    let comment = Comment {
        id: call.shared.next_id(),
        issue: call.repository.issues[at].number,
        body: text,
        author: call.actor.clone(),
        created_at: now,
        updated_at: now,
    };
    call.repository.comments.push(comment.clone());
    Ok(Answer::created(comment_shape(call, &comment)))
}

pub(crate) fn update_comment(call: &mut Call<'_>) -> Reply {
    let id = call.id("comment_id")?;
    let text = body(call, "IssueComment")?.unwrap_or_default();
    let now = call.shared.now();
    let comments = &mut call.repository.comments;
    let comment = comments.iter_mut().find(|comment| comment.id == id).ok_or_else(Answer::not_found)?;
    comment.body = text;
    comment.updated_at = now;
    let comment = comment.clone();
    Ok(Answer::ok(comment_shape(call, &comment)))
}

/// Whether a request is about a pull request, or a comment on one.
pub(crate) fn is_about_pull_request(repository: &Repository, parameters: &BTreeMap<&'static str, String>) -> bool {
    let number = |name: &str| parameters.get(name).and_then(|text| text.parse::<u64>().ok());
    let commented = |id: u64| repository.comments.iter().find(|comment| comment.id == id).map(|comment| comment.issue);
    let issue = number("issue_number").or_else(|| number("comment_id").and_then(commented));
    repository.issues.iter().any(|one| Some(one.number) == issue && one.is_pull_request)
}

fn enabled(call: &Call<'_>) -> Result<(), Answer> {
    if call.repository.has_issues {
        return Ok(());
    }
    Err(Answer::error(410, "Issues has been disabled in this repository."))
}

fn body(call: &Call<'_>, resource: &str) -> Result<Option<String>, Answer> {
    let text = call.text("body").map(str::to_owned);
    if text.as_ref().is_some_and(|text| text.chars().count() > BODY) {
        let message = format!("body is too long (maximum is {BODY} characters)");
        return Err(Answer::invalid_because(resource, "body", &message));
    }
    Ok(text)
}

/// Labels and assignees come as names or as objects with a name.
fn names(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|item| item.as_str().or_else(|| item.get("name")?.as_str())).map(str::to_owned).collect()
}

fn position(call: &Call<'_>) -> Result<usize, Answer> {
    let number = call.id("issue_number")?;
    let issues = &call.repository.issues;
    issues.iter().position(|issue| issue.number == number).ok_or_else(Answer::not_found)
}

fn shape(call: &mut Call<'_>, issue: &Issue) -> Value {
    let url = format!("{}/issues/{}", call.url(), issue.number);
    let comments = call.repository.comments.iter().filter(|comment| comment.issue == issue.number).count();
    let assignees: Vec<_> = issue.assignees.iter().map(|login| user(call.shared, &call.urls, login)).collect();
    let mut shape = json!({
        "id": issue.id,
        "node_id": node("I", issue.id),
        "url": url,
        "repository_url": call.url(),
        "labels_url": format!("{url}/labels{{/name}}"),
        "comments_url": format!("{url}/comments"),
        "events_url": format!("{url}/events"),
        "html_url": format!("{}/issues/{}", call.urls.page(call.repository), issue.number),
        "number": issue.number,
        "state": if issue.open { "open" } else { "closed" },
        "state_reason": issue.state_reason,
        "title": issue.title,
        "body": issue.body,
        "user": user(call.shared, &call.urls, &issue.author),
        "labels": issue.labels.iter().map(|name| labels::by_name(call, name)).collect::<Vec<_>>(),
        "assignee": assignees.first(),
        "assignees": assignees,
        "milestone": null,
        "locked": false,
        "active_lock_reason": null,
        "comments": comments,
        "closed_at": issue.closed_at.map(rfc3339),
        "created_at": rfc3339(issue.created_at),
        "updated_at": rfc3339(issue.updated_at),
        "author_association": association(call, &issue.author),
        "performed_via_github_app": null,
    });
    if issue.is_pull_request {
        let page = format!("{}/pull/{}", call.urls.page(call.repository), issue.number);
        shape["html_url"] = json!(page);
        shape["pull_request"] = json!({
            "url": format!("{}/pulls/{}", call.url(), issue.number), "html_url": page,
            "diff_url": format!("{page}.diff"), "patch_url": format!("{page}.patch"), "merged_at": null,
        });
    }
    shape
}

/// What an author is to the repository. Apps are nothing to it, and so are strangers.
fn association(call: &Call<'_>, author: &str) -> &'static str {
    if author == call.repository.owner { "OWNER" } else { "NONE" }
}

fn comment_shape(call: &mut Call<'_>, comment: &Comment) -> Value {
    let issue = format!("{}/issues/{}", call.url(), comment.issue);
    let page = call.urls.page(call.repository);
    json!({
        "id": comment.id,
        "node_id": node("IC", comment.id),
        "url": format!("{}/issues/comments/{}", call.url(), comment.id),
        "html_url": format!("{page}/issues/{}#issuecomment-{}", comment.issue, comment.id),
        "issue_url": issue,
        "body": comment.body,
        "user": user(call.shared, &call.urls, &comment.author),
        "created_at": rfc3339(comment.created_at),
        "updated_at": rfc3339(comment.updated_at),
        "author_association": association(call, &comment.author),
        "performed_via_github_app": null,
    })
}
