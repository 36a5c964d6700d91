//! The job's OIDC token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use testbed::github::{Job, LocalGithub, Signer};

use super::client::Client;

fn variable(variables: &[(String, String)], name: &str) -> Option<String> {
    variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

async fn claims(github: &LocalGithub, job: &Job) -> Value {
    let variables = github.environment(job);
    let client = Client::with("", variable(&variables, "ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
    let url = variable(&variables, "ACTIONS_ID_TOKEN_REQUEST_URL").unwrap();
    let answer = client.get(&format!("{url}&audience=sts.amazonaws.com")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let token = answer.body["value"].as_str().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn the_claims_are_those_of_the_job() {
    let github = LocalGithub::start().await.unwrap();
    let app = github.repository("org/app");
    let sha = app.push("main", &[], "First");
    let job = Job::new("org/app", &sha);
    let found = claims(&github, &job).await;
    assert_eq!(found["sub"], "repo:org/app:ref:refs/heads/main");
    assert_eq!(found["aud"], "sts.amazonaws.com");
    assert_eq!(found["iss"], json!(format!("{}/oidc", github.url())));
    assert_eq!(found["repository_id"], json!(app.id().to_string()));
    assert_eq!(found["repository_owner_id"], json!(app.owner_id().to_string()));
    assert_eq!(found["workflow_ref"], "org/app/.github/workflows/deploy.yml@refs/heads/main");
    assert_eq!(found["exp"].as_i64().unwrap() - found["iat"].as_i64().unwrap(), 300);
    assert!(found.get("environment").is_none());

    let found = claims(&github, &job.clone().environment("prd:eu")).await;
    assert_eq!(found["sub"], "repo:org/app:environment:prd%3Aeu");
    assert_eq!(found["environment"], "prd:eu");

    let mut job = job.environment("prd");
    job.immutable_subject = true;
    job.claims.insert("enterprise".to_owned(), json!("acme"));
    let found = claims(&github, &job).await;
    let subject = format!("repo:org@{}/app@{}:environment:prd", app.owner_id(), app.id());
    assert_eq!((&found["sub"], &found["enterprise"]), (&json!(subject), &json!("acme")));
    let other = claims(&github, &job).await;
    assert_ne!(found["jti"], other["jti"]);
}

#[tokio::test]
async fn only_the_job_itself_gets_its_token() {
    let github = LocalGithub::start().await.unwrap();
    let variables = github.environment(&Job::new("org/app", "0"));
    let url = variable(&variables, "ACTIONS_ID_TOKEN_REQUEST_URL").unwrap();
    assert!(url.contains('?'));
    for token in [None, Some("guess".to_owned()), Some(github.repository("org/app").token(testbed::github::ALL))] {
        assert_eq!(Client::with("", token).get(&url).await.status, 401);
    }
}

#[tokio::test]
async fn without_the_permission_there_is_no_address_and_no_token() {
    let github = LocalGithub::start().await.unwrap();
    let mut job = Job::new("org/app", "0");
    job.id_token = false;
    job.enterprise = true;
    let variables = github.environment(&job);
    assert_eq!(variable(&variables, "ACTIONS_ID_TOKEN_REQUEST_URL"), None);
    assert_eq!(variable(&variables, "ACTIONS_ID_TOKEN_REQUEST_TOKEN"), None);
    assert_eq!(variable(&variables, "GITHUB_API_URL"), Some(github.enterprise_url()));
    assert_eq!(variable(&variables, "GITHUB_SERVER_URL").as_deref(), Some(github.url()));
    assert_eq!(variable(&variables, "GITHUB_GRAPHQL_URL"), Some(format!("{}/api/graphql", github.url())));
}

#[tokio::test]
async fn the_test_signs_and_the_issuer_publishes_its_keys() {
    let github = LocalGithub::start().await.unwrap();
    let keys = json!({"keys": [{"kid": "1", "kty": "RSA"}]});
    let signer = Signer::new(|claims: Value| async move { Ok(format!("signed for {}", claims["iss"])) });
    github.sign_with(signer, keys.clone(), Some("https://token.example"));
    let variables = github.environment(&Job::new("org/app", "0"));
    let client = Client::with(github.url(), variable(&variables, "ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
    let url = variable(&variables, "ACTIONS_ID_TOKEN_REQUEST_URL").unwrap();
    assert_eq!(client.get(&url).await.body["value"], "signed for \"https://token.example\"");
    let found = client.get("/oidc/.well-known/openid-configuration").await.body;
    assert_eq!(found["jwks_uri"], "https://token.example/.well-known/jwks");
    assert_eq!(client.get("/oidc/.well-known/jwks").await.body, keys);
    github.sign_with(Signer::new(|_| async { anyhow::bail!("no key") }), keys, None);
    assert_eq!(client.get(&url).await.status, 500);
}
