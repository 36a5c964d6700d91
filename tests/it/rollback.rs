//! rollback: where it goes back to, what it leaves alone, and what it withdraws.

use serde_json::json;
use testbed::aws::sample::{FAILS_IN_PRODUCTION, GOOD};
use testbed::aws::{Fault, Hook};
use testbed::github::Deployment;
use testbed::runner::{Report, Runner};
use testbed::web::{Answer, WebServer};

use crate::world::{RUN, Release, World};

fn rollback(world: &World) -> Runner {
    world.step("rollback").input("environment", "prd").input("function", "shop-api")
}

/// A swap by a run; `record` and what its job's checks said of it.
async fn swap(world: &World, version: &str, run: u64) -> Report {
    let report = world
        .step("swap-alias")
        .input("environment", "prd")
        .input("function", "shop-api")
        .input("version", version)
        .input("record", "open")
        .input("allow-downgrade", "true")
        .run_id(run)
        .run()
        .await;
    report.assert_verdict("pass", 0);
    report
}

async fn finish(world: &World, result: &str) {
    let id = world.records().last().unwrap().id.to_string();
    let report = world.step("finish-deployment").input("deployment-id", id).input("result", result).run().await;
    report.assert_verdict("pass", 0);
}

async fn released(world: &World, version: &str, run: u64) {
    swap(world, version, run).await;
    finish(world, "success").await;
}

async fn live(world: &World) -> String {
    world.live("shop-api").await.version
}

#[tokio::test]
async fn a_version_that_never_served_is_not_gone_back_to() {
    // 2 served, 3 was published and never served, 4 is bad.
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "2", 1).await;
    swap(&world, "4", RUN).await;
    let report = rollback(&world).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&world.aws.id);
    assert_eq!(live(&world).await, "2");
    assert_eq!((report.output("version"), report.output("previous-version")), ("2", "4"));
    assert!(report.output("serving").starts_with("shop-api:live -> version 2"), "{}", report.output("serving"));
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
}

#[tokio::test]
async fn a_version_that_served_and_was_withdrawn_is_not_gone_back_to() {
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "2", 1).await;
    released(&world, "3", 2).await;
    rollback(&world).run_id(2).run().await.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2");
    released(&world, "4", 3).await;
    let report = rollback(&world).event("workflow_dispatch", json!({})).run_id(4).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2", "3 was withdrawn");
}

#[tokio::test]
async fn a_version_that_served_and_failed_is_not_gone_back_to_although_it_was_captured() {
    // 3 failed its checks, nobody rolled it back, and 4 replaced it.
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "2", 1).await;
    swap(&world, "3", 2).await;
    finish(&world, "failure").await;
    let swapped = swap(&world, "4", RUN).await;
    let report = rollback(&world).input("state", swapped.output("state")).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2");
    assert_eq!(report.output("target-source"), "record");
}

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
    assert!(records[1].statuses[1].description.starts_with("withdrawn: 5xx"), "{:?}", records[1].statuses[1]);
    assert_eq!((records[2].task.as_str(), records[2].states()), ("deploy:rollback", vec!["success"]));
    assert_eq!(records[2].payload["kind"], "rollback");
    assert_eq!(records[2].sha, world.commits[1], "the commit that serves again");
}

#[tokio::test]
async fn called_before_this_run_moved_anything_it_says_what_serves() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    world.aws.clear_requests().await.unwrap();
    let report = rollback(&world).run().await;
    report.assert_verdict("skipped", 0).assert_runner_safe();
    assert_eq!(report.output("reason"), "this run changed nothing of shop-api:live, version 2 serves");
    assert!(report.output("serving").starts_with("shop-api:live -> version 2"));
    assert!(world.writes().await.is_empty());
}

#[tokio::test]
async fn another_attempt_of_the_same_run_may_undo_it() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    swap(&world, "3", RUN).await;
    rollback(&world).run_attempt(2).run().await.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2");
    let report = rollback(&world).run_attempt(2).run().await;
    report.assert_verdict("skipped", 0);
    assert!(report.output("reason").contains("is back already"), "{}", report.output("reason"));
}

#[tokio::test]
async fn with_nothing_to_go_back_to_nothing_is_written() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    for scope in ["any", "this-run"] {
        if scope == "this-run" {
            // The first deployment ever, onto an alias that pointed to $LATEST.
            world.aws.move_alias("shop-api", "live", "$LATEST").await.unwrap();
            swap(&world, "3", RUN).await;
        }
        world.aws.clear_requests().await.unwrap();
        let report = rollback(&world).input("scope", scope).run().await;
        report.assert_verdict("error", 4).assert_runner_safe();
        assert!(report.output("reason").starts_with("nothing to roll back to"), "{}", report.output("reason"));
        assert!(report.error().message.contains("allow-guess: true"));
        assert!(world.writes().await.is_empty());
    }
    let report = rollback(&world).input("allow-guess", "true").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((live(&world).await.as_str(), report.output("target-source")), ("2", "guess"));
}

