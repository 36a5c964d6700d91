//! An alias with provisioned concurrency goes back when AWS has made the environments of the version before, and not earlier.

use testbed::runner::Report;

use super::{released, rollback, swap};
use crate::world::{RUN, World};

/// Version 2 succeeded and this run put 3 in its place, on an alias with provisioned concurrency.
async fn world() -> World {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    world.aws.provision("shop-api", "live", 2).await.unwrap();
    released(&world, "2", 1).await;
    swap(&world, "3", RUN).await;
    world.aws.clear_requests().await.unwrap();
    world
}

async fn live(world: &World) -> (String, usize) {
    let live = world.live("shop-api").await;
    (live.version, live.weights.len())
}

fn reason(report: &Report) -> &str {
    report.output("reason")
}

#[tokio::test]
async fn the_version_before_is_waited_for_and_only_then_it_serves() {
    let world = world().await;
    world.allocation(600.0, None).await;
    let running = rollback(&world).start().await;
    let report = world.allocated(running, "IN_PROGRESS, 0 of 2 ready; version 3 serves until then").await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(live(&world).await, ("2".to_owned(), 0));
    assert_eq!((report.output("version"), report.output("previous-version")), ("2", "3"));
    assert_eq!(world.writes().await, ["lambda UpdateAlias"]);
    rollback(&world).run().await.assert_verdict("skipped", 0);
}

#[tokio::test]
async fn environments_that_cannot_be_made_leave_the_bad_version_serving() {
    let world = world().await;
    world.allocation(0.3, Some("no capacity")).await;
    let report = rollback(&world).run().await;
    report.assert_verdict("fail", 3).assert_runner_safe();
    assert!(reason(&report).contains("for version 2: no capacity; what was to be replaced still serves"), "{report}");
    assert!(report.error().message.contains("delete-provisioned-concurrency-config"), "{report}");
    assert!(report.output("serving").starts_with("shop-api:live -> version 3 ("), "{}", report.output("serving"));
    assert_eq!(world.records().last().unwrap().states().last(), Some(&"failure"));
}

#[tokio::test]
async fn a_swap_that_has_not_arrived_is_taken_back() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    world.aws.provision("shop-api", "live", 2).await.unwrap();
    released(&world, "2", 1).await;
    world.allocation(600.0, None).await;
    let mut running = world.step("swap-alias").input("environment", "prd").input("function", "shop-api");
    running = running.input("version", "3").run_id(RUN);
    let mut running = running.start().await;
    running.wait_for("version 2 serves until then").await;
    running.kill();
    running.wait().await;
    let report = rollback(&world).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(live(&world).await, ("2".to_owned(), 0));
    assert_eq!(report.output("version"), "2");
}

#[tokio::test]
async fn a_rollback_that_was_killed_while_it_waited_goes_on() {
    let world = world().await;
    world.allocation(600.0, None).await;
    let mut running = rollback(&world).start().await;
    running.wait_for("version 3 serves until then").await;
    running.kill();
    running.wait().await;
    let report = world.allocated(rollback(&world).start().await, "version 3 serves until then").await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(live(&world).await, ("2".to_owned(), 0));
}
