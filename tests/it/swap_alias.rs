//! swap-alias: all or none, guarded, read back, recorded.

mod adopt;
mod canary;
mod canary_ends;
mod not_seen_yet;
mod oidc;
mod proofs;
mod provisioned;
mod put_back;
mod records;
mod table;

use serde_json::{Value, json};
use testbed::aws::{Fault, Hook};
use testbed::runner::Runner;

use crate::world::World;

pub(crate) use self::table::UNDER_TEST;

fn swap(world: &World, function: &str, version: &str) -> Runner {
    world.step("swap-alias").input("environment", "prd").input("function", function).input("version", version)
}

fn fault(operation: &str) -> Fault {
    Fault { operation: Some(operation.to_owned()), ..Fault::default() }
}

#[tokio::test]
async fn users_meet_the_version_and_the_record_says_so() {
    let world = World::new().await;
    let versions = world.shop("shop-api", 2).await;
    let report = swap(&world, "shop-api", "2").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&world.aws.id);

    let live = world.live("shop-api").await;
    assert_eq!((live.version, live.weights.len()), (versions[1].clone(), 0));
    assert_eq!(report.output("changed"), "true");
    assert_eq!((report.output("version"), report.output("previous-version")), ("2", "1"));
    assert_eq!((report.output("versions"), report.output("previous-versions")), ("shop-api=2", "shop-api=1"));
    let serving = report.output("serving");
    assert!(
        serving.starts_with(&format!("shop-api:live -> version 2 (commit {}, code ", &world.commits[1][..7])),
        "{serving}"
    );
    let state: Value = serde_json::from_str(report.output("state")).unwrap();
    assert_eq!(state["targets"][0]["previous"]["version"], "1");
    assert!(report.log.iter().any(|line| {
        line.contains("aws lambda update-alias --function-name shop-api --name live --function-version 1")
    }));

    let records = world.records();
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!(report.output("deployment-id"), record.id.to_string());
    assert_eq!((record.environment.as_str(), record.task.as_str()), ("prd", "deploy"));
    assert_eq!(record.sha, world.commits[1], "the commit of the version, not of the run");
    assert_eq!(record.states(), ["success"]);
    assert!(record.production_environment);
    let payload = &record.payload;
    assert_eq!(payload["schema"], 1);
    assert_eq!(payload["component"], "shop");
    assert_eq!(payload["tree"], json!(world.repository.tree(&world.commits[1])));
    let before = &payload["targets"][0]["previous"];
    assert_eq!((&before["version"], &before["weights"]), (&json!("1"), &json!({})));
    let code = world.aws.function("shop-api", "1").await.unwrap()["Configuration"]["CodeSha256"].clone();
    assert_eq!(before["code_sha256"], code, "what rollback holds the version against");
    assert!(!payload.to_string().contains(&world.aws.id));
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    swap(&world, "shop-api", "2").run().await.assert_verdict("pass", 0);
    world.aws.clear_requests().await.unwrap();
    let report = swap(&world, "shop-api", "2").run().await;
    report.assert_verdict("skipped", 0);
    assert_eq!(report.output("changed"), "false");
    assert!(world.writes().await.is_empty());
    assert_eq!(world.records().len(), 1);
}

#[tokio::test]
async fn somebody_who_moves_the_alias_in_between_supersedes_us() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let hook = Hook::move_alias("shop-api", "live", "3");
    world.aws.faults(&[Fault { after_answer: vec![hook], ..fault("GetAlias") }]).await.unwrap();
    let report = swap(&world, "shop-api", "2").run().await;
    report.assert_verdict("superseded", 5).assert_runner_safe();
    assert_eq!(world.live("shop-api").await.version, "3");
    let sent: Vec<String> = world
        .aws
        .requests()
        .await
        .unwrap()
        .into_iter()
        .filter(|r| r.operation == "UpdateAlias" && !r.by_rule)
        .map(|r| r.path)
        .collect();
    assert_eq!(sent.len(), 1, "no second write: {sent:?}");
    assert!(report.output("serving").contains("version 3"), "{}", report.output("serving"));
    assert_eq!(world.records()[0].states(), ["failure"]);
}

