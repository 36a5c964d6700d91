//! publish-version: acceptance 3.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::aws::sample::{GOOD, http_event, sample_zip};
use testbed::aws::{Fault, FunctionSpec, Hook, ImageSpec, Request, Settings, zips};
use testbed::runner::{Report, Runner};

use crate::world::World;

/// The package of a release: its version and commit are what `/health` answers.
fn release(world: &World, number: usize) -> Vec<u8> {
    sample_zip(&format!("1.{number}.0"), &world.commits[number - 1], GOOD)
}

/// A workspace that holds this package as `dist/app.zip`.
fn workspace(package: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "app.zip", package);
    folder
}

fn put(workspace: &Path, name: &str, package: &[u8]) {
    std::fs::create_dir_all(workspace.join("dist")).unwrap();
    std::fs::write(workspace.join("dist").join(name), package).unwrap();
}

fn publish(world: &World, function: &str) -> Runner {
    world.step("publish-version").input("environment", "prd").input("function", function)
}

fn publish_zip(world: &World, function: &str, workspace: &tempfile::TempDir) -> Runner {
    publish(world, function).workspace(workspace.path()).input("zip", "dist/app.zip")
}

fn fault(operation: &str) -> Fault {
    Fault { operation: Some(operation.to_owned()), ..Fault::default() }
}

/// What somebody else does to the function's code.
fn other_code(function: &str) -> Hook {
    use base64::Engine as _;
    let package = zips::python("def handler(event, context): return 'somebody else'");
    let package = base64::engine::general_purpose::STANDARD.encode(package);
    Hook {
        method: "PUT".to_owned(),
        path: format!("/2015-03-31/functions/{function}/code"),
        body: json!({"ZipFile": package}),
        service: Some("lambda".to_owned()),
        target: None,
    }
}

/// What somebody else does to the function's configuration.
fn other_configuration(function: &str) -> Hook {
    Hook {
        path: format!("/2015-03-31/functions/{function}/configuration"),
        body: json!({"Timeout": 29}),
        ..other_code(function)
    }
}

async fn slow(world: &World, seconds: f64) {
    world.aws.settings(&Settings { update_delay: Some(seconds), ..Settings::default() }).await.unwrap();
}

/// The writes: calls that change a function. `UpdateFunctionCode` with `DryRun` is a question.
async fn writes(world: &World) -> Vec<String> {
    let all: Vec<Request> = world.aws.requests().await.unwrap();
    let is_write = |request: &&Request| {
        request.service == "lambda"
            && !request.by_rule
            && !request.body.contains("\"DryRun\":true")
            && ["Update", "Publish", "Create"].iter().any(|verb| request.operation.starts_with(verb))
    };
    all.iter().filter(is_write).map(|request| request.operation.clone()).collect()
}

/// The version the sample answers with, and the number of the version that answered.
async fn answers(world: &World, function: &str, qualifier: &str) -> (String, String) {
    let invocation = world.aws.invoke(function, qualifier, &http_event("/health")).await.unwrap();
    let body: Value = serde_json::from_str(invocation.payload["body"].as_str().unwrap_or("{}")).unwrap();
    (body["version"].as_str().unwrap_or_default().to_owned(), invocation.executed_version)
}

/// A bucket named after its account, as many are. All accounts share the names.
async fn bucket(world: &World) -> String {
    let name = format!("artifacts-{}", world.aws.id);
    world.aws.create_bucket(&name).await.unwrap();
    name
}

fn assert_safe(world: &World, report: &Report) {
    report.assert_runner_safe().assert_no_secret(&world.aws.id);
}

#[tokio::test]
async fn a_zip_becomes_a_version_that_nobody_meets_yet() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let workspace = workspace(&release(&world, 2));
    let report = publish_zip(&world, "shop-api", &workspace).input("description", "v1.2.0\nfrom CI").run().await;
    report.assert_verdict("pass", 0);
    assert_safe(&world, &report);

    let commit = world.commits.last().unwrap();
    let hash = report.output("code-sha256").to_owned();
    assert_eq!(
        report.output("reason"),
        format!("published version 2 of shop-api (commit {}, code {hash}): live still serves 1", &commit[..7])
    );
    assert_eq!((report.output("version"), report.output("versions")), ("2", "shop-api=2"));
    assert_eq!((report.output("changed"), report.output("previous-version")), ("true", "1"));
    assert_eq!((report.output("code-changed"), report.output("configuration-changed")), ("true", "false"));
    assert_eq!(report.output("digest"), "");
    let serving = report.output("serving");
    assert!(serving.starts_with("shop-api:live -> version 1 (commit "), "{serving}");
    let version = &world.aws.function("shop-api", "2").await.unwrap()["Configuration"];
    assert_eq!(version["Description"], format!("{commit} v1.2.0 from CI"));
    assert_eq!(version["CodeSha256"], hash);
    assert_eq!(answers(&world, "shop-api", "live").await, ("1.1.0".to_owned(), "1".to_owned()));
    assert_eq!(answers(&world, "shop-api", "2").await.0, "1.2.0");
}

