//! swap-alias with `adopt`: what another tool deployed is proved and recorded, and nothing is written to AWS.

use testbed::github::Permission;
use testbed::runner::Runner;

use super::swap;
use crate::world::World;

fn adopt(world: &World, version: &str) -> Runner {
    swap(world, "shop-api", version).input("adopt", "true")
}

#[tokio::test]
async fn what_another_tool_deployed_is_recorded_and_can_be_rolled_back() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    world.aws.clear_requests().await.unwrap();
    // Nothing is recorded: what served before is not known.
    let first = adopt(&world, "alias:live").run().await;
    first.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((first.output("version"), first.output("previous-version")), ("1", ""));
    assert!(first.summary.contains("its next apply brings this version back"), "{}", first.summary);
    assert_eq!(first.output("changed"), "false");
    assert!(world.writes().await.is_empty(), "{first}");
    assert_eq!(world.records()[0].states(), ["success"]);
    let target = &world.records()[0].payload["targets"][0];
    assert_eq!((&target["version"], &target["previous"]), (&"1".into(), &serde_json::Value::Null));

    world.aws.move_alias("shop-api", "live", "2").await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let second = adopt(&world, "2").run().await;
    second.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((second.output("version"), second.output("previous-version")), ("2", "1"));
    assert!(world.writes().await.is_empty(), "{second}");
    let again = adopt(&world, "2").run().await;
    again.assert_verdict("skipped", 0);
    assert_eq!(world.records().len(), 2, "{again}");

    let back = world.step("rollback").input("environment", "prd").input("function", "shop-api").input("scope", "any");
    let back = back.run().await;
    back.assert_verdict("pass", 0);
    assert_eq!(world.live("shop-api").await.version, "1");
}

#[tokio::test]
async fn what_is_not_there_is_not_recorded() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let elsewhere = adopt(&world, "2").run().await;
    elsewhere.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(
        elsewhere.output("reason"),
        "alias live of shop-api points to version 1, not only to 2: with `adopt` nothing is moved"
    );
    world.aws.set_weights("shop-api", "live", &[("2", 0.1)]).await.unwrap();
    adopt(&world, "1").run().await.assert_verdict("fail", 1);
    let none = adopt(&world, "1").input("alias", "blue").run().await;
    assert_eq!(none.output("reason"), "function shop-api has no alias blue: there is nothing to adopt");
    assert!(world.records().is_empty());
    for (input, value) in [("record", "off"), ("create-alias", "true"), ("expected-current", "1")] {
        adopt(&world, "1").input(input, value).run().await.assert_verdict("error", 2);
    }
}

#[tokio::test]
async fn without_the_record_there_is_nothing_to_do_and_that_is_an_error() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let denied = world.step_with("swap-alias", &[Permission::Contents.read()]).input("environment", "prd");
    let denied = denied.input("function", "shop-api").input("version", "1").input("adopt", "true").run().await;
    denied.assert_verdict("error", 4).assert_runner_safe();
    assert!(denied.error().message.contains("deployments: write"), "{denied}");
    let dry = adopt(&world, "1").input("dry-run", "true").run().await;
    dry.assert_verdict("pass", 0);
    assert!(dry.output("reason").starts_with("dry run, nothing was recorded: shop-api:live serves version 1"), "{dry}");
    assert!(world.records().is_empty());
}
