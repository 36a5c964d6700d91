//! A zip archive comes to its first place in S3, and from bucket to bucket, under a name of its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use testbed::aws::sample::{GOOD, sample_zip};
use testbed::aws::{Fault, Hook, zips};
use testbed::runner::Runner;

use crate::messages::says;
use crate::publish_version::workspace;
use crate::world::World;

const TAG: &str = "prd-1.2.0";

/// A bucket, and an archive in the workspace.
struct Scene {
    world: World,
    bucket: String,
    package: Vec<u8>,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let bucket = world.bucket().await;
        let package = sample_zip("1.2.0", "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2", GOOD);
        Self { world, bucket, package }
    }

    fn step(&self, package: &[u8]) -> Runner {
        self.world
            .step("promote-artifact")
            .workspace(&workspace(package).keep())
            .input("source", "dist/app.zip")
            .input("destination", format!("s3://{}/api/", self.bucket))
            .input("tag", TAG)
    }

    fn object(&self) -> String {
        format!("s3://{}/api/{TAG}.zip", self.bucket)
    }

    async fn content(&self) -> Vec<u8> {
        self.world.aws.s3_get(&self.bucket, &format!("api/{TAG}.zip")).await.unwrap()
    }

    async fn put(&self, content: &[u8]) {
        self.world.aws.s3_put(&self.bucket, &format!("api/{TAG}.zip"), content.to_vec()).await.unwrap();
    }

    async fn puts(&self) -> usize {
        self.world.operations().await.iter().filter(|one| one.ends_with("PutObject")).count()
    }
}

/// The archive as it is in staging, in a bucket of its own.
struct Between {
    scene: Scene,
    source: String,
}

const KEY: &str = "api/stg 1.zip";

impl Between {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let source = format!("shop-builds-{}", scene.world.aws.id);
        scene.world.aws.create_bucket(&source).await.unwrap();
        for key in [KEY, "api/stg.zip"] {
            scene.world.aws.s3_put(&source, key, scene.package.clone()).await.unwrap();
        }
        scene.world.aws.clear_requests().await.unwrap();
        Self { scene, source }
    }

    fn step(&self) -> Runner {
        let source = format!("s3://{}/{KEY}", self.source);
        self.scene.step(&[]).input("source", source)
    }

    async fn copies(&self) -> usize {
        self.scene.world.operations().await.iter().filter(|one| one.ends_with("CopyObject")).count()
    }
}

#[tokio::test]
async fn an_archive_goes_from_bucket_to_bucket_without_passing_here() {
    let between = Between::new().await;
    let dry = between.step().input("dry-run", "true").run().await;
    dry.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((between.copies().await, dry.output("object")), (0, ""));
    let report = between.step().run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let scene = &between.scene;
    assert_eq!((report.output("object"), report.output("changed")), (scene.object().as_str(), "true"));
    assert_eq!(scene.content().await, scene.package);
    let sha256 = BASE64.encode(Sha256::digest(&scene.package));
    assert_eq!(report.output("code-sha256"), sha256);
    let check = &report.evidence()["checks"].as_array().unwrap().iter().last().unwrap().clone();
    assert_eq!((&check["observed"], &check["required"]), (&json!(sha256), &json!(sha256)), "{check}");
    // S3 has hashed what it wrote: no byte of it was read here again.
    let again = between.step().run().await;
    again.assert_verdict("skipped", 0);
    assert_eq!((between.copies().await, scene.puts().await), (1, 0));
}

#[tokio::test]
async fn a_copy_is_never_put_over_another_archive() {
    let between = Between::new().await;
    between.scene.put(&other()).await;
    let report = between.step().run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(says(report.output("reason"), "object-of-other-content"), "{report}");
    assert_eq!((between.copies().await, between.scene.content().await), (0, other()));
    // What somebody puts between the look and the copy is not written over either.
    let between = Between::new().await;
    let theirs = Hook {
        method: "PUT".to_owned(),
        path: format!("/{}/api/{TAG}.zip", between.scene.bucket),
        body: json!("another archive"),
        service: Some("s3".to_owned()),
        target: None,
        ..Hook::default()
    };
    let fault = Fault { operation: Some("CopyObject".to_owned()), before: vec![theirs], ..Fault::default() };
    between.scene.world.aws.faults(&[fault]).await.unwrap();
    let report = between.step().run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(between.scene.content().await, b"another archive");
}