#[tokio::test]
async fn the_requests_of_a_normal_run_are_few_and_in_order() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let workspace = workspace(&release(&world, 2));
    publish_zip(&world, "shop-api", &workspace).run().await.assert_verdict("pass", 0);
    let operations = world.operations().await;
    let [.., alias, version] = operations.as_slice() else { panic!("{operations:?}") };
    assert_eq!(
        (alias.as_str(), version.as_str()),
        ("lambda GetAlias", "lambda GetFunction"),
        "what serves is read last"
    );
    assert_eq!(writes(&world).await, ["UpdateFunctionCode", "PublishVersion"]);
    let publish =
        world.aws.requests().await.unwrap().into_iter().find(|one| one.operation == "PublishVersion").unwrap();
    let body: Value = serde_json::from_str(&publish.body).unwrap();
    assert!(body["CodeSha256"].is_string() && body["RevisionId"].is_string(), "{body}");
    assert!(operations.len() <= 14, "{operations:?}");
}

#[tokio::test]
async fn the_old_code_answers_until_the_update_has_succeeded() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    slow(&world, 1.5).await;
    let workspace = workspace(&release(&world, 2));
    let running = publish_zip(&world, "shop-api", &workspace).start().await;
    running.wait_for("LastUpdateStatus is InProgress").await;
    assert_eq!(answers(&world, "shop-api", "$LATEST").await.0, "1.1.0");
    assert_eq!(answers(&world, "shop-api", "live").await.0, "1.1.0");
    assert_eq!(
        world.aws.versions("shop-api").await.unwrap(),
        ["1"],
        "nothing is published before the update succeeded"
    );
    let report = running.wait().await;
    report.assert_verdict("pass", 0);
    assert!(report.duration >= Duration::from_millis(1500), "{:?}", report.duration);
    assert_eq!(answers(&world, "shop-api", "2").await.0, "1.2.0");
}

#[tokio::test]
async fn a_second_deployer_in_between_supersedes_us() {
    for delay in [0.0, 0.4] {
        let world = World::new().await;
        world.shop("shop-api", 1).await;
        slow(&world, delay).await;
        let hook = Fault { before: vec![other_code("shop-api")], ..fault("PublishVersion") };
        world.aws.faults(&[hook]).await.unwrap();
        let workspace = workspace(&release(&world, 2));
        let report = publish_zip(&world, "shop-api", &workspace).run().await;
        report.assert_verdict("superseded", 5);
        assert_safe(&world, &report);
        let reason = report.output("reason");
        assert!(reason.starts_with("somebody else updated the function shop-api before it was published"), "{reason}");
        assert_eq!(world.aws.versions("shop-api").await.unwrap(), ["1"], "neither code was published");
        assert_eq!(report.output("version"), "");
        assert_eq!(report.output("versions"), "");
    }
}

#[tokio::test]
async fn a_second_deployer_right_after_our_update_supersedes_us() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    // The function is read three times before the update; then it is looked at until the update has succeeded.
    let hook = Fault { before: vec![other_code("shop-api")], after: 3, ..fault("GetFunction") };
    slow(&world, 0.0).await;
    world.aws.faults(&[hook]).await.unwrap();
    let workspace = workspace(&release(&world, 2));
    let report = publish_zip(&world, "shop-api", &workspace).run().await;
    report.assert_verdict("superseded", 5);
    assert_eq!(writes(&world).await, ["UpdateFunctionCode"], "nothing is written after that was seen");
    assert_eq!(world.aws.versions("shop-api").await.unwrap(), ["1"]);
}

