//! Commit statuses, check runs, workflow runs, releases and issues.

use serde_json::{Value, json};
use testbed::github::{LocalGithub, Repository, RunState, Workflow};

use super::client::Client;

async fn app() -> (LocalGithub, Repository, Client, String) {
    let github = LocalGithub::start().await.unwrap();
    let app = github.repository("org/app");
    let sha = app.push("main", &[], "First");
    let client = Client::of(&github, &app);
    (github, app, client, sha)
}

#[tokio::test]
async fn the_combined_status_is_of_the_newest_status_per_context_whatever_its_case() {
    let (_github, app, client, sha) = app().await;
    let combined = async || client.get("/repos/org/app/commits/heads/main/status").await.body;
    assert_eq!(combined().await["state"], "pending");
    app.add_commit_status(&sha, "ci/unit", "failure");
    app.add_commit_status(&sha, "CI/Unit", "success");
    let body = combined().await;
    assert_eq!((&body["state"], &body["total_count"]), (&json!("success"), &json!(1)));
    app.add_commit_status(&sha, "deploy/dev", "error");
    assert_eq!(combined().await["state"], "failure");
    let all = client.get(&format!("/repos/org/app/commits/{sha}/statuses")).await.body;
    assert_eq!((all.as_array().unwrap().len(), &all[0]["context"]), (3, &json!("deploy/dev")));
}

#[tokio::test]
async fn a_context_takes_a_thousand_statuses_per_commit() {
    let (_github, app, client, sha) = app().await;
    for _ in 0..1_000 {
        app.add_commit_status(&sha, "deploy/dev", "pending");
    }
    let path = format!("/repos/org/app/statuses/{sha}");
    let refused = client.post(&path, json!({"state": "success", "context": "deploy/dev"})).await;
    assert_eq!(refused.status, 422);
    let other = client.post(&path, json!({"state": "success", "context": "deploy/stg"})).await;
    assert_eq!(other.status, 201);
    assert_eq!(app.commit_statuses(&sha).len(), 1_001);
}

#[tokio::test]
async fn a_workflow_dispatch_tells_the_run_only_when_asked_or_always_by_the_newer_version() {
    let (_github, app, client, _sha) = app().await;
    app.add_workflow(Workflow {
        file: "deploy.yml".to_owned(),
        name: "Deploy".to_owned(),
        run_name: Some("Deploy ${{ inputs.version }}".to_owned()),
        inputs: vec!["version".to_owned()],
        ..Workflow::default()
    });
    let path = "/repos/org/app/actions/workflows/deploy.yml/dispatches";
    let silent = client.post(path, json!({"ref": "main"})).await;
    assert_eq!((silent.status, silent.body), (204, Value::Null));
    let asked = json!({"ref": "main", "inputs": {"version": "1.2.3"}, "return_run_details": true});
    let told = client.post(path, asked).await;
    assert_eq!(told.status, 200);
    let run = app.run(told.body["workflow_run_id"].as_u64().unwrap()).unwrap();
    assert_eq!((run.display_title.as_str(), run.event.as_str()), ("Deploy 1.2.3", "workflow_dispatch"));
    let newer = client.request("POST", path).header("x-github-api-version", "2026-03-10");
    assert_eq!(client.send(newer.json(&json!({"ref": "main"}))).await.status, 200);

    let unexpected = client.post(path, json!({"ref": "main", "inputs": {"versoin": "1"}})).await;
    assert_eq!(unexpected.body["message"], "Unexpected inputs provided: [\"versoin\"]");
    let nowhere = client.post(path, json!({"ref": "nowhere"})).await;
    assert_eq!((nowhere.status, &nowhere.body["message"]), (422, &json!("No ref found for: nowhere")));
    let missing = path.replace("deploy.yml", "none.yml");
    assert_eq!(client.post(&missing, json!({"ref": "main"})).await.status, 404);
}

