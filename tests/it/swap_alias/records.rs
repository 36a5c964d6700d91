//! The record that swap-alias keeps, also when it is killed or nobody answers.

use testbed::aws::Fault;
use testbed::github::Permission;

use super::{fault, swap};
use crate::world::World;

#[tokio::test]
async fn the_record_is_created_before_the_alias_is_written() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.aws.faults(&[Fault { status: Some(400), times: u32::MAX, ..fault("UpdateAlias") }]).await.unwrap();
    let report = swap(&world, "shop-api", "2").run().await;
    report.assert_verdict("error", 4);
    let records = world.records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].states(), ["failure"], "a record whose write was refused never succeeds");
    assert_eq!(world.live("shop-api").await.version, "1");
}

#[tokio::test]
async fn a_required_record_that_cannot_be_kept_stops_the_step_before_the_write() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let report = world
        .step_with("swap-alias", &[Permission::Contents.read()])
        .input("environment", "prd")
        .input("function", "shop-api")
        .input("version", "2")
        .input("record", "require")
        .run()
        .await;
    report.assert_verdict("error", 4);
    assert!(report.error().message.contains("deployments: write"), "{}", report.error().message);
    assert!(world.writes().await.is_empty());
    assert_eq!(world.live("shop-api").await.version, "1");
}

#[tokio::test]
async fn the_record_can_be_left_open_or_not_kept() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let report = swap(&world, "shop-api", "2").input("record", "open").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(world.records()[0].states(), ["in_progress"]);
    let description = world.records()[0].statuses[0].description.clone();
    assert!(description.starts_with("da1 swap-alias#") && description.contains(" pass "), "{description}");
    let report = swap(&world, "shop-api", "3").input("record", "off").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("deployment-id"), "");
    assert_eq!(world.records().len(), 1);
}

#[tokio::test]
async fn a_success_makes_the_one_before_inactive() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    swap(&world, "shop-api", "2").run().await.assert_verdict("pass", 0);
    swap(&world, "shop-api", "3").run().await.assert_verdict("pass", 0);
    let records = world.records();
    assert_eq!(records[0].states(), ["success", "inactive"]);
    assert_eq!(records[1].states(), ["success"]);
}

#[tokio::test]
async fn a_deployment_whose_answer_was_lost_is_not_made_twice() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let lost = testbed::github::Fault::on("POST", "/deployments$").unwrap().cut(testbed::github::Cut::Reset).applied();
    world.github.fault(lost);
    let report = swap(&world, "shop-api", "2").run().await;
    report.assert_verdict("pass", 0);
    let records = world.records();
    assert_eq!((records.len(), records[0].states()), (1, vec!["success"]));
}

#[tokio::test]
async fn a_record_left_open_by_a_killed_attempt_is_taken_up_again() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let stuck = testbed::github::Fault::on("POST", "/statuses$").unwrap().status(403);
    world.github.fault(stuck);
    swap(&world, "shop-api", "2").run().await.assert_verdict("pass", 0);
    assert!(world.records()[0].states().is_empty(), "as if it had been killed before the status");
    let report = swap(&world, "shop-api", "2").run_attempt(2).run().await;
    report.assert_verdict("skipped", 0);
    assert_eq!(report.output("deployment-id"), world.records()[0].id.to_string());
    assert_eq!(world.records()[0].states(), ["success"]);
}

#[tokio::test]
async fn a_record_left_open_by_an_attempt_that_was_killed_before_its_write_is_continued() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.aws.faults(&[Fault { hold: true, ..fault("UpdateAlias") }]).await.unwrap();
    let mut running = swap(&world, "shop-api", "2").start().await;
    world.aws.held().await.unwrap();
    running.kill();
    running.wait().await;
    world.aws.clear_faults().await.unwrap();
    assert_eq!(world.records().len(), 1);
    let report = swap(&world, "shop-api", "2").run_attempt(2).run().await;
    report.assert_verdict("pass", 0);
    let records = world.records();
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((record.id.to_string().as_str(), record.states()), (report.output("deployment-id"), vec!["success"]));
}

#[tokio::test]
async fn a_write_that_arrives_after_the_run_gave_up_leaves_its_record_open_for_the_next() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.aws.faults(&[Fault { hold: true, ..fault("UpdateAlias") }]).await.unwrap();
    let report = swap(&world, "shop-api", "2").input("timeout", "3s").run().await;
    report.assert_verdict("error", 4);
    let writes = report.evidence()["writes"].clone();
    assert!(writes.as_array().unwrap().iter().any(|write| write["answer"] == "unknown"), "{writes:#}");
    assert_eq!(
        (world.live("shop-api").await.version.as_str(), world.records()[0].states()),
        ("1", vec!["in_progress"])
    );
    world.aws.release().await.unwrap();
    while world.live("shop-api").await.version != "2" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    swap(&world, "shop-api", "2").run().await.assert_verdict("skipped", 0);
    assert_eq!(world.records().len(), 1);
    assert_eq!(world.records()[0].states(), ["in_progress", "success"]);
}

#[tokio::test]
async fn a_record_stays_open_while_nobody_can_read_what_serves() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    // The first look is before the write; from the read-back on nobody may look.
    let refused = Fault {
        status: Some(403),
        code: Some("AccessDeniedException".to_owned()),
        after: 1,
        times: u32::MAX,
        ..fault("GetAlias")
    };
    world.aws.faults(&[refused]).await.unwrap();
    let report = swap(&world, "shop-api", "2").run().await;
    assert!(!report.succeeded(), "{report}");
    assert_eq!(report.output("serving"), "unknown: it could not be read");
    assert!(!world.records()[0].states().contains(&"failure"), "{:?}", world.records()[0].states());
    world.aws.clear_faults().await.unwrap();
    assert!(swap(&world, "shop-api", "2").run_attempt(2).run().await.succeeded());
    assert_eq!(world.records().len(), 1);
    assert_eq!(world.records()[0].states().last(), Some(&"success"));
}

#[tokio::test]
async fn an_attempt_that_ends_a_half_done_swap_hands_out_all_that_the_run_replaced() {
    let world = World::new().await;
    for function in ["shop-api", "shop-web"] {
        world.shop(function, 2).await;
    }
    let both = || world.step("swap-alias").input("environment", "prd").input("versions", "shop-api=2\nshop-web=2");
    world.aws.faults(&[Fault { hold: true, after: 1, ..fault("UpdateAlias") }]).await.unwrap();
    let mut running = both().start().await;
    world.aws.held().await.unwrap();
    running.kill();
    running.wait().await;
    world.aws.clear_faults().await.unwrap();
    assert_eq!((world.live("shop-api").await.version, world.live("shop-web").await.version), ("2".into(), "1".into()));
    let second = both().run_attempt(2).run().await;
    second.assert_verdict("pass", 0);
    let third = both().run_attempt(3).run().await;
    third.assert_verdict("skipped", 0);
    let state: serde_json::Value = serde_json::from_str(second.output("state")).unwrap();
    let functions: Vec<_> = state["targets"].as_array().unwrap().iter().map(|one| one["function"].clone()).collect();
    assert_eq!(functions, ["shop-api", "shop-web"]);
    let back = world.step("rollback").input("environment", "prd").input("function", "shop-api\nshop-web");
    back.run_attempt(2).input("state", second.output("state")).run().await.assert_verdict("pass", 0);
    assert_eq!((world.live("shop-api").await.version, world.live("shop-web").await.version), ("1".into(), "1".into()));
    assert_eq!(world.records()[0].states(), ["success", "failure"]);
}
