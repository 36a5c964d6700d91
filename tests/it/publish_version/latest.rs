//! `traffic: latest`: users call the function without an alias, so the update itself is the switch.

use futures_util::future::join_all;
use serde_json::{Value, json};
use testbed::aws::sample::FAILS_IN_PRODUCTION;
use testbed::aws::{Fault, FunctionSpec, Settings};
use testbed::outage::Outage;
use testbed::runner::{Report, Runner, Signal};

use super::{answers, fault, other_code, other_configuration, publish, publish_zip, release, slow, workspace, writes};
use crate::messages::message;
use crate::world::{Release, World};

/// A function that users call without an alias, and that was never published.
async fn unqualified(world: &World, name: &str) {
    let spec = FunctionSpec::zip(name, release(world, 1)).env("STAGE", "prd");
    world.aws.create_function(&spec).await.unwrap();
    world.aws.clear_requests().await.unwrap();
}

fn latest(world: &World, name: &str, workspace: &tempfile::TempDir) -> Runner {
    publish_zip(world, name, workspace).input("traffic", "latest")
}

/// What users get, who call the function without an alias.
async fn users(world: &World, name: &str) -> String {
    answers(world, name, "$LATEST").await.0
}

fn refused(operation: &str, after: u32) -> Fault {
    let code = Some("AccessDeniedException".to_owned());
    Fault { status: Some(403), code, after, times: u32::MAX, ..fault(operation) }
}

fn last_states(world: &World) -> Vec<String> {
    world.records().last().unwrap().states().iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn users_meet_the_code_at_once_and_what_served_is_kept_as_a_version() {
    let world = World::new().await;
    unqualified(&world, "shop-api").await;
    let report = latest(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&world.aws.id);
    assert_eq!(users(&world, "shop-api").await, "1.2.0");
    assert_eq!(writes(&world).await, ["PublishVersion", "UpdateFunctionCode", "PublishVersion"]);
    assert_eq!(answers(&world, "shop-api", "1").await.0, "1.1.0", "what served is version 1");
    assert_eq!((report.output("version"), report.output("previous-version")), ("2", "1"));
    let commit = &world.commits[4][..7];
    let serving = report.output("serving");
    assert!(serving.starts_with(&format!("shop-api:$LATEST -> version 2 (commit {commit}, code ")), "{serving}");
    let reason = report.output("reason");
    assert!(reason.ends_with("it serves traffic now, before it version 1"), "{reason}");

    let record = &world.records()[0];
    assert_eq!((record.task.as_str(), record.states()), ("deploy", vec!["success"]));
    assert_eq!(report.output("deployment-id"), record.id.to_string());
    let target = &record.payload["targets"][0];
    assert_eq!((&target["kind"], &target["previous"]["version"]), (&json!("lambda-latest"), &json!("1")));
    assert_eq!(target["code_sha256"], report.output("code-sha256"));
    let state: Value = serde_json::from_str(report.output("state")).unwrap();
    assert_eq!(state["targets"][0], *target);
    let description = &world.aws.function("shop-api", "1").await.unwrap()["Configuration"]["Description"];
    assert_eq!(description.as_str().unwrap(), format!("what served before {commit}"));
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
}

#[tokio::test]
async fn what_serves_is_published_once_and_a_release_that_is_there_changes_nothing() {
    let world = World::new().await;
    unqualified(&world, "shop-api").await;
    latest(&world, "shop-api", &workspace(&release(&world, 2))).run().await.assert_verdict("pass", 0);
    world.aws.clear_requests().await.unwrap();
    let third = workspace(&release(&world, 3));
    let report = latest(&world, "shop-api", &third).run_id(701).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(writes(&world).await, ["UpdateFunctionCode", "PublishVersion"], "version 2 holds what serves");
    assert_eq!((report.output("version"), report.output("previous-version")), ("3", "2"));
    assert_eq!(world.records()[0].states(), ["success", "inactive"]);

    let again = latest(&world, "shop-api", &third).run_id(702).run().await;
    again.assert_verdict("skipped", 0);
    assert!(again.output("reason").ends_with("it already serves traffic"), "{}", again.output("reason"));
    assert_eq!((again.output("state"), again.output("deployment-id")), ("", ""));
    assert_eq!(world.records().len(), 2, "nothing that serves was changed");
}

#[tokio::test]
async fn an_image_is_recorded_by_its_digest() {
    let world = World::new().await;
    let digests = world.image_function("shop-api").await;
    let image = format!("shop/api@{}", digests[1]);
    let report = publish(&world, "shop-api").input("image", image).input("traffic", "latest").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&world.aws.id);
    let target = &world.records()[0].payload["targets"][0];
    assert_eq!((&target["digest"], &target["previous"]["digest"]), (&json!(digests[1]), &json!(digests[0])));
    assert!(report.output("serving").contains(&digests[1]), "{}", report.output("serving"));
}