#[tokio::test]
async fn a_configuration_changed_beside_us_gives_a_new_version() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    world.aws.update_configuration("shop-api", &json!({"Timeout": 17})).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let workspace = workspace(&release(&world, 1));
    let report = publish_zip(&world, "shop-api", &workspace).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(writes(&world).await, ["PublishVersion"], "the code is there already");
    assert_eq!((report.output("version"), report.output("changed")), ("2", "true"));
    assert_eq!((report.output("code-changed"), report.output("configuration-changed")), ("false", "true"));
    let reason = report.output("reason");
    assert!(reason.contains("(the code of version 1 with another configuration; commit "), "{reason}");
}

#[tokio::test]
async fn a_configuration_that_changes_while_we_publish_goes_along() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    slow(&world, 0.4).await;
    let hook = Fault { before: vec![other_configuration("shop-api")], ..fault("PublishVersion") };
    world.aws.faults(&[hook]).await.unwrap();
    let workspace = workspace(&release(&world, 2));
    let report = publish_zip(&world, "shop-api", &workspace).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(world.aws.function("shop-api", "2").await.unwrap()["Configuration"]["Timeout"], 29);
}

#[tokio::test]
async fn nothing_changed_is_skipped_with_the_same_version() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let workspace = workspace(&release(&world, 2));
    publish_zip(&world, "shop-api", &workspace).run().await.assert_verdict("pass", 0);
    world.aws.clear_requests().await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace).run().await;
    report.assert_verdict("skipped", 0);
    assert_safe(&world, &report);
    assert_eq!((report.output("version"), report.output("versions")), ("2", "shop-api=2"));
    assert_eq!(report.output("changed"), "false");
    assert_eq!((report.output("code-changed"), report.output("configuration-changed")), ("false", "false"));
    assert_eq!(writes(&world).await, ["PublishVersion"], "AWS alone can tell");
    assert_eq!(world.aws.versions("shop-api").await.unwrap(), ["1", "2"]);
    assert_eq!(report.evidence()["writes"][0]["answer"], "unchanged");
}

#[tokio::test]
async fn a_zip_that_cannot_run_is_refused_before_the_first_write() {
    let world = World::new().await;
    for (name, architecture) in [("tool-x86", "x86_64"), ("tool-arm", "arm64")] {
        let spec = FunctionSpec::zip(name, zips::bootstrap("first"))
            .runtime("provided.al2023", "bootstrap")
            .architecture(architecture);
        world.aws.create_function(&spec).await.unwrap();
    }
    let script = b"#!/bin/sh\n";
    let table: [(&str, Vec<u8>, &str); 6] = [
        ("tool-x86", zips::python("x = 1"), "has no `bootstrap` at its top level"),
        ("tool-x86", zips::package(&[("app/bootstrap", script, true)]), "there is one at app/bootstrap"),
        ("tool-x86", zips::package(&[("bootstrap", script, false)]), "may not be executed"),
        ("tool-x86", zips::elf_stub("arm64"), "is for arm64, and function tool-x86 is x86_64"),
        ("tool-arm", zips::elf_stub("x86_64"), "is for x86_64, and function tool-arm is arm64"),
        ("tool-x86", b"not a zip".to_vec(), "it is no readable zip archive"),
    ];
    for (function, package, words) in table {
        world.aws.clear_requests().await.unwrap();
        let report = publish_zip(&world, function, &workspace(&package)).run().await;
        report.assert_verdict("fail", 1);
        assert_safe(&world, &report);
        assert!(report.output("reason").contains(words), "{} does not say {words}", report.output("reason"));
        assert!(writes(&world).await.is_empty(), "{:?}", world.operations().await);
    }
    let report = publish_zip(&world, "tool-arm", &workspace(&zips::elf_stub("arm64"))).run().await;
    report.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a_zip_too_large_to_be_sent_is_to_be_put_into_s3() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let workspace = workspace(b"");
    std::fs::File::create(workspace.path().join("dist/app.zip")).unwrap().set_len(51 * 1024 * 1024).unwrap();
    let report = publish_zip(&world, "shop-api", &workspace).run().await;
    report.assert_verdict("fail", 1);
    assert_eq!(report.output("reason"), "zip dist/app.zip is 51 MB, and Lambda takes 50 MB directly");
    assert!(report.error().message.contains("put it in S3, and give `zip: s3://bucket/key`"), "{report}");
    assert!(writes(&world).await.is_empty());
}

