//! Pull requests between branches of one repository.

use serde_json::{Value, json};

use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::clock::rfc3339;
use crate::github::records::{Issue, PullRequest};
use crate::github::shapes::{self, node};

/// The newest first, by `state`, `head` (`owner:branch`) and `base`.
pub(crate) fn list(call: &mut Call<'_>) -> Reply {
    let state = call.query("state").unwrap_or("open").to_owned();
    let head = call.query("head").map(|head| head.split_once(':').map_or(head, |(_, branch)| branch).to_owned());
    let base = call.query("base").map(str::to_owned);
    let found: Vec<(Issue, PullRequest)> = call
        .repository
        .issues
        .iter()
        .rev()
        .filter(|issue| state == "all" || issue.open == (state == "open"))
        .filter_map(|issue| Some((issue.clone(), call.repository.pull_requests.get(&issue.number)?.clone())))
        .filter(|(_, pull)| head.as_ref().is_none_or(|head| *head == pull.head))
        .filter(|(_, pull)| base.as_ref().is_none_or(|base| *base == pull.base))
        .collect();
    let shapes: Vec<Value> = found.iter().map(|(issue, pull)| shape(call, issue, pull)).collect();
    Ok(call.paged(&shapes, Clone::clone))
}

pub(crate) fn create(call: &mut Call<'_>) -> Reply {
    let title = call.required("PullRequest", "title")?;
    let head = call.required("PullRequest", "head")?;
    let base = call.required("PullRequest", "base")?;
    let tip = |name: &str| call.repository.refs.get(&format!("heads/{name}")).cloned();
    let (Some(from), Some(into)) = (tip(&head), tip(&base)) else {
        let field = if tip(&head).is_none() { "head" } else { "base" };
        return Err(Answer::invalid("PullRequest", field, "invalid"));
    };
    if from == into {
        return Err(Answer::error(422, format!("No commits between {base} and {head}")));
    }
    let is_open = |issue: &Issue| {
        let pull = call.repository.pull_requests.get(&issue.number);
        issue.open && pull.is_some_and(|pull| pull.head == head && pull.base == base)
    };
    if call.repository.issues.iter().any(is_open) {
        let owner = &call.repository.owner;
        return Err(Answer::error(422, format!("A pull request already exists for {owner}:{head}.")));
    }
    let number = call.repository.issues.last().map_or(0, |last| last.number) + 1;
    let now = call.shared.now();
    let issue = Issue {
        id: call.shared.next_id(),
        number,
        title,
        body: call.text("body").map(str::to_owned),
        labels: Vec::new(),
        assignees: Vec::new(),
        open: true,
        is_pull_request: true,
        state_reason: None,
        author: call.actor.clone(),
        created_at: now,
        updated_at: now,
        closed_at: None,
    };
    let pull = PullRequest { head, base };
    call.repository.issues.push(issue.clone());
    call.repository.pull_requests.insert(number, pull.clone());
    let mut whole = shape(call, &issue, &pull);
    let more = json!({
        "merged": false, "mergeable": null, "rebaseable": null, "mergeable_state": "unknown", "merged_by": null,
        "comments": 0, "review_comments": 0, "maintainer_can_modify": false, "commits": 1, "additions": 1,
        "deletions": 1, "changed_files": 1,
    });
    if let (Some(whole), Value::Object(more)) = (whole.as_object_mut(), more) {
        whole.extend(more);
    }
    Ok(Answer::created(whole))
}

/// As lists have it.
fn shape(call: &mut Call<'_>, issue: &Issue, pull: &PullRequest) -> Value {
    let (url, page, number) = (call.url(), call.urls.page(call.repository), issue.number);
    let user = shapes::user(call.shared, &call.urls, &issue.author);
    let mut repository = shapes::full_repository(&call.urls, call.repository);
    // Only the repository's own page has these.
    for name in ["network_count", "subscribers_count"] {
        repository.as_object_mut().map(|shape| shape.remove(name));
    }
    let owner = call.repository.owner.clone();
    let account = shapes::user(call.shared, &call.urls, &owner);
    let refs = &call.repository.refs;
    let side = |name: &str| {
        let sha = refs.get(&format!("heads/{name}"));
        json!({"label": format!("{owner}:{name}"), "ref": name, "sha": sha, "repo": repository, "user": account})
    };
    let link = |href: &str| json!({"href": href});
    let (of_api, of_issue) = (format!("{url}/pulls/{number}"), format!("{url}/issues/{number}"));
    let html = format!("{page}/pull/{number}");
    let comment = format!("{url}/pulls/comments{{/number}}");
    json!({
        "url": of_api, "id": issue.id, "node_id": node("PR", issue.id), "html_url": html, "number": number,
        "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"), "issue_url": of_issue,
        "commits_url": format!("{of_api}/commits"), "review_comments_url": format!("{of_api}/comments"),
        "review_comment_url": comment, "comments_url": format!("{of_issue}/comments"),
        "statuses_url": format!("{url}/statuses/{}", pull.head),
        "state": if issue.open { "open" } else { "closed" }, "locked": false, "title": issue.title,
        "body": issue.body, "user": user, "author_association": "CONTRIBUTOR", "draft": false, "labels": [],
        "milestone": null, "assignee": null, "assignees": [], "requested_reviewers": [], "requested_teams": [],
        "auto_merge": null, "active_lock_reason": null, "created_at": rfc3339(issue.created_at),
        "updated_at": rfc3339(issue.updated_at), "closed_at": issue.closed_at.map(rfc3339), "merged_at": null,
        "merge_commit_sha": null, "head": side(&pull.head), "base": side(&pull.base),
        "_links": {
            "self": link(&of_api), "html": link(&html), "issue": link(&of_issue),
            "comments": link(&format!("{of_issue}/comments")), "review_comments": link(&format!("{of_api}/comments")),
            "review_comment": link(&comment), "commits": link(&format!("{of_api}/commits")),
            "statuses": link(&format!("{url}/statuses/{}", pull.head)),
        },
    })
}
