//! What is told before the end, of several places, and beside: what changed, and a line of the workflow's own.

use serde_json::{Value, json};
use testbed::github::Deployment;
use testbed::runner::Runner;
use testbed::web::{Answer, WebServer};

use super::channels::body;
use super::{notify, record, status};
use crate::world::{RUN, World};

/// The messages that a webhook was sent.
fn told(server: &WebServer) -> Vec<Value> {
    server.requests().iter().map(body).collect()
}

fn with_hook(step: Runner, server: &WebServer, on: &str) -> Runner {
    step.input("channels", format!("- {{to: webhook, on: {on}, url: '{}'}}", server.url("/hook")))
}

#[tokio::test]
async fn status_started_and_waiting_are_pending_and_open_no_issue() {
    for (word, outcome) in [("started", "deploying v42"), ("waiting", "v42 waits for approval")] {
        let world = World::new().await;
        let server = WebServer::start([Answer::ok()]);
        let step = || notify(&world, word).input("version", "42");
        let report = with_hook(step(), &server, "always").run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        assert_eq!(report.output("delivered"), "status\nwebhook");
        let found = status(&world);
        assert_eq!((found.state.as_str(), found.description.as_deref()), ("pending", Some(outcome)));
        assert_eq!((&told(&server)[0]["status"], &told(&server)[0]["rollback"]), (&json!(word), &Value::Null));
        for on in ["failure", "success", "change"] {
            with_hook(step(), &server, on).run().await.assert_verdict("pass", 0);
        }
        assert_eq!(server.requests().len(), 1, "it is none of those");
        assert!(world.github.requests().iter().all(|one| !one.target.contains("/issues")));
        assert!(report.annotations.is_empty(), "{report}");
    }
}

#[tokio::test]
async fn an_issue_that_is_open_stays_so_while_the_next_deployment_begins() {
    let world = World::new().await;
    notify(&world, "failure").run().await.assert_verdict("pass", 0);
    notify(&world, "started").run_id(RUN + 1).run().await.assert_verdict("pass", 0);
    let issue = &world.repository.issues()[0];
    assert!(issue.open && world.repository.comments(issue.number).is_empty());
}

