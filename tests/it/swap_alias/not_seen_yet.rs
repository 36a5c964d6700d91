//! A write that AWS confirmed and does not show yet, and a refusal behind which nothing has changed.

use testbed::aws::{Fault, Hook};

use super::{fault, swap};
use crate::messages::message;
use crate::world::World;

/// Reads of the alias after the write, which lag behind it so often.
fn lagging(reads: u32) -> Fault {
    Fault { stale: true, after: 1, times: reads, ..fault("GetAlias") }
}

#[tokio::test]
async fn a_new_alias_that_is_not_found_at_once_is_waited_for() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let not_found = Fault {
        status: Some(404),
        code: Some("ResourceNotFoundException".to_owned()),
        after: 1,
        times: 2,
        ..fault("GetAlias")
    };
    world.aws.faults(&[not_found]).await.unwrap();
    let report = swap(&world, "shop-api", "2").input("alias", "blue").input("create-alias", "true").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(world.aws.alias("shop-api", "blue").await.unwrap().version, "2");
    assert_eq!(world.records().last().unwrap().states(), ["success"]);
}

#[tokio::test]
async fn a_moved_alias_that_is_read_four_seconds_late_is_waited_for() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.aws.faults(&[lagging(8)]).await.unwrap();
    let report = swap(&world, "shop-api", "2").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(world.records().last().unwrap().states(), ["success"]);
}

#[tokio::test]
async fn a_write_that_is_never_shown_is_unknown_and_not_somebody_elses() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.aws.faults(&[lagging(u32::MAX)]).await.unwrap();
    let report = swap(&world, "shop-api", "2").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    let reason = report.output("reason");
    assert!(reason.contains(&message("write-not-seen", &["alias live of shop-api"])), "{reason}");
    assert_ne!(world.records().last().unwrap().states().last(), Some(&"failure"), "nobody knows");
}

#[tokio::test]
async fn a_revision_behind_which_nothing_has_changed_is_no_somebody_else() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    // The alias has another revision than the one that was read, and points where it pointed.
    let there_and_back = ["3", "1"].map(|version| Hook::move_alias("shop-api", "live", version)).to_vec();
    world.aws.faults(&[Fault { before: there_and_back, ..fault("UpdateAlias") }]).await.unwrap();
    let report = swap(&world, "shop-api", "2").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(world.live("shop-api").await.version, "2");
}

#[tokio::test]
async fn another_alias_of_that_name_made_meanwhile_is_somebody_elses() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let made = Hook {
        method: "POST".to_owned(),
        path: "/2015-03-31/functions/shop-api/aliases".to_owned(),
        body: serde_json::json!({"Name": "blue", "FunctionVersion": "1"}),
        service: Some("lambda".to_owned()),
        ..Hook::default()
    };
    world.aws.faults(&[Fault { before: vec![made], ..fault("CreateAlias") }]).await.unwrap();
    let report = swap(&world, "shop-api", "2").input("alias", "blue").input("create-alias", "true").run().await;
    report.assert_verdict("superseded", 5).assert_runner_safe();
    assert_eq!(world.aws.alias("shop-api", "blue").await.unwrap().version, "1");
}

#[tokio::test]
async fn a_read_that_lags_behind_our_write_is_not_somebody_elses() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.aws.faults(&[lagging(2)]).await.unwrap();
    swap(&world, "shop-api", "2").run().await.assert_verdict("pass", 0);
    assert_eq!(world.writes().await, ["lambda UpdateAlias"]);
}
