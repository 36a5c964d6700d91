//! `mode: code`: users call the function without an alias, so the code itself goes back into `$LATEST`.

use serde_json::{Value, json};
use testbed::aws::sample::{FAILS_IN_PRODUCTION, GOOD, http_event, sample_zip};
use testbed::aws::{Fault, FunctionSpec, Hook, Settings};
use testbed::runner::{Report, Runner, Signal};
use testbed::web::{Answer, WebServer};

use super::refused;
use crate::messages::message;
use crate::world::{RUN, World};

fn rollback(world: &World) -> Runner {
    world.step("rollback").input("environment", "prd").input("function", "shop-api").input("mode", "code")
}

fn package(world: &World, number: usize, behaviour: &str) -> Vec<u8> {
    sample_zip(&format!("1.{number}.0"), &world.commits[number - 1], behaviour)
}

/// Puts a release into `$LATEST` by publish-version.
async fn release(world: &World, number: usize, behaviour: &str, run: u64) -> Report {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.zip"), package(world, number, behaviour)).unwrap();
    let step = world.step("publish-version").workspace(folder.path()).run_id(run).sha(&world.commits[number - 1]);
    let step = step.input("environment", "prd").input("function", "shop-api").input("traffic", "latest");
    let step = step.input("release-hold", "true").input("reason", "for another test");
    let report = step.input("zip", "app.zip").run().await;
    report.assert_verdict("pass", 0);
    report
}

/// A function without an alias: release 1 from elsewhere, release 2 by an earlier run, release 3, which is bad, by this one.
async fn shop(world: &World) -> Report {
    let spec = FunctionSpec::zip("shop-api", package(world, 1, GOOD)).env("STAGE", "prd");
    world.aws.create_function(&spec).await.unwrap();
    release(world, 2, GOOD, 1).await;
    let bad = release(world, 3, FAILS_IN_PRODUCTION, RUN).await;
    world.aws.clear_requests().await.unwrap();
    bad
}

/// The release that users meet.
async fn users(world: &World) -> String {
    let invocation = world.aws.invoke("shop-api", "$LATEST", &http_event("/health")).await.unwrap();
    let body: Value = serde_json::from_str(invocation.payload["body"].as_str().unwrap_or("{}")).unwrap();
    body["version"].as_str().unwrap_or_default().to_owned()
}

async fn writes(world: &World) -> Vec<String> {
    let is_update = |write: &String| write.starts_with("lambda ") && write != "lambda Invoke";
    world.writes().await.into_iter().filter(is_update).collect()
}

fn fault(operation: &str) -> Fault {
    Fault { operation: Some(operation.to_owned()), ..Fault::default() }
}

#[tokio::test]
async fn the_archive_that_served_before_is_back() {
    let world = World::new().await;
    shop(&world).await;
    let report = rollback(&world).input("reason", "5xx").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&world.aws.id);
    assert_eq!(users(&world).await, "1.2.0");
    assert_eq!(writes(&world).await, ["lambda UpdateFunctionCode"]);
    assert_eq!((report.output("version"), report.output("previous-version")), ("2", "3"));
    assert_eq!(report.output("target-source"), "state");
    let commit = &world.commits[1][..7];
    let serving = report.output("serving");
    assert!(serving.starts_with(&format!("shop-api:$LATEST -> version 2 (commit {commit}, code ")), "{serving}");
    let before = world.aws.function("shop-api", "2").await.unwrap()["Configuration"]["CodeSha256"].clone();
    assert_eq!(world.aws.function("shop-api", "$LATEST").await.unwrap()["Configuration"]["CodeSha256"], before);

    let records = world.records();
    assert_eq!(records[1].states().last(), Some(&"failure"));
    assert!(records[1].statuses.last().unwrap().description.contains(" fail held withdrawn: 5xx"));
    assert_eq!((records[2].task.as_str(), records[2].states()), ("deploy:rollback", vec!["success"]));
    assert_eq!(records[2].sha, world.commits[1], "the commit that serves again");
    let target = &records[2].payload["targets"][0];
    assert_eq!((&target["kind"], &target["version"]), (&json!("lambda-latest"), &json!("2")));
    assert_eq!((&target["code_sha256"], &target["previous"]["version"]), (&before, &json!("3")));

    let again = rollback(&world).run().await;
    again.assert_verdict("skipped", 0);
    assert!(again.output("reason").contains("is back already"), "{}", again.output("reason"));
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
}