#[tokio::test]
async fn text_is_a_line_in_every_message_and_no_more_than_text() {
    let world = World::new().await;
    let server = WebServer::start([Answer::ok()]);
    let step = notify(&world, "failure").input("version", "42");
    let text = "Release of the week\n::error::forged @everyone <https://evil.example|x>";
    let report = with_hook(step, &server, "always").input("text", text).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let text = told(&server)[0]["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("Release of the week ") && !text.contains('\n'), "{text}");
    let issue = world.repository.issues()[0].body.clone().unwrap();
    assert!(issue.contains("Release of the week"), "{issue}");
    let outside_of_code: String = issue.split('`').step_by(2).collect();
    assert!(!outside_of_code.contains("@everyone"), "{issue}");
}

#[tokio::test]
async fn every_message_links_what_changed() {
    for (word, with_own) in [("success", true), ("failure", true), ("started", false), ("waiting", false)] {
        let world = World::new().await;
        let server = WebServer::start([Answer::ok()]);
        place(&world, 600, ("shop", "shop-api"), &world.commits[1], &[("success", "da1 swap-alias pass")]);
        if with_own {
            place(&world, RUN, ("shop", "shop-api"), &world.commits[4], &[("in_progress", "da1 swap-alias pass")]);
        }
        let report = with_hook(notify(&world, word).input("version", "42"), &server, "always").run().await;
        report.assert_verdict("pass", 0);
        let page = format!("https://github.example.com/org/shop/compare/{}...{}", world.commits[1], world.commits[4]);
        assert_eq!(told(&server)[0]["changes"], page, "{word}\n{report}");
        if word == "failure" {
            assert!(world.repository.issues()[0].body.as_ref().unwrap().contains(&page));
        }
    }
}

#[tokio::test]
async fn without_a_record_or_the_permission_to_read_it_nothing_is_linked() {
    let world = World::new().await;
    let server = WebServer::start([Answer::ok()]);
    let grants = [testbed::github::Permission::Statuses.write(), testbed::github::Permission::Issues.write()];
    let step = world.step_with("notify", &grants).input("environment", "prd").input("status", "success");
    let report = with_hook(step.input("version", "42"), &server, "always").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(told(&server)[0]["changes"], Value::Null);
    assert!(report.annotations.is_empty(), "{report}");
}

/// A record of one function of a component, for a commit.
fn place(world: &World, run: u64, of: (&str, &str), commit: &str, statuses: &[(&str, &str)]) -> u64 {
    let (component, function) = of;
    let id = world.repository.add_deployment(Deployment {
        sha: commit.to_owned(),
        environment: "prd".to_owned(),
        payload: json!({
            "schema": 1, "component": component, "kind": "deploy", "commit": commit, "version": "v1.2.3",
            "targets": [world.aws.target(function, "live", &json!({
                "version": "42", "previous": {"version": "41", "weights": {}},
            }))],
            "serves": true, "run": {"id": run, "attempt": 1},
        }),
        ..Deployment::default()
    });
    for (state, description) in statuses {
        world.repository.add_status(id, state, description);
    }
    id
}

const PROVED: [(&str, &str); 2] =
    [("in_progress", "da1 swap-alias#3f2a1b pass"), ("success", "da1 finish-deployment#3f2a1b pass")];

#[tokio::test]
async fn a_job_that_needs_a_matrix_tells_of_all_its_records_in_one_message() {
    let world = World::new().await;
    let server = WebServer::start([Answer::ok()]);
    let withdrawn = [PROVED[0], ("failure", "da1 rollback#3f2a1b fail held withdrawn: broken")];
    place(&world, RUN, ("orders", "orders-api"), &world.commits[4], &PROVED);
    place(&world, RUN, ("telegram", "telegram-bot"), &world.commits[4], &withdrawn);
    let report = with_hook(notify(&world, "failure"), &server, "always").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(status(&world).description.as_deref(), Some("failed; rolled back"));
    let message = &told(&server)[0];
    let expected = json!([
        {"place": "telegram-bot:live", "outcome": "rolled back to v41"},
        {"place": "orders-api:live", "outcome": "v42 serves"},
    ]);
    assert_eq!((&message["places"], &message["version"]), (&expected, &json!("v1.2.3")));
    let issue = world.repository.issues()[0].body.clone().unwrap();
    assert!(issue.contains("telegram-bot:live: rolled back to v41"), "{issue}");

    // With a component it is told of that alone.
    let one = with_hook(notify(&world, "failure").input("component", "telegram"), &server, "always");
    one.run().await.assert_verdict("pass", 0);
    assert_eq!(told(&server)[1]["places"], json!([]));
    assert_eq!(told(&server)[1]["outcome"], "failed; rolled back to v41");
}

#[tokio::test]
async fn a_matrix_that_succeeded_is_told_place_by_place() {
    let world = World::new().await;
    let server = WebServer::start([Answer::ok()]);
    let statuses = [("success", "da1 swap-alias#3f2a1b pass")];
    for function in ["orders-api", "orders-worker"] {
        place(&world, RUN, ("shop", function), &world.commits[4], &statuses);
    }
    // What another run deployed is none of it.
    place(&world, 600, ("shop", "shop-api"), &world.commits[1], &statuses);
    with_hook(notify(&world, "success"), &server, "always").run().await.assert_verdict("pass", 0);
    assert_eq!(status(&world).description.as_deref(), Some("v1.2.3 serves"));
    let places = told(&server)[0]["places"].as_array().unwrap().len();
    assert_eq!(places, 2);
}

#[tokio::test]
async fn what_was_given_up_serves_no_more() {
    let world = World::new().await;
    record(&world, 600, "deploy", (39, 40), &[("success", "x"), ("inactive", "da1 finish-deployment#3f2a1b ended")]);
    notify(&world, "failure").run().await.assert_verdict("pass", 0);
    assert_eq!(status(&world).description.as_deref(), Some("failed; nothing was changed"));
}