#[tokio::test]
async fn an_answer_lost_after_the_write_was_applied_is_found_by_reading_back() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.aws.faults(&[Fault { drop: true, applied: true, ..fault("UpdateAlias") }]).await.unwrap();
    let report = swap(&world, "shop-api", "2").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((world.live("shop-api").await.version.as_str(), report.output("changed")), ("2", "true"));
    assert_eq!(world.writes().await, ["lambda UpdateAlias"]);
}

#[tokio::test]
async fn an_answer_lost_before_the_write_is_sent_once_more() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.aws.faults(&[Fault { drop: true, ..fault("UpdateAlias") }]).await.unwrap();
    swap(&world, "shop-api", "2").run().await.assert_verdict("pass", 0);
    assert_eq!(world.live("shop-api").await.version, "2");
}

#[tokio::test]
async fn leftover_weights_are_cleared_and_said() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    for (function_version, to) in [("1", "2"), ("2", "2")] {
        world.aws.move_alias("shop-api", "live", function_version).await.unwrap();
        world.aws.set_weights("shop-api", "live", &[("3", 0.1)]).await.unwrap();
        let report = swap(&world, "shop-api", to).run().await;
        report.assert_verdict("pass", 0);
        let live = world.live("shop-api").await;
        assert_eq!((live.version.as_str(), live.weights.len()), (to, 0));
        assert!(report.warning().message.contains("10% to 3"), "{report}");
        assert!(report.summary.contains("left over"));
    }
}

#[tokio::test]
async fn a_version_that_cannot_answer_is_refused_with_its_reason() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let states = [
        (
            json!({"State": "Failed", "StateReason": "the image is gone", "StateReasonCode": "ImageDeleted"}),
            "ImageDeleted: the image is gone",
        ),
        (
            json!({"State": "Pending", "StateReason": "being made", "StateReasonCode": "Creating"}),
            "Pending (Creating: being made)",
        ),
        (json!({"State": "Inactive"}), "Inactive"),
    ];
    for (state, told) in states {
        world.aws.set_configuration("shop-api", "2", &state).await.unwrap();
        let report = swap(&world, "shop-api", "2").run().await;
        report.assert_verdict("fail", 1).assert_runner_safe();
        assert!(report.output("reason").contains(told), "{}", report.output("reason"));
        assert!(!report.error().message.is_empty());
    }
    let report = swap(&world, "shop-api", "9").run().await;
    report.assert_verdict("fail", 1);
    assert_eq!(report.output("reason"), "version 9 of shop-api does not exist");
    let report = swap(&world, "shop-api", "alias:nightly").run().await;
    report.assert_verdict("fail", 1);
    assert!(world.writes().await.is_empty());
    assert!(world.records().is_empty());
    assert_eq!(report.output("serving").split(" (").next(), Some("shop-api:live -> version 1"));
}

#[tokio::test]
async fn two_functions_are_swapped_together() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.shop("shop-web", 2).await;
    let report =
        world.step("swap-alias").input("environment", "prd").input("versions", "shop-api=2\nshop-web=2").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("versions"), "shop-api=2\nshop-web=2");
    assert_eq!(
        (world.live("shop-api").await.version.as_str(), world.live("shop-web").await.version.as_str()),
        ("2", "2")
    );
    assert_eq!(world.records().len(), 1);
}

/// A state that Lambda has invented since was taken for `Active`.
#[tokio::test]
async fn a_state_that_nobody_knows_is_an_error_and_not_active() {
    let table = [
        ("State", "Hibernated"),
        ("State", "Deactivated"),
        ("State", "Deactivating"),
        ("State", "Deleting"),
        ("LastUpdateStatus", "Partial"),
        ("PackageType", "Wasm"),
    ];
    for (field, value) in table {
        let world = World::new().await;
        world.shop("shop-api", 2).await;
        world.aws.set_configuration("shop-api", "2", &json!({field: value})).await.unwrap();
        world.aws.clear_requests().await.unwrap();
        let report = swap(&world, "shop-api", "2").run().await;
        report.assert_verdict("error", 4).assert_runner_safe();
        let said = format!("{field} of function shop-api is {value}, which this release does not know");
        assert!(report.output("reason").contains(&said), "{report}");
        assert!(world.writes().await.is_empty());
    }
}

/// Versions of some functions tell no `LastUpdateStatus`: nothing is in progress on them.
#[tokio::test]
async fn a_status_that_is_left_out_is_no_unknown_one() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.aws.set_configuration("shop-api", "2", &json!({"LastUpdateStatus": null})).await.unwrap();
    swap(&world, "shop-api", "2").run().await.assert_verdict("pass", 0);
}

