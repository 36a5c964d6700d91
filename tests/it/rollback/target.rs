//! Where it goes back to.

use serde_json::json;
use testbed::aws::sample::GOOD;
use testbed::aws::{Code, Fault};
use testbed::outage::Outage;

use super::{finish, live, refused, released, rollback, swap};
use crate::world::{RUN, Release, World};

#[tokio::test]
async fn a_version_that_never_served_is_not_gone_back_to() {
    // 2 served, 3 was published and never served, 4 is bad.
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "2", 1).await;
    swap(&world, "4", RUN).await;
    let report = rollback(&world).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&world.aws.id);
    assert_eq!(live(&world).await, "2");
    assert_eq!((report.output("version"), report.output("previous-version")), ("2", "4"));
    assert!(report.output("serving").starts_with("shop-api:live -> version 2"), "{}", report.output("serving"));
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
}

/// 2 served, and 3 came with a CONTRACT whose expansion was never deployed here.
#[tokio::test]
async fn c18_code_that_a_contract_has_left_behind_is_not_gone_back_to() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    let migrations = json!([{"version": "000016", "file": "db/16.up.sql", "class": "contract", "expand": "15"}]);
    let swap = world.step("swap-alias").input("environment", "prd").input("function", "shop-api").input("version", "3");
    swap.input("migrations", migrations.to_string()).run_id(2).run().await.assert_verdict("pass", 0);
    assert_eq!(world.records().last().unwrap().payload["schema-floor"], "15 (db/16.up.sql)");
    let back = || rollback(&world).input("scope", "any").run_id(RUN);
    let report = back().run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(report.output("reason").contains("db/16.up.sql"), "{report}");
    assert_eq!(live(&world).await, "3", "nothing was written");
    back().input("allow-across-contract", "true").run().await.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2");
}

/// An explicit target too, where the record can be read; and by the state alone, where it cannot.
#[tokio::test]
async fn c18_a_named_target_and_a_state_are_held_against_the_floor_too() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    let migrations = json!([{"version": "000016", "file": "db/16.up.sql", "class": "contract", "expand": "15"}]);
    let swap = world.step("swap-alias").input("environment", "prd").input("function", "shop-api").input("version", "3");
    let swapped = swap.input("migrations", migrations.to_string()).run_id(2).run().await;
    let state = swapped.output("state");
    assert!(state.contains(r#""schema-floor":"15 (db/16.up.sql)""#), "{state}");
    for to in ["2", "version:2"] {
        let report = rollback(&world).input("to", to).run_id(RUN).run().await;
        report.assert_verdict("fail", 1).assert_runner_safe();
        assert!(report.output("reason").contains("db/16.up.sql"), "{report}");
    }
    world.github.fails(Outage::Refuses).unwrap();
    let back = || rollback(&world).input("scope", "any").input("state", state).run_id(RUN);
    back().run().await.assert_verdict("fail", 1);
    assert_eq!(live(&world).await, "3", "nothing was written");
    // Without the state and without the record nobody knows, and a bad version serves.
    let report = rollback(&world).input("to", "2").run_id(RUN).run().await;
    report.assert_verdict("pass", 0);
    assert!(report.raw.contains("was not checked: the record was not read"), "{report}");
    assert_eq!(live(&world).await, "2");
}

/// The expansion was deployed before: what a deployment with a CONTRACT replaces does not use what is gone.
#[tokio::test]
async fn c18_what_knows_the_expansion_is_gone_back_to() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let swap = |version: &str, migrations: serde_json::Value, run: u64| {
        let step = world.step("swap-alias").input("environment", "prd").input("function", "shop-api");
        step.input("version", version).input("migrations", migrations.to_string()).run_id(run)
    };
    let expand = json!([{"version": "000015", "file": "db/15.up.sql", "class": "expand"}]);
    swap("2", expand, 1).run().await.assert_verdict("pass", 0);
    let contract = json!([{"version": "000016", "file": "db/16.up.sql", "class": "contract", "expand": "15"}]);
    let swapped = swap("3", contract, 2).run().await;
    swapped.assert_verdict("pass", 0);
    assert!(!swapped.output("state").contains("schema-floor"), "{swapped}");
    rollback(&world).input("to", "2").run_id(RUN).run().await.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2");
}

#[tokio::test]
async fn a_version_that_served_and_was_withdrawn_is_not_gone_back_to() {
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "2", 1).await;
    released(&world, "3", 2).await;
    rollback(&world).run_id(2).run().await.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2");
    released(&world, "4", 3).await;
    let report = rollback(&world).input("scope", "any").run_id(4).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2", "3 was withdrawn");
}

