//! Who may do what, and what is said to those who may not.

use serde_json::json;
use testbed::github::{LocalGithub, Permission};

use super::client::Client;

#[tokio::test]
async fn a_missing_permission_is_named_in_a_header() {
    let github = LocalGithub::start().await.unwrap();
    let app = github.repository("org/app");
    let sha = app.push("main", &[], "First");
    let token = app.token(&[Permission::Contents.read(), Permission::Deployments.read()]);
    let client = Client::with(github.url(), Some(token));
    assert_eq!(client.get("/repos/org/app/deployments").await.status, 200);
    let refused = client.post("/repos/org/app/deployments", json!({"ref": sha})).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.body["message"], "Resource not accessible by integration");
    assert_eq!(refused.body["status"], "403");
    assert_eq!(refused.header("x-accepted-github-permissions"), Some("deployments=write"));
    let unread = client.get("/repos/org/app/actions/runs").await;
    assert_eq!(unread.status, 403);
    assert_eq!(unread.header("x-accepted-github-permissions"), Some("actions=read"));
    assert!(app.deployments().is_empty());
}

#[tokio::test]
async fn a_private_repository_does_not_exist_for_strangers_and_a_public_one_is_read_by_all() {
    let github = LocalGithub::start().await.unwrap();
    let app = github.repository("org/app");
    app.push("main", &[], "First");
    let stranger = Client::of(&github, &github.repository("org/other"));
    let nobody = Client::with(github.url(), None);
    let path = "/repos/org/app/deployments";
    assert_eq!(stranger.get(path).await.status, 404);
    assert_eq!(nobody.get(path).await.status, 404);
    app.make_public();
    assert_eq!(stranger.get(path).await.status, 200);
    assert_eq!(nobody.get(path).await.status, 200);
    assert_eq!(stranger.post(path, json!({"ref": "main"})).await.status, 403);
    let refused = nobody.post(path, json!({"ref": "main"})).await;
    assert_eq!((refused.status, &refused.body["message"]), (401, &json!("Requires authentication")));
    let bad = Client::with(github.url(), Some("ghs_wrong".to_owned())).get(path).await;
    assert_eq!((bad.status, &bad.body["message"]), (401, &json!("Bad credentials")));
}

#[tokio::test]
async fn a_token_can_reach_several_repositories() {
    let github = LocalGithub::start().await.unwrap();
    let (read, write) = ([Permission::Contents.read()], [Permission::Contents.write()]);
    let token = github.token(&[("org/app", &read), ("org/infra", &write)]);
    let client = Client::with(github.url(), Some(token));
    let body = json!({"event_type": "deployed"});
    assert_eq!(client.post("/repos/org/app/dispatches", body.clone()).await.status, 403);
    assert_eq!(client.post("/repos/org/infra/dispatches", body).await.status, 204);
}

#[tokio::test]
async fn the_enterprise_path_serves_the_same_and_says_so_in_its_links() {
    let github = LocalGithub::start().await.unwrap();
    let app = github.repository("org/app");
    app.push("main", &[], "First");
    let client = Client::with(&github.enterprise_url(), Some(app.token(testbed::github::ALL)));
    let repository = client.get("/repos/org/app").await;
    assert_eq!(repository.body["url"], json!(format!("{}/api/v3/repos/org/app", github.url())));
    assert_eq!(repository.body["html_url"], json!(format!("{}/org/app", github.url())));
    app.push("other", &[], "Second");
    let branches = client.get("/repos/org/app/branches?per_page=1").await;
    assert!(branches.header("link").unwrap().starts_with(&format!("<{}/repos", github.enterprise_url())));
}

#[tokio::test]
async fn every_request_is_logged_with_its_token_and_status() {
    let github = LocalGithub::start().await.unwrap();
    let app = github.repository("org/app");
    let sha = app.push("main", &[], "First");
    let token = app.token(testbed::github::ALL);
    let client = Client::with(github.url(), Some(token.clone()));
    let body = json!({"state": "success", "context": "deploy/dev"});
    client.post(&format!("/repos/org/app/statuses/{sha}"), body.clone()).await;
    client.get("/repos/org/app/nothing?a=b%20c").await;
    let log = github.requests();
    assert_eq!(log[0].line(), format!("POST /repos/org/app/statuses/{sha}"));
    assert_eq!((log[0].json(), log[0].token(), log[0].status), (body, Some(token), Some(201)));
    assert_eq!((log[1].query("a").as_deref(), log[1].status), (Some("b c"), Some(404)));
    github.clear_requests();
    assert!(github.requests().is_empty());
}

#[tokio::test]
async fn a_request_without_user_agent_or_of_an_unknown_version_is_refused() {
    let github = LocalGithub::start().await.unwrap();
    let app = github.repository("org/app");
    let client = Client::of(&github, &app);
    let nameless = client.request("GET", "/repos/org/app").header("user-agent", "");
    assert_eq!(client.send(nameless).await.status, 403);
    let early = client.request("GET", "/repos/org/app").header("x-github-api-version", "2019-01-01");
    assert_eq!(client.send(early).await.status, 400);
    let broken = client.request("POST", "/repos/org/app/issues").body("{\"title\": ");
    let broken = client.send(broken).await;
    assert_eq!((broken.status, &broken.body["message"]), (400, &json!("Problems parsing JSON")));
}
