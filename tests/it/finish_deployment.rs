//! finish-deployment, and the record as a whole.

use serde_json::json;
use testbed::github::{Deployment, Permission};
use testbed::runner::Runner;

use crate::world::World;

async fn open(world: &World, version: &str) -> String {
    let report = world
        .step("swap-alias")
        .input("environment", "prd")
        .input("function", "shop-api")
        .input("version", version)
        .input("record", "open")
        .run()
        .await;
    report.assert_verdict("pass", 0).output("deployment-id").to_owned()
}

fn finish(world: &World, id: &str, result: &str) -> Runner {
    world.step("finish-deployment").input("environment", "prd").input("deployment-id", id).input("result", result)
}

#[tokio::test]
async fn a_job_that_passed_closes_its_record_as_a_success() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let first = open(&world, "2").await;
    finish(&world, &first, "success").run().await.assert_verdict("pass", 0);
    let second = open(&world, "3").await;
    let report = finish(&world, &second, "success").input("environment-url", "https://shop.example.com").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(report.output("serving").starts_with("shop-api:live -> version 3"), "{}", report.output("serving"));
    let records = world.records();
    assert_eq!(records[0].states(), ["in_progress", "success", "inactive"]);
    assert_eq!(records[1].states(), ["in_progress", "success"]);
    assert_eq!(records[1].statuses[1].environment_url, "https://shop.example.com/");
    finish(&world, &second, "success").run().await.assert_verdict("skipped", 0);
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
}

#[tokio::test]
async fn a_job_that_failed_or_was_cancelled_never_counts() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    for (version, result, state) in [("2", "failure", "failure"), ("3", "cancelled", "error")] {
        let id = open(&world, version).await;
        finish(&world, &id, result).run().await.assert_verdict("pass", 0);
        assert_eq!(world.records().last().unwrap().states(), ["in_progress", state]);
    }
}

#[tokio::test]
async fn a_check_that_failed_is_not_forgotten_when_the_job_went_on() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let id = open(&world, "2").await;
    let record = world.records()[0].id;
    world.repository.add_status(record, "in_progress", "da1 health-check-with-backoff fail attempts=3");
    let report = finish(&world, &id, "success").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("health-check-with-backoff said fail"), "{}", report.output("reason"));
    assert_eq!(world.records()[0].states(), ["in_progress", "in_progress", "failure"]);
}

#[tokio::test]
async fn without_an_open_record_there_is_nothing_to_finish() {
    let world = World::new().await;
    let report = world.step("finish-deployment").input("result", "success").run().await;
    report.assert_verdict("skipped", 0);
    assert!(world.github.requests().is_empty());
}

#[tokio::test]
async fn a_foreign_deployment_is_left_alone() {
    let world = World::new().await;
    let sha = world.commits[0].clone();
    for payload in
        [json!(null), json!("{\"web\":1}"), json!({"schema": 1, "component": "shop", "targets": "::error::"})]
    {
        let foreign = Deployment { sha: sha.clone(), environment: "prd".to_owned(), payload, ..Default::default() };
        let id = world.repository.add_deployment(foreign);
        let report = finish(&world, &id.to_string(), "success").run().await;
        report.assert_verdict("fail", 1).assert_runner_safe();
        assert!(world.repository.deployment(id).unwrap().statuses.is_empty());
    }
    finish(&world, "999999", "success").run().await.assert_verdict("error", 4);
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let id = open(&world, "2").await;
    let report = world
        .step_with("finish-deployment", &[Permission::Deployments.read()])
        .input("deployment-id", id)
        .input("result", "success")
        .run()
        .await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.error().message.contains("deployments: write"), "{}", report.error().message);
}

#[tokio::test]
async fn the_deployment_a_job_made_by_itself_is_reported_not_doubled() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let id = open(&world, "2").await;
    let job = Deployment { sha: world.commits[1].clone(), environment: "prd".to_owned(), ..Default::default() };
    world.repository.add_deployment(job);
    let report = finish(&world, &id, "success").run().await;
    report.assert_verdict("pass", 0);
    assert!(report.summary.contains("Two deployments"), "{}", report.summary);
}