#[tokio::test]
async fn a_function_on_an_alias_is_refused() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let package = workspace(&release(&world, 2));
    let report = latest(&world, "shop-api", &package).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    let reason = report.output("reason");
    assert!(reason.starts_with("function shop-api has aliases (live at version 1): users who call one"), "{reason}");
    assert!(report.error().message.contains("move the alias with swap-alias"), "{}", report.error().message);
    assert!(writes(&world).await.is_empty() && world.records().is_empty());

    world.aws.move_alias("shop-api", "live", "$LATEST").await.unwrap();
    latest(&world, "shop-api", &package).run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn whether_there_are_aliases_must_be_known() {
    let world = World::new().await;
    unqualified(&world, "shop-api").await;
    world.aws.faults(&[refused("ListAliases", 0)]).await.unwrap();
    let report = latest(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.error().message.contains("allow lambda:ListAliases"), "{}", report.error().message);
    assert!(writes(&world).await.is_empty() && world.records().is_empty());
}

/// Asserts that the release failed, and that users have what they had.
async fn assert_put_back(world: &World, report: &Report, verdict: (&str, i32)) {
    report.assert_verdict(verdict.0, verdict.1).assert_runner_safe();
    assert_eq!(users(world, "shop-api").await, "1.1.0");
    assert!(report.output("serving").starts_with("shop-api:$LATEST -> version 1"), "{}", report.output("serving"));
    assert_eq!(last_states(world), ["failure"]);
}

