//! `traffic` for each function, callers that name a version, and `adopt` of what another tool put into `$LATEST`.

use serde_json::json;
use testbed::aws::{Code, FunctionSpec};
use testbed::runner::Runner;

use super::{answers, publish, publish_zip, release, workspace, writes};
use crate::world::World;

/// A function that users call without an alias, and that was never published.
async fn unqualified(world: &World, name: &str) {
    world.aws.create_function(&FunctionSpec::zip(name, release(world, 1))).await.unwrap();
}

#[tokio::test]
async fn each_function_has_its_own_kind_of_traffic() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    unqualified(&world, "shop-worker").await;
    unqualified(&world, "shop-edge").await;
    let folder = workspace(&release(&world, 2));
    let traffic = "shop-api=alias\nshop-worker=latest\nshop-edge=version";
    let report = publish_zip(&world, "shop-api\nshop-worker\nshop-edge", &folder).input("traffic", traffic).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(report.output("versions"), "shop-api=2\nshop-worker=2\nshop-edge=1");
    let serving = report.output("serving");
    assert!(
        serving.starts_with("shop-api:live -> version 1") && serving.contains("shop-worker:$LATEST -> "),
        "{serving}"
    );
    assert!(!serving.contains("shop-edge"), "what callers name is not known: {serving}");
    let reason = report.output("reason");
    assert!(reason.ends_with("callers get it once they name it"), "{reason}");
    assert!(!report.raw.contains("shop-edge has no alias"), "{report}");
    let targets = world.records()[0].payload["targets"].clone();
    assert_eq!(targets.as_array().unwrap().len(), 1, "only what changed what serves is recorded: {targets}");
    assert_eq!(targets[0]["function"], "shop-worker");

    for (traffic, why) in [
        ("shop-api=alias", "input `traffic` has no line for function shop-worker"),
        ("sometimes", "must be one of alias, latest, version"),
    ] {
        let wrong = publish_zip(&world, "shop-api\nshop-worker", &folder).input("traffic", traffic).run().await;
        wrong.assert_verdict("error", 2);
        assert!(wrong.raw.contains(why), "{wrong}");
    }
}

#[tokio::test]
async fn a_failure_puts_back_what_serves_and_leaves_the_others() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    unqualified(&world, "shop-worker").await;
    world.aws.create_function(&FunctionSpec::zip("shop-edge", release(&world, 1))).await.unwrap();
    let failure = json!({"reason": "No.", "code": "InternalError", "function": "shop-edge"});
    let settings = testbed::aws::Settings { next_update_failure: Some(failure), ..Default::default() };
    world.aws.settings(&settings).await.unwrap();
    let report = publish_zip(&world, "shop-worker\nshop-edge", &workspace(&release(&world, 2)))
        .input("traffic", "shop-worker=latest\nshop-edge=version")
        .run()
        .await;
    report.assert_verdict("fail", 1);
    assert_eq!(answers(&world, "shop-worker", "$LATEST").await.0, "1.1.0", "{report}");
    assert_eq!(world.records()[0].states().last(), Some(&"failure"));
}

fn adopt(world: &World) -> Runner {
    publish(world, "shop-api").input("traffic", "latest").input("adopt", "true")
}

#[tokio::test]
async fn what_another_tool_put_there_is_recorded_and_nothing_is_written() {
    let world = World::new().await;
    unqualified(&world, "shop-api").await;
    world.aws.clear_requests().await.unwrap();
    let first = adopt(&world).run().await;
    first.assert_verdict("pass", 0).assert_runner_safe();
    assert!(writes(&world).await.is_empty(), "{first}");
    assert!(first.output("serving").starts_with("shop-api:$LATEST"), "{first}");
    assert!(first.summary.contains("its next apply brings this version back"), "{}", first.summary);
    let target = &world.records()[0].payload["targets"][0];
    assert_eq!((&target["kind"], &target["previous"]), (&json!("lambda-latest"), &json!(null)));
    assert_eq!(target["code_sha256"], first.output("code-sha256"));

    world.aws.update_code("shop-api", &Code::Zip(release(&world, 2))).await.unwrap();
    let second = adopt(&world).run().await;
    second.assert_verdict("pass", 0);
    let previous = &world.records()[1].payload["targets"][0]["previous"];
    assert_eq!(previous["code_sha256"], first.output("code-sha256"), "what the newest record says: {previous}");
    adopt(&world).run().await.assert_verdict("skipped", 0);
    assert_eq!(world.records().len(), 2);

    // With an archive it must be that one.
    let folder = workspace(&release(&world, 3));
    let other = adopt(&world).workspace(folder.path()).input("zip", "dist/app.zip").run().await;
    other.assert_verdict("fail", 1).assert_runner_safe();
    assert!(other.output("reason").ends_with("with `adopt` nothing is put there"), "{other}");
    for (input, value) in [("traffic", "alias"), ("record", "off"), ("environment", "")] {
        adopt(&world).input(input, value).run().await.assert_verdict("error", 2);
    }
}