#[tokio::test]
async fn a_copy_whose_answer_is_lost_is_looked_for() {
    let between = Between::new().await;
    let lost = Fault { operation: Some("CopyObject".to_owned()), applied: true, drop: true, ..Fault::default() };
    between.scene.world.aws.faults(&[lost]).await.unwrap();
    let report = between.step().run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((report.output("changed"), between.copies().await), ("true", 1));
    assert_eq!(between.scene.content().await, between.scene.package);
}

/// What is copied is what was hashed: an object that is replaced meanwhile is another one.
#[tokio::test]
async fn a_source_that_is_replaced_meanwhile_is_not_copied() {
    let between = Between::new().await;
    let replaced = Hook {
        method: "PUT".to_owned(),
        path: format!("/{}/api/stg.zip", between.source),
        body: json!("another build"),
        service: Some("s3".to_owned()),
        target: None,
        ..Hook::default()
    };
    let fault = Fault { operation: Some("CopyObject".to_owned()), before: vec![replaced], ..Fault::default() };
    between.scene.world.aws.faults(&[fault]).await.unwrap();
    let report = between.step().input("source", format!("s3://{}/api/stg.zip", between.source)).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.output("reason").contains("was replaced while it was to be copied"), "{report}");
    assert!(between.scene.world.aws.s3_get(&between.scene.bucket, &format!("api/{TAG}.zip")).await.is_err());
}

#[tokio::test]
async fn a_bucket_is_taken_for_one_of_this_account_unless_another_is_named() {
    let between = Between::new().await;
    // Buckets of the right name in somebody else's hands.
    let source = format!("s3://{}/{KEY} owner=111122223333", between.source);
    let report = between.step().input("source", source).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.error().message.contains("check `owner=..` of `source`"), "{report}");
    assert_eq!(between.copies().await, 0);
    let own = format!("s3://{}/{KEY} owner={}", between.source, between.scene.world.aws.id);
    between.step().input("source", own).input("dry-run", "true").run().await.assert_verdict("pass", 0);
    let expected = between.step().input("expected-account-id", &between.scene.world.aws.id);
    let to = format!("s3://{}/api owner=111122223333", between.scene.bucket);
    let report = expected.input("destination", to).run().await;
    report.assert_verdict("error", 2);
    assert!(report.error().message.contains("another account than `expected-account-id`"), "{report}");
    let to = format!("s3://{}/api owner=111122223333", between.scene.bucket);
    let report = between.scene.step(&between.scene.package).input("destination", to).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.error().message.contains("s3:PutObject"), "{report}");
    assert_eq!(between.scene.puts().await, 1, "refused by S3");
}

#[tokio::test]
async fn a_bucket_of_another_account_is_used_where_that_account_lets_it() {
    let between = Between::new().await;
    let ours = &between.scene.world.aws;
    let theirs = ours.neighbour();
    let bucket = format!("artifacts-{}", theirs.id);
    theirs.create_bucket(&bucket).await.unwrap();
    theirs.s3_put(&bucket, KEY, between.scene.package.clone()).await.unwrap();
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", ours.id)},
        "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
        "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
    }]});
    theirs.s3("PUT", &format!("/{bucket}?policy"), policy.to_string().into()).await.unwrap().ok().unwrap();
    let unnamed = between.step().input("destination", format!("s3://{bucket}/api")).run().await;
    unnamed.assert_verdict("error", 4).assert_runner_safe();
    let to = format!("s3://{bucket}/api owner={}", theirs.id);
    let report = between.step().input("destination", to).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(theirs.s3_get(&bucket, &format!("api/{TAG}.zip")).await.unwrap(), between.scene.package);
    let from = format!("s3://{bucket}/{KEY} owner={}", theirs.id);
    let report = between.step().input("source", from).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(between.scene.content().await, between.scene.package);
}

fn other() -> Vec<u8> {
    sample_zip("1.3.0", "1111111111111111111111111111111111111111", GOOD)
}