#[tokio::test]
async fn what_is_not_there_is_refused_before_the_first_write() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let bucket = bucket(&world).await;
    let none = tempfile::tempdir().unwrap();
    let table = [
        (publish(&world, "shop-web").input("zip", "dist/app.zip"), "function shop-web does not exist in eu-west-1"),
        (publish(&world, "shop-api").input("zip", "dist/app.zip"), "zip dist/app.zip does not exist in the workspace"),
        (
            publish(&world, "shop-api").input("zip", format!("s3://{bucket}/app.zip")),
            "zip s3://artifacts-*/app.zip does not exist",
        ),
    ];
    for (runner, words) in table {
        let report = runner.workspace(none.path()).run().await;
        report.assert_verdict("fail", 1);
        assert!(report.output("reason").starts_with(words), "{}", report.output("reason"));
        assert!(writes(&world).await.is_empty());
    }
}

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
    assert!(checks.contains(&format!("architecture of shop/api@{digest}")), "{checks:?}");
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
async fn an_update_in_progress_is_waited_for() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    slow(&world, 1.0).await;
    let hook = other_configuration("shop-api");
    world.aws.lambda("PUT", &hook.path, &hook.body).await.unwrap().ok().unwrap();
    let workspace = workspace(&release(&world, 2));
    let report = publish_zip(&world, "shop-api", &workspace).run().await;
    report.assert_verdict("pass", 0);
    assert!(
        report.log.iter().any(|line| line.contains("begun by somebody else: waiting for its end, at most 9m")),
        "{report}"
    );
    let version = &world.aws.function("shop-api", "2").await.unwrap()["Configuration"];
    assert_eq!(version["Timeout"], 29);
}

#[tokio::test]
async fn a_conflict_with_an_update_in_progress_is_waited_for_and_other_conflicts_are_not() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    slow(&world, 0.6).await;
    let hook = Fault { before: vec![other_configuration("shop-api")], ..fault("UpdateFunctionCode") };
    world.aws.faults(&[hook]).await.unwrap();
    let package = workspace(&release(&world, 2));
    let report = publish_zip(&world, "shop-api", &package).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(writes(&world).await, ["UpdateFunctionCode", "UpdateFunctionCode", "PublishVersion"]);

    let conflict = Fault {
        status: Some(409),
        code: Some("ResourceConflictException".to_owned()),
        message: Some("The function is being deleted.".to_owned()),
        ..fault("UpdateFunctionCode")
    };
    world.aws.clear_faults().await.unwrap();
    world.aws.faults(&[conflict]).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 3))).run().await;
    report.assert_verdict("error", 4);
    assert_eq!(writes(&world).await, ["UpdateFunctionCode"]);
    assert!(report.output("reason").contains("The function is being deleted."), "{}", report.output("reason"));
}

#[tokio::test]
async fn a_failed_update_tells_its_reason_at_once() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let failure = json!({"reason": "The subnet has no free addresses.", "code": "InsufficientIPAddresses"});
    let settings = Settings { update_delay: Some(0.3), next_update_failure: Some(failure), ..Settings::default() };
    world.aws.settings(&settings).await.unwrap();
    let workspace = workspace(&release(&world, 2));
    let report = publish_zip(&world, "shop-api", &workspace).run().await;
    report.assert_verdict("fail", 1);
    assert_safe(&world, &report);
    assert_eq!(
        report.output("reason"),
        "the update of shop-api failed: InsufficientIPAddresses: The subnet has no free addresses.; nothing was published"
    );
    assert!(report.duration < Duration::from_secs(4), "{:?}", report.duration);
    assert_eq!(writes(&world).await, ["UpdateFunctionCode"]);
    assert_eq!(answers(&world, "shop-api", "live").await.0, "1.1.0");

    world.aws.clear_requests().await.unwrap();
    publish_zip(&world, "shop-api", &workspace).run().await.assert_verdict("pass", 0);
    assert_eq!(writes(&world).await, ["UpdateFunctionCode", "PublishVersion"], "the failed update is done again");
}

