//! Deployments and their statuses.

use serde_json::{Value, json};
use testbed::github::{Deployment, LocalGithub, Repository};

use super::client::Client;

async fn app() -> (LocalGithub, Repository, Client, String) {
    let github = LocalGithub::start().await.unwrap();
    let app = github.repository("org/app");
    let sha = app.push("main", &[("a.txt", "1\n")], "First");
    let client = Client::of(&github, &app);
    (github, app, client, sha)
}

async fn deploy(client: &Client, sha: &str, extra: Value) -> u64 {
    let mut body = json!({"ref": sha, "auto_merge": false, "required_contexts": []});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let answer = client.post("/repos/org/app/deployments", body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body["id"].as_u64().unwrap()
}

async fn set(client: &Client, deployment: u64, body: Value) {
    let path = format!("/repos/org/app/deployments/{deployment}/statuses");
    let answer = client.post(&path, body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}

#[tokio::test]
async fn a_success_ends_only_earlier_successes_of_its_environment_that_are_neither_transient_nor_production() {
    let (_github, app, client, sha) = app().await;
    let ended = deploy(&client, &sha, json!({"environment": "stg"})).await;
    let failed = deploy(&client, &sha, json!({"environment": "stg"})).await;
    let transient = deploy(&client, &sha, json!({"environment": "stg", "transient_environment": true})).await;
    let production = deploy(&client, &sha, json!({"environment": "stg", "production_environment": true})).await;
    let elsewhere = deploy(&client, &sha, json!({"environment": "dev"})).await;
    for id in [ended, transient, production, elsewhere] {
        set(&client, id, json!({"state": "success", "auto_inactive": false})).await;
    }
    set(&client, failed, json!({"state": "failure"})).await;
    let newest = deploy(&client, &sha, json!({"environment": "stg"})).await;
    set(&client, newest, json!({"state": "success"})).await;

    let states = |id| app.deployment(id).unwrap().states().join(" ");
    assert_eq!(states(ended), "success inactive");
    assert_eq!(states(failed), "failure");
    assert_eq!(states(transient), "success");
    assert_eq!(states(production), "success");
    assert_eq!(states(elsewhere), "success");
    assert_eq!(states(newest), "success");
}

#[tokio::test]
async fn nothing_is_ended_without_auto_inactive_or_before_success() {
    let (_github, app, client, sha) = app().await;
    let first = deploy(&client, &sha, json!({"environment": "stg"})).await;
    set(&client, first, json!({"state": "success"})).await;
    let second = deploy(&client, &sha, json!({"environment": "stg"})).await;
    set(&client, second, json!({"state": "in_progress"})).await;
    set(&client, second, json!({"state": "success", "auto_inactive": false})).await;
    assert_eq!(app.deployment(first).unwrap().states(), ["success"]);
}

#[tokio::test]
async fn production_is_true_by_default_only_for_the_environment_called_production() {
    let (_github, app, client, sha) = app().await;
    let named = deploy(&client, &sha, json!({})).await;
    let prd = deploy(&client, &sha, json!({"environment": "prd"})).await;
    let named = app.deployment(named).unwrap();
    assert_eq!(named.environment, "production");
    assert!(named.production_environment);
    assert!(!app.deployment(prd).unwrap().production_environment);
}

#[tokio::test]
async fn a_description_of_more_than_140_characters_is_refused_as_github_words_it() {
    let (_github, app, client, sha) = app().await;
    let id = deploy(&client, &sha, json!({"environment": "dev"})).await;
    let path = format!("/repos/org/app/deployments/{id}/statuses");
    let fits = client.post(&path, json!({"state": "success", "description": "é".repeat(140)})).await;
    assert_eq!(fits.status, 201);
    let long = client.post(&path, json!({"state": "success", "description": "x".repeat(141)})).await;
    assert_eq!(long.status, 422);
    assert_eq!(long.body["message"], "Validation Failed");
    assert_eq!(long.body["errors"][0]["field"], "description");
    assert_eq!(long.body["errors"][0]["message"], "description is too long (maximum is 140 characters)");
    assert_eq!(app.deployment(id).unwrap().states(), ["success"]);
    let unknown = client.post(&path, json!({"state": "done"})).await;
    assert_eq!(unknown.status, 422);
}

#[tokio::test]
async fn deployments_are_listed_newest_first_by_filter_and_page_with_links() {
    let (github, app, client, sha) = app().await;
    let other = app.push("main", &[("a.txt", "2\n")], "Second");
    for number in 0..5 {
        deploy(&client, &sha, json!({"environment": "dev", "payload": {"number": number}})).await;
    }
    deploy(&client, &other, json!({"environment": "dev", "task": "deploy:rollback"})).await;
    deploy(&client, "main", json!({"environment": "stg"})).await;

    let count = async |query: &str| {
        let path = format!("/repos/org/app/deployments?{query}");
        client.get(&path).await.body.as_array().unwrap().len()
    };
    assert_eq!(count("environment=dev").await, 6);
    assert_eq!(count("task=deploy:rollback").await, 1);
    assert_eq!(count("ref=main").await, 1);
    assert_eq!(count(&format!("sha={other}")).await, 2);

    let first = client.get("/repos/org/app/deployments?environment=dev&task=deploy&per_page=2").await;
    let numbers: Vec<_> = first.body.as_array().unwrap().iter().map(|one| &one["payload"]["number"]).collect();
    assert_eq!(numbers, [4, 3]);
    let at =
        |page| format!("{}/repos/org/app/deployments?environment=dev&page={page}&per_page=2&task=deploy", github.url());
    let link = format!("<{}>; rel=\"next\", <{}>; rel=\"last\"", at(2), at(3));
    assert_eq!(first.header("link"), Some(link.as_str()));
    let last = client.get(&at(3)).await;
    assert_eq!(last.body.as_array().unwrap().len(), 1);
    let link = format!("<{}>; rel=\"prev\", <{}>; rel=\"first\"", at(2), at(1));
    assert_eq!(last.header("link"), Some(link.as_str()));
}

#[tokio::test]
async fn a_payload_comes_back_as_it_was_sent() {
    let (_github, _app, client, sha) = app().await;
    for payload in [json!({"schema": 1, "deep": {"list": [1, null]}}), json!("{\"schema\": 1}"), json!("plain")] {
        let id = deploy(&client, &sha, json!({"payload": payload})).await;
        let read = client.get(&format!("/repos/org/app/deployments/{id}")).await;
        assert_eq!(read.body["payload"], payload);
    }
}

#[tokio::test]
async fn a_branch_behind_the_default_branch_is_merged_instead_of_deployed_unless_told_otherwise() {
    let (_github, app, client, sha) = app().await;
    app.branch("feature", &sha);
    app.branch("conflicting", &app.commit(&[&sha], &[("a.txt", "mine\n")], "Mine"));
    app.push("main", &[("a.txt", "theirs\n")], "Theirs");

    let path = "/repos/org/app/deployments";
    let merged = client.post(path, json!({"ref": "feature", "required_contexts": []})).await;
    assert_eq!((merged.status, &merged.body["message"]), (202, &json!("Auto-merged main into feature on deployment.")));
    assert!(merged.body.get("id").is_none());
    assert_ne!(app.reference("heads/feature"), Some(sha.clone()));
    let again = client.post(path, json!({"ref": "feature", "required_contexts": []})).await;
    assert_eq!(again.status, 201);

    let conflict = client.post(path, json!({"ref": "conflicting", "required_contexts": []})).await;
    assert_eq!((conflict.status, &conflict.body["message"]), (409, &json!("Conflict merging main into conflicting.")));
    let commit = client.post(path, json!({"ref": sha, "required_contexts": []})).await;
    assert_eq!(commit.status, 409);
    assert_eq!(app.deployments().len(), 1);
}

#[tokio::test]
async fn checks_that_are_not_green_refuse_a_deployment_unless_no_context_is_required() {
    let (_github, app, client, sha) = app().await;
    app.add_commit_status(&sha, "ci/unit", "success");
    app.add_check_run(&sha, "lint", None);
    let path = "/repos/org/app/deployments";
    let body = |contexts: Value| json!({"ref": sha, "auto_merge": false, "required_contexts": contexts});

    let all = client.post(path, json!({"ref": sha, "auto_merge": false})).await;
    assert_eq!(all.status, 409);
    assert_eq!(all.body["errors"][0]["field"], "required_contexts");
    assert_eq!(client.post(path, body(json!(["ci/unit"]))).await.status, 201);
    assert_eq!(client.post(path, body(json!(["lint"]))).await.status, 409);
    assert_eq!(client.post(path, body(json!([]))).await.status, 201);
}

#[tokio::test]
async fn an_unknown_reference_is_refused() {
    let (_github, _app, client, _sha) = app().await;
    let answer = client.post("/repos/org/app/deployments", json!({"ref": "nowhere"})).await;
    assert_eq!((answer.status, &answer.body["message"]), (422, &json!("No ref found for: nowhere")));
}

#[tokio::test]
async fn only_an_inactive_or_a_sole_deployment_can_be_deleted() {
    let (_github, app, client, sha) = app().await;
    let one =
        app.add_deployment(Deployment { sha: sha.clone(), environment: "dev".to_owned(), ..Deployment::default() });
    let two = deploy(&client, &sha, json!({"environment": "dev"})).await;
    let delete = async |id: u64| {
        let request = client.request("DELETE", &format!("/repos/org/app/deployments/{id}"));
        client.send(request).await.status
    };
    assert_eq!(delete(one).await, 422);
    app.add_status(one, "inactive", "");
    assert_eq!(delete(one).await, 204);
    assert_eq!(delete(two).await, 204);
    assert_eq!(delete(two).await, 404);
}

#[tokio::test]
async fn a_deployment_makes_its_environment() {
    let (_github, _app, client, sha) = app().await;
    deploy(&client, &sha, json!({"environment": "eu/prd"})).await;
    let environment = client.get("/repos/org/app/environments/eu%2Fprd").await;
    assert_eq!((environment.status, &environment.body["name"]), (200, &json!("eu/prd")));
    assert_eq!(client.get("/repos/org/app/environments/none").await.status, 404);
}

#[tokio::test]
async fn requests_that_github_would_read_otherwise_are_noticed() {
    let (github, _app, client, sha) = app().await;
    deploy(&client, &sha, json!({"environment": "dev", "payload": {"any": "thing"}})).await;
    assert_eq!(github.invalid_requests(), [""; 0]);
    let path = "/repos/org/app/deployments";
    client.post(path, json!({"ref": sha, "auto_merge": "no", "enviroment": "dev"})).await;
    client.get("/repos/org/app/deployments?enviroment=dev").await;
    let line = "/repos/{owner}/{repo}/deployments";
    assert_eq!(
        github.invalid_requests(),
        [
            format!("POST {line}: body/auto_merge must be \"boolean\""),
            format!("POST {line}: body has the unknown property \"enviroment\""),
            format!("GET {line}: unknown query parameter \"enviroment\""),
        ]
    );
}