/// The account id was taken out of `versions` and `state`, and rollback refused them.
#[tokio::test]
async fn a_function_named_by_its_account_is_handed_on_whole() {
    let world = World::new().await;
    let name = format!("api-{}", world.aws.id);
    world.shop(&name, 2).await;
    let report = swap(&world, &name, "2").input("expected-account-id", &world.aws.id).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(report.output("versions"), format!("{name}=2"));
    let state: Value = serde_json::from_str(report.output("state")).unwrap();
    assert_eq!(state["targets"][0]["function"], name);
    assert!(!report.output("serving").contains(&world.aws.id), "{report}");
    let back = world.step("rollback").input("environment", "prd").input("state", report.output("state"));
    back.input("function", &name).run().await.assert_verdict("pass", 0);
    assert_eq!(world.live(&name).await.version, "1");
}

/// A state that rollback refuses for its length was handed out, after the aliases had been moved.
#[tokio::test]
async fn a_state_that_is_too_long_is_refused_before_the_first_write() {
    let world = World::new().await;
    let names: Vec<String> = (0..110).map(|number| format!("shop-{number:0>59}")).collect();
    for some in names.chunks(10) {
        futures_util::future::join_all(some.iter().map(|name| world.shop(name, 2))).await;
    }
    let versions: Vec<String> = names.iter().map(|name| format!("{name}=2")).collect();
    let report =
        world.step("swap-alias").input("environment", "prd").input("versions", versions.join("\n")).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(report.output("reason").contains("the output `state` would be longer than 16384 bytes"), "{report}");
    assert!(world.writes().await.is_empty() && world.records().is_empty());
}

#[tokio::test]
async fn an_older_commit_does_not_replace_a_newer_one() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    world.aws.move_alias("shop-api", "live", "3").await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let report = swap(&world, "shop-api", "2").run().await;
    report.assert_verdict("superseded", 5);
    assert!(
        report.error().message.contains("rollback") && report.error().message.contains("allow-downgrade"),
        "{report}"
    );
    assert!(world.writes().await.is_empty());
    assert!(world.records().is_empty());
    swap(&world, "shop-api", "2").input("allow-downgrade", "true").run().await.assert_verdict("pass", 0);
    assert_eq!(world.live("shop-api").await.version, "2");
}

#[tokio::test]
async fn without_the_permission_to_compare_commits_that_is_said() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let report = world
        .step_with("swap-alias", &[])
        .input("environment", "prd")
        .input("function", "shop-api")
        .input("version", "2")
        .run()
        .await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(report.warning().message.contains("older than what serves could not be determined"), "{report}");
    assert!(report.warning().message.contains("no record is kept"), "{report}");
    assert_eq!(report.output("deployment-id"), "");
}

#[tokio::test]
async fn a_dry_run_tells_the_plan_and_writes_nothing() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let report = swap(&world, "shop-api", "2").input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("changed"), "true");
    assert!(report.output("reason").contains("would move from version 1 to 2"), "{}", report.output("reason"));
    assert!(report.output("serving").contains("version 1"));
    assert!(world.writes().await.is_empty());
    assert!(world.records().is_empty());
}

#[tokio::test]
async fn a_missing_alias_is_made_only_when_asked_for() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let nightly = || swap(&world, "shop-api", "2").input("alias", "nightly");
    let report = nightly().run().await;
    report.assert_verdict("fail", 1);
    assert!(report.error().message.contains("create-alias: true"));
    let report = nightly().input("create-alias", "true").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(world.aws.alias("shop-api", "nightly").await.unwrap().version, "2");
    assert!(report.warning().message.contains("nothing to roll back to"));
}

#[tokio::test]
async fn another_account_or_other_tags_are_refused_before_the_write() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let report = swap(&world, "shop-api", "2").input("expected-account-id", "999988887777").run().await;
    report.assert_verdict("fail", 1).assert_no_secret(&world.aws.id);
    let report = swap(&world, "shop-api", "2").input("expected-tags", "stage=prd").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("there is no tag stage"), "{}", report.output("reason"));
    assert!(world.writes().await.is_empty());
    swap(&world, "shop-api", "2").input("expected-account-id", &*world.aws.id).run().await.assert_verdict("pass", 0);
}