#[tokio::test]
async fn a_repository_dispatch_starts_what_listens_and_tells_nothing() {
    let (_github, app, client, sha) = app().await;
    app.add_workflow(Workflow {
        file: "receive.yml".to_owned(),
        name: "Receive".to_owned(),
        run_name: Some("Receive [${{ github.event.client_payload.deploy_action.id }}]".to_owned()),
        repository_dispatch: vec!["deployed".to_owned()],
        ..Workflow::default()
    });
    let path = "/repos/org/app/dispatches";
    let body = |kind: &str| json!({"event_type": kind, "client_payload": {"deploy_action": {"id": "7f"}}});
    assert_eq!(client.post(path, body("other")).await.status, 204);
    assert!(app.runs().is_empty());
    assert_eq!(client.post(path, body("deployed")).await.status, 204);
    let found = client.get("/repos/org/app/actions/runs?event=repository_dispatch&created=>=2020-01-01").await.body;
    assert_eq!(
        (&found["total_count"], &found["workflow_runs"][0]["display_title"]),
        (&json!(1), &json!("Receive [7f]"))
    );
    assert_eq!(found["workflow_runs"][0]["head_sha"], json!(sha));
    let many: serde_json::Map<_, _> = (0..11).map(|number| (number.to_string(), json!(1))).collect();
    let refused = client.post(path, json!({"event_type": "deployed", "client_payload": many})).await;
    assert_eq!(refused.status, 422);
}

#[tokio::test]
async fn a_run_moves_when_the_test_moves_it_or_by_its_script() {
    let (_github, app, client, sha) = app().await;
    let id = app.add_run("ci.yml", "push", "main", &sha);
    let path = format!("/repos/org/app/actions/runs/{id}");
    let state = async || {
        let body = client.get(&path).await.body;
        (body["status"].clone(), body["conclusion"].clone())
    };
    assert_eq!(state().await, (json!("queued"), Value::Null));
    app.set_run(id, RunState::InProgress);
    assert_eq!(state().await, (json!("in_progress"), Value::Null));
    app.edit_run(id, |run| {
        run.script = [RunState::InProgress, RunState::Waiting, RunState::completed("failure")].into();
    });
    assert_eq!(state().await.0, "in_progress");
    assert_eq!(state().await.0, "waiting");
    assert_eq!(state().await, (json!("completed"), json!("failure")));
    let failed = client.get("/repos/org/app/actions/workflows/ci.yml/runs?status=failure").await.body;
    assert_eq!(failed["total_count"], 1);
    assert_eq!(client.get("/repos/org/app/actions/runs?status=success").await.body["total_count"], 0);
    assert_eq!(client.post(&format!("{path}/cancel"), json!({})).await.status, 409);
}

#[tokio::test]
async fn a_run_under_way_can_be_cancelled() {
    let (_github, app, client, sha) = app().await;
    let id = app.add_run("ci.yml", "push", "main", &sha);
    let request = client.request("POST", &format!("/repos/org/app/actions/runs/{id}/cancel"));
    assert_eq!(client.send(request).await.status, 202);
    assert_eq!(app.run(id).unwrap().state.conclusion(), Some("cancelled"));
}

#[tokio::test]
async fn a_draft_is_found_only_in_the_list_and_makes_its_tag_when_published() {
    let (_github, app, client, sha) = app().await;
    let path = "/repos/org/app/releases";
    let draft = client.post(path, json!({"tag_name": "v1.0.0", "draft": true, "body": "Mine"})).await;
    assert_eq!(draft.status, 201);
    let id = draft.body["id"].as_u64().unwrap();
    assert_eq!(client.get(&format!("{path}/tags/v1.0.0")).await.status, 404);
    assert_eq!(client.get(path).await.body[0]["id"], id);
    assert_eq!(app.reference("tags/v1.0.0"), None);

    let upload = draft.body["upload_url"].as_str().unwrap().replace("{?name,label}", "?name=digests.txt");
    let asset =
        client.send(client.request("POST", &upload).header("content-type", "text/plain").body("sha256:1")).await;
    assert_eq!((asset.status, &asset.body["content_type"]), (201, &json!("text/plain")));
    let again = client.send(client.request("POST", &upload).body("sha256:1")).await;
    assert_eq!((again.status, &again.body["errors"][0]["code"]), (422, &json!("already_exists")));

    let published = client.patch(&format!("{path}/{id}"), json!({"draft": false})).await;
    assert_eq!(published.status, 200);
    assert_eq!(app.reference("tags/v1.0.0"), Some(sha));
    assert_eq!(client.get(&format!("{path}/tags/v1.0.0")).await.body["assets"][0]["name"], "digests.txt");
    assert_eq!(client.get(&format!("{path}/latest")).await.body["id"], id);
    let twice = client.post(path, json!({"tag_name": "v1.0.0"})).await;
    assert_eq!((twice.status, &twice.body["errors"][0]["code"]), (422, &json!("already_exists")));
    assert_eq!(app.releases().len(), 1);
}