#[tokio::test]
async fn a_version_that_served_and_failed_is_not_gone_back_to_although_it_was_captured() {
    // 3 failed its checks, nobody rolled it back, and 4 replaced it.
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "2", 1).await;
    swap(&world, "3", 2).await;
    finish(&world, "failure").await;
    let swapped = swap(&world, "4", RUN).await;
    let report = rollback(&world).input("state", swapped.output("state")).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2");
    assert_eq!(report.output("target-source"), "record");
}

#[tokio::test]
async fn with_nothing_to_go_back_to_nothing_is_written() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    for scope in ["any", "this-run"] {
        if scope == "this-run" {
            // The first deployment ever, onto an alias that pointed to $LATEST.
            world.aws.move_alias("shop-api", "live", "$LATEST").await.unwrap();
            swap(&world, "3", RUN).await;
        }
        world.aws.clear_requests().await.unwrap();
        let report = rollback(&world).input("scope", scope).run().await;
        report.assert_verdict("error", 4).assert_runner_safe();
        assert!(report.output("reason").starts_with("nothing to roll back to"), "{}", report.output("reason"));
        assert!(report.error().message.contains("allow-guess: true"));
        assert!(world.writes().await.is_empty());
    }
    let report = rollback(&world).input("allow-guess", "true").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((live(&world).await.as_str(), report.output("target-source")), ("2", "guess"));
}

#[tokio::test]
async fn a_number_is_looked_for_as_the_short_name_of_a_commit_too() {
    let world = World::new().await;
    let commit = format!("8202758{}", "3".repeat(33));
    let release = |version: &'static str, commit| Release { version, commit, behaviour: GOOD };
    let (first, last) = (&world.commits[0], &world.commits[1]);
    world.function("shop-api", &[release("1.0.0", first), release("1.1.0", &commit), release("1.2.0", last)]).await;
    released(&world, "2", 1).await;
    released(&world, "3", 2).await;
    let report = rollback(&world).input("to", "8202759").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(live(&world).await, "3");
    let report = rollback(&world).input("to", "8202758").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((live(&world).await.as_str(), report.output("target-source")), ("2", "explicit"));
    let report = rollback(&world).input("to", "6.063E+28").run().await;
    report.assert_verdict("error", 2).assert_runner_safe();
    assert!(report.error().message.contains("put what is meant in quotes"), "{report}");
}

#[tokio::test]
async fn an_explicit_target_is_checked_before_the_write() {
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "4", 1).await;
    world.aws.clear_requests().await.unwrap();
    let report = rollback(&world).input("to", "9").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.error().message.contains("there are 4, 3, 2, 1"), "{}", report.error().message);
    world
        .aws
        .set_configuration(
            "shop-api",
            "2",
            &json!({"State": "Failed", "StateReason": "gone", "StateReasonCode": "ImageDeleted"}),
        )
        .await
        .unwrap();
    let report = rollback(&world).input("to", "2").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("ImageDeleted: gone"), "{}", report.output("reason"));
    assert!(world.writes().await.is_empty());
    let report = rollback(&world).input("to", "3").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((live(&world).await.as_str(), report.output("target-source")), ("3", "explicit"));
    rollback(&world).input("to", "3").run().await.assert_verdict("skipped", 0);
}

#[tokio::test]
async fn a_target_that_sleeps_is_woken() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    swap(&world, "3", RUN).await;
    world.aws.set_configuration("shop-api", "2", &json!({"State": "Inactive"})).await.unwrap();
    let report = rollback(&world).run().await;
    report.assert_verdict("pass", 0);
    assert!(report.log.iter().any(|line| line.contains("waking it")), "{report}");
    assert_eq!(live(&world).await, "2");
}

/// It waited its whole time, and said to raise `timeout`.
#[tokio::test]
async fn a_target_that_sleeps_and_whose_image_is_gone_is_a_failure_at_once() {
    let world = World::new().await;
    let digests = world.image_function("shop-api").await;
    world.aws.publish("shop-api", &world.commits[0]).await.unwrap();
    world.aws.update_code("shop-api", &Code::Image(world.aws.image_uri("shop/api", &digests[1]))).await.unwrap();
    world.aws.publish("shop-api", &world.commits[1]).await.unwrap();
    world.aws.create_alias("shop-api", "live", "2").await.unwrap();
    let gone = json!({"repositoryName": "shop/api", "imageIds": [{"imageDigest": digests[0]}]});
    world.aws.ecr("BatchDeleteImage", &gone).await.unwrap();
    world.aws.set_configuration("shop-api", "1", &json!({"State": "Inactive"})).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let report = rollback(&world).input("to", "1").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(report.output("reason").contains("the image of version 1 of shop-api, to go back to, is gone"), "{report}");
    let asked = world.operations().await;
    assert!(!asked.iter().any(|one| one == "lambda Invoke" || one == "lambda UpdateAlias"), "{asked:?}");
}

