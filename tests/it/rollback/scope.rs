//! Which release it may undo, and how the target is named.

use serde_json::{Value, json};

use super::{live, released, rollback, swap};
use crate::messages::message;
use crate::world::{RUN, World};

#[tokio::test]
async fn a_success_of_an_earlier_attempt_is_not_this_attempts_to_undo() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    released(&world, "3", RUN).await;
    world.aws.clear_requests().await.unwrap();
    let report = rollback(&world).run_attempt(2).run().await;
    report.assert_verdict("skipped", 0).assert_runner_safe();
    let reason = report.output("reason");
    assert!(reason.contains("since its attempt 1 ended as a success; version 3 is serving"), "{reason}");
    assert!(reason.ends_with("To roll back anyway, set `scope: any`"), "{reason}");
    assert!(world.writes().await.is_empty());

    rollback(&world).run_attempt(2).input("scope", "any").run().await.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2");
}

#[tokio::test]
async fn the_state_of_this_attempt_is_its_own_after_a_success_of_an_earlier_one() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    let swapped = swap(&world, "3", RUN).await;
    super::finish(&world, "success").await;
    let of_attempt = |attempt: u64| {
        let mut state: Value = serde_json::from_str(swapped.output("state")).unwrap();
        state["run"]["attempt"] = json!(attempt);
        rollback(&world).run_attempt(2).input("state", state.to_string())
    };
    of_attempt(1).run().await.assert_verdict("skipped", 0);
    of_attempt(2).run().await.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2");
}

#[tokio::test]
async fn started_by_hand_it_leaves_another_runs_release_alone_unless_it_is_told() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    released(&world, "3", 2).await;
    world.aws.clear_requests().await.unwrap();
    let by_hand = || rollback(&world).event("workflow_dispatch", json!({}));
    let report = by_hand().run().await;
    report.assert_verdict("skipped", 0);
    assert_eq!(
        report.output("reason"),
        message(
            "nothing-changed-here",
            &["shop-api:live; version 3 is serving. To roll back anyway, set `scope: any`"]
        )
    );
    assert!(world.writes().await.is_empty());
    by_hand().input("to", "auto").run().await.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2");
}

#[tokio::test]
async fn a_word_before_it_says_what_is_meant() {
    let world = World::new().await;
    world.shop("shop-api", 4).await;
    let tagged = world.step("swap-alias").input("environment", "prd").input("function", "shop-api");
    tagged.input("version", "2").git_ref("refs/tags/v1.2.0").run().await.assert_verdict("pass", 0);
    released(&world, "3", 2).await;
    let deployment = format!("deployment:{}", world.records()[1].id);
    let commit = format!("commit:{}", &world.commits[1][..9]);
    for (to, expected) in
        [("version:1", "1"), ("tag:v1.2.0", "2"), (deployment.as_str(), "3"), (commit.as_str(), "2"), ("4", "4")]
    {
        let report = rollback(&world).input("to", to).run().await;
        report.assert_verdict("pass", 0);
        assert_eq!((live(&world).await.as_str(), report.output("target-source")), (expected, "explicit"), "{to}");
    }
    for (to, verdict) in [("commit:1234567", "fail"), ("tag:v9", "fail"), ("version:99", "fail")] {
        assert_eq!(rollback(&world).input("to", to).run().await.output("verdict"), verdict, "{to}");
    }
}

#[tokio::test]
async fn two_readings_are_bad_input_that_names_both() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    let number = world.records()[0].id.to_string();
    let tagged = world.step("swap-alias").input("environment", "prd").input("function", "shop-api");
    tagged.input("version", "3").git_ref(&format!("refs/tags/{number}")).run().await.assert_verdict("pass", 0);
    let report = rollback(&world).input("to", number.as_str()).run().await;
    report.assert_verdict("error", 2).assert_runner_safe();
    let reason = report.output("reason");
    assert!(reason.contains(&format!("`deployment:{number}` is version 2")), "{reason}");
    assert!(reason.contains(&format!("`tag:{number}` is version 3")), "{reason}");
    assert_eq!(live(&world).await, "3");
    rollback(&world).input("to", format!("deployment:{number}")).run().await.assert_verdict("pass", 0);
    assert_eq!(live(&world).await, "2");
}
