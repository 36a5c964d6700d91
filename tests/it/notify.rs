//! notify: the status of the commit, the issue about failures, and how what stands in the way of one hides nobody else.

mod channels;
mod issues;
mod pull_requests;
mod services;
mod sites;
mod stages;
mod table;

use serde_json::json;
use testbed::github::{CommitStatus, Deployment, Fault, Grant, Permission};
use testbed::runner::Runner;
use testbed::web::{Answer, WebServer};

use crate::world::{RUN, World};

pub(crate) use self::table::UNDER_TEST;

/// What the documentation asks for.
pub(super) const PERMISSIONS: [Grant; 3] =
    [Permission::Statuses.write(), Permission::Issues.write(), Permission::Deployments.read()];

/// The step of the production job.
pub(super) fn notify(world: &World, status: &str) -> Runner {
    world.step_with("notify", &PERMISSIONS).input("environment", "prd").input("status", status)
}

/// The newest status of the run's commit.
pub(super) fn status(world: &World) -> CommitStatus {
    world.repository.commit_statuses(world.commits.last().unwrap()).pop().expect("a status of the commit")
}

/// A record of a run, with these statuses, oldest first.
fn record(world: &World, run: u64, kind: &str, versions: (u32, u32), statuses: &[(&str, &str)]) {
    let (before, after) = versions;
    let commit = world.commits.last().unwrap();
    let id = world.repository.add_deployment(Deployment {
        sha: commit.clone(),
        environment: "prd".to_owned(),
        payload: json!({
            "schema": 1, "component": "shop", "kind": kind, "commit": commit, "version": "v1.2.3",
            "targets": [world.aws.target("shop-api", "live", &json!({
                "version": after.to_string(), "previous": {"version": before.to_string(), "weights": {}},
            }))],
            "serves": true, "run": {"id": run, "attempt": 1},
        }),
        ..Deployment::default()
    });
    for (state, description) in statuses {
        world.repository.add_status(id, state, description);
    }
}

#[tokio::test]
async fn a_success_is_told_with_four_requests() {
    let world = World::new().await;
    let report = notify(&world, "success").input("version", "42").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(report.output("delivered"), "status");
    assert_eq!(report.output("issue-number"), "");
    let status = status(&world);
    assert_eq!((status.state.as_str(), status.context.as_str()), ("success", "deploy/prd"));
    assert_eq!(status.description.as_deref(), Some("v42 serves"));
    assert_eq!(status.target_url.as_deref(), Some("https://github.example.com/org/shop/actions/runs/700/attempts/1"));
    assert_eq!(world.github.requests().len(), 4, "{:?}", world.github.requests());
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
}

#[tokio::test]
async fn a_status_belongs_to_the_component_that_is_named() {
    let world = World::new().await;
    let report = notify(&world, "success").input("version", "v1.2.3").input("component", "orders").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(status(&world).context, "deploy/prd/orders");
    assert_eq!(status(&world).description.as_deref(), Some("v1.2.3 serves"));
}

/// Run, kind, versions before and after, statuses.
type Record<'a> = (u64, &'a str, (u32, u32), Vec<(&'a str, &'a str)>);

