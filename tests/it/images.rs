//! Image functions from publish-version to rollback: the digest in the outputs, the record, the summary and the verdict.

use serde_json::{Value, json};
use testbed::aws::{FunctionSpec, ImageSpec};
use testbed::runner::Report;

use crate::messages::says;
use crate::world::{RUN, World};

/// An image of the shop in the account's own repository.
async fn image(world: &World, version: &str, commit: &str, behaviour: &str) -> String {
    let spec = ImageSpec::new("shop/api").release(version, commit).behaviour(behaviour);
    world.aws.push_image(&spec).await.unwrap()
}

/// A function that serves the first image, and the digests of three releases.
async fn shop(world: &World) -> Vec<String> {
    world.aws.create_repository("shop/api").await.unwrap();
    let mut digests = Vec::new();
    for (number, behaviour) in [(0, "- do: ok"), (1, "- do: ok"), (2, "- {when: {env: {STAGE: prd}}, do: status 500}")]
    {
        digests.push(image(world, &format!("1.{number}.0"), &world.commits[number], behaviour).await);
    }
    let uri = world.aws.image_uri("shop/api", &digests[0]);
    world.aws.create_function(&FunctionSpec::image("shop-api", &uri).env("STAGE", "prd")).await.unwrap();
    let version = world.aws.publish("shop-api", &world.commits[0]).await.unwrap();
    world.aws.create_alias("shop-api", "live", &version).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    digests
}

async fn publish(world: &World, digest: &str, commit: &str) -> Report {
    world
        .step("publish-version")
        .sha(commit)
        .input("function", "shop-api")
        .input("image", format!("shop/api@{digest}"))
        .run()
        .await
}

async fn swap(world: &World, version: &str) -> Report {
    world
        .step("swap-alias")
        .input("environment", "prd")
        .input("function", "shop-api")
        .input("version", version)
        .run()
        .await
}

fn evidence_holds(report: &Report, digest: &str) {
    assert!(report.summary.contains(digest), "{}", report.summary);
    assert!(report.evidence().to_string().contains(digest), "{}", report.evidence());
    assert!(report.output("serving").contains(digest), "{}", report.output("serving"));
}

#[tokio::test]
async fn a_digest_is_carried_from_the_registry_to_the_users_and_back() {
    let world = World::new().await;
    let digests = shop(&world).await;

    let published = publish(&world, &digests[1], &world.commits[1]).await;
    published.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&world.aws.id);
    assert_eq!((published.output("version"), published.output("digest")), ("2", digests[1].as_str()));
    assert!(published.output("reason").contains(&digests[1][..19]), "{}", published.output("reason"));

    let tested = world.step("smoke-test").input("function", "shop-api").input("version", "2").run().await;
    tested.assert_verdict("pass", 0).assert_runner_safe();
    let proof: Value = serde_json::from_str(tested.output("proof")).unwrap();
    assert_eq!(
        proof["code-sha256"],
        json!(digests[1].trim_start_matches("sha256:")),
        "the hash of an image function is its digest"
    );

    let swapped = swap(&world, "2").await;
    swapped.assert_verdict("pass", 0).assert_runner_safe();
    evidence_holds(&swapped, &digests[1]);
    let target = &world.records()[0].payload["targets"][0];
    assert_eq!((&target["digest"], &target["previous"]["digest"]), (&json!(digests[1]), &json!(digests[0])));
    let state: Value = serde_json::from_str(swapped.output("state")).unwrap();
    assert_eq!(state["targets"][0]["previous"]["digest"], json!(digests[0]));

    let back = world.step("rollback").input("environment", "prd").input("function", "shop-api").run().await;
    back.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(back.output("digest"), digests[0]);
    evidence_holds(&back, &digests[0]);
    assert_eq!(world.live("shop-api").await.version, "1");
}

#[tokio::test]
async fn a_digest_names_the_version_to_go_back_to() {
    let world = World::new().await;
    let digests = shop(&world).await;
    for number in [1, 2] {
        publish(&world, &digests[number], &world.commits[number]).await.assert_verdict("pass", 0);
        swap(&world, &(number + 1).to_string()).await.assert_verdict("pass", 0);
    }
    for (digest, version) in [(&digests[1], "2"), (&digests[0], "1")] {
        let back = world
            .step("rollback")
            .input("environment", "prd")
            .input("function", "shop-api")
            .input("to", digest.as_str())
            .run()
            .await;
        back.assert_verdict("pass", 0);
        assert_eq!(
            (world.live("shop-api").await.version.as_str(), back.output("target-source")),
            (version, "explicit")
        );
    }
}

#[tokio::test]
async fn an_image_that_is_gone_is_refused_for_publishing_and_warned_of_for_a_rollback() {
    let world = World::new().await;
    let digests = shop(&world).await;
    publish(&world, &digests[1], &world.commits[1]).await.assert_verdict("pass", 0);
    swap(&world, "2").await.assert_verdict("pass", 0);
    let ids: Vec<Value> = [&digests[0], &digests[2]].iter().map(|digest| json!({"imageDigest": digest})).collect();
    world.aws.ecr("BatchDeleteImage", &json!({"repositoryName": "shop/api", "imageIds": ids})).await.unwrap();
    world.aws.clear_requests().await.unwrap();

    let published = publish(&world, &digests[2], &world.commits[2]).await;
    published.assert_verdict("fail", 1).assert_runner_safe();
    assert!(published.error().message.contains("does not exist"), "{}", published.error().message);
    assert!(world.writes().await.iter().all(|write| !write.starts_with("lambda")), "{:?}", world.writes().await);

    let back = world.step("rollback").input("environment", "prd").input("function", "shop-api").run_id(RUN).run().await;
    back.assert_verdict("pass", 0).assert_runner_safe();
    assert!(says(&back.warning().message, "image-gone"), "{}", back.warning().message);
}

#[tokio::test]
async fn a_version_whose_image_lambda_lost_is_not_gone_back_to() {
    let world = World::new().await;
    let digests = shop(&world).await;
    publish(&world, &digests[1], &world.commits[1]).await.assert_verdict("pass", 0);
    swap(&world, "2").await.assert_verdict("pass", 0);
    let lost = json!({"State": "Failed", "StateReason": "the image was deleted", "StateReasonCode": "ImageDeleted"});
    world.aws.set_configuration("shop-api", "1", &lost).await.unwrap();
    let back = world.step("rollback").input("environment", "prd").input("function", "shop-api").run().await;
    back.assert_verdict("fail", 1).assert_runner_safe();
    assert!(back.output("reason").contains("ImageDeleted"), "{}", back.output("reason"));
    assert_eq!(world.live("shop-api").await.version, "2");
}
