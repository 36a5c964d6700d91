//! What comes between: other deployers, conflicts, lost answers, a cancellation.

use std::time::Duration;

use testbed::aws::Fault;

use super::{
    assert_safe, fault, other_code, other_configuration, publish_zip, release, sent_code, slow, workspace, writes,
};
use crate::world::World;

#[tokio::test]
async fn a_second_deployer_in_between_supersedes_us() {
    for delay in [0.0, 0.4] {
        let world = World::new().await;
        world.shop("shop-api", 1).await;
        slow(&world, delay).await;
        let hook = Fault { before: vec![other_code("shop-api")], ..fault("PublishVersion") };
        world.aws.faults(&[hook]).await.unwrap();
        let workspace = workspace(&release(&world, 2));
        let report = publish_zip(&world, "shop-api", &workspace).run().await;
        report.assert_verdict("superseded", 5);
        assert_safe(&world, &report);
        let reason = report.output("reason");
        assert!(reason.starts_with("somebody else updated the function shop-api before it was published"), "{reason}");
        assert_eq!(world.aws.versions("shop-api").await.unwrap(), ["1"], "neither code was published");
        assert_eq!(report.output("version"), "");
        assert_eq!(report.output("versions"), "");
    }
}

#[tokio::test]
async fn a_second_deployer_right_after_our_update_supersedes_us() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    // The function and its newest version are read before the update; then it is looked at until the update has succeeded.
    let hook = Fault { before: vec![other_code("shop-api")], after: 2, ..fault("GetFunction") };
    slow(&world, 0.0).await;
    world.aws.faults(&[hook]).await.unwrap();
    let workspace = workspace(&release(&world, 2));
    let report = publish_zip(&world, "shop-api", &workspace).run().await;
    report.assert_verdict("superseded", 5);
    assert_eq!(writes(&world).await, ["UpdateFunctionCode"], "nothing is written after that was seen");
    assert_eq!(world.aws.versions("shop-api").await.unwrap(), ["1"]);
}

#[tokio::test]
async fn a_configuration_that_changes_while_we_publish_goes_along() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    slow(&world, 0.4).await;
    let hook = Fault { before: vec![other_configuration("shop-api")], ..fault("PublishVersion") };
    world.aws.faults(&[hook]).await.unwrap();
    let workspace = workspace(&release(&world, 2));
    let report = publish_zip(&world, "shop-api", &workspace).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(world.aws.function("shop-api", "2").await.unwrap()["Configuration"]["Timeout"], 29);
}

#[tokio::test]
async fn a_configuration_that_changed_before_we_publish_is_told_from_other_code() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    slow(&world, 0.0).await;
    let hook = Fault { before: vec![other_configuration("shop-api")], ..fault("PublishVersion") };
    world.aws.faults(&[hook]).await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("pass", 0);
    assert_safe(&world, &report);
    assert_eq!(world.aws.function("shop-api", "2").await.unwrap()["Configuration"]["Timeout"], 29);
    let warning = &report.warning().message;
    assert!(
        warning.contains("somebody else changed the configuration of shop-api before it was published"),
        "{warning}"
    );
}

#[tokio::test]
async fn a_revision_that_moved_for_nothing_that_matters_is_nobodys_change() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    slow(&world, 0.0).await;
    let mut there = other_configuration("shop-api");
    let mut back = other_configuration("shop-api");
    there.body = serde_json::json!({"Timeout": 4});
    back.body = serde_json::json!({"Timeout": world.aws.function("shop-api", "$LATEST").await.unwrap()["Configuration"]["Timeout"]});
    world.aws.faults(&[Fault { before: vec![there, back], ..fault("PublishVersion") }]).await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("pass", 0);
    assert!(
        report.log.iter().any(|line| line.contains("neither its code nor its configuration has changed")),
        "{report}"
    );
}

#[tokio::test]
async fn an_update_in_progress_is_waited_for() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    slow(&world, 600.0).await;
    let hook = other_configuration("shop-api");
    world.aws.lambda("PUT", &hook.path, &hook.body).await.unwrap().ok().unwrap();
    let workspace = workspace(&release(&world, 2));
    let running = publish_zip(&world, "shop-api", &workspace).start().await;
    running.wait_for("waiting for the end of an update of shop-api: an update is in progress").await;
    slow(&world, 0.0).await;
    running.wait().await.assert_verdict("pass", 0);
    let version = &world.aws.function("shop-api", "2").await.unwrap()["Configuration"];
    assert_eq!(version["Timeout"], 29);
}

#[tokio::test]
async fn a_conflict_with_an_update_in_progress_is_waited_for_and_other_conflicts_are_not() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    slow(&world, 0.6).await;
    let hook = Fault { before: vec![other_configuration("shop-api")], ..fault("UpdateFunctionCode") };
    world.aws.faults(&[hook]).await.unwrap();
    let package = workspace(&release(&world, 2));
    let report = publish_zip(&world, "shop-api", &package).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(writes(&world).await, ["UpdateFunctionCode", "UpdateFunctionCode", "PublishVersion"]);

    let conflict = Fault {
        status: Some(409),
        code: Some("ResourceConflictException".to_owned()),
        message: Some("The function is being deleted.".to_owned()),
        ..fault("UpdateFunctionCode")
    };
    world.aws.clear_faults().await.unwrap();
    world.aws.faults(&[conflict]).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 3))).run().await;
    report.assert_verdict("error", 4);
    assert_eq!(writes(&world).await, ["UpdateFunctionCode"]);
    assert!(report.output("reason").contains("The function is being deleted."), "{}", report.output("reason"));
}

