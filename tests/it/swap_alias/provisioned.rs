//! An alias with provisioned concurrency: AWS keeps its traffic on the version it left until the new one is ready.

use serde_json::{Value, json};
use testbed::runner::Runner;

use super::swap;
use crate::messages::message;
use crate::world::World;

/// Functions whose alias has provisioned concurrency at version 1.
async fn world(names: &[&str]) -> World {
    let world = World::new().await;
    for name in names {
        world.shop(name, 3).await;
        world.aws.provision(name, "live", 2).await.unwrap();
    }
    world.aws.clear_requests().await.unwrap();
    world
}

fn both(world: &World) -> Runner {
    world.step("swap-alias").input("environment", "prd").input("versions", "shop-api=2\nshop-web=2")
}

/// It was `superseded`: AWS's own weight was taken for somebody else's.
#[tokio::test]
async fn the_new_version_is_waited_for_until_aws_gives_it_the_traffic() {
    let world = world(&["shop-api"]).await;
    world.allocation(600.0, None).await;
    let running = swap(&world, "shop-api", "2").start().await;
    let report = world.allocated(running, "IN_PROGRESS, 0 of 2 ready; version 1 serves until then").await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let live = world.live("shop-api").await;
    assert_eq!((live.version.as_str(), live.weights.len()), ("2", 0));
    assert_eq!(world.aws.provisioned("shop-api", "live").await.unwrap(), "READY");
    assert_eq!(report.output("previous-version"), "1");
    assert_eq!(world.writes().await, ["lambda UpdateAlias"]);
    assert_eq!(world.records()[0].states(), ["success"]);
    swap(&world, "shop-api", "2").run().await.assert_verdict("skipped", 0);
}

#[tokio::test]
async fn environments_that_cannot_be_made_are_a_failure_and_the_version_before_is_put_back() {
    let world = world(&["shop-api"]).await;
    world.allocation(0.5, Some("FUNCTION_ERROR_INIT_FAILURE")).await;
    let report = swap(&world, "shop-api", "2").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    let reason = report.output("reason");
    assert!(
        reason.starts_with(&message(
            "provisioned-failed",
            &["shop-api", "live", "2", "FUNCTION_ERROR_INIT_FAILURE; shop-api was put back to version 1"]
        )),
        "{reason}"
    );
    let live = world.live("shop-api").await;
    assert_eq!((live.version.as_str(), live.weights.len()), ("1", 0));
    assert!(report.output("serving").starts_with("shop-api:live -> version 1 ("), "{report}");
    assert_eq!(world.records()[0].states(), ["failure"]);
}

#[tokio::test]
async fn of_several_functions_all_arrive_or_none() {
    let world = world(&["shop-api"]).await;
    world.shop("shop-web", 2).await;
    world.allocation(0.5, Some("no capacity")).await;
    let report = both(&world).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    for name in ["shop-api", "shop-web"] {
        let live = world.live(name).await;
        assert_eq!((live.version.as_str(), live.weights.len()), ("1", 0), "{name}: {report}");
        assert!(report.output("reason").contains(&format!("{name} was put back to version 1")), "{report}");
    }
    world.allocation(1.0, None).await;
    both(&world).run().await.assert_verdict("pass", 0);
    for name in ["shop-api", "shop-web"] {
        assert_eq!((world.live(name).await.version.as_str(), world.live(name).await.weights.len()), ("2", 0));
    }
}

#[tokio::test]
async fn what_is_not_ready_in_time_is_an_error_and_put_back() {
    let world = world(&["shop-api"]).await;
    world.allocation(600.0, None).await;
    let report = swap(&world, "shop-api", "2").input("timeout", "12s").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    let reason = report.output("reason");
    assert!(reason.contains("for the provisioned concurrency of shop-api:live for version 2: IN_PROGRESS"), "{reason}");
    assert!(reason.contains("shop-api was put back to version 1"), "{reason}");
    assert!(report.error().message.contains("raise the input `timeout`"), "{report}");
    assert_eq!((world.live("shop-api").await.version.as_str(), world.live("shop-api").await.weights.len()), ("1", 0));
}

#[tokio::test]
async fn a_run_that_was_killed_while_it_waited_is_continued_without_a_second_write() {
    let world = world(&["shop-api"]).await;
    world.allocation(600.0, None).await;
    let mut running = swap(&world, "shop-api", "2").start().await;
    running.wait_for("version 1 serves until then").await;
    running.kill();
    running.wait().await;
    world.aws.clear_requests().await.unwrap();
    let report = world.allocated(swap(&world, "shop-api", "2").start().await, "version 1 serves until then").await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(world.writes().await.is_empty(), "{:?}", world.writes().await);
    assert_eq!((report.output("previous-version"), report.output("changed")), ("1", "true"), "what users got");
    let records = world.records();
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0].states().last(), Some(&"success"));
}

#[tokio::test]
async fn somebody_elses_canary_is_not_taken_for_an_arrival() {
    let world = world(&["shop-api"]).await;
    world.allocation(600.0, None).await;
    let running = swap(&world, "shop-api", "2").start().await;
    running.wait_for("version 1 serves until then").await;
    let body = json!({"FunctionVersion": "2", "RoutingConfig": {"AdditionalVersionWeights": {"3": 0.1}}});
    world.aws.update_alias("shop-api", "live", &body).await.unwrap();
    let report = running.wait().await;
    report.assert_verdict("superseded", 5).assert_runner_safe();
    assert_eq!(world.live("shop-api").await.weights.get("3"), Some(&0.1), "{report}");
}

/// `previous` was the version the alias pointed to, which never had any traffic.
#[tokio::test]
async fn a_weight_of_1_names_what_served_before() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let body = json!({"FunctionVersion": "2", "RoutingConfig": {"AdditionalVersionWeights": {"1": 1.0}}});
    world.aws.update_alias("shop-api", "live", &body).await.unwrap();
    let report = swap(&world, "shop-api", "3").input("expected-current", "1").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((report.output("version"), report.output("previous-version")), ("3", "1"));
    let state: Value = serde_json::from_str(report.output("state")).unwrap();
    let previous = &state["targets"][0]["previous"];
    assert_eq!((&previous["version"], &previous["weights"]), (&json!("1"), &json!({})));
    let code = world.aws.function("shop-api", "1").await.unwrap()["Configuration"]["CodeSha256"].clone();
    assert_eq!(previous["code_sha256"], code);
    assert!(report.log.iter().any(|line| line.contains("--function-version 1 --routing-config")), "{report}");
}

#[tokio::test]
async fn a_status_that_nobody_knows_is_an_error_and_not_ready() {
    let world = world(&["shop-api"]).await;
    world.aws.set_provisioned("shop-api", "live", &json!({"Status": "THAWING"})).await.unwrap();
    let report = swap(&world, "shop-api", "2").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.output("reason").contains("is THAWING, which this release does not know"), "{report}");
    assert!(world.writes().await.is_empty());
}