#[tokio::test]
async fn the_image_that_served_before_is_back_unless_it_is_gone() {
    let world = World::new().await;
    let digests = world.image_function("shop-api").await;
    let first = world.aws.image_uri("shop/api", &digests[0]);
    let publish = || {
        let step = world.step("publish-version").input("environment", "prd").input("function", "shop-api");
        let step = step.input("release-hold", "true").input("reason", "for another test");
        step.input("traffic", "latest").input("image", format!("shop/api@{}", digests[1]))
    };
    publish().run().await.assert_verdict("pass", 0);
    let report = rollback(&world).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&world.aws.id);
    assert_eq!((report.output("version"), report.output("digest")), ("1", digests[0].as_str()));
    let now = world.aws.function("shop-api", "$LATEST").await.unwrap();
    assert_eq!(now["Code"]["ResolvedImageUri"], first);

    publish().run_id(RUN + 1).run().await.assert_verdict("pass", 0);
    let by_digest = rollback(&world).run_id(RUN + 2).input("to", digests[0].as_str());
    by_digest.run().await.assert_verdict("pass", 0);
    publish().run_id(RUN + 3).run().await.assert_verdict("pass", 0);
    let gone = json!({"repositoryName": "shop/api", "imageIds": [{"imageDigest": digests[0]}]});
    world.aws.ecr("BatchDeleteImage", &gone).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let report = rollback(&world).run_id(RUN + 3).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(report.output("reason").contains("is gone from its repository"), "{}", report.output("reason"));
    assert_eq!(writes(&world).await, ["lambda UpdateFunctionCode"], "AWS refuses it; nothing was asked of ECR before");
}

/// Going back took the customer's key off the package.
#[tokio::test]
async fn the_customers_key_of_the_package_stays() {
    let world = World::new().await;
    let spec = FunctionSpec::zip("shop-api", package(&world, 1, GOOD)).env("STAGE", "prd");
    world.aws.create_function(&spec).await.unwrap();
    let key = world.key();
    world.aws.store_code("shop-api", &package(&world, 1, GOOD), &json!({"SourceKMSKeyArn": key})).await.unwrap();
    release(&world, 2, GOOD, 1).await;
    // Somebody puts a bad release there without the key.
    release(&world, 3, FAILS_IN_PRODUCTION, RUN).await;
    world.aws.store_code("shop-api", &package(&world, 3, FAILS_IN_PRODUCTION), &json!({})).await.unwrap();
    let report = rollback(&world).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&world.aws.id);
    assert_eq!(users(&world).await, "1.2.0");
    assert_eq!(world.aws.function("shop-api", "$LATEST").await.unwrap()["Code"]["SourceKMSKeyArn"], key.as_str());
}

#[tokio::test]
async fn a_package_that_lambda_runs_from_s3_is_run_from_there_again_unless_it_is_gone() {
    let world = World::new().await;
    let spec = FunctionSpec::zip("shop-api", package(&world, 1, GOOD)).env("STAGE", "prd");
    world.aws.create_function(&spec).await.unwrap();
    let bucket = world.bucket().await;
    world.aws.s3_put(&bucket, "app.zip", package(&world, 1, GOOD)).await.unwrap();
    let version = world.aws.refer_code("shop-api", &bucket, "app.zip").await.unwrap();
    release(&world, 3, FAILS_IN_PRODUCTION, RUN).await;
    let report = rollback(&world).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(users(&world).await, "1.1.0");
    let code = world.aws.function("shop-api", "$LATEST").await.unwrap()["Code"].clone();
    assert_eq!(code["ResolvedS3Object"]["S3ObjectVersion"], version.as_str());

    release(&world, 3, FAILS_IN_PRODUCTION, RUN + 1).await;
    world.aws.s3("DELETE", &format!("/{bucket}/app.zip?versionId={version}"), Vec::new()).await.unwrap().ok().unwrap();
    world.aws.clear_requests().await.unwrap();
    let report = rollback(&world).run_id(RUN + 1).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(report.output("reason").contains("AWS cannot get at the package of version"), "{report}");
    assert!(writes(&world).await.is_empty(), "{:?}", writes(&world).await);
}

#[tokio::test]
async fn a_function_on_an_alias_is_refused_and_one_without_is_told_of_the_mode() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let report = rollback(&world).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    let reason = report.output("reason");
    assert!(reason.contains("has aliases (live at version 1): users who call one would not get"), "{reason}");
    assert!(report.error().message.contains("leave `mode` out"), "{}", report.error().message);
    assert!(writes(&world).await.is_empty() && world.records().is_empty());

    let spec = FunctionSpec::zip("shop-web", package(&world, 1, GOOD));
    world.aws.create_function(&spec).await.unwrap();
    let report = world.step("rollback").input("environment", "prd").input("function", "shop-web").run().await;
    report.assert_verdict("error", 4);
    assert!(report.error().message.contains("set `mode: code`"), "{}", report.error().message);
}

