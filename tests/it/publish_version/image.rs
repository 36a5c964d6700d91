//! Images: by digest, by tag, and those Lambda does not take.

use serde_json::{Value, json};
use testbed::aws::{Fault, FunctionSpec, Hook, ImageSpec, zips};

use super::{assert_safe, fault, publish, writes};
use crate::messages::says;
use crate::world::World;

/// An image function with its alias `live` at version 1.
async fn image_function(world: &World, name: &str) -> String {
    world.aws.create_repository("shop/api").await.unwrap();
    let spec = ImageSpec::new("shop/api").tag("v1").release("1.1.0", &world.commits[0]);
    let digest = world.aws.push_image(&spec).await.unwrap();
    world.aws.create_function(&FunctionSpec::image(name, &world.aws.image_uri("shop/api", &digest))).await.unwrap();
    let version = world.aws.publish(name, &world.commits[0]).await.unwrap();
    world.aws.create_alias(name, "live", &version).await.unwrap();
    digest
}

async fn pushed(world: &World, spec: ImageSpec) -> String {
    let digest = world.aws.push_image(&spec.release("1.2.0", &world.commits[1])).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    digest
}

#[tokio::test]
async fn an_image_is_published_by_its_digest() {
    let world = World::new().await;
    image_function(&world, "shop-api").await;
    let digest = pushed(&world, ImageSpec::new("shop/api").tag("v2")).await;
    let report = publish(&world, "shop-api").input("image", format!("shop/api@{digest}")).run().await;
    report.assert_verdict("pass", 0);
    assert_safe(&world, &report);
    assert_eq!((report.output("version"), report.output("digest")), ("2", digest.as_str()));
    assert_eq!(report.output("code-sha256"), digest.trim_start_matches("sha256:"));
    assert!(report.output("reason").contains(&digest[..19]), "{}", report.output("reason"));
    let version = world.aws.function("shop-api", "2").await.unwrap();
    assert_eq!(version["Code"]["ResolvedImageUri"], world.aws.image_uri("shop/api", &digest));
    let names = |check: &Value| check["name"].as_str().unwrap_or_default().to_owned();
    let checks: Vec<String> = report.evidence()["checks"].as_array().unwrap().iter().map(names).collect();
    assert!(checks.contains(&format!("architecture of shop/api@{}", &digest[..19])), "{checks:?}");
    assert_eq!(report.annotations.len(), 0, "nothing to warn of: {report}");
}

#[tokio::test]
async fn a_tag_is_resolved_once_and_pinned() {
    let world = World::new().await;
    image_function(&world, "shop-api").await;
    let digest = pushed(&world, ImageSpec::new("shop/api").tag("v2")).await;
    let other = ImageSpec::new("shop/api").content("other").release("1.3.0", &world.commits[2]);
    let other = world.aws.push_image(&other).await.unwrap();
    let found = json!({"repositoryName": "shop/api", "imageIds": [{"imageDigest": other}]});
    let manifest = world.aws.ecr("BatchGetImage", &found).await.unwrap()["images"][0]["imageManifest"].clone();
    let moves_the_tag = Hook {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        body: json!({"repositoryName": "shop/api", "imageManifest": manifest, "imageTag": "v2",
                     "imageManifestMediaType": "application/vnd.oci.image.manifest.v1+json"}),
        service: Some("ecr".to_owned()),
        target: Some("AmazonEC2ContainerRegistry_V20150921.PutImage".to_owned()),
        ..Hook::default()
    };
    world.aws.faults(&[Fault { after_answer: vec![moves_the_tag], ..fault("DescribeImages") }]).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let report = publish(&world, "shop-api").input("image", "shop/api:v2").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(world.aws.image_digest("shop/api", "v2").await.unwrap(), Some(other), "the tag moved meanwhile");
    assert_eq!(report.output("digest"), digest);
    let describes = world.operations().await.iter().filter(|one| *one == "ecr DescribeImages").count();
    assert_eq!(describes, 1);
}

