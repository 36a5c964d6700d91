//! `pull_request`: a pull request from a branch of this repository, or of a fork.

use serde_json::{Value, json};

use super::Repository;
use super::events::{SENDER, webhook_repository};
use crate::github::shapes;

/// The id of the repository that a fork is.
const FORK: u64 = 9_000_000;

impl Repository {
    /// `pull_request`: what happened (`opened`, `synchronize`, `closed`) to a pull request into `main` whose head is this commit of
    /// a branch `feature`: of this repository, or of the fork that `owner` has.
    #[must_use]
    pub fn pull_request_event(&self, action: &str, number: u64, head: &str, owner: Option<&str>) -> Value {
        self.event_of(|call| {
            let (url, page) = (call.url(), call.urls.page(call.repository));
            let user = shapes::user(call.shared, &call.urls, owner.unwrap_or(SENDER));
            let base_repository = webhook_repository(&call.urls, call.repository);
            let mut head_repository = base_repository.clone();
            if let Some(owner) = owner {
                let name = base_repository["name"].as_str().unwrap_or_default();
                head_repository["full_name"] = json!(format!("{owner}/{name}"));
                head_repository["id"] = json!(FORK);
                head_repository["fork"] = json!(true);
            }
            let base = call.repository.resolve("main").unwrap_or_else(|| head.to_owned());
            let side = |label: &str, name: &str, sha: &str, repository: &Value, user: &Value| {
                json!({"label": format!("{label}:{name}"), "ref": name, "sha": sha, "repo": repository, "user": user})
            };
            let (of_api, link) = (format!("{url}/pulls/{number}"), |href: String| json!({"href": href}));
            let (issue, html) = (format!("{url}/issues/{number}"), format!("{page}/pull/{number}"));
            let now = "2026-08-05T12:00:00Z";
            let closed = (action == "closed").then_some(now);
            let mut request = json!({
                "url": of_api, "id": number, "node_id": shapes::node("PR", number), "html_url": html, "number": number,
                "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"), "issue_url": issue,
                "commits_url": format!("{of_api}/commits"), "review_comments_url": format!("{of_api}/comments"),
                "review_comment_url": format!("{url}/pulls/comments{{/number}}"), "comments_url": format!("{issue}/comments"),
                "statuses_url": format!("{url}/statuses/{head}"),
                "state": if closed.is_some() { "closed" } else { "open" }, "locked": false, "title": "A change", "body": null,
                "user": user, "author_association": "CONTRIBUTOR", "draft": false, "labels": [], "milestone": null,
                "assignee": null, "assignees": [], "requested_reviewers": [], "requested_teams": [], "auto_merge": null,
                "active_lock_reason": null, "created_at": now, "updated_at": now, "closed_at": closed, "merged_at": null,
                "merge_commit_sha": null, "merged": false, "mergeable": null, "rebaseable": null, "mergeable_state": "unknown",
                "merged_by": null, "comments": 0, "review_comments": 0, "maintainer_can_modify": false, "commits": 1,
                "additions": 1, "deletions": 0, "changed_files": 1,
            });
            request["_links"] = json!({
                    "self": link(of_api.clone()), "html": link(html.clone()), "issue": link(issue.clone()),
                    "comments": link(format!("{issue}/comments")), "review_comments": link(format!("{of_api}/comments")),
                    "review_comment": link(format!("{url}/pulls/comments{{/number}}")),
                    "commits": link(format!("{of_api}/commits")), "statuses": link(format!("{url}/statuses/{head}")),
                });
            request["head"] = side(owner.unwrap_or("org"), "feature", head, &head_repository, &user);
            request["base"] = side("org", "main", &base, &base_repository, &user);
            json!({"action": action, "number": number, "pull_request": request})
        })
    }
}