#[tokio::test]
async fn where_it_goes_can_be_named() {
    let world = World::new().await;
    shop(&world).await;
    let named = |to: &str| rollback(&world).input("to", to).run_id(9);
    for (to, expected) in [("1", "1.1.0"), (world.commits[1].as_str(), "1.2.0"), ("1", "1.1.0")] {
        let report = named(to).run().await;
        report.assert_verdict("pass", 0);
        assert_eq!((users(&world).await.as_str(), report.output("target-source")), (expected, "explicit"));
    }
    named("9").run().await.assert_verdict("fail", 1);
    let listed = world.step("rollback").input("environment", "prd").input("versions", "shop-api=2");
    listed.input("mode", "code").run().await.assert_verdict("pass", 0);
    assert_eq!(users(&world).await, "1.2.0");
}

#[tokio::test]
async fn by_hand_it_goes_back_to_what_the_record_says_worked() {
    let world = World::new().await;
    shop(&world).await;
    let report = rollback(&world).input("scope", "any").run_id(9).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(users(&world).await, "1.2.0");
}

#[tokio::test]
async fn the_state_of_another_job_serves_without_any_record() {
    let world = World::new().await;
    let bad = shop(&world).await;
    let step = world.step_with("rollback", &[]).input("function", "shop-api").input("mode", "code");
    let report = step.input("record", "off").input("state", bad.output("state")).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((users(&world).await.as_str(), report.output("target-source")), ("1.2.0", "state"));
}

#[tokio::test]
async fn a_run_that_changed_nothing_and_a_change_of_somebody_else_are_left_alone() {
    let world = World::new().await;
    shop(&world).await;
    let report = rollback(&world).run_id(9).run().await;
    report.assert_verdict("skipped", 0);
    let reason = report.output("reason");
    assert!(reason.starts_with(&message("nothing-changed-here", &["shop-api:$LATEST; code "])), "{reason}");

    release(&world, 4, GOOD, RUN + 1).await;
    world.aws.clear_requests().await.unwrap();
    let report = rollback(&world).run().await;
    report.assert_verdict("superseded", 5).assert_runner_safe();
    assert!(writes(&world).await.is_empty());
    assert_eq!(users(&world).await, "1.4.0");
}

#[tokio::test]
async fn somebody_elses_code_between_the_reading_and_the_write_is_left_alone() {
    use base64::Engine as _;
    let world = World::new().await;
    shop(&world).await;
    let other = base64::engine::general_purpose::STANDARD.encode(package(&world, 4, GOOD));
    let hook = Hook {
        method: "PUT".to_owned(),
        path: "/2015-03-31/functions/shop-api/code".to_owned(),
        body: json!({"ZipFile": other}),
        service: Some("lambda".to_owned()),
        ..Hook::default()
    };
    world.aws.settings(&Settings { update_delay: Some(0.0), ..Settings::default() }).await.unwrap();
    world.aws.faults(&[Fault { before: vec![hook], ..fault("UpdateFunctionCode") }]).await.unwrap();
    let report = rollback(&world).run().await;
    report.assert_verdict("superseded", 5).assert_runner_safe();
    assert_eq!(users(&world).await, "1.4.0");
    assert_eq!(world.records().last().unwrap().states(), ["failure"]);
}

#[tokio::test]
async fn a_lost_answer_is_looked_for() {
    for applied in [true, false] {
        let world = World::new().await;
        shop(&world).await;
        world.aws.faults(&[Fault { drop: true, applied, ..fault("UpdateFunctionCode") }]).await.unwrap();
        let report = rollback(&world).run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        assert_eq!(users(&world).await, "1.2.0");
        assert_eq!(writes(&world).await.len(), if applied { 1 } else { 2 });
        assert!(!report.summary.contains("not answered"), "{}", report.summary);
    }
}

#[tokio::test]
async fn an_archive_that_does_not_come_whole_is_not_put_back() {
    let world = World::new().await;
    shop(&world).await;
    let broken = Fault { truncate: true, times: u32::MAX, service: Some("s3".to_owned()), ..fault("GetObject") };
    world.aws.faults(&[broken]).await.unwrap();
    let report = rollback(&world).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(!report.log.iter().any(|line| line.contains("X-Amz-Signature")), "{report}");
    assert!(writes(&world).await.is_empty());

    world.aws.clear_faults().await.unwrap();
    let once = Fault { status: Some(503), service: Some("s3".to_owned()), ..fault("GetObject") };
    world.aws.faults(&[once]).await.unwrap();
    rollback(&world).run().await.assert_verdict("pass", 0);
    assert_eq!(users(&world).await, "1.2.0");
}