#[tokio::test]
async fn an_image_that_cannot_run_is_refused_before_the_first_write() {
    let world = World::new().await;
    image_function(&world, "shop-api").await;
    world.aws.create_function(&FunctionSpec::zip("shop-zip", zips::python("x = 1"))).await.unwrap();
    let index = pushed(&world, ImageSpec::new("shop/api").architectures(&["amd64", "arm64"]).attestation()).await;
    let child = json!({"repositoryName": "shop/api", "imageIds": [{"imageDigest": index}]});
    let manifest = world.aws.ecr("BatchGetImage", &child).await.unwrap()["images"][0]["imageManifest"].clone();
    let manifest: Value = serde_json::from_str(manifest.as_str().unwrap()).unwrap();
    let amd64 = manifest["manifests"][0]["digest"].as_str().unwrap();
    let arm64 =
        manifest["manifests"].as_array().unwrap().iter().find(|child| child["platform"]["architecture"] == "arm64");
    let arm64 = arm64.unwrap()["digest"].as_str().unwrap();
    let absent = format!("sha256:{}", "0".repeat(64));

    let table = [
        ("shop-api", format!("shop/api@{index}"), format!("for function shop-api (x86_64) use {amd64}")),
        ("shop-api", format!("shop/api@{arm64}"), "is for linux/arm64, and function shop-api is x86_64".to_owned()),
        (
            "shop-api",
            format!("shop/api@{absent}"),
            format!("Source image shop/api@{absent} does not exist: promote it first"),
        ),
        (
            "shop-api",
            format!("shop/web@{amd64}"),
            format!("Source image shop/web@{amd64} does not exist: promote it first"),
        ),
        ("shop-api", "shop/api:v9".to_owned(), "Source image shop/api:v9 does not exist: promote it first".to_owned()),
        ("shop-zip", format!("shop/api@{amd64}"), "packed as a zip archive and `image` was given".to_owned()),
    ];
    for (function, image, words) in table {
        world.aws.clear_requests().await.unwrap();
        let report = publish(&world, function).input("image", image).run().await;
        report.assert_verdict("fail", 1);
        assert_safe(&world, &report);
        assert!(report.output("reason").contains(&words), "{} does not say {words}", report.output("reason"));
        assert!(writes(&world).await.is_empty(), "{:?}", world.operations().await);
    }
    let report = publish(&world, "shop-api").input("image", format!("shop/api@{amd64}")).run().await;
    report.assert_verdict("pass", 0);
}

#[tokio::test]
async fn the_registry_of_an_image_may_be_named() {
    let world = World::new().await;
    image_function(&world, "shop-api").await;
    let digest = pushed(&world, ImageSpec::new("shop/api")).await;
    let uri = world.aws.image_uri("shop/api", &digest);
    publish(&world, "shop-api").input("image", uri).run().await.assert_verdict("pass", 0);
    let by_account = publish(&world, "shop-api").input("image", format!("shop/api@{digest}"));
    by_account.input("registry", &world.aws.id).run().await.assert_verdict("skipped", 0);
    let elsewhere = format!("{}.dkr.ecr.us-east-1.amazonaws.com/shop/api@{digest}", world.aws.id);
    let report = publish(&world, "shop-api").input("image", elsewhere).run().await;
    report.assert_verdict("fail", 1);
}

#[tokio::test]
async fn a_check_without_permission_is_said_and_stops_nothing() {
    let world = World::new().await;
    image_function(&world, "shop-api").await;
    let digest = pushed(&world, ImageSpec::new("shop/api")).await;
    let denied = |operation| Fault {
        status: Some(400),
        code: Some("AccessDeniedException".to_owned()),
        message: Some("not authorized".to_owned()),
        ..fault(operation)
    };
    world.aws.faults(&[denied("GetDownloadUrlForLayer")]).await.unwrap();
    let report = publish(&world, "shop-api").input("image", format!("shop/api@{digest}")).run().await;
    report.assert_verdict("pass", 0);
    let warning = &report.warning().message;
    assert!(warning.contains("the architecture of shop/api@") && warning.contains("was not checked"), "{warning}");
    assert!(warning.contains("allow ecr:GetDownloadUrlForLayer"), "{warning}");
}

#[tokio::test]
async fn lambda_that_may_not_read_the_image_is_told_apart_from_us() {
    let world = World::new().await;
    image_function(&world, "shop-api").await;
    let digest = pushed(&world, ImageSpec::new("shop/api")).await;
    let refusal = Fault {
        status: Some(403),
        code: Some("AccessDeniedException".to_owned()),
        message: Some("Lambda does not have permission to access the ECR image. Check the ECR permissions.".to_owned()),
        ..fault("UpdateFunctionCode")
    };
    world.aws.faults(&[refusal]).await.unwrap();
    let report = publish(&world, "shop-api").input("image", format!("shop/api@{digest}")).run().await;
    report.assert_verdict("error", 4);
    let message = &report.error().message;
    assert!(
        message.contains("let Lambda read the repository") && !message.contains("allow lambda:UpdateFunctionCode"),
        "{message}"
    );
}

#[tokio::test]
async fn an_image_that_lambda_does_not_see_yet_is_asked_for_again() {
    let world = World::new().await;
    image_function(&world, "shop-api").await;
    let digest = pushed(&world, ImageSpec::new("shop/api")).await;
    let not_yet = |times: u32| Fault {
        status: Some(400),
        code: Some("InvalidParameterValueException".to_owned()),
        message: Some(format!("Source image shop/api@{digest} does not exist. Provide a valid source image.")),
        times,
        ..fault("UpdateFunctionCode")
    };
    let publish = || publish(&world, "shop-api").input("image", format!("shop/api@{digest}"));
    world.aws.faults(&[not_yet(2)]).await.unwrap();
    let report = publish().run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(report.output("version"), "2");

    let other = pushed(&world, ImageSpec::new("shop/api").content("other")).await;
    world.aws.faults(&[not_yet(u32::MAX)]).await.unwrap();
    let report = publish().input("image", format!("shop/api@{other}")).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    let reason = report.output("reason");
    assert!(says(reason, "lambda-finds-no-image") && reason.contains("has just read"), "{reason}");
    let message = &report.error().message;
    assert!(message.contains("run this step again") && !says(message, "source-image-missing"), "{message}");
    assert_eq!(report.output("changed"), "false");
}
