//! inventory: what serves where, against the record and against what ECR and S3 are about to delete. The cases IN.. are those of practice.

mod table;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use testbed::aws::{Account, Fault, FunctionSpec, ImageSpec, ServiceSpec, zips};
use testbed::github::{Deployment, Permission};
use testbed::runner::{Report, Runner};

pub(crate) use self::table::UNDER_TEST;
use crate::messages::says;
use crate::world::World;

const REPOSITORY: &str = "shop/api";

/// A record of a success that brought this to a place.
fn record(world: &World, component: &str, commit: &str, target: &Value) -> u64 {
    let payload = json!({
        "schema": 1, "component": component, "kind": "deploy", "commit": commit, "version": "v1.0.0", "targets": [target],
        "run": {"id": 600, "attempt": 1}, "actor": "mona",
    });
    let deployment =
        Deployment { sha: commit.to_owned(), environment: "prd".to_owned(), payload, ..Deployment::default() };
    let id = world.repository.add_deployment(deployment);
    world.repository.add_status(id, "success", "");
    id
}

fn inventory(world: &World, folder: &Path) -> Runner {
    world
        .step_with("inventory", &[Permission::Deployments.read(), Permission::Contents.read()])
        .workspace(folder)
        .input("output", "site")
}

/// The document that was written, of which the page holds the same.
fn document(report: &Report, folder: &Path) -> Value {
    assert_eq!((report.output("json"), report.output("page")), ("site/inventory.json", "site/index.html"), "{report}");
    let document: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("site/inventory.json")).unwrap()).unwrap();
    let page = fs::read_to_string(folder.join("site/index.html")).unwrap();
    let data = page.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0;
    assert_eq!(serde_json::from_str::<Value>(data).unwrap(), document);
    document
}

fn row(report: &Report, folder: &Path) -> Value {
    let document = document(report, folder);
    assert_eq!(document["targets"].as_array().unwrap().len(), 1, "{document}");
    document["targets"][0].clone()
}

fn findings(row: &Value) -> String {
    let texts = row["findings"].as_array().unwrap().iter().map(|finding| finding["text"].as_str().unwrap());
    texts.collect::<Vec<_>>().join("\n")
}

/// A function of two images, of which the second serves, and is recorded.
async fn two_images(world: &World) -> [String; 2] {
    let digests = world.image_function("shop-api").await;
    let aws = &world.aws;
    aws.publish("shop-api", &world.commits[0]).await.unwrap();
    let second = aws.image_uri(REPOSITORY, &digests[1]);
    aws.update_code("shop-api", &testbed::aws::Code::Image(second)).await.unwrap();
    aws.publish("shop-api", &world.commits[1]).await.unwrap();
    aws.create_alias("shop-api", "live", "2").await.unwrap();
    let previous = json!({"version": "1", "digest": digests[0]});
    let target = aws.target("shop-api", "live", &json!({"version": "2", "digest": digests[1], "previous": previous}));
    record(world, "shop", &world.commits[1], &target);
    aws.clear_requests().await.unwrap();
    digests
}