#[tokio::test]
async fn a_version_is_waited_for_until_it_is_active() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    world.aws.settings(&Settings { version_delay: Some(0.8), ..Settings::default() }).await.unwrap();
    let workspace = workspace(&release(&world, 2));
    let report = publish_zip(&world, "shop-api", &workspace).run().await;
    report.assert_verdict("pass", 0);
    assert!(
        report.log.iter().any(|line| line.contains("waiting for version 2 of shop-api: its state is Pending")),
        "{report}"
    );
    assert_eq!(world.aws.function("shop-api", "2").await.unwrap()["Configuration"]["State"], "Active");
}

#[tokio::test]
async fn a_version_that_cannot_run_is_a_failure_with_its_reason() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let next = json!({"state": "Failed", "reason": "The image was deleted.", "code": "ImageDeleted", "delay": 0.2});
    world.aws.settings(&Settings { next_version: Some(next), ..Settings::default() }).await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("fail", 1);
    assert_eq!(
        report.output("reason"),
        "version 2 of shop-api was published, and cannot run: Failed (ImageDeleted: The image was deleted.)"
    );
    assert_eq!(report.output("versions"), "", "it is not to be used");
    assert_eq!(report.output("changed"), "true");
}

#[tokio::test]
async fn a_zip_in_s3_is_pinned_by_its_version_and_only_read_in_part() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let bucket = bucket(&world).await;
    // A megabyte that does not compress, so that the whole would be seen in the log.
    let noise: Vec<u8> = (0_u64..1_000_000).map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect();
    let package =
        zips::package(&[("index.py", b"def handler(event, context): return 2", false), ("noise", &noise, false)]);
    let pinned = world.aws.s3_put(&bucket, "dt=1/app.zip", package.clone()).await.unwrap();
    // Somebody replaces the object once we have looked at it.
    let replaced = Hook {
        method: "PUT".to_owned(),
        path: format!("/{bucket}/dt=1/app.zip"),
        body: json!("something else"),
        service: Some("s3".to_owned()),
        target: None,
    };
    world.aws.faults(&[Fault { after_answer: vec![replaced], ..fault("HeadObject") }]).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let report = publish(&world, "shop-api").input("zip", format!("s3://{bucket}/dt=1/app.zip")).run().await;
    report.assert_verdict("pass", 0);
    assert_safe(&world, &report);
    let requests = world.aws.requests().await.unwrap();
    let gets: Vec<&Request> = requests.iter().filter(|one| one.operation == "GetObject").collect();
    assert!((1..=2).contains(&gets.len()), "{gets:?}");
    let update = requests.iter().rfind(|one| one.operation == "UpdateFunctionCode").unwrap();
    let body: Value = serde_json::from_str(&update.body).unwrap();
    assert_eq!(body["S3ObjectVersion"], pinned.as_str());
    let invocation = world.aws.invoke("shop-api", "2", &json!({})).await.unwrap();
    assert_eq!(invocation.payload, 2);
}

#[tokio::test]
async fn an_object_that_may_not_be_read_is_an_error_that_says_so() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let denied = Fault { status: Some(403), service: Some("s3".to_owned()), ..Fault::default() };
    world.aws.faults(&[denied]).await.unwrap();
    let report = publish(&world, "shop-api").input("zip", "s3://artifacts/app.zip").run().await;
    report.assert_verdict("error", 4);
    let reason = report.output("reason");
    assert!(reason.starts_with("s3://artifacts/app.zip may not be read, or does not exist"), "{reason}");
    assert!(report.error().message.contains("allow s3:GetObject"), "{report}");
}

#[tokio::test]
async fn several_functions_are_updated_at_the_same_time() {
    let world = World::new().await;
    for function in ["shop-api", "shop-worker", "shop-cron"] {
        world.shop(function, 1).await;
    }
    slow(&world, 1.2).await;
    let workspace = workspace(&release(&world, 2));
    put(workspace.path(), "cron.zip", &release(&world, 3));
    let zips = "shop-api=dist/app.zip\nshop-worker=dist/app.zip\nshop-cron=dist/cron.zip";
    let runner = publish(&world, "shop-api\nshop-worker\nshop-cron").workspace(workspace.path()).input("zip", zips);
    let report = runner.run().await;
    report.assert_verdict("pass", 0);
    assert_safe(&world, &report);
    assert!(report.duration < Duration::from_millis(3500), "one after the other: {:?}", report.duration);
    assert_eq!(report.output("versions"), "shop-api=2\nshop-worker=2\nshop-cron=2");
    assert_eq!(report.output("version"), "", "there is no one version");
    assert_eq!(report.output("previous-version"), "shop-api=1\nshop-worker=1\nshop-cron=1");
    let hashes: Vec<&str> = report.output("code-sha256").lines().map(|line| line.split_once('=').unwrap().1).collect();
    assert!(hashes[0] == hashes[1] && hashes[0] != hashes[2], "{hashes:?}");
    assert_eq!(answers(&world, "shop-cron", "2").await.0, "1.3.0");
}

