//! rollback: what it puts back, and what it leaves alone.

mod code;
mod holds;
mod never_waits;
mod provisioned;
mod records;
mod scope;
mod services;
mod table;
mod target;

use testbed::aws::sample::{FAILS_IN_PRODUCTION, GOOD};
use testbed::aws::{Fault, Hook};
use testbed::runner::{Report, Runner};
use testbed::web::{Answer, WebServer};

use crate::messages::message;
use crate::world::{RUN, Release, World};

pub(crate) use self::table::UNDER_TEST;

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

fn refused(operation: &str) -> Fault {
    Fault {
        operation: Some(operation.to_owned()),
        status: Some(403),
        code: Some("AccessDeniedException".to_owned()),
        ..Fault::default()
    }
}

#[tokio::test]
async fn called_before_this_run_moved_anything_it_says_what_serves() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    world.aws.clear_requests().await.unwrap();
    let report = rollback(&world).run().await;
    report.assert_verdict("skipped", 0).assert_runner_safe();
    assert_eq!(
        report.output("reason"),
        message(
            "nothing-changed-here",
            &["shop-api:live; version 2 is serving. To roll back anyway, set `scope: any`"]
        )
    );
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
    assert_eq!(report.error().title.as_deref(), Some(message("bad-version-serves", &["rollback"]).as_str()));
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
async fn this_run_does_not_undo_another_runs_change_even_when_told_where_to_go() {
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "2", 1).await;
    swap(&world, "3", RUN).await;
    finish(&world, "success").await;
    swap(&world, "4", RUN + 1).await;
    let report = rollback(&world).input("scope", "this-run").input("to", "2").run().await;
    report.assert_verdict("superseded", 5);
    assert_eq!(live(&world).await, "4");
}