/// IN04 and IN05: what ECR is about to delete, has archived, or cannot say.
#[tokio::test]
async fn what_serves_and_what_a_rollback_needs_must_be_kept() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    let [first, second] = two_images(&world).await;
    let report = inventory(&world, folder.path()).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&world.aws.id);
    assert_eq!((report.output("drift"), report.output("changed")), ("[]", "false"));
    let shown = row(&report, folder.path());
    assert_eq!((&shown["state"], &shown["protected"]), (&json!("as-recorded"), &json!(true)));
    let serves = json!([{"name": "version 2", "share": 100.0, "commit": world.commits[1], "code": [second]}]);
    assert_eq!(shown["serves"], serves);
    assert_eq!((&shown["behind"], &shown["previous"], &shown["run"]), (&json!(3), &json!("version 1"), &json!(600)));
    for file in ["inventory.json", "index.html"] {
        let text = fs::read_to_string(folder.path().join("site").join(file)).unwrap();
        assert!(!text.contains(&world.aws.id), "{file}");
    }
    let writes: Vec<String> = world.writes().await.into_iter().filter(|one| !one.contains("Preview")).collect();
    assert!(writes.is_empty(), "{writes:?}");

    let rules = json!([{
        "rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1},
        "action": {"type": "expire"},
    }]);
    world.aws.put_lifecycle_rules(REPOSITORY, &rules).await.unwrap();
    world.aws.set_image(REPOSITORY, &first, &json!({"pushed": -86400.0})).await.unwrap();
    let report = inventory(&world, folder.path()).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(says(report.output("reason"), "what-serves-is-not-kept"), "{report}");
    let told = findings(&row(&report, folder.path()));
    assert!(told.contains("that a rollback goes back to") && told.contains("would be deleted by rule 1"), "{told}");

    world.aws.set_image(REPOSITORY, &second, &json!({"pushed": -2.0 * 86400.0})).await.unwrap();
    let report = inventory(&world, folder.path()).run().await;
    report.assert_verdict("fail", 1);
    let told = findings(&row(&report, folder.path()));
    assert!(told.contains("that serves (shop/api@") && told.contains("would be deleted by rule 1"), "{told}");

    world.aws.tell_preview(REPOSITORY, &json!({"status": "IN_PROGRESS"})).await.unwrap();
    let report = inventory(&world, folder.path()).run().await;
    report.assert_verdict("inconclusive", 0);
    assert!(report.output("reason").contains("another preview"), "{report}");
    assert_eq!(row(&report, folder.path())["protected"], Value::Null);

    world.aws.tell_preview(REPOSITORY, &json!({"status": null})).await.unwrap();
    let archive =
        json!({"repositoryName": REPOSITORY, "imageId": {"imageDigest": second}, "targetStorageClass": "ARCHIVE"});
    world.aws.ecr("UpdateImageStorageClass", &archive).await.unwrap();
    let report = inventory(&world, folder.path()).run().await;
    report.assert_verdict("fail", 1);
    let told = findings(&row(&report, folder.path()));
    assert!(told.contains("that serves") && told.contains("archive"), "{told}");

    let gone = json!({"repositoryName": REPOSITORY, "imageIds": [{"imageDigest": first}]});
    world.aws.ecr("BatchDeleteImage", &gone).await.unwrap();
    let report = inventory(&world, folder.path()).run().await;
    report.assert_verdict("fail", 1);
    let told = findings(&row(&report, folder.path()));
    assert!(told.contains("is no longer in its repository") && told.contains("archive"), "{told}");
}

/// IN01, IN02 (F09), and what is under way.
#[tokio::test]
async fn what_serves_is_held_against_the_record() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    two_images(&world).await;
    world.aws.set_weights("shop-api", "live", &[("1", 0.1)]).await.unwrap();
    let report = inventory(&world, folder.path()).run().await;
    report.assert_verdict("pass", 0);
    let shown = row(&report, folder.path());
    let shares: Vec<_> = shown["serves"].as_array().unwrap().iter().map(|one| (&one["name"], &one["share"])).collect();
    assert_eq!(shares, [(&json!("version 2"), &json!(90.0)), (&json!("version 1"), &json!(10.0))]);
    assert_eq!(shown["state"], "drift", "{shown}");
    assert!(findings(&shown).contains("a canary was left there"), "{shown}");

    // While a deployment of that version is open, it is what is under way.
    let target = world.aws.target("shop-api", "live", &json!({"version": "1"}));
    let payload = json!({"schema": 1, "component": "shop", "kind": "deploy", "commit": world.commits[0], "targets": [target], "run": {"id": 601, "attempt": 1}});
    let open =
        Deployment { sha: world.commits[0].clone(), environment: "prd".to_owned(), payload, ..Deployment::default() };
    let open = world.repository.add_deployment(open);
    world.repository.add_status(open, "in_progress", "");
    let report = inventory(&world, folder.path()).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(row(&report, folder.path())["state"], "deploying");
    // It failed, is withdrawn, and held.
    world.repository.add_status(open, "failure", "da1 rollback#3f2a1b fail held withdrawn: checkout is broken");
    world.aws.move_alias("shop-api", "live", "1").await.unwrap();
    for (on_drift, verdict, code) in [("warn", "pass", 0), ("fail", "fail", 1)] {
        let report = inventory(&world, folder.path()).input("on-drift", on_drift).run().await;
        report.assert_verdict(verdict, code).assert_runner_safe();
        assert!(says(report.output("reason"), "not-as-recorded"), "{report}");
        let drift: Value = serde_json::from_str(report.output("drift")).unwrap();
        assert_eq!((&drift[0]["serves"], &drift[0]["recorded"]), (&json!("version 1"), &json!("version 2")));
        let shown = row(&report, folder.path());
        assert!(shown["held"][0].as_str().unwrap().contains("checkout is broken"), "{shown}");
    }
    world.aws.delete_alias("shop-api", "live").await.unwrap();
    let report = inventory(&world, folder.path()).input("on-drift", "fail").run().await;
    report.assert_verdict("fail", 1);
    assert_eq!(row(&report, folder.path())["state"], "missing");
}