#[tokio::test]
async fn a_conflict_that_outlasts_the_update_is_not_hammered() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let busy = Fault {
        status: Some(409),
        code: Some("ResourceConflictException".to_owned()),
        message: Some("An update is in progress for resource: shop-api".to_owned()),
        times: u32::MAX,
        ..fault("UpdateFunctionCode")
    };
    world.aws.faults(&[busy]).await.unwrap();
    let package = workspace(&release(&world, 2));
    publish_zip(&world, "shop-api", &package).input("timeout", "10s").run().await.assert_verdict("error", 4);
    let sent = writes(&world).await.len();
    assert!((2..=6).contains(&sent), "{sent} calls in ten seconds");
}

#[tokio::test]
async fn the_same_code_put_there_by_somebody_else_is_not_our_write() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let package = release(&world, 2);
    let hook = Fault {
        before: vec![sent_code("shop-api", &package)],
        status: Some(412),
        code: Some("PreconditionFailedException".to_owned()),
        ..fault("UpdateFunctionCode")
    };
    world.aws.faults(&[hook]).await.unwrap();
    let folder = workspace(&package);
    let report = publish_zip(&world, "shop-api", &folder).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.evidence()["writes"][0]["answer"], "unchanged", "{report}");
}

#[tokio::test]
async fn a_lost_answer_to_the_update_is_looked_for_and_not_sent_twice() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    world.aws.faults(&[Fault { drop: true, applied: true, ..fault("UpdateFunctionCode") }]).await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(writes(&world).await, ["UpdateFunctionCode", "PublishVersion"]);
    assert!(!report.summary.contains("not answered"), "what was read back is known: {}", report.summary);
}

#[tokio::test]
async fn an_update_that_never_arrived_is_sent_again_once() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    world.aws.faults(&[Fault { drop: true, ..fault("UpdateFunctionCode") }]).await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(writes(&world).await, ["UpdateFunctionCode", "UpdateFunctionCode", "PublishVersion"]);

    world.aws.clear_faults().await.unwrap();
    world.aws.faults(&[Fault { drop: true, times: 9, ..fault("UpdateFunctionCode") }]).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 3))).run().await;
    report.assert_verdict("error", 4);
    assert_eq!(writes(&world).await, ["UpdateFunctionCode", "UpdateFunctionCode"]);
}

#[tokio::test]
async fn a_lost_answer_while_somebody_else_updates_supersedes_us() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    slow(&world, 0.0).await;
    let lost = Fault { drop: true, before: vec![other_code("shop-api")], ..fault("UpdateFunctionCode") };
    world.aws.faults(&[lost]).await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("superseded", 5);
    assert_eq!(writes(&world).await, ["UpdateFunctionCode"], "nothing is written after that was seen");
}

#[tokio::test]
async fn a_lost_answer_to_the_publication_gives_one_new_version() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    world.aws.faults(&[Fault { status: Some(500), applied: true, ..fault("PublishVersion") }]).await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((report.output("version"), report.output("changed")), ("2", "true"));
    assert_eq!(world.aws.versions("shop-api").await.unwrap(), ["1", "2"]);
}

#[tokio::test]
async fn a_cancelled_step_publishes_nothing_and_says_what_serves() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    slow(&world, 3.0).await;
    let workspace = workspace(&release(&world, 2));
    let running = publish_zip(&world, "shop-api", &workspace).start().await;
    running.wait_for("LastUpdateStatus is InProgress").await;
    let report = running.cancel().await;
    report.assert_verdict("cancelled", 130);
    assert!(report.duration < Duration::from_secs(10), "{:?}", report.duration);
    assert!(report.output("serving").starts_with("shop-api:live -> version 1"), "{}", report.output("serving"));
    assert_eq!(writes(&world).await, ["UpdateFunctionCode"]);

    let report = publish_zip(&world, "shop-api", &workspace).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(
        writes(&world).await,
        ["UpdateFunctionCode", "PublishVersion"],
        "the next run goes on where this one ended"
    );
}

#[tokio::test]
async fn a_configuration_changed_before_our_update_stays_and_our_code_goes_beside_it() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let refused = Fault {
        before: vec![other_configuration("shop-api")],
        status: Some(412),
        code: Some("PreconditionFailedException".to_owned()),
        ..fault("UpdateFunctionCode")
    };
    world.aws.faults(&[refused]).await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(world.aws.function("shop-api", "2").await.unwrap()["Configuration"]["Timeout"], 29);
}

#[tokio::test]
async fn an_update_that_nobody_answered_in_time_may_have_changed_something() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    world.aws.faults(&[Fault { hold: true, applied: true, ..fault("UpdateFunctionCode") }]).await.unwrap();
    let workspace = workspace(&release(&world, 2));
    let report = publish_zip(&world, "shop-api", &workspace).input("timeout", "4s").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert_eq!(report.output("changed"), "true", "{report}");
    world.aws.clear_faults().await.unwrap();
    publish_zip(&world, "shop-api", &workspace).run().await.assert_verdict("pass", 0);
}