#[tokio::test]
async fn a_zip_is_put_under_its_tag_and_deployed_from_there() {
    let scene = Scene::new().await;
    scene.world.shop("shop-api", 1).await;
    let dry = scene.step(&scene.package).input("dry-run", "true").run().await;
    dry.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(scene.puts().await, 0);
    assert_eq!(dry.output("object"), "", "it is not there");

    let report = scene.step(&scene.package).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(report.output("object"), scene.object());
    assert_eq!((report.output("tag"), report.output("changed")), (TAG, "true"));
    assert_eq!(scene.content().await, scene.package);

    let publish =
        scene.world.step("publish-version").input("function", "shop-api").input("zip", report.output("object"));
    publish.run().await.assert_verdict("pass", 0);
    let version = scene.world.aws.function("shop-api", "2").await.unwrap();
    assert_eq!(version["Configuration"]["CodeSha256"], report.output("code-sha256"));

    let again = scene.step(&scene.package).run().await;
    again.assert_verdict("skipped", 0);
    assert_eq!((again.output("object"), again.output("changed")), (report.output("object"), "false"));
    assert_eq!(scene.puts().await, 1);
}

#[tokio::test]
async fn an_archive_of_other_content_is_never_written_over() {
    let scene = Scene::new().await;
    // As `aws s3 cp` puts it: without a SHA-256, so that all of it is read.
    scene.put(&other()).await;
    scene.world.aws.clear_requests().await.unwrap();
    let report = scene.step(&scene.package).input("tag", format!("free\n{TAG}")).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(report.output("reason").contains("holds another archive"), "{report}");
    assert!(report.error().message.contains("build each commit once"), "{report}");
    assert_eq!((scene.puts().await, report.output("object")), (0, ""));
    assert_eq!(scene.content().await, other());
    scene.step(&other()).run().await.assert_verdict("skipped", 0);
}

/// S3 has compared and written in one since 2024: what comes between the look and the write is not written over.
#[tokio::test]
async fn what_somebody_else_puts_meanwhile_is_compared() {
    let theirs = |scene: &Scene, content: &str| Hook {
        method: "PUT".to_owned(),
        path: format!("/{}/api/{TAG}.zip", scene.bucket),
        body: json!(content),
        service: Some("s3".to_owned()),
        ..Hook::default()
    };
    let scene = Scene::new().await;
    let hook = theirs(&scene, "another archive");
    let fault = Fault { operation: Some("PutObject".to_owned()), before: vec![hook], ..Fault::default() };
    scene.world.aws.faults(&[fault]).await.unwrap();
    let report = scene.step(&scene.package).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(report.output("reason").contains("holds another archive"), "{report}");
    assert_eq!(scene.content().await, b"another archive");
}

#[tokio::test]
async fn a_put_whose_answer_is_lost_is_looked_for() {
    let scene = Scene::new().await;
    let lost = Fault { operation: Some("PutObject".to_owned()), applied: true, drop: true, ..Fault::default() };
    scene.world.aws.faults(&[lost]).await.unwrap();
    let report = scene.step(&scene.package).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((report.output("changed"), scene.puts().await), ("true", 1));
    assert_eq!(scene.content().await, scene.package);
}

#[tokio::test]
async fn what_cannot_be_promoted_is_refused_with_the_fix() {
    let scene = Scene::new().await;
    let absent = format!("s3://{}/none.zip", scene.bucket);
    let table: [(Runner, &str, i32, &str); 8] = [
        (scene.step(&scene.package).input("source", absent), "fail", 1, "there is no object s3://"),
        (scene.step(b"not a zip"), "fail", 1, "dist/app.zip cannot be deployed: it is not a valid zip archive"),
        (scene.step(&zips::package(&[])), "fail", 1, "it holds no file"),
        (scene.step(&scene.package).input("source", "dist/none.zip"), "fail", 1, "there is no file dist/none.zip"),
        (
            scene.step(&scene.package).input("destination", "s3://shop-none/api").input("dry-run", "true"),
            "error",
            4,
            "the bucket of s3://shop-none/api/prd-1.2.0.zip does not exist",
        ),
        (
            scene.step(&scene.package).input("destination", "shop-api"),
            "error",
            2,
            "give `destination: s3://bucket/prefix`",
        ),
        (scene.step(&scene.package).input("source", "shop-api:v1"), "error", 2, "give `source`, a zip archive"),
        (
            scene.step(&scene.package).input("verify-revision", "require"),
            "error",
            2,
            "input `verify-revision: require` is for images, and `destination` is in S3",
        ),
    ];
    for (runner, verdict, code, words) in table {
        let report = runner.run().await;
        report.assert_verdict(verdict, code).assert_runner_safe();
        assert!(report.error().message.contains(words), "{words}\n{report}");
    }
    assert_eq!(scene.puts().await, 0);
}
