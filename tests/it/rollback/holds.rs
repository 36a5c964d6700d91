//! What a record or a state says of a version is held against the version before anything is written.

use serde_json::{Value, json};
use testbed::github::Deployment;

use super::{live, released, rollback, swap};
use crate::world::{RUN, World};

/// A record that says something else of its target.
fn record(world: &World, change: impl Fn(&mut Value)) -> u64 {
    let genuine = world.records().remove(0);
    let mut payload = genuine.payload.clone();
    change(&mut payload);
    let id = world.repository.add_deployment(Deployment {
        sha: genuine.sha.clone(),
        environment: "prd".to_owned(),
        payload,
        ..Deployment::default()
    });
    world.repository.add_status(id, "success", "");
    id
}

async fn assert_refused(world: &World, to: &str, named: &[&str]) {
    world.aws.clear_requests().await.unwrap();
    let report = rollback(world).input("to", to).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    let reason = report.output("reason");
    for named in named {
        assert!(reason.contains(named), "{named}: {reason}");
    }
    assert!(world.writes().await.is_empty());
    assert_eq!(live(world).await, "3");
}

#[tokio::test]
async fn a_digest_of_which_the_record_names_a_version_that_holds_another() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    released(&world, "3", RUN).await;
    let digest = format!("sha256:{}", "d".repeat(64));
    record(&world, |payload| {
        payload["targets"][0]["digest"] = json!(digest);
        payload["targets"][0].as_object_mut().unwrap().remove("code_sha256");
    });
    let held = world.aws.function("shop-api", "2").await.unwrap()["Configuration"]["CodeSha256"].clone();
    assert_refused(&world, &digest, &["version 2 of shop-api holds", held.as_str().unwrap(), &digest]).await;
}

#[tokio::test]
async fn a_commit_of_which_the_record_names_a_version_that_holds_another() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    released(&world, "3", RUN).await;
    let other = "0123456789abcdef0123456789abcdef01234567";
    let id = record(&world, |payload| {
        payload["commit"] = json!(other);
        payload["targets"][0]["commit"] = json!(other);
    });
    let says = format!("deployment {id} says that it holds commit {}", &other[..7]);
    assert_refused(&world, &format!("commit:{other}"), &[&format!("commit {}", &world.commits[1][..7]), &says]).await;
}

#[tokio::test]
async fn a_state_that_says_something_else_of_what_served_before() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    let swapped = swap(&world, "3", RUN).await;
    let mut state: Value = serde_json::from_str(swapped.output("state")).unwrap();
    state["targets"][0]["previous"]["code_sha256"] = json!("b3RoZXI=");
    world.aws.clear_requests().await.unwrap();
    let report = rollback(&world).input("state", state.to_string()).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    let reason = report.output("reason");
    assert!(reason.contains("version 2 of shop-api holds code "), "{reason}");
    assert!(reason.contains("the input `state` says that it holds code b3RoZXI="), "{reason}");
    assert!(world.writes().await.is_empty());
}