/// IN03.
#[tokio::test]
async fn finding_nothing_is_an_error() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    let run = || inventory(&world, folder.path());
    fs::write(folder.path().join("targets.yml"), "prd: {}\n").unwrap();
    fs::write(folder.path().join("stg.yml"), "stg: {shop: {function: shop-api}}\n").unwrap();
    let table = [
        (run(), "no target was found"),
        (run().input("environments", "prd\nstg"), "no target was found of prd, stg"),
        (run().input("targets", "targets.yml"), "names no target"),
        (run().input("targets", "none.yml"), "there is no file none.yml"),
        (run().input("targets", "stg.yml").input("environments", "prd"), "no target was found of prd"),
    ];
    for (run, why) in table {
        let report = run.run().await;
        report.assert_verdict("error", 4).assert_runner_safe();
        assert!(report.output("reason").contains(why), "{why}\n{report}");
        assert!(!folder.path().join("site").exists(), "nothing is written");
    }
    let report = run().input("targets", "prd: {shop: {function: x, service: y}}").run().await;
    report.assert_verdict("error", 2);
    let report = world.step("inventory").input("format", "html").run().await;
    report.assert_verdict("error", 2);
}

/// IN06, IN07 and the other kinds: each row says what it is, and one that cannot be read hides no other.
#[tokio::test]
async fn each_target_is_told_as_what_it_is() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    let aws = &world.aws;
    world.shop("shop-api", 1).await;
    aws.create_function(&FunctionSpec::zip("bare", zips::python("x = 1"))).await.unwrap();
    let managed = json!({"CapacityProviderConfig": {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": "arn"}}});
    aws.set_configuration("bare", "$LATEST", &managed).await.unwrap();
    aws.create_repository(REPOSITORY).await.unwrap();
    let digest = aws.push_image(&ImageSpec::new(REPOSITORY).release("1.0.0", &world.commits[0])).await.unwrap();
    aws.create_service(&ServiceSpec::new("web", &aws.image_uri(REPOSITORY, &digest))).await.unwrap();
    let targets = "
prd:
  shop: {function: shop-api}
  bare: [{function: bare}, {function: bare, alias: $LATEST}]
  web: {cluster: main, service: web}
  gone: {cluster: main, service: gone}
";
    let report = inventory(&world, folder.path()).input("targets", targets).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let shown = document(&report, folder.path())["targets"].clone();
    let states: Vec<_> = shown
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["target"].as_str().unwrap(), row["state"].as_str().unwrap()))
        .collect();
    let expected = [
        ("shop-api:live", "not-recorded"),
        ("bare:live", "missing"),
        ("bare:$LATEST", "not-recorded"),
        ("main/web", "not-recorded"),
        ("main/gone", "missing"),
    ];
    assert_eq!(states, expected);
    assert!(findings(&shown[1]).contains("there is no alias live"), "{shown}");
    assert!(findings(&shown[2]).contains("$LATEST.PUBLISHED"), "{shown}");
    assert_eq!(shown[3]["serves"][0]["code"], json!([format!("web {digest}")]));
    assert_eq!(shown[3]["protected"], true);

    let denied = Fault {
        operation: Some("GetAlias".to_owned()),
        pattern: Some("shop-api".to_owned()),
        times: u32::MAX,
        status: Some(403),
        code: Some("AccessDeniedException".to_owned()),
        ..Fault::default()
    };
    aws.faults(&[denied]).await.unwrap();
    let report = inventory(&world, folder.path()).input("targets", targets).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(says(report.output("reason"), "targets-not-read"), "{report}");
    let shown = document(&report, folder.path())["targets"].clone();
    assert_eq!((&shown[0]["state"], &shown[3]["state"]), (&json!("unknown"), &json!("not-recorded")));
    // What is somewhere else is told, and is not taken for what is here.
    aws.clear_faults().await.unwrap();
    let elsewhere = testbed::aws::target(("111122223333", "us-east-1"), "shop-api", "live", &json!({"version": "1"}));
    record(&world, "far", &world.commits[0], &elsewhere);
    record(&world, "shop", &world.commits[0], &aws.target("shop-api", "live", &json!({"version": "1"})));
    let report = inventory(&world, folder.path()).run().await;
    report.assert_verdict("pass", 0);
    assert!(report.output("reason").contains("1 of them in another account or region"), "{report}");
    let report =
        inventory(&world, folder.path()).input("targets", targets).input("aws-region", "eu-central-1").run().await;
    assert_eq!(document(&report, folder.path())["targets"][0]["state"], "missing", "{report}");
}