#[tokio::test]
async fn an_update_that_fails_is_put_back() {
    let world = World::new().await;
    unqualified(&world, "shop-api").await;
    let failure = json!({"reason": "The subnet has no free addresses.", "code": "InsufficientIPAddresses"});
    let settings = Settings { next_update_failure: Some(failure), ..Settings::default() };
    world.aws.settings(&settings).await.unwrap();
    let report = latest(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    assert_put_back(&world, &report, ("fail", 1)).await;
    let reason = report.output("reason");
    assert!(reason.contains("The subnet has no free addresses."), "{reason}");
    assert!(reason.ends_with("shop-api was put back to version 1"), "{reason}");
    let now = &world.aws.function("shop-api", "$LATEST").await.unwrap()["Configuration"];
    assert_eq!(now["LastUpdateStatus"], "Successful");
}

#[tokio::test]
async fn code_that_cannot_be_published_is_put_back() {
    let world = World::new().await;
    unqualified(&world, "shop-api").await;
    // What serves may be published; after that the permission is gone.
    world.aws.faults(&[refused("PublishVersion", 1)]).await.unwrap();
    let report = latest(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    assert_put_back(&world, &report, ("error", 4)).await;
    assert!(report.error().message.contains("allow lambda:PublishVersion"), "{}", report.error().message);
}

#[tokio::test]
async fn without_the_permission_to_keep_what_serves_nothing_is_switched() {
    let world = World::new().await;
    unqualified(&world, "shop-api").await;
    world.aws.faults(&[refused("PublishVersion", 0)]).await.unwrap();
    let report = latest(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert_eq!(writes(&world).await, ["PublishVersion"]);
    assert!(world.records().is_empty());
}

#[tokio::test]
async fn what_cannot_be_put_back_is_exit_3() {
    let world = World::new().await;
    unqualified(&world, "shop-api").await;
    world.aws.faults(&[refused("PublishVersion", 1), refused("UpdateFunctionCode", 1)]).await.unwrap();
    let report = latest(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("fail", 3).assert_runner_safe();
    assert_eq!(report.error().title.as_deref(), Some(message("bad-version-serves", &["publish-version"]).as_str()));
    assert!(report.output("reason").contains("shop-api could not be put back: "), "{}", report.output("reason"));
    let message = &report.error().message;
    assert!(message.contains("to put back by hand: curl -fsSo before.zip \"$(aws lambda get-function"), "{message}");
    assert_eq!(users(&world, "shop-api").await, "1.2.0");
    assert!(report.output("serving").contains("commit unknown"), "{}", report.output("serving"));
}

#[tokio::test]
async fn several_functions_switch_all_or_none() {
    let world = World::new().await;
    for name in ["shop-api", "shop-web"] {
        unqualified(&world, name).await;
    }
    let failure = json!({"reason": "No addresses.", "function": "shop-web"});
    let settings = Settings { next_update_failure: Some(failure), ..Settings::default() };
    world.aws.settings(&settings).await.unwrap();
    let package = workspace(&release(&world, 2));
    let report = latest(&world, "shop-api\nshop-web", &package).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    for name in ["shop-api", "shop-web"] {
        assert_eq!(users(&world, name).await, "1.1.0");
    }
    let reason = report.output("reason");
    assert!(reason.contains("shop-api was put back to version 1"), "{reason}");
    assert_eq!(world.records().len(), 1);
    latest(&world, "shop-api\nshop-web", &package).run_id(701).run().await.assert_verdict("pass", 0);
    for name in ["shop-api", "shop-web"] {
        assert_eq!(users(&world, name).await, "1.2.0");
    }
}

#[tokio::test]
async fn a_lost_answer_is_looked_for_at_every_write() {
    for (operation, after) in [("PublishVersion", 0), ("UpdateFunctionCode", 0), ("PublishVersion", 1)] {
        for applied in [true, false] {
            let world = World::new().await;
            unqualified(&world, "shop-api").await;
            world.aws.faults(&[Fault { drop: true, applied, after, ..fault(operation) }]).await.unwrap();
            let report = latest(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
            report.assert_verdict("pass", 0).assert_runner_safe();
            assert_eq!(users(&world, "shop-api").await, "1.2.0", "{operation} {after} {applied}");
            assert_eq!(world.aws.versions("shop-api").await.unwrap(), ["1", "2"], "{operation} {after} {applied}");
            assert!(!report.summary.contains("not answered"), "what was read back is known: {}", report.summary);
            assert_eq!(world.records().len(), 1);
        }
    }
}

#[tokio::test]
async fn somebody_elses_code_in_between_is_left_alone() {
    for (operation, after) in [("PublishVersion", 0), ("UpdateFunctionCode", 0), ("PublishVersion", 1)] {
        let world = World::new().await;
        unqualified(&world, "shop-api").await;
        let hook = Fault { before: vec![other_code("shop-api")], after, ..fault(operation) };
        world.aws.faults(&[hook]).await.unwrap();
        slow(&world, 0.0).await;
        let report = latest(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
        report.assert_verdict("superseded", 5).assert_runner_safe();
        let now = world.aws.invoke("shop-api", "$LATEST", &json!({})).await.unwrap();
        assert_eq!(now.payload, json!("somebody else"), "{operation} {after}");
        let opened = usize::from((operation, after) != ("PublishVersion", 0));
        assert_eq!(world.records().len(), opened, "{operation} {after}");
    }
}

#[tokio::test]
async fn a_cancelled_wait_hands_over_the_state_and_the_next_attempt_ends_the_record() {
    let world = World::new().await;
    unqualified(&world, "shop-api").await;
    slow(&world, 4.0).await;
    let package = workspace(&release(&world, 2));
    let mut running = latest(&world, "shop-api", &package).start().await;
    running.wait_for("LastUpdateStatus is InProgress").await;
    running.signal(Signal::TERM);
    let report = running.wait().await;
    report.assert_verdict("cancelled", 143).assert_runner_safe();
    assert!(report.output("state").contains("\"previous\":{\"version\":\"1\""), "{report}");
    assert!(report.output("serving").contains("once its update has ended"), "{}", report.output("serving"));
    assert!(last_states(&world).is_empty(), "nobody knows yet how it ends");

    let report = latest(&world, "shop-api", &package).run_attempt(2).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(users(&world, "shop-api").await, "1.2.0");
    assert_eq!((world.records().len(), last_states(&world)), (1, vec!["success".to_owned()]));
}

#[tokio::test]
async fn after_the_deadline_the_end_of_the_update_is_waited_for_and_put_back() {
    let world = World::new().await;
    unqualified(&world, "shop-api").await;
    slow(&world, 600.0).await;
    let package = workspace(&release(&world, 2));
    let running = latest(&world, "shop-api", &package).input("timeout", "8s").start().await;
    running.wait_for("waiting for the end of an update of shop-api").await;
    slow(&world, 0.2).await;
    assert_put_back(&world, &running.wait().await, ("error", 4)).await;
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let world = World::new().await;
    unqualified(&world, "shop-api").await;
    let report = latest(&world, "shop-api", &workspace(&release(&world, 2))).input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("changed"), "true");
    assert!(report.output("reason").contains("users would get it at once"), "{}", report.output("reason"));
    assert!(writes(&world).await.is_empty() && world.records().is_empty());
    assert!(report.output("serving").contains("no published version"), "{}", report.output("serving"));
}

#[tokio::test]
async fn the_record_may_be_left_open_for_the_last_check() {
    let world = World::new().await;
    unqualified(&world, "shop-api").await;
    let package = workspace(&release(&world, 2));
    let report = latest(&world, "shop-api", &package).input("record", "open").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(last_states(&world), ["in_progress"]);
    let id = report.output("deployment-id");
    let closed = world.step("finish-deployment").input("deployment-id", id).input("result", "success").run().await;
    closed.assert_verdict("pass", 0);
    assert!(closed.output("serving").starts_with("shop-api:$LATEST -> version 2"), "{}", closed.output("serving"));
    assert_eq!(last_states(&world).last().unwrap(), "success");
}

#[tokio::test]
async fn without_a_way_to_keep_the_record_it_is_said_or_refused() {
    let world = World::new().await;
    unqualified(&world, "shop-api").await;
    let package = workspace(&release(&world, 2));
    let without = |mode: &str| {
        let step = world.step_with("publish-version", &[]).workspace(package.path()).input("zip", "dist/app.zip");
        step.input("environment", "prd").input("function", "shop-api").input("traffic", "latest").input("record", mode)
    };
    let report = without("require").run().await;
    report.assert_verdict("error", 4);
    assert_eq!(users(&world, "shop-api").await, "1.1.0");
    let report = without("close").run().await;
    report.assert_verdict("pass", 0);
    assert!(report.warning().message.contains("no record is kept"), "{}", report.warning().message);
}

#[tokio::test]
async fn a_version_that_went_back_and_comes_again_is_a_switch_too() {
    let world = World::new().await;
    let bad = Release { version: "1.2.0", commit: &world.commits[1], behaviour: FAILS_IN_PRODUCTION };
    unqualified(&world, "shop-api").await;
    let second = workspace(&bad.zip());
    latest(&world, "shop-api", &second).run().await.assert_verdict("pass", 0);
    let back = world.step("rollback").input("environment", "prd").input("function", "shop-api").input("mode", "code");
    back.run().await.assert_verdict("pass", 0);
    assert_eq!(users(&world, "shop-api").await, "1.1.0");
    let again = latest(&world, "shop-api", &second).input("release-hold", "true").input("reason", "for another test");
    let report = again.run_id(701).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("version"), "2", "AWS answers the version there is");
    assert!(report.output("reason").contains("holds version 2"), "{}", report.output("reason"));
    assert_eq!(world.records().len(), 3);
}

#[tokio::test]
async fn inputs_of_the_record_belong_to_latest() {
    let world = World::new().await;
    let package = workspace(&release(&world, 2));
    let table: [(&[(&str, &str)], &str); 3] = [
        (&[("record", "open")], "belong to `traffic: latest`"),
        (&[("traffic", "latest"), ("environment", "")], "input `environment` is required"),
        (&[("traffic", "latest"), ("deployment-id", "7")], "input `deployment-id` is not used with"),
    ];
    for (inputs, words) in table {
        let runner = publish_zip(&world, "shop-api", &package);
        let runner = inputs.iter().fold(runner, |runner, (name, value)| runner.input(name, *value));
        let report = runner.run().await;
        report.assert_verdict("error", 2);
        assert!(report.output("reason").contains(words), "{} does not say {words}", report.output("reason"));
    }
}

#[tokio::test]
async fn a_configuration_that_changed_before_we_publish_does_not_take_the_code_back() {
    let world = World::new().await;
    unqualified(&world, "shop-api").await;
    slow(&world, 0.0).await;
    let hook = Fault { before: vec![other_configuration("shop-api")], after: 1, ..fault("PublishVersion") };
    world.aws.faults(&[hook]).await.unwrap();
    let report = latest(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(users(&world, "shop-api").await, "1.2.0");
    assert_eq!(last_states(&world), ["success"]);
}

/// A release that meets its second `PublishVersion` refused, while GitHub and what holds the code fail from its update on.
async fn goes_back_at_once(world: &World, step: Runner, storage: &str, outage: Outage) {
    let held = Fault { hold: true, ..fault("UpdateFunctionCode") };
    world.aws.faults(&[held, refused("PublishVersion", 1)]).await.unwrap();
    let running = step.start().await;
    world.aws.held().await.unwrap();
    world.github.fails(outage).unwrap();
    world.aws.fails(storage, outage).await.unwrap();
    world.aws.release().await.unwrap();
    let report = running.wait().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.output("reason").ends_with("shop-api was put back to version 1"), "{outage:?}: {report}");
    let all = world.aws.requests().await.unwrap();
    let last = |operation: &str| all.iter().rfind(|request| request.operation == operation).unwrap().time;
    let seconds = last("UpdateFunctionCode") - last("PublishVersion");
    assert!((0.0..=10.0).contains(&seconds), "{outage:?}: put back after {seconds} s\n{report}");
    world.aws.clear_faults().await.unwrap();
}

#[tokio::test]
async fn github_and_s3_fail_from_the_update_on_and_the_archive_goes_back_at_once() {
    join_all(Outage::ALL.map(|outage| async move {
        let world = World::new().await;
        unqualified(&world, "shop-api").await;
        let package = workspace(&release(&world, 2));
        goes_back_at_once(&world, latest(&world, "shop-api", &package), "s3", outage).await;
        assert_eq!(users(&world, "shop-api").await, "1.1.0");
    }))
    .await;
}

#[tokio::test]
async fn github_and_ecr_fail_from_the_update_on_and_the_image_goes_back_at_once() {
    join_all(Outage::ALL.map(|outage| async move {
        let world = World::new().await;
        let digests = world.image_function("shop-api").await;
        let first = world.aws.image_uri("shop/api", &digests[0]);
        world.aws.clear_requests().await.unwrap();
        let step = publish(&world, "shop-api").input("image", format!("shop/api@{}", digests[1]));
        goes_back_at_once(&world, step.input("traffic", "latest"), "ecr", outage).await;
        let now = world.aws.function("shop-api", "$LATEST").await.unwrap();
        assert_eq!(now["Code"]["ResolvedImageUri"], first);
    }))
    .await;
}

#[tokio::test]
async fn what_serves_and_cannot_be_fetched_is_not_replaced() {
    let world = World::new().await;
    unqualified(&world, "shop-api").await;
    world.aws.fails("s3", Outage::Refuses).await.unwrap();
    let report = latest(&world, "shop-api", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.output("reason").contains("nothing was changed"), "{}", report.output("reason"));
    assert_eq!(writes(&world).await, ["PublishVersion"], "a version of what serves, which changes nothing");
    assert!(world.records().is_empty());
}