#[tokio::test]
async fn an_alias_moved_by_somebody_else_is_left_alone() {
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "2", 1).await;
    swap(&world, "3", RUN).await;
    world.aws.move_alias("shop-api", "live", "4").await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let report = rollback(&world).run().await;
    report.assert_verdict("superseded", 5).assert_runner_safe();
    assert!(world.writes().await.is_empty());
    assert_eq!(live(&world).await, "4");
}

#[tokio::test]
async fn an_alias_moved_between_the_reading_and_the_write_is_left_alone() {
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "2", 1).await;
    swap(&world, "3", RUN).await;
    let hook = Hook::move_alias("shop-api", "live", "4");
    world
        .aws
        .faults(&[Fault { operation: Some("GetAlias".to_owned()), after_answer: vec![hook], ..Fault::default() }])
        .await
        .unwrap();
    rollback(&world).run().await.assert_verdict("superseded", 5);
    assert_eq!(live(&world).await, "4");
}

#[tokio::test]
async fn ill_health_after_the_rollback_is_exit_3() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    swap(&world, "3", RUN).await;
    let server = WebServer::start([Answer::status(503)]);
    let report = rollback(&world).input("url", server.url("/health")).input("attempts", "2").run().await;
    report.assert_verdict("fail", 3).assert_runner_safe();
    assert_eq!(report.error().title.as_deref(), Some("rollback: BAD VERSION STILL SERVES"));
    assert!(report.output("reason").starts_with("BAD VERSION STILL SERVES"), "{}", report.output("reason"));
    assert_eq!(live(&world).await, "2", "no ping-pong");
    assert_eq!(world.records().last().unwrap().states(), ["failure"]);
}

#[tokio::test]
async fn health_after_the_rollback_is_checked_through_the_alias_too() {
    let world = World::new().await;
    let commits = world.commits.clone();
    let release =
        |version: &'static str, commit: usize, behaviour| Release { version, commit: &commits[commit], behaviour };
    world.function("shop-api", &[release("1.0.0", 0, GOOD), release("1.1.0", 1, FAILS_IN_PRODUCTION)]).await;
    swap(&world, "2", RUN).await;
    let report = rollback(&world).input("path", "/health").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((live(&world).await.as_str(), report.output("target-source")), ("1", "state"));
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
async fn an_explicit_target_is_checked_before_the_write() {
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "4", 1).await;
    world.aws.clear_requests().await.unwrap();
    let report = rollback(&world).input("to", "9").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.error().message.contains("there are 4, 3, 2, 1"), "{}", report.error().message);
    world
        .aws
        .set_configuration(
            "shop-api",
            "2",
            &json!({"State": "Failed", "StateReason": "gone", "StateReasonCode": "ImageDeleted"}),
        )
        .await
        .unwrap();
    let report = rollback(&world).input("to", "2").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("ImageDeleted: gone"), "{}", report.output("reason"));
    assert!(world.writes().await.is_empty());
    let report = rollback(&world).input("to", "3").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((live(&world).await.as_str(), report.output("target-source")), ("3", "explicit"));
    rollback(&world).input("to", "3").run().await.assert_verdict("skipped", 0);
}

#[tokio::test]
async fn a_target_that_sleeps_is_woken() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    swap(&world, "3", RUN).await;
    world.aws.set_configuration("shop-api", "2", &json!({"State": "Inactive"})).await.unwrap();
    let report = rollback(&world).run().await;
    report.assert_verdict("pass", 0);
    assert!(report.log.iter().any(|line| line.contains("waking it")), "{report}");
    assert_eq!(live(&world).await, "2");
}

#[tokio::test]
async fn a_release_and_a_deployment_name_their_version() {
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    let tagged = world
        .step("swap-alias")
        .input("environment", "prd")
        .input("function", "shop-api")
        .input("version", "2")
        .git_ref("refs/tags/v1.2.0")
        .run()
        .await;
    tagged.assert_verdict("pass", 0);
    released(&world, "3", 2).await;
    released(&world, "4", 3).await;
    rollback(&world).input("to", "v1.2.0").run().await.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2");
    let third = world.records()[1].id.to_string();
    rollback(&world).input("to", third).run().await.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "3");
    rollback(&world).input("to", "v9.9.9").run().await.assert_verdict("fail", 1);
}