#[tokio::test]
async fn what_is_wrong_with_one_function_is_found_before_any_is_written() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let tool = FunctionSpec::zip("shop-tool", zips::bootstrap("first")).runtime("provided.al2023", "bootstrap");
    world.aws.create_function(&tool).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let report = publish_zip(&world, "shop-api\nshop-tool", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("fail", 1);
    assert!(writes(&world).await.is_empty());
}

#[tokio::test]
async fn one_function_that_fails_leaves_the_others_published_and_says_so() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    world.shop("shop-worker", 1).await;
    let failure = json!({"reason": "No.", "code": "InternalError", "function": "shop-worker"});
    world.aws.settings(&Settings { next_update_failure: Some(failure), ..Settings::default() }).await.unwrap();
    let report = publish_zip(&world, "shop-api\nshop-worker", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("fail", 1);
    let reason = report.output("reason");
    assert!(reason.starts_with("published version 2 of shop-api (commit "), "{reason}");
    assert!(reason.contains("the update of shop-worker failed: InternalError: No."), "{reason}");
    assert!(reason.ends_with("what was published serves nobody yet"), "{reason}");
    assert_eq!(report.output("versions"), "shop-api=2");
    assert_eq!(world.live("shop-api").await.version, "1");
}

#[tokio::test]
async fn a_dry_run_tells_the_plan_and_writes_nothing() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let bucket = bucket(&world).await;
    world.aws.s3_put(&bucket, "app.zip", release(&world, 2)).await.unwrap();
    let package = workspace(&release(&world, 2));
    for zip in ["dist/app.zip", &format!("s3://{bucket}/app.zip")] {
        let runner = publish(&world, "shop-api").workspace(package.path()).input("zip", zip).input("dry-run", "true");
        let report = runner.run().await;
        report.assert_verdict("pass", 0);
        assert_safe(&world, &report);
        assert_eq!(report.output("changed"), "true");
        let reason = report.output("reason");
        assert!(reason.starts_with("dry run, nothing was written; the plan: put code "), "{reason}");
        assert!(reason.ends_with("into shop-api and publish a version (live still serves 1)"), "{reason}");
        assert!(writes(&world).await.is_empty(), "{:?}", world.operations().await);
    }
    let same = workspace(&release(&world, 1));
    let report = publish_zip(&world, "shop-api", &same).input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("changed"), "false");
    assert!(writes(&world).await.is_empty());
}

#[tokio::test]
async fn a_lost_answer_to_the_update_is_looked_for_and_not_sent_twice() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    world.aws.faults(&[Fault { drop: true, applied: true, ..fault("UpdateFunctionCode") }]).await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(writes(&world).await, ["UpdateFunctionCode", "PublishVersion"]);
    assert!(!report.summary.contains("not answered"), "what was read back is known: {}", report.summary);
}

#[tokio::test]
async fn an_update_that_never_arrived_is_sent_again_once() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    world.aws.faults(&[Fault { drop: true, ..fault("UpdateFunctionCode") }]).await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(writes(&world).await, ["UpdateFunctionCode", "UpdateFunctionCode", "PublishVersion"]);

    world.aws.clear_faults().await.unwrap();
    world.aws.faults(&[Fault { drop: true, times: 9, ..fault("UpdateFunctionCode") }]).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 3))).run().await;
    report.assert_verdict("error", 4);
    assert_eq!(writes(&world).await, ["UpdateFunctionCode", "UpdateFunctionCode"]);
}

#[tokio::test]
async fn a_lost_answer_while_somebody_else_updates_supersedes_us() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    slow(&world, 0.0).await;
    let lost = Fault { drop: true, before: vec![other_code("shop-api")], ..fault("UpdateFunctionCode") };
    world.aws.faults(&[lost]).await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("superseded", 5);
    assert_eq!(writes(&world).await, ["UpdateFunctionCode"], "nothing is written after that was seen");
}