#[tokio::test]
async fn a_release_published_as_immutable_takes_no_more_assets() {
    let (_github, app, client, _sha) = app().await;
    assert_eq!(client.get("/repos/org/app/immutable-releases").await.status, 404);
    app.enable_immutable_releases();
    assert_eq!(client.get("/repos/org/app/immutable-releases").await.body["enabled"], true);
    let release = client.post("/repos/org/app/releases", json!({"tag_name": "v1"})).await.body;
    assert_eq!(release["immutable"], true);
    let upload = release["upload_url"].as_str().unwrap().replace("{?name,label}", "?name=late");
    assert_eq!(client.send(client.request("POST", &upload).body("x")).await.status, 422);
}

#[tokio::test]
async fn issues_are_found_by_their_labels_commented_on_and_closed() {
    let (_github, app, client, _sha) = app().await;
    let path = "/repos/org/app/issues";
    let body = json!({"title": "prd failed", "body": "<!-- key -->", "labels": ["deployment", "prd"]});
    let number = client.post(path, body).await.body["number"].clone();
    client.post(path, json!({"title": "Other", "labels": ["deployment"]})).await;
    let found = client.get(&format!("{path}?state=open&labels=deployment,prd&per_page=100")).await.body;
    assert_eq!((found.as_array().unwrap().len(), &found[0]["number"]), (1, &number));

    let comments = format!("{path}/{number}/comments");
    let comment = client.post(&comments, json!({"body": "Again"})).await;
    assert_eq!(comment.status, 201);
    let edit = format!("{path}/comments/{}", comment.body["id"]);
    assert_eq!(client.patch(&edit, json!({"body": "Again, twice"})).await.status, 200);
    assert_eq!(app.comments(1)[0].body, "Again, twice");
    let closed = client.patch(&format!("{path}/{number}"), json!({"state": "closed"})).await.body;
    assert_eq!(
        (&closed["state"], &closed["state_reason"], &closed["comments"]),
        (&json!("closed"), &json!("completed"), &json!(1))
    );
    assert_eq!(client.get(path).await.body.as_array().unwrap().len(), 1);
    let long = client.post(path, json!({"title": "Long", "body": "x".repeat(65_537)})).await;
    assert_eq!(long.status, 422);
    app.disable_issues();
    assert_eq!(client.post(path, json!({"title": "Gone"})).await.status, 410);
}

#[tokio::test]
async fn a_check_run_is_made_completed_and_found_by_name() {
    let (_github, app, client, sha) = app().await;
    let path = "/repos/org/app/check-runs";
    let made = client.post(path, json!({"name": "deploy", "head_sha": sha, "status": "in_progress"})).await;
    assert_eq!(made.status, 201);
    let own = format!("{path}/{}", made.body["id"]);
    assert_eq!(client.patch(&own, json!({"status": "completed"})).await.status, 422);
    let done = client.patch(&own, json!({"conclusion": "success"})).await.body;
    assert_eq!((&done["status"], &done["conclusion"]), (&json!("completed"), &json!("success")));
    app.add_check_run(&sha, "deploy", Some("failure"));
    let latest = client.get(&format!("/repos/org/app/commits/{sha}/check-runs?check_name=deploy")).await.body;
    assert_eq!((&latest["total_count"], &latest["check_runs"][0]["conclusion"]), (&json!(1), &json!("failure")));
    let all = client.get("/repos/org/app/commits/main/check-runs?filter=all").await.body;
    assert_eq!(all["total_count"], 2);
}
