//! Rate limits, unchanged answers, and faults.

use std::time::Duration;

use serde_json::json;
use testbed::github::{Cut, Fault, LocalGithub, Repository};

use super::client::Client;

async fn app() -> (LocalGithub, Repository, Client) {
    let github = LocalGithub::start().await.unwrap();
    let app = github.repository("org/app");
    app.push("main", &[], "First");
    let client = Client::of(&github, &app);
    (github, app, client)
}

#[tokio::test]
async fn the_primary_limit_counts_down_refuses_and_is_lifted_at_its_reset() {
    let (github, _app, client) = app().await;
    github.rate_limit(2, Duration::from_mins(1));
    let first = client.get("/repos/org/app").await;
    assert_eq!(first.header("x-ratelimit-remaining"), Some("1"));
    client.get("/repos/org/app").await;
    let refused = client.get("/repos/org/app").await;
    assert_eq!((refused.status, refused.header("x-ratelimit-remaining")), (403, Some("0")));
    assert!(refused.body["message"].as_str().unwrap().starts_with("API rate limit exceeded"));
    let free = client.get("/rate_limit").await;
    assert_eq!((free.status, &free.body["resources"]["core"]["remaining"]), (200, &json!(0)));
    assert_eq!(free.body["rate"]["reset"].to_string(), refused.header("x-ratelimit-reset").unwrap());
    github.advance(Duration::from_mins(2));
    assert_eq!(client.get("/repos/org/app").await.status, 200);
}

#[tokio::test]
async fn the_secondary_limit_is_met_as_often_as_told_with_or_without_retry_after() {
    let (github, _app, client) = app().await;
    github.secondary_limit(1, 429, Some(60));
    let refused = client.get("/repos/org/app").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
    assert!(refused.body["message"].as_str().unwrap().contains("secondary rate limit"));
    assert_ne!(refused.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(client.get("/repos/org/app").await.status, 200);
    github.secondary_limit(1, 403, None);
    let refused = client.get("/repos/org/app").await;
    assert_eq!((refused.status, refused.header("retry-after")), (403, None));
}

#[tokio::test]
async fn an_unchanged_answer_is_304_and_costs_nothing() {
    let (_github, app, client) = app().await;
    let path = "/repos/org/app/branches";
    let first = client.get(path).await;
    let etag = first.header("etag").unwrap().to_owned();
    let ask = || client.send(client.request("GET", path).header("if-none-match", &etag));
    let unchanged = ask().await;
    assert_eq!(unchanged.status, 304);
    assert_eq!(unchanged.header("x-ratelimit-remaining"), first.header("x-ratelimit-remaining"));
    app.push("main", &[], "Second");
    let changed = ask().await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), Some(etag.as_str()));
}

#[tokio::test]
async fn a_fault_answers_what_it_is_told_as_often_as_told_after_as_many_as_told() {
    let (github, _app, client) = app().await;
    let fault = Fault::on("GET", "/branches").unwrap().status(502).body(json!("Bad Gateway"));
    github.fault(fault.header("retry-after", "1").after(1).times(2));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(client.get("/repos/org/app/branches").await.status);
    }
    assert_eq!(statuses, [200, 502, 502, 200]);
    github.fault(Fault::on("*", ".").unwrap().status(503).always());
    assert_eq!(client.get("/rate_limit").await.status, 503);
    github.clear_faults();
    assert_eq!(client.get("/rate_limit").await.status, 200);
}

#[tokio::test]
async fn a_request_can_be_carried_out_and_then_fail() {
    let (github, app, client) = app().await;
    github.fault(Fault::on("POST", "/deployments$").unwrap().applied().status(500));
    let body = json!({"ref": "main", "auto_merge": false, "required_contexts": []});
    let failed = client.post("/repos/org/app/deployments", body).await;
    assert_eq!(failed.status, 500);
    assert_eq!(app.deployments().len(), 1);
}

#[tokio::test]
async fn a_connection_ends_without_an_answer_before_or_after_the_request_is_carried_out() {
    let (github, app, client) = app().await;
    let body = json!({"ref": "main", "auto_merge": false, "required_contexts": []});
    let send = || client.try_send(client.request("POST", "/repos/org/app/deployments").json(&body));
    for (cut, applied, made) in
        [(Cut::Close, false, 0), (Cut::Reset, false, 0), (Cut::Close, true, 1), (Cut::Reset, true, 2)]
    {
        let fault = Fault::on("POST", "/deployments$").unwrap().cut(cut);
        github.fault(if applied { fault.applied() } else { fault });
        let error = send().await.unwrap_err();
        assert!(error.is_request(), "{error:?}");
        assert_eq!(app.deployments().len(), made, "{cut:?} applied: {applied}");
        assert_eq!(github.requests().last().unwrap().status, None);
    }
    assert_eq!(send().await.unwrap().status, 201);
}

#[tokio::test]
async fn a_reset_is_a_reset_and_a_close_is_an_orderly_end() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let (github, _app, _client) = app().await;
    let address = github.url().trim_start_matches("http://");
    let ask = async |cut| {
        github.fault(Fault::on("GET", "/rate_limit").unwrap().cut(cut));
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /rate_limit HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        let end = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty());
        end.map_err(|error| error.kind())
    };
    assert_eq!(ask(Cut::Close).await, Ok(0));
    assert_eq!(ask(Cut::Reset).await, Err(std::io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_truncated_answer_is_real_up_to_its_middle() {
    let (github, app, client) = app().await;
    github.fault(Fault::on("POST", "/deployments$").unwrap().cut(Cut::Truncate));
    let body = json!({"ref": "main", "auto_merge": false, "required_contexts": []});
    let request = client.request("POST", "/repos/org/app/deployments").json(&body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert!(response.bytes().await.is_err());
    assert_eq!(app.deployments().len(), 1);
}

#[tokio::test]
async fn a_delayed_answer_is_the_real_one_and_can_be_given_up_on() {
    let (github, _app, client) = app().await;
    github.fault(Fault::on("GET", "/branches").unwrap().delay(Duration::from_millis(20)));
    assert_eq!(client.get("/repos/org/app/branches").await.status, 200);
    github.fault(Fault::on("GET", "/branches").unwrap().delay(Duration::from_mins(1)));
    let request = client.request("GET", "/repos/org/app/branches").timeout(Duration::from_millis(50));
    assert!(client.try_send(request).await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn a_test_can_wait_for_a_request_that_is_under_way() {
    let (github, app, client) = app().await;
    github.fault(Fault::on("POST", "/issues$").unwrap().delay(Duration::from_mins(1)));
    let asking = tokio::spawn(async move { client.post("/repos/org/app/issues", json!({"title": "Slow"})).await });
    let request = github.arrived("POST", "/issues$").await.unwrap();
    assert_eq!(request.json()["title"], "Slow");
    assert_eq!(github.requests().last().unwrap().status, None);
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    drop(app);
}
