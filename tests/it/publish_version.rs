//! publish-version: what is put into a function, when it is refused, and what happens in between.

mod between;
mod image;
mod kept;
mod latest;
mod several;
mod table;
mod traffic;
mod zip;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::aws::sample::{GOOD, http_event, sample_zip};
use testbed::aws::{Fault, FunctionSpec, Hook, Request, Settings, zips};
use testbed::runner::{Report, Runner};

use crate::messages::{message, says};
use crate::world::World;

pub(crate) use self::table::UNDER_TEST;

/// The package of a release: its version and commit are what `/health` answers.
fn release(world: &World, number: usize) -> Vec<u8> {
    sample_zip(&format!("1.{number}.0"), &world.commits[number - 1], GOOD)
}

/// A workspace that holds this package as `dist/app.zip`.
pub(crate) fn workspace(package: &[u8]) -> tempfile::TempDir {
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

pub(crate) fn publish_zip(world: &World, function: &str, workspace: &tempfile::TempDir) -> Runner {
    publish(world, function).workspace(workspace.path()).input("zip", "dist/app.zip")
}

fn fault(operation: &str) -> Fault {
    Fault { operation: Some(operation.to_owned()), ..Fault::default() }
}

/// What somebody else does to the function's code.
fn other_code(function: &str) -> Hook {
    sent_code(function, &zips::python("def handler(event, context): return 'somebody else'"))
}

/// Somebody else's update to this package.
fn sent_code(function: &str, package: &[u8]) -> Hook {
    use base64::Engine as _;
    let package = base64::engine::general_purpose::STANDARD.encode(package);
    Hook {
        method: "PUT".to_owned(),
        path: format!("/2015-03-31/functions/{function}/code"),
        body: json!({"ZipFile": package}),
        service: Some("lambda".to_owned()),
        ..Hook::default()
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

/// How long updates take from now on, those under way too.
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
async fn publishing_is_guarded_by_the_code_and_the_revision_that_were_read() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let workspace = workspace(&release(&world, 2));
    publish_zip(&world, "shop-api", &workspace).run().await.assert_verdict("pass", 0);
    let publish =
        world.aws.requests().await.unwrap().into_iter().find(|one| one.operation == "PublishVersion").unwrap();
    let body: Value = serde_json::from_str(&publish.body).unwrap();
    assert!(body["CodeSha256"].is_string() && body["RevisionId"].is_string(), "{body}");
}

#[tokio::test]
async fn the_old_code_answers_until_the_update_has_succeeded() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    slow(&world, 600.0).await;
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
    slow(&world, 0.0).await;
    running.wait().await.assert_verdict("pass", 0);
    assert_eq!(answers(&world, "shop-api", "2").await.0, "1.2.0");
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
async fn what_is_not_there_is_refused_before_the_first_write() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let bucket = world.bucket().await;
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
    assert!(report.duration < Duration::from_secs(10), "{:?}", report.duration);
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
        message("published-cannot-run", &["version 2 of shop-api", "Failed (ImageDeleted: The image was deleted.)"])
    );
    assert_eq!(report.output("versions"), "", "it is not to be used");
    assert_eq!(report.output("changed"), "true");
}

#[tokio::test]
async fn a_dry_run_tells_the_plan_and_writes_nothing() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let bucket = world.bucket().await;
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
    let reason = report.output("reason");
    assert!(reason.ends_with("version 1 holds that and the same configuration (live still serves 1)"), "{reason}");
    assert!(writes(&world).await.is_empty());

    world.aws.update_configuration("shop-api", &json!({"Timeout": 17})).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let report = publish_zip(&world, "shop-api", &same).input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("changed"), "true");
    let reason = report.output("reason");
    assert!(reason.contains("publish a version: the code of version 1 with another configuration"), "{reason}");
    assert!(writes(&world).await.is_empty());
}

#[tokio::test]
async fn callers_without_an_alias_are_warned_of() {
    let world = World::new().await;
    world.aws.create_function(&FunctionSpec::zip("shop-api", release(&world, 1))).await.unwrap();
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("pass", 0);
    assert!(says(&report.warning().message, "unqualified-callers"), "{report}");
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
    slow(&world, 600.0).await;
    let report = publish_zip(&world, "shop-api", &workspace(&release(&world, 2))).input("timeout", "12s").run().await;
    report.assert_verdict("error", 4);
    let reason = report.output("reason");
    assert!(reason.contains("update of shop-api: LastUpdateStatus is InProgress"), "{reason}");
    assert!(report.output("serving").starts_with("shop-api:live -> version 1"), "{}", report.output("serving"));
}

#[tokio::test]
async fn bad_inputs_are_all_told_before_anything_is_called() {
    let world = World::new().await;
    let digest = format!("sha256:{}", "0".repeat(64));
    let table: [(&[(&str, &str)], &str); 7] = [
        (&[], "give `image` or `zip`"),
        (&[("zip", "a.zip"), ("image", "a:v1")], "give either `image` or `zip`, not both"),
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
