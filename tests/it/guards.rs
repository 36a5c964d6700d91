//! What no step does for code of a fork, and what is said once in a job: access keys that do not expire, apps that share a component.

use std::path::Path;

use deploy_action::steps;
use serde_json::json;
use testbed::aws::target;
use testbed::github::Deployment;
use testbed::runner::{Level, Report, Runner};

use crate::proof::scenes::scenes;
use crate::world::World;

/// Who opened the pull request.
const OTHER: &str = "evil";

#[tokio::test]
async fn no_step_that_writes_runs_with_our_token_for_a_head_of_a_fork() {
    let writing: Vec<&str> =
        steps::all().iter().filter(|step| step.permissions.write()).map(|step| step.name).collect();
    assert!(writing.len() > 6, "{writing:?}");
    for step in writing {
        let scene = scenes().into_iter().find(|scene| scene.step() == step).unwrap();
        let stage = scene.prepare().await;
        let payload = stage.repository.pull_request_event("opened", 12, &stage.commits[1], Some(OTHER));
        let run = stage.repository.add_run("ci.yml", "pull_request", "feature", &stage.commits[1]);
        let mut of_run = stage.repository.workflow_run_event(run);
        of_run["workflow_run"]["head_repository"]["id"] = json!(1);
        for (event, payload) in [("pull_request_target", payload), ("workflow_run", of_run)] {
            let report = stage.runner().event(event, payload).run().await;
            report.assert_verdict("fail", 1).assert_runner_safe();
            let expected = format!("this is a run of {event} for a head of another repository");
            assert!(report.output("reason").starts_with(&expected), "{step}: {report}");
            let own = if event == "workflow_run" { "workflow_run.head_repository" } else { "pull_request.head.repo" };
            assert!(report.raw.contains(&format!("`if: github.event.{own}.full_name")), "{step}: {report}");
            assert!(stage.requests().await.is_empty(), "{step}: {report}");
        }
        let own = stage.repository.pull_request_event("opened", 12, &stage.commits[1], None);
        let report = stage.runner().event("pull_request_target", own).run().await;
        assert!(!report.output("reason").contains("another repository"), "{step}: {report}");
    }
}

fn notices(report: &Report) -> Vec<&str> {
    let notices = report.annotations.iter().filter(|annotation| annotation.level == Level::Notice);
    notices.map(|annotation| annotation.message.as_str()).collect()
}

#[tokio::test]
async fn a_key_that_does_not_expire_is_said_once_in_a_job() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let with_key = |runner: Runner, folder: &Path| {
        runner.env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE").workspace(folder).input("function", "shop-api")
    };
    let smoke = || with_key(world.step("smoke-test").input("version", "1"), folder.path());
    let first = smoke().run().await;
    assert_eq!(notices(&first).len(), 1, "{first}");
    assert!(notices(&first)[0].contains("AKIA..") && notices(&first)[0].contains("role-to-assume"), "{first}");
    assert!(!first.raw.contains("AKIAIOSFODNN7EXAMPLE"), "{first}");
    assert_eq!(notices(&smoke().run().await), [""; 0], "a second step of the job");
    assert_eq!(notices(&smoke().job("another").run().await).len(), 1, "another job, in a workspace that was kept");
    let plain = world.step("smoke-test").input("function", "shop-api").input("version", "1").run().await;
    assert_eq!(notices(&plain), [""; 0]);
}

#[tokio::test]
async fn apps_that_share_the_default_component_are_told_apart_by_naming_it() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let record = |run: u64, function: &str| {
        let place = target((&world.aws.id, "eu-west-1"), function, "live", &json!({"version": "1"}));
        world.repository.add_deployment(Deployment {
            environment: "prd".to_owned(),
            sha: world.commits[0].clone(),
            payload: json!({
                "schema": 1, "component": "shop", "kind": "deploy", "commit": world.commits[0], "targets": [place],
                "run": {"id": run, "attempt": 1},
            }),
            ..Deployment::default()
        })
    };
    let swap = || {
        let swap = world.step("swap-alias").input("environment", "prd").input("function", "shop-api");
        swap.input("version", "2").input("dry-run", "true")
    };
    // Jobs of one run, as a matrix has them, are one app.
    record(1, "worker");
    let id = record(1, "shop-api");
    assert_eq!(notices(&swap().run().await), [""; 0]);
    world.repository.add_status(id, "success", "");
    record(2, "billing");
    let report = swap().run().await;
    assert_eq!(notices(&report).len(), 1, "{report}");
    assert!(notices(&report)[0].starts_with("billing:live is recorded in prd as shop too (run 2)"), "{report}");
    assert_eq!(notices(&swap().input("component", "shop").run().await), [""; 0]);
}