#[tokio::test]
async fn a_lost_answer_to_the_publication_gives_one_new_version() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    world.aws.faults(&[Fault { status: Some(500), applied: true, ..fault("PublishVersion") }]).await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((report.output("version"), report.output("changed")), ("2", "true"));
    assert_eq!(world.aws.versions("shop-api").await.unwrap(), ["1", "2"]);
}

#[tokio::test]
async fn callers_without_an_alias_are_warned_of() {
    let world = World::new().await;
    world.aws.create_function(&FunctionSpec::zip("shop-api", release(&world, 1))).await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("pass", 0);
    assert!(report.warning().message.contains("unqualified callers meet this code at once"), "{report}");
    assert!(report.output("reason").ends_with("there is no alias live"), "{}", report.output("reason"));
    assert_eq!((report.output("version"), report.output("previous-version")), ("1", ""));
    assert_eq!(report.output("serving"), "shop-api:live does not exist");
}

#[tokio::test]
async fn a_foreign_account_or_foreign_tags_are_never_written_to() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let package = workspace(&release(&world, 2));
    let runs = [("expected-account-id", "111122223333"), ("expected-tags", "stage=prd")];
    for (input, value) in runs {
        let report = publish_zip(&world, "shop-api", &package).input(input, value).run().await;
        report.assert_verdict("fail", 1);
        assert_safe(&world, &report);
        assert!(report.output("reason").contains(input), "{}", report.output("reason"));
        assert!(writes(&world).await.is_empty());
    }
    let right = publish_zip(&world, "shop-api", &package).input("expected-account-id", &world.aws.id);
    right.run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a_deadline_that_passes_is_an_error_that_says_what_was_waited_for() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    slow(&world, 20.0).await;
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 2))).input("timeout", "2s").run().await;
    report.assert_verdict("error", 4);
    let reason = report.output("reason");
    assert!(reason.contains("update of shop-api: LastUpdateStatus is InProgress"), "{reason}");
    assert!(report.output("serving").starts_with("shop-api:live -> version 1"), "{}", report.output("serving"));
}

#[tokio::test]
async fn a_cancelled_step_publishes_nothing_and_says_what_serves() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    slow(&world, 20.0).await;
    let workspace = workspace(&release(&world, 2));
    let running = publish_zip(&world, "shop-api", &workspace).start().await;
    running.wait_for("LastUpdateStatus is InProgress").await;
    let report = running.cancel().await;
    report.assert_verdict("cancelled", 130);
    assert!(report.duration < Duration::from_secs(10), "{:?}", report.duration);
    assert!(report.output("serving").starts_with("shop-api:live -> version 1"), "{}", report.output("serving"));
    assert_eq!(writes(&world).await, ["UpdateFunctionCode"]);
}

#[tokio::test]
async fn bad_inputs_are_all_told_before_anything_is_called() {
    let world = World::new().await;
    let digest = format!("sha256:{}", "0".repeat(64));
    let table: [(&[(&str, &str)], &str); 8] = [
        (&[], "give `image` or `zip`"),
        (&[("zip", "a.zip"), ("image", "a:v1")], "give either `image` or `zip`, not both"),
        (&[("zip", "a.zip"), ("traffic", "latest")], "`latest` is not in this release"),
        (&[("zip", "../a.zip")], "must be a path in the workspace"),
        (&[("zip", "other=a.zip")], "input `zip` names function other, which `function` does not"),
        (&[("zip", "a.zip"), ("registry", "111122223333")], "input `registry` belongs to `image`"),
        (&[("image", "ghcr.io/shop/api:v1")], "ghcr.io is no registry Lambda takes images from"),
        (&[("image", "shop/api")], "must name one image"),
    ];
    for (inputs, words) in table {
        let runner =
            inputs.iter().fold(publish(&world, "shop-api"), |runner, (name, value)| runner.input(name, *value));
        let report = runner.run().await;
        report.assert_verdict("error", 2);
        assert!(report.output("reason").contains(words), "{} does not say {words}", report.output("reason"));
    }
    let twice = publish(&world, "shop-api\nshop-api").input("image", format!("shop/api@{digest}"));
    let report = twice.run().await;
    report.assert_verdict("error", 2);
    assert!(report.output("reason").contains("names shop-api twice"), "{}", report.output("reason"));
    assert!(world.operations().await.is_empty());
}
