//! Zip archives: from the workspace and from S3.

use serde_json::{Value, json};
use testbed::aws::{Fault, FunctionSpec, Hook, Request, zips};

use super::{assert_safe, fault, publish, publish_zip, release, workspace, writes};
use crate::world::World;

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
    let table: [(&str, Vec<u8>, &str); 8] = [
        ("tool-x86", zips::package(&[("bootstrap", b"#!/bin/sh\r\nexit 0\r\n", true)]), "ends with a carriage return"),
        (
            "tool-x86",
            zips::package(&[("bootstrap", script, true), ("lib\\a.sh", script, true)]),
            "holds lib\\a.sh: Lambda makes no folder of a backslash",
        ),
        ("tool-x86", zips::python("x = 1"), "has no `bootstrap` at its top level"),
        ("tool-x86", zips::package(&[("app/bootstrap", script, true)]), "there is one at app/bootstrap"),
        ("tool-x86", zips::package(&[("bootstrap", script, false)]), "may not be executed"),
        ("tool-x86", zips::elf_stub("arm64"), "is for arm64, and function tool-x86 is x86_64"),
        ("tool-arm", zips::elf_stub("x86_64"), "is for x86_64, and function tool-arm is arm64"),
        ("tool-x86", b"not a zip".to_vec(), "it is not a valid zip archive"),
    ];
    for (function, package, words) in table {
        world.aws.clear_requests().await.unwrap();
        let report = publish_zip(&world, function, &workspace(&package)).run().await;
        report.assert_verdict("fail", 1);
        assert_safe(&world, &report);
        assert!(report.output("reason").contains(words), "{} does not say {words}", report.output("reason"));
        assert!(writes(&world).await.is_empty(), "{:?}", world.operations().await);
    }
    let bucket = world.bucket().await;
    world.aws.s3_put(&bucket, "tool.zip", zips::elf_stub("arm64")).await.unwrap();
    let object = format!("s3://{bucket}/tool.zip");
    let report = publish(&world, "tool-x86").input("zip", &object).run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("is for arm64, and function tool-x86 is x86_64"), "{report}");
    assert!(writes(&world).await.is_empty());
    publish(&world, "tool-arm").input("zip", &object).run().await.assert_verdict("pass", 0);
    let report = publish_zip(&world, "tool-arm", &workspace(&zips::elf_stub("arm64"))).run().await;
    report.assert_verdict("skipped", 0);
}

/// PHP, PowerShell and bash come as layers with a `bootstrap` of their own: it was refused, and nothing could be done about it.
#[tokio::test]
async fn a_bootstrap_in_a_layer_or_behind_a_link_is_taken() {
    let world = World::new().await;
    let spec = FunctionSpec::zip("tool", zips::bootstrap("first")).runtime("provided.al2023", "bootstrap");
    world.aws.create_function(&spec).await.unwrap();
    let linked = zips::linked("bootstrap", "bin/tool", &zips::BOOTSTRAP.replace("NAME", "linked"));
    publish_zip(&world, "tool", &workspace(&linked)).run().await.assert_verdict("pass", 0);

    let without = workspace(&zips::package(&[("index.php", b"<?php", false)]));
    let report = publish_zip(&world, "tool", &without).run().await;
    report.assert_verdict("fail", 1);
    assert!(report.error().message.contains("add a layer that holds one"), "{report}");
    let layer = format!("arn:aws:lambda:eu-west-1:{}:layer:php:3", world.aws.id);
    let layers = json!({"Layers": [{"Arn": layer, "CodeSize": 1}]});
    world.aws.set_configuration("tool", "$LATEST", &layers).await.unwrap();
    publish_zip(&world, "tool", &without).run().await.assert_verdict("pass", 0);
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
    assert!(
        report.error().message.contains(
            "put it in S3 with promote-artifact (`destination: s3://bucket/prefix`), and give `zip: s3://bucket/key`"
        ),
        "{report}"
    );
    assert!(writes(&world).await.is_empty());
}

#[tokio::test]
async fn a_zip_in_s3_is_pinned_by_its_version_and_only_read_in_part() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let bucket = world.bucket().await;
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
        ..Hook::default()
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
async fn a_bucket_in_another_region_is_an_error_that_says_so() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    world.aws.faults(&[Fault { status: Some(301), ..fault("HeadObject") }]).await.unwrap();
    let report = publish(&world, "shop-api").input("zip", "s3://artifacts/app.zip").run().await;
    report.assert_verdict("error", 4);
    let reason = report.output("reason");
    assert!(
        reason.starts_with("s3://artifacts/app.zip is not in eu-west-1, and Lambda takes archives only"),
        "{reason}"
    );
}

#[tokio::test]
async fn an_object_replaced_in_a_bucket_without_versions_is_not_published() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let bucket = world.bucket().await;
    let suspended = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>Suspended</Status>\
                     </VersioningConfiguration>";
    world.aws.s3("PUT", &format!("/{bucket}?versioning"), suspended.into()).await.unwrap().ok().unwrap();
    world.aws.s3_put(&bucket, "app.zip", release(&world, 2)).await.unwrap();
    // The first UpdateFunctionCode asks Lambda what it would call the code; the object is replaced before the second.
    world.aws.faults(&[Fault { after: 1, delay: Some(1.0), ..fault("UpdateFunctionCode") }]).await.unwrap();
    let running = publish(&world, "shop-api").input("zip", format!("s3://{bucket}/app.zip")).start().await;
    running.wait_for("plan: put code").await;
    world.aws.s3_put(&bucket, "app.zip", release(&world, 3)).await.unwrap();
    let report = running.wait().await;
    report.assert_verdict("fail", 1);
    assert_safe(&world, &report);
    let reason = report.output("reason");
    assert!(reason.starts_with("Lambda took other code into shop-api than was looked at: code "), "{reason}");
    assert!(report.error().message.contains("use a bucket with versioning"), "{report}");
    assert_eq!(world.aws.versions("shop-api").await.unwrap(), ["1"], "nothing was published");
}

/// This action runs as root: it could read what nobody else of the job can.
#[tokio::test]
async fn a_symbolic_link_out_of_the_workspace_is_not_published() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), workspace(&release(&world, 2)));
    std::os::unix::fs::symlink(elsewhere.path().join("dist"), folder.path().join("dist")).unwrap();
    let report = publish_zip(&world, "shop-api", &folder).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.output("reason").contains("it leads out of the workspace"), "{report}");
    assert!(world.writes().await.is_empty());
}
