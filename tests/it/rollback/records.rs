//! The records that tell it where to go, and those it withdraws.

use std::time::Duration;

use serde_json::json;
use testbed::aws;
use testbed::github::{Deployment, Fault};

use super::{live, refused, released, rollback, swap};
use crate::world::{RUN, World};

#[tokio::test]
async fn a_rollback_is_recorded_and_withdraws_what_it_undoes() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    swap(&world, "3", RUN).await;
    rollback(&world).input("reason", "5xx ::error::x").run().await.assert_verdict("pass", 0).assert_runner_safe();
    let records = world.records();
    assert_eq!(records.len(), 3);
    assert_eq!(records[1].states(), ["in_progress", "failure"]);
    assert!(records[1].statuses[1].description.contains(" fail held withdrawn: 5xx"), "{:?}", records[1].statuses[1]);
    assert_eq!((records[2].task.as_str(), records[2].states()), ("deploy:rollback", vec!["success"]));
    assert_eq!(records[2].payload["kind"], "rollback");
    assert_eq!(records[2].sha, world.commits[1], "the commit that serves again");
}

#[tokio::test]
async fn the_state_of_another_job_serves_without_any_record() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let swapped =
        world.step("swap-alias").input("function", "shop-api").input("version", "3").input("record", "off").run().await;
    swapped.assert_verdict("pass", 0);
    let report = world
        .step_with("rollback", &[])
        .input("function", "shop-api")
        .input("record", "off")
        .input("state", swapped.output("state"))
        .run()
        .await;
    report.assert_verdict("pass", 0);
    assert_eq!((live(&world).await.as_str(), report.output("target-source")), ("1", "state"));
    assert!(world.records().is_empty());
}

#[tokio::test]
async fn without_state_and_without_the_permission_to_read_the_record_that_is_named() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    world.aws.clear_requests().await.unwrap();
    let report = world.step_with("rollback", &[]).input("environment", "prd").input("function", "shop-api").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.error().message.contains("deployments: read"), "{}", report.error().message);
    assert!(world.writes().await.is_empty());
}

#[tokio::test]
async fn foreign_and_corrupt_deployments_do_not_mislead_it() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    let sha = world.commits[0].clone();
    swap(&world, "3", RUN).await;
    for payload in [
        json!("{\"web\":1}"),
        json!({"schema": 1, "component": "shop"}),
        json!({"schema": 9, "component": "shop", "targets": []}),
    ] {
        let foreign = Deployment { sha: sha.clone(), environment: "prd".to_owned(), payload, ..Default::default() };
        let id = world.repository.add_deployment(foreign);
        world.repository.add_status(id, "success", "");
    }
    let report = rollback(&world).run().await;
    report.assert_verdict("pass", 0);
    assert!(report.log.iter().any(|line| line.contains("records that cannot be read")), "{report}");
    assert_eq!(live(&world).await, "2");
}

#[tokio::test]
async fn a_rollback_that_is_repeated_withdraws_what_the_first_one_could_not() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    released(&world, "3", RUN).await;
    world.aws.faults(&[refused("UpdateAlias")]).await.unwrap();
    rollback(&world).run().await.assert_verdict("error", 4);
    rollback(&world).run().await.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2");
    assert_eq!(world.records()[1].states().last(), Some(&"failure"), "3 does not count as succeeded any more");
}

#[tokio::test]
async fn a_rollback_killed_after_its_write_is_completed_by_the_next() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    released(&world, "3", RUN).await;
    // As if the first run had been killed between the write and the record of it.
    world.aws.move_alias("shop-api", "live", "2").await.unwrap();
    rollback(&world).run().await.assert_verdict("skipped", 0);
    assert_eq!(world.records()[1].states().last(), Some(&"failure"));
}

#[tokio::test]
async fn a_health_check_that_cannot_be_made_leaves_no_open_record() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    released(&world, "3", RUN).await;
    world.aws.faults(&[aws::Fault { times: u32::MAX, ..refused("Invoke") }]).await.unwrap();
    let report = rollback(&world).input("path", "/health").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert_eq!(live(&world).await, "2");
    let records = world.records();
    assert_eq!(records[1].states().last(), Some(&"failure"), "what was undone is withdrawn");
    assert_eq!(records[2].states(), ["failure"]);
}

#[tokio::test]
async fn an_outage_of_github_does_not_keep_a_bad_version_serving() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    let swapped = swap(&world, "3", RUN).await;
    world.github.fault(Fault::on("*", "/deployments").unwrap().status(502).always());
    let report = rollback(&world).input("state", swapped.output("state")).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(live(&world).await, "2");
    assert!(report.warning().message.contains("no record is kept"), "{}", report.warning().message);
}

#[tokio::test]
async fn going_back_to_a_version_nobody_recorded_withdraws_only_what_served() {
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "2", 1).await;
    released(&world, "3", 2).await;
    rollback(&world).input("to", "1").run().await.assert_verdict("pass", 0);
    let records = world.records();
    assert!(!records[0].states().contains(&"failure"), "2 was good, and still is: {:?}", records[0].states());
    assert_eq!(records[1].states().last(), Some(&"failure"));
}

#[tokio::test]
async fn run_again_it_withdraws_what_github_did_not_let_the_first_attempt_withdraw() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    released(&world, "3", RUN).await;
    let bad = world.records()[1].id;
    let path = format!("/deployments/{bad}/statuses$");
    world.github.fault(Fault::on("POST", &path).unwrap().status(403).always());
    rollback(&world).run().await.assert_verdict("pass", 0);
    assert!(!world.records()[1].states().contains(&"failure"), "{:?}", world.records()[1].states());
    world.github.clear_faults();
    assert!(rollback(&world).run_attempt(2).run().await.succeeded());
    assert_eq!(world.records()[1].states().last(), Some(&"failure"), "3 is withdrawn now");
    assert_eq!((live(&world).await.as_str(), world.records().len()), ("2", 3));
}

#[tokio::test]
async fn a_rollback_killed_before_it_closed_its_record_is_closed_by_the_next_attempt() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    released(&world, "3", RUN).await;
    world.github.fault(Fault::on("POST", "/statuses$").unwrap().hold());
    let mut running = rollback(&world).start().await;
    tokio::time::timeout(Duration::from_secs(30), world.github.held()).await.expect("a status");
    running.kill();
    running.wait().await;
    world.github.clear_faults();
    assert_eq!(live(&world).await, "2");
    assert!(rollback(&world).run_attempt(2).run().await.succeeded());
    let records = world.records();
    let open: Vec<_> = records.iter().filter(|one| !one.states().iter().any(|state| *state != "in_progress")).collect();
    assert_eq!((records.len(), open.len()), (3, 0), "{records:?}");
}

#[tokio::test]
async fn a_deployment_that_nobody_judged_is_not_closed_by_a_rollback_to_it() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    swap(&world, "3", RUN).await;
    let report = rollback(&world).input("to", "version:3").run().await;
    report.assert_verdict("skipped", 0).assert_runner_safe();
    assert!(!world.records()[0].states().contains(&"success"), "{:?}", world.records()[0].states());
}

#[tokio::test]
async fn a_rollback_that_could_not_write_holds_nothing() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    swap(&world, "3", RUN).await;
    world.aws.faults(&[refused("UpdateAlias")]).await.unwrap();
    let report = rollback(&world).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(!report.summary.contains("is held here"), "{}", report.summary);
    let record = world.records().pop().unwrap();
    assert_eq!(
        (&record.payload["kind"], record.payload["hold"].as_array().map_or(0, Vec::len)),
        (&json!("rollback"), 0)
    );
}
