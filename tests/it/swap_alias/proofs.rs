//! The proof of the smoke test: it must be of what is to serve.

use serde_json::json;

use super::swap;
use crate::messages::says;
use crate::world::World;

#[tokio::test]
async fn a_proof_must_be_of_what_is_to_serve() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let hash = |version: &str| {
        let (aws, version) = (world.aws.clone(), version.to_owned());
        async move {
            aws.function("shop-api", &version).await.unwrap()["Configuration"]["CodeSha256"]
                .as_str()
                .unwrap()
                .to_owned()
        }
    };
    let proof = |version: &str, hash: &str| {
        json!({"function": "shop-api", "version": version, "code-sha256": hash, "cases": 1, "run": "7"}).to_string()
    };
    let (second, third) = (hash("2").await, hash("3").await);
    for (wrong, told) in [(proof("3", &third), "version 3"), (proof("2", &third), "other code")] {
        let report = swap(&world, "shop-api", "2").input("proof", wrong).run().await;
        report.assert_verdict("fail", 1);
        assert!(report.output("reason").contains(told), "{}", report.output("reason"));
    }
    swap(&world, "shop-api", "2").input("require-proof", "true").run().await.assert_verdict("fail", 1);
    assert_eq!(world.live("shop-api").await.version, "1");
    swap(&world, "shop-api", "2")
        .input("proof", proof("2", &second))
        .input("require-proof", "true")
        .run()
        .await
        .assert_verdict("pass", 0);
}

/// AWS moves the runtime under a version that was published and tested.
#[tokio::test]
async fn a_runtime_that_moved_since_the_proof_is_said_and_refused_where_a_proof_is_required() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let tested = world.step("smoke-test").input("function", "shop-api").input("version", "2").run().await;
    tested.assert_verdict("pass", 0);
    let moved = json!({"RuntimeVersionConfig": {"RuntimeVersionArn": "arn:aws:lambda:eu-west-1::runtime:0cdcfbde"}});
    world.aws.set_configuration("shop-api", "2", &moved).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let step = || swap(&world, "shop-api", "2").input("proof", tested.output("proof"));
    let report = step().input("require-proof", "true").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(
        report.output("reason").contains("runs on another version of its runtime than when it was smoke-tested"),
        "{report}"
    );
    assert!(world.writes().await.is_empty());
    let report = step().run().await;
    report.assert_verdict("pass", 0);
    assert!(says(&report.warning().message, "other-runtime"), "{report}");
}

#[tokio::test]
async fn a_proof_of_another_configuration_is_refused() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let tested = world.step("smoke-test").input("function", "shop-api").input("version", "2").run().await;
    tested.assert_verdict("pass", 0);
    swap(&world, "shop-api", "2")
        .input("dry-run", "true")
        .input("proof", tested.output("proof"))
        .run()
        .await
        .assert_verdict("pass", 0);
    world.aws.set_configuration("shop-api", "2", &json!({"ConfigSha256": "b3RoZXI="})).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let report = swap(&world, "shop-api", "2").input("proof", tested.output("proof")).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(report.output("reason").contains("another configuration than version 2"), "{report}");
    assert!(world.writes().await.is_empty());
}