/// IN05: Lambda runs an archive from its bucket, and the version that it runs is deleted there.
#[tokio::test]
async fn an_archive_that_is_gone_is_told() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    let bucket = world.bucket().await;
    world.shop("shop-api", 1).await;
    world.aws.s3_put(&bucket, "app.zip", zips::python("x = 1")).await.unwrap();
    let version = world.aws.refer_code("shop-api", &bucket, "app.zip").await.unwrap();
    let number = world.aws.publish("shop-api", &world.commits[1]).await.unwrap();
    world.aws.move_alias("shop-api", "live", &number).await.unwrap();
    let run = || inventory(&world, folder.path()).input("targets", "prd: {shop: {function: shop-api}}");
    let report = run().run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(row(&report, folder.path())["protected"], true);
    let path = format!("/{bucket}/app.zip?versionId={version}");
    world.aws.s3("DELETE", &path, Vec::new()).await.unwrap().ok().unwrap();
    let report = run().run().await;
    report.assert_verdict("fail", 1).assert_no_secret(&world.aws.id);
    let told = findings(&row(&report, folder.path()));
    assert!(told.contains("the archive that serves") && told.contains("no longer in its bucket"), "{told}");
}

/// IN10: 50 targets in 5 repositories.
#[tokio::test]
async fn fifty_targets_in_five_repositories_take_at_most_168_requests() {
    const REPOSITORIES: usize = 5;
    const TARGETS: usize = 50;
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    let mut images = Vec::new();
    for number in 0..REPOSITORIES {
        let name = format!("shop/app-{number}");
        world.aws.create_repository(&name).await.unwrap();
        let digest =
            world.aws.push_image(&ImageSpec::new(&name).release("1.0.0", &world.commits[number])).await.unwrap();
        let rules = json!([{
            "rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9},
            "action": {"type": "expire"},
        }]);
        world.aws.put_lifecycle_rules(&name, &rules).await.unwrap();
        images.push((world.aws.image_uri(&name, &digest), digest));
    }
    for number in 0..TARGETS {
        one_of_many(&world.aws, number, &images[number % REPOSITORIES].0, &world.commits[0]).await;
        let digest = &images[number % REPOSITORIES].1;
        let target = world.aws.target(&format!("app-{number}"), "live", &json!({"version": "1", "digest": digest}));
        record(&world, &format!("app-{number}"), &world.commits[0], &target);
    }
    world.aws.clear_requests().await.unwrap();
    world.github.clear_requests();
    let report = inventory(&world, folder.path()).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(document(&report, folder.path())["targets"].as_array().unwrap().len(), TARGETS);
    let (aws, github) = (world.operations().await.len(), world.github.requests().len());
    assert!(aws + github <= 168, "{aws} requests to AWS, {github} to GitHub");
}

async fn one_of_many(aws: &Account, number: usize, image: &str, commit: &str) {
    let name = format!("app-{number}");
    aws.create_function(&FunctionSpec::image(&name, image)).await.unwrap();
    aws.publish(&name, commit).await.unwrap();
    aws.create_alias(&name, "live", "1").await.unwrap();
}

/// Without a record there is something to show where targets are named, and nothing where they are not.
#[tokio::test]
async fn without_permission_for_the_records_it_says_what_is_missing() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    world.shop("shop-api", 1).await;
    let run = || world.step_with("inventory", &[]).workspace(folder.path()).input("output", "site");
    let report = run().run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.output("reason").contains("deployments: read"), "{report}");
    let report = run().input("targets", "prd: {shop: {function: shop-api}}").run().await;
    report.assert_verdict("inconclusive", 0);
    assert_eq!(row(&report, folder.path())["serves"][0]["name"], "version 1");
}