#[tokio::test]
async fn leftover_weights_are_gone_after_a_rollback() {
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "2", 1).await;
    swap(&world, "3", RUN).await;
    world.aws.set_weights("shop-api", "live", &[("4", 0.1)]).await.unwrap();
    rollback(&world).run().await.assert_verdict("pass", 0);
    let now = world.live("shop-api").await;
    assert_eq!((now.version.as_str(), now.weights.len()), ("2", 0));
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
async fn several_functions_go_back_together_and_a_failure_is_named() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.shop("shop-web", 2).await;
    let swapped =
        world.step("swap-alias").input("environment", "prd").input("versions", "shop-api=2\nshop-web=2").run().await;
    swapped.assert_verdict("pass", 0);
    let refused = Fault {
        operation: Some("UpdateAlias".to_owned()),
        pattern: Some("shop-web/aliases".to_owned()),
        status: Some(403),
        code: Some("AccessDeniedException".to_owned()),
        ..Fault::default()
    };
    world.aws.faults(&[refused]).await.unwrap();
    let both = || {
        world
            .step("rollback")
            .input("environment", "prd")
            .input("function", "shop-api\nshop-web")
            .input("state", swapped.output("state"))
    };
    let report = both().run().await;
    report.assert_verdict("error", 4);
    assert!(
        report.output("reason").contains("shop-web") && report.output("reason").contains("shop-api:live went back")
    );
    assert_eq!(
        (world.live("shop-api").await.version.as_str(), world.live("shop-web").await.version.as_str()),
        ("1", "2")
    );
    both().run().await.assert_verdict("pass", 0);
    assert_eq!(
        (world.live("shop-api").await.version.as_str(), world.live("shop-web").await.version.as_str()),
        ("1", "1")
    );
}

#[tokio::test]
async fn a_dry_run_tells_where_it_would_go() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    swap(&world, "3", RUN).await;
    world.aws.clear_requests().await.unwrap();
    let report = rollback(&world).input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0);
    assert!(report.output("reason").contains("would go back from version 3 to 2"), "{}", report.output("reason"));
    assert!(world.writes().await.is_empty());
}

fn refused(operation: &str) -> Fault {
    Fault {
        operation: Some(operation.to_owned()),
        status: Some(403),
        code: Some("AccessDeniedException".to_owned()),
        ..Fault::default()
    }
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
    world.aws.faults(&[Fault { times: u32::MAX, ..refused("Invoke") }]).await.unwrap();
    let report = rollback(&world).input("path", "/health").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert_eq!(live(&world).await, "2");
    let records = world.records();
    assert_eq!(records[1].states().last(), Some(&"failure"), "what was undone is withdrawn");
    assert_eq!(records[2].states(), ["failure"]);
}

#[tokio::test]
async fn a_move_that_failed_does_not_make_what_serves_its_own_target() {
    // 2 succeeded, 3 succeeded and serves, the move to 4 was refused; by hand, one goes back from 3.
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "2", 1).await;
    released(&world, "3", 2).await;
    world.aws.faults(&[refused("UpdateAlias")]).await.unwrap();
    let failed = world
        .step("swap-alias")
        .input("environment", "prd")
        .input("function", "shop-api")
        .input("version", "4")
        .run_id(3);
    failed.run().await.assert_verdict("error", 4);
    let report = rollback(&world).event("workflow_dispatch", json!({})).run_id(4).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2");
}

#[tokio::test]
async fn a_release_is_never_the_version_to_which_its_own_run_went_back() {
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "2", 1).await;
    let tagged = |step: &str| {
        world.step(step).input("environment", "prd").input("function", "shop-api").git_ref("refs/tags/v1.3.0")
    };
    tagged("swap-alias").input("version", "3").run().await.assert_verdict("pass", 0);
    tagged("rollback").run().await.assert_verdict("pass", 0);
    let records = world.records();
    assert_ne!(records[2].payload["version"], "v1.3.0");
    assert_eq!(records[2].payload["commit"], json!(world.commits[1]));
    released(&world, "4", 5).await;
    let report = rollback(&world).input("to", "v1.3.0").run_id(6).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "3", "what the tag names, since somebody asked for it");
}

#[tokio::test]
async fn an_outage_of_github_does_not_keep_a_bad_version_serving() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    let swapped = swap(&world, "3", RUN).await;
    world.github.fault(testbed::github::Fault::on("*", "/deployments").unwrap().status(502).always());
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
async fn this_run_does_not_undo_another_runs_change_even_when_told_where_to_go() {
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "2", 1).await;
    swap(&world, "3", RUN).await;
    swap(&world, "4", RUN + 1).await;
    let report = rollback(&world).input("scope", "this-run").input("to", "2").run().await;
    report.assert_verdict("superseded", 5);
    assert_eq!(live(&world).await, "4");
}

#[tokio::test]
async fn a_dry_run_wakes_nothing() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    swap(&world, "3", RUN).await;
    world.aws.set_configuration("shop-api", "2", &json!({"State": "Inactive"})).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    rollback(&world).input("dry-run", "true").run().await.assert_verdict("pass", 0);
    assert!(world.writes().await.is_empty(), "{:?}", world.writes().await);
}