#[tokio::test]
async fn a_missing_permission_is_named_with_the_way_by_hand() {
    for (operation, action) in
        [("UpdateFunctionCode", "lambda:UpdateFunctionCode"), ("ListAliases", "lambda:ListAliases")]
    {
        let world = World::new().await;
        shop(&world).await;
        world.aws.faults(&[refused(operation)]).await.unwrap();
        let report = rollback(&world).run().await;
        report.assert_verdict("error", 4).assert_runner_safe();
        let message = report.error().message.clone();
        assert!(message.contains(&format!("allow {action}")), "{message}");
        if operation == "UpdateFunctionCode" {
            assert!(message.contains("by hand: curl -fsSo before.zip"), "{message}");
            assert_eq!(world.records().last().unwrap().states(), ["failure"]);
        }
        assert_eq!(users(&world).await, "1.3.0");
    }
}

#[tokio::test]
async fn an_update_back_that_fails_is_exit_3_and_is_done_again() {
    let world = World::new().await;
    shop(&world).await;
    let failure = json!({"reason": "No addresses.", "code": "InsufficientIPAddresses"});
    let settings = Settings { next_update_failure: Some(failure), ..Settings::default() };
    world.aws.settings(&settings).await.unwrap();
    let report = rollback(&world).run().await;
    report.assert_verdict("fail", 3).assert_runner_safe();
    assert!(report.output("reason").contains("what was to be replaced still answers"), "{}", report.output("reason"));
    assert!(report.output("serving").contains("whose update failed"), "{}", report.output("serving"));
    assert_eq!(users(&world).await, "1.3.0");

    rollback(&world).run().await.assert_verdict("pass", 0);
    assert_eq!(users(&world).await, "1.2.0");
}

#[tokio::test]
async fn health_after_it_is_asked_without_an_alias() {
    let world = World::new().await;
    shop(&world).await;
    let report = rollback(&world).input("path", "/health").run().await;
    report.assert_verdict("pass", 0);
    assert!(world.operations().await.contains(&"lambda Invoke".to_owned()));

    release(&world, 3, FAILS_IN_PRODUCTION, RUN + 1).await;
    let server = WebServer::start([Answer::status(503)]);
    let step = rollback(&world).run_id(RUN + 1).input("url", server.url("/health")).input("attempts", "2");
    let report = step.run().await;
    report.assert_verdict("fail", 3).assert_runner_safe();
    assert!(report.output("reason").starts_with("BAD VERSION STILL SERVES"), "{}", report.output("reason"));
    assert!(report.log.iter().any(|line| line.contains("asked directly, it answers")), "{report}");
}

#[tokio::test]
async fn a_signal_while_it_waits_ends_it_and_the_next_run_converges() {
    let world = World::new().await;
    shop(&world).await;
    world.aws.settings(&Settings { update_delay: Some(4.0), ..Settings::default() }).await.unwrap();
    let mut running = rollback(&world).start().await;
    running.wait_for("LastUpdateStatus is InProgress").await;
    running.signal(Signal::INT);
    let report = running.wait().await;
    report.assert_verdict("cancelled", 130).assert_runner_safe();
    assert!(report.output("serving").contains("once its update has ended"), "{}", report.output("serving"));
    let report = rollback(&world).run_attempt(2).run().await;
    report.assert_verdict("skipped", 0);
    assert_eq!(users(&world).await, "1.2.0");
    assert_eq!(world.records()[1].states().last(), Some(&"failure"), "what was undone is withdrawn");
}

#[tokio::test]
async fn a_dry_run_tells_where_it_would_go() {
    let world = World::new().await;
    shop(&world).await;
    let report = rollback(&world).input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0);
    let reason = report.output("reason");
    assert!(reason.contains("would go back from code ") && reason.contains("that of version 2"), "{reason}");
    assert!(writes(&world).await.is_empty());
}

#[tokio::test]
async fn a_guess_takes_the_code_published_before() {
    let world = World::new().await;
    let spec = FunctionSpec::zip("shop-api", package(&world, 1, GOOD));
    world.aws.create_function(&spec).await.unwrap();
    for number in [1, 2] {
        let code = testbed::aws::Code::Zip(package(&world, number, GOOD));
        world.aws.update_code("shop-api", &code).await.unwrap();
        world.aws.publish("shop-api", &world.commits[number - 1]).await.unwrap();
    }
    rollback(&world).input("scope", "any").run().await.assert_verdict("error", 4);
    let report = rollback(&world).input("scope", "any").input("allow-guess", "true").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((users(&world).await.as_str(), report.output("target-source")), ("1.1.0", "guess"));
}
