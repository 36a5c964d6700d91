//! Events of a repository, whole, as `GITHUB_EVENT_PATH` holds them: checked against GitHub's description of its webhooks
//! (`github-openapi/events.json`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Repository;
use crate::github::call::{Call, Urls};
use crate::github::clock::rfc3339;
use crate::github::handlers::{commits, releases, runs, workflows};
use crate::github::records::Release;
use crate::github::{shapes, state};

/// Who pushes, and releases, and starts runs.
pub(super) const SENDER: &str = "octocat";
/// What stands for no commit.
const NONE: &str = "0000000000000000000000000000000000000000";

impl Repository {
    /// `push`: `git_ref` (`refs/heads/main`, `refs/tags/v1.2.3`) was made, or moved from its commit's parent, to this object.
    #[must_use]
    pub fn push_event(&self, git_ref: &str, object: &str) -> Value {
        self.event_of(|call| {
            let page = call.urls.page(call.repository);
            let objects = &call.repository.objects;
            let commit = objects.peel(object);
            let is_branch = git_ref.starts_with("refs/heads/");
            let parent = commit.filter(|_| is_branch).and_then(|commit| commits::first_parent(objects, commit));
            let before = parent.map_or_else(|| NONE.to_owned(), |parent| parent.sha.clone());
            let told = commit.map(|commit| {
                let who = json!({"name": commit.author.name, "email": commit.author.email, "username": SENDER});
                json!({
                    "id": commit.sha, "tree_id": commit.tree, "distinct": true, "message": commit.message,
                    "timestamp": rfc3339(commit.date), "url": format!("{page}/commit/{}", commit.sha),
                    "author": who, "committer": who, "added": [], "removed": [], "modified": [],
                })
            });
            let compare = format!("{page}/compare/{}", git_ref.rsplit('/').next().unwrap_or_default());
            json!({
                "ref": git_ref, "before": before, "after": object, "created": before == NONE, "deleted": false, "forced": false,
                "base_ref": null, "compare": compare,
                "commits": if is_branch { told.iter().cloned().collect() } else { Vec::new() },
                "head_commit": told, "pusher": {"name": SENDER, "email": "octocat@example.com"},
            })
        })
    }

    /// `push`: `git_ref`, which was at this object, was deleted.
    #[must_use]
    pub fn deletion_event(&self, git_ref: &str, object: &str) -> Value {
        let mut event = self.push_event(git_ref, object);
        event["before"] = event["after"].take();
        event["after"] = json!(NONE);
        event["created"] = json!(false);
        event["deleted"] = json!(true);
        event["head_commit"] = Value::Null;
        event["commits"] = json!([]);
        event
    }

    /// `release`: what happened (`published`, `edited`) to the release of this tag, which names `main` as its target.
    #[must_use]
    pub fn release_event(&self, action: &str, tag: &str) -> Value {
        self.event_of(|call| {
            let known = call.repository.releases.iter().find(|release| release.tag_name == tag).cloned();
            let now = call.shared.now();
            let release = known.unwrap_or_else(|| Release {
                id: 1,
                tag_name: tag.to_owned(),
                target_commitish: call.repository.default_branch.clone(),
                name: Some(tag.to_owned()),
                body: Some(String::new()),
                draft: false,
                prerelease: false,
                make_latest: "true".to_owned(),
                immutable: false,
                author: SENDER.to_owned(),
                created_at: now,
                published_at: Some(now),
                assets: Vec::new(),
            });
            let mut shape = releases::shape(call, &release);
            shape["updated_at"] = shape["created_at"].clone();
            json!({"action": action, "release": shape})
        })
    }

    /// `workflow_run`: a run of this repository has ended.
    ///
    /// # Panics
    ///
    /// There is no such run.
    #[must_use]
    pub fn workflow_run_event(&self, run: u64) -> Value {
        self.event_of(|call| {
            let found = call.repository.runs.iter().find(|known| known.id == run).cloned();
            let found = found.expect("a run of this repository");
            let file = workflows::named(call.repository, &found.workflow).cloned();
            let workflow = file.map(|file| workflows::shape(call, &file));
            json!({"action": "completed", "workflow": workflow, "workflow_run": runs::shape(call, &found)})
        })
    }

    /// `workflow_dispatch`: somebody started a workflow by hand, on this branch or tag, with these inputs.
    #[must_use]
    pub fn workflow_dispatch_event(&self, git_ref: &str, inputs: &Value) -> Value {
        let told = json!({"ref": git_ref, "inputs": inputs, "workflow": ".github/workflows/deploy.yml"});
        self.event_of(|_| told)
    }

    /// `repository_dispatch` of this type.
    #[must_use]
    pub fn repository_dispatch_event(&self, event_type: &str, payload: &Value) -> Value {
        self.event_of(|call| {
            json!({
                "action": event_type, "branch": call.repository.default_branch, "client_payload": payload,
                "installation": {"id": 1, "node_id": shapes::node("I", 1)},
            })
        })
    }

    /// `schedule`: no webhook has it; the runner gives the line of the schedule and the repository.
    #[must_use]
    pub fn schedule_event(&self, cron: &str) -> Value {
        self.event_of(|_| json!({"schedule": cron, "workflow": ".github/workflows/deploy.yml"}))
    }

    /// The event's own part, beside what all events have.
    pub(super) fn event_of(&self, own: impl FnOnce(&mut Call<'_>) -> Value) -> Value {
        self.with(|shared, repository| {
            let mut call = call(shared, repository);
            let mut event = own(&mut call);
            event["repository"] = webhook_repository(&call.urls, call.repository);
            event["sender"] = shapes::user(call.shared, &call.urls, SENDER);
            event
        })
    }
}

/// A repository as webhooks have it: of what the API says, they leave out two counts.
pub(super) fn webhook_repository(urls: &Urls, repository: &state::Repository) -> Value {
    let mut repository = shapes::full_repository(urls, repository);
    if let Some(members) = repository.as_object_mut() {
        members.retain(|name, _| !matches!(name.as_str(), "network_count" | "subscribers_count"));
        members.insert("topics".to_owned(), json!([]));
    }
    repository
}

/// What the answers of routes are made from; the addresses are those of github.com.
fn call<'a>(shared: &'a mut state::Shared, repository: &'a mut state::Repository) -> Call<'a> {
    Call {
        shared,
        repository,
        parameters: BTreeMap::new(),
        query: BTreeMap::new(),
        body: Value::Null,
        bytes: Vec::new(),
        content_type: String::new(),
        actor: SENDER.to_owned(),
        sees_drafts: false,
        urls: Urls { api: "https://api.github.com".to_owned(), html: "https://github.com".to_owned() },
        path: String::new(),
        api_version: String::new(),
    }
}