/// What AWS answered to the wake-up was not told.
#[tokio::test]
async fn a_target_that_is_not_woken_tells_what_aws_answered() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.aws.set_configuration("shop-api", "1", &json!({"State": "Inactive"})).await.unwrap();
    world.aws.move_alias("shop-api", "live", "2").await.unwrap();
    let refused = Fault {
        status: Some(400),
        code: Some("InvalidRuntimeException".to_owned()),
        message: Some("The runtime is not supported.".to_owned()),
        operation: Some("Invoke".to_owned()),
        ..Fault::default()
    };
    world.aws.faults(&[refused]).await.unwrap();
    let running = rollback(&world).input("to", "1").start().await;
    running.wait_for("AWS answered: ").await;
    world.aws.set_configuration("shop-api", "1", &json!({"State": "Failed"})).await.unwrap();
    let report = running.wait().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(
        report.output("reason").starts_with("version 1 of shop-api, to go back to, is Failed; it was to be woken"),
        "{report}"
    );
    assert!(report.output("reason").contains("The runtime is not supported."), "{report}");
    assert_eq!(live(&world).await, "2");
}

#[tokio::test]
async fn a_release_and_a_deployment_name_their_version() {
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    let tagged = world
        .step("swap-alias")
        .input("environment", "prd")
        .input("function", "shop-api")
        .input("version", "2")
        .git_ref("refs/tags/v1.2.0")
        .run()
        .await;
    tagged.assert_verdict("pass", 0);
    released(&world, "3", 2).await;
    released(&world, "4", 3).await;
    rollback(&world).input("to", "v1.2.0").run().await.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2");
    let third = world.records()[1].id.to_string();
    rollback(&world).input("to", third).run().await.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "3");
    rollback(&world).input("to", "v9.9.9").run().await.assert_verdict("fail", 1);
}

#[tokio::test]
async fn a_dry_run_tells_where_it_would_go() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    swap(&world, "3", RUN).await;
    world.aws.clear_requests().await.unwrap();
    let report = rollback(&world).input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0);
    assert!(report.output("reason").contains("would go back from version 3 to 2"), "{}", report.output("reason"));
    assert!(world.writes().await.is_empty());
}

#[tokio::test]
async fn a_move_that_failed_does_not_make_what_serves_its_own_target() {
    // 2 succeeded, 3 succeeded and serves, the move to 4 was refused; by hand, one goes back from 3.
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "2", 1).await;
    released(&world, "3", 2).await;
    world.aws.faults(&[refused("UpdateAlias")]).await.unwrap();
    let failed = world
        .step("swap-alias")
        .input("environment", "prd")
        .input("function", "shop-api")
        .input("version", "4")
        .run_id(3);
    failed.run().await.assert_verdict("error", 4);
    let report = rollback(&world).input("scope", "any").run_id(4).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2");
}

#[tokio::test]
async fn a_release_is_never_the_version_to_which_its_own_run_went_back() {
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    released(&world, "2", 1).await;
    let tagged = |step: &str| {
        world.step(step).input("environment", "prd").input("function", "shop-api").git_ref("refs/tags/v1.3.0")
    };
    tagged("swap-alias").input("version", "3").run().await.assert_verdict("pass", 0);
    tagged("rollback").run().await.assert_verdict("pass", 0);
    let records = world.records();
    assert_ne!(records[2].payload["version"], "v1.3.0");
    assert_eq!(records[2].payload["commit"], json!(world.commits[1]));
    released(&world, "4", 5).await;
    let report = rollback(&world).input("to", "v1.3.0").run_id(6).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "3", "what the tag names, since somebody asked for it");
}

#[tokio::test]
async fn a_dry_run_wakes_nothing() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    swap(&world, "3", RUN).await;
    world.aws.set_configuration("shop-api", "2", &json!({"State": "Inactive"})).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    rollback(&world).input("dry-run", "true").run().await.assert_verdict("pass", 0);
    assert!(world.writes().await.is_empty(), "{:?}", world.writes().await);
}
