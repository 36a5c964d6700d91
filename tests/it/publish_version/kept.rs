//! What `UpdateFunctionCode` sets back when it is not sent, and what AWS refuses to take.

use serde_json::{Value, json};
use testbed::aws::zips;

use super::{assert_safe, publish, publish_zip, release, workspace, writes};
use crate::world::World;

async fn code(world: &World, qualifier: &str) -> Value {
    world.aws.function("shop-api", qualifier).await.unwrap()["Code"].clone()
}

/// Every release took the customer's key off the package.
#[tokio::test]
async fn the_customers_key_of_the_package_stays() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let key = world.key();
    world.aws.store_code("shop-api", &release(&world, 1), &json!({"SourceKMSKeyArn": key})).await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("pass", 0);
    assert_safe(&world, &report);
    for qualifier in ["$LATEST", report.output("version")] {
        assert_eq!(code(&world, qualifier).await["SourceKMSKeyArn"], key.as_str(), "{qualifier}");
    }
}

/// Lambda made a copy of its own, which counts for the account's quota, of the next release.
#[tokio::test]
async fn a_package_that_lambda_runs_from_s3_stays_there() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let bucket = world.bucket().await;
    world.aws.s3_put(&bucket, "app.zip", release(&world, 1)).await.unwrap();
    world.aws.refer_code("shop-api", &bucket, "app.zip").await.unwrap();
    let pinned = world.aws.s3_put(&bucket, "app.zip", release(&world, 2)).await.unwrap();
    let report = publish(&world, "shop-api").input("zip", format!("s3://{bucket}/app.zip")).run().await;
    report.assert_verdict("pass", 0);
    assert_safe(&world, &report);
    let object = json!({"S3Bucket": bucket, "S3Key": "app.zip", "S3ObjectVersion": pinned});
    assert_eq!(code(&world, "$LATEST").await["ResolvedS3Object"], object);

    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 3))).run().await;
    report.assert_verdict("pass", 0);
    assert!(report.warning().message.contains("keeps a copy of its own from now on"), "{report}");
    assert_eq!(code(&world, "$LATEST").await["ResolvedS3Object"], Value::Null);
}

/// It was "could not tell" (exit 4), without a word of what to do.
#[tokio::test]
async fn code_that_is_not_signed_is_a_failure_with_its_fix() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let bucket = world.bucket().await;
    let signer = format!("arn:aws:signer:eu-west-1:{}:/signing-profiles/shop/a1b2c3", world.aws.id);
    world.aws.set_configuration("shop-api", "$LATEST", &json!({"SigningProfileVersionArn": signer})).await.unwrap();
    world.aws.require_signed_code("shop-api").await.unwrap();
    let broken = zips::package(&[("index.py", b"x = 1", false), ("META-INF/signature", b"broken", false)]);
    let table = [
        (release(&world, 2), "CodeVerificationFailedException: Lambda cannot deploy the function"),
        (broken, "InvalidCodeSignatureException: The code signature failed the integrity check"),
    ];
    for (package, words) in table {
        world.aws.s3_put(&bucket, "app.zip", package.clone()).await.unwrap();
        let object = publish(&world, "shop-api").input("zip", format!("s3://{bucket}/app.zip"));
        let folder = workspace(&package);
        for step in [object, publish_zip(&world, "shop-api", &folder)] {
            let report = step.run().await;
            report.assert_verdict("fail", 1);
            assert_safe(&world, &report);
            assert!(report.output("reason").contains(words), "{report}");
            assert!(report.output("reason").contains("signed by profile shop/a1b2c3 until now"), "{report}");
            assert!(report.error().message.contains("sign the archive with AWS Signer"), "{report}");
            assert!(report.error().message.contains("zip: s3://bucket/key"), "{report}");
        }
    }
    let whole = zips::package(&[("index.py", b"x = 1", false), ("META-INF/signature", b"whole", false)]);
    world.aws.s3_put(&bucket, "app.zip", whole).await.unwrap();
    let report = publish(&world, "shop-api").input("zip", format!("s3://{bucket}/app.zip")).run().await;
    report.assert_verdict("pass", 0);
}

/// Only AWS's own hash tells that the configuration is another one.
#[tokio::test]
async fn a_configuration_that_only_aws_tells_apart_gives_a_new_version() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    world.aws.set_configuration("shop-api", "$LATEST", &json!({"ConfigSha256": "b3RoZXI="})).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let folder = workspace(&release(&world, 1));
    let planned = publish_zip(&world, "shop-api", &folder).input("dry-run", "true").run().await;
    planned.assert_verdict("pass", 0);
    assert!(planned.output("reason").contains("the code of version 1 with another configuration"), "{planned}");
    let report = publish_zip(&world, "shop-api", &folder).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(writes(&world).await, ["PublishVersion"]);
    assert_eq!(report.output("version"), "2");
    assert_eq!((report.output("code-changed"), report.output("configuration-changed")), ("false", "true"));
}

#[tokio::test]
async fn a_web_function_or_a_service_of_ecs_is_refused_with_what_to_use() {
    let world = World::new().await;
    let table = [
        ("arn:aws:lambda-web:eu-west-1:111122223333:web-function:shop", "this is a Lambda Web Function"),
        ("arn:aws:ecs:eu-west-1:111122223333:express-gateway-service/shop", "amazon-ecs-deploy-express-service"),
    ];
    for (name, words) in table {
        let report = publish(&world, name).input("zip", "app.zip").run().await;
        report.assert_verdict("error", 2).assert_runner_safe();
        assert!(report.output("reason").contains(words), "{report}");
    }
    assert!(world.operations().await.is_empty());
}