#[tokio::test]
async fn what_serves_is_read_from_the_records_of_this_run() {
    const PASS: (&str, &str) = ("in_progress", "da1 swap-alias pass api=42");
    let withdrawn = ("failure", "withdrawn: not healthy");
    let back = ("success", "da1 rollback pass shop-api=41");
    let stuck = ("failure", "da1 swap-alias fail left=bad x; shop-api could not be put back to version 41");
    let deploy = |statuses: Vec<(&'static str, &'static str)>| (RUN, "deploy", (41, 42), statuses);
    // Records, oldest first.
    let table: [(&str, &str, Vec<Record<'_>>, &str); 8] = [
        ("success", "success", vec![deploy(vec![("success", "da1 swap-alias pass")])], "v42 serves"),
        ("success", "success", vec![(600, "deploy", (39, 40), vec![("success", "x")])], "v40 serves"),
        ("failure", "failure", vec![deploy(vec![PASS])], "failed; v42 STILL SERVES"),
        (
            "failure",
            "failure",
            vec![deploy(vec![PASS, withdrawn]), (RUN, "rollback", (42, 41), vec![back])],
            "failed; rolled back to v41",
        ),
        ("failure", "failure", vec![deploy(vec![stuck])], "failed; v42 STILL SERVES"),
        ("failure", "failure", vec![(600, "deploy", (40, 41), vec![("success", "x")])], "failed; v41 serves"),
        ("failure", "failure", vec![], "failed; nothing was changed"),
        ("cancelled", "error", vec![deploy(vec![])], "cancelled; what serves is NOT KNOWN"),
    ];
    for (ended, state, records, told) in table {
        let world = World::new().await;
        for (run, kind, versions, statuses) in records {
            record(&world, run, kind, versions, &statuses);
        }
        let report = notify(&world, ended).run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        let status = status(&world);
        assert_eq!((status.state.as_str(), status.description.as_deref()), (state, Some(told)));
    }
}

#[tokio::test]
async fn what_succeeded_in_an_earlier_attempt_still_serves_and_that_is_no_alarm() {
    let world = World::new().await;
    record(&world, RUN, "deploy", (41, 42), &[("success", "da1 swap-alias#3f2a1b pass shop-api=42")]);
    let report = notify(&world, "failure").run_attempt(2).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(status(&world).description.as_deref(), Some("failed; v42 serves"));
    // What was opened in the first attempt and succeeded in this one is this one's.
    let world = World::new().await;
    let opened = ("in_progress", "da1 swap-alias#3f2a1b pass shop-api=42");
    let closed = ("success", "da1 finish-deployment#3f2a1b pass attempt=2");
    record(&world, RUN, "deploy", (41, 42), &[opened, closed]);
    notify(&world, "failure").run_attempt(2).run().await.assert_verdict("pass", 0);
    assert_eq!(status(&world).description.as_deref(), Some("failed; v42 STILL SERVES"));
}

#[tokio::test]
async fn what_is_held_since_is_told() {
    let world = World::new().await;
    let withdrawn = ("failure", "da1 rollback#3f2a1b fail held withdrawn: checkout is broken");
    record(&world, RUN, "deploy", (41, 42), &[("success", "da1 swap-alias#3f2a1b pass"), withdrawn]);
    record(&world, RUN, "rollback", (42, 41), &[("success", "da1 rollback#3f2a1b pass")]);
    let server = WebServer::start([Answer::ok()]);
    let channels = format!("- {{to: slack, url: '{}'}}", server.url("/hook"));
    notify(&world, "failure").input("channels", channels).run().await.assert_verdict("pass", 0);
    assert_eq!(status(&world).description.as_deref(), Some("failed; rolled back to v41"));
    let told = String::from_utf8_lossy(&server.requests()[0].body).into_owned();
    assert!(told.contains("Held") && told.contains(&world.commits.last().unwrap()[..7]), "{told}");
}

#[tokio::test]
async fn what_the_workflow_says_of_going_back_needs_no_record() {
    let world = World::new().await;
    let report = notify(&world, "failure").input("rollback", "failed").input("version", "42").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(status(&world).description.as_deref(), Some("failed; v42 STILL SERVES"));
}

#[tokio::test]
async fn a_job_that_was_skipped_tells_nobody() {
    let world = World::new().await;
    notify(&world, "skipped").run().await.assert_verdict("skipped", 0);
    assert!(world.github.requests().is_empty());
}

#[tokio::test]
async fn a_dry_run_tells_nobody_and_says_whom_it_would_tell() {
    let world = World::new().await;
    let server = WebServer::start([Answer::ok()]);
    let report = notify(&world, "failure")
        .input("dry-run", "true")
        .input("channels", format!("- {{to: slack, url: '{}'}}", server.url("/a-secret-hook-of-slack")))
        .run()
        .await;
    report.assert_verdict("pass", 0);
    for said in ["set the status deploy/prd", "open an issue", "send a message to slack"] {
        assert!(report.output("reason").contains(said), "{said}: {}", report.output("reason"));
    }
    assert!(world.github.requests().iter().all(|one| one.method == "GET"));
    assert!(world.repository.issues().is_empty() && server.requests().is_empty());
}

#[tokio::test]
async fn each_missing_permission_is_named_and_hides_nobody_else() {
    for (missing, named, delivered) in
        [(0, "statuses: write", "issue"), (1, "issues: write", "status"), (2, "deployments: read", "status\nissue")]
    {
        let world = World::new().await;
        let left: Vec<Grant> =
            PERMISSIONS.into_iter().enumerate().filter(|(place, _)| *place != missing).map(|(_, one)| one).collect();
        let step = || world.step_with("notify", &left).input("environment", "prd").input("status", "failure");
        let report = step().run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        assert_eq!(report.output("delivered"), delivered);
        assert!(report.warning().message.contains(named), "{named}\n{report}");
        if missing < 2 {
            let report = step().input("on-error", "fail").run().await;
            report.assert_verdict("error", 4);
            assert!(report.error().message.contains(named), "{report}");
        }
    }
}

#[tokio::test]
async fn evidence_is_told_and_what_is_none_is_said() {
    let world = World::new().await;
    let workspace = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(workspace.path().join(name), text).unwrap();
    file("bad.json", &json!({"step": "smoke-test", "verdict": "fail", "reason": "GET /health: 500"}).to_string());
    file("good.json", &json!({"step": "swap-alias", "verdict": "pass", "reason": "moved"}).to_string());
    file("odd.json", "[]");
    std::os::unix::fs::symlink("/etc/passwd", workspace.path().join("link.json")).unwrap();
    let report = notify(&world, "failure")
        .workspace(workspace.path())
        .input("details", "bad.json\ngood.json\nodd.json\nlink.json\nabsent.json")
        .run()
        .await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let body = world.repository.issues()[0].body.clone().unwrap();
    assert!(body.contains("smoke-test: fail: GET /health: 500") && !body.contains("moved"), "{body}");
    let warned = &report.warning().message;
    for (name, said) in [("odd", "no evidence of a step"), ("link", "out of the workspace"), ("absent", "No such file")]
    {
        assert!(warned.contains(&format!("{name}.json: ")) && warned.contains(said), "{name}: {warned}");
    }
    assert!(!warned.contains("root:"), "{warned}");
}

#[tokio::test]
async fn bad_input_is_told_at_once_and_without_secrets() {
    let world = World::new().await;
    let report = world
        .step_with("notify", &PERMISSIONS)
        .input("status", "succeeded")
        .input("webhook-url", "hooks.slack.com/services/T1/B1/not-with-https")
        .input("webhook-secret", "too-short")
        .input("channels", "[{to: slak, url: https://hooks.slack.com/services/T1/B1/in-a-channel}]")
        .input("details", "../../etc/passwd")
        .input("mention", "somebody else")
        .run()
        .await;
    report.assert_verdict("error", 2).assert_runner_safe();
    for secret in ["not-with-https", "in-a-channel"] {
        report.assert_no_secret(secret);
    }
    for name in ["`status`", "`webhook-url`", "`webhook-secret`", "`channels`", "`details`", "`mention`"] {
        assert!(report.error().message.contains(name), "{name}\n{report}");
    }
    let topic = "arn:aws:sns:eu-west-1:999988887777:deployments";
    let elsewhere = notify(&world, "success").input("expected-account-id", "111122223333").input("topic-arn", topic);
    let report = elsewhere.run().await;
    report.assert_verdict("error", 2);
    assert!(report.error().message.contains("another account"), "{report}");
    assert!(world.github.requests().is_empty());
}

#[tokio::test]
async fn a_status_that_is_not_answered_is_set_again() {
    let world = World::new().await;
    world.github.fault(Fault::on("POST", "/statuses/").unwrap().status(502));
    notify(&world, "success").input("version", "42").run().await.assert_verdict("pass", 0);
    assert_eq!(status(&world).description.as_deref(), Some("v42 serves"));
}

#[tokio::test]
async fn a_limit_of_github_that_holds_too_long_does_not_keep_the_channels_waiting() {
    let world = World::new().await;
    let server = WebServer::start([Answer::ok()]);
    let limited = Fault::on("*", "/repos/").unwrap().status(429).header("retry-after", "3600").always();
    world.github.fault(limited.body(json!({"message": "You have exceeded a secondary rate limit."})));
    let report = notify(&world, "failure")
        .input("channels", format!("- {{to: slack, url: '{}'}}", server.url("/a-secret-hook-of-slack")))
        .run()
        .await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(report.output("delivered"), "slack");
    assert!(report.output("reason").contains("NOT KNOWN"), "{}", report.output("reason"));
    assert_eq!(server.requests().len(), 1);
}
