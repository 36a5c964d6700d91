//! Holds: a commit that was taken back does not come back by the next push, a fix does, and `release-hold` lets it.

use serde_json::json;
use testbed::runner::{Report, Runner};

use crate::world::{RUN, World};

/// The shop with a version for each of five commits; the first serves.
async fn shop() -> World {
    let world = World::new().await;
    world.shop("shop-api", 5).await;
    world
}

fn swap(world: &World, version: &str, run: u64) -> Runner {
    let swap = world.step("swap-alias").input("environment", "prd").input("function", "shop-api");
    swap.input("version", version).run_id(run)
}

fn rollback(world: &World, run: u64) -> Runner {
    let rollback = world.step("rollback").input("environment", "prd").input("function", "shop-api");
    rollback.input("scope", "any").input("reason", "checkout is broken").run_id(run)
}

/// Version 2 succeeded, 3 was deployed after it and taken back.
async fn taken_back() -> (World, Report) {
    let world = shop().await;
    swap(&world, "2", 1).run().await.assert_verdict("pass", 0);
    swap(&world, "3", 2).run().await.assert_verdict("pass", 0);
    let report = rollback(&world, 3).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(world.live("shop-api").await.version, "2");
    (world, report)
}

#[tokio::test]
async fn a_commit_that_was_taken_back_is_held_for_the_next_push() {
    let (world, report) = taken_back().await;
    let records = world.records();
    let line = &records[1].statuses.last().unwrap().description;
    let form = regex::Regex::new("^da1 rollback#[0-9a-f]{6} fail held withdrawn: checkout is broken$").unwrap();
    assert!(form.is_match(line), "{line}");
    assert_eq!(records[2].payload["hold"], json!([world.commits[2]]));
    assert!(report.summary.contains("Held") && report.summary.contains(&world.commits[2][..7]), "{}", report.summary);

    world.aws.clear_requests().await.unwrap();
    let refused = swap(&world, "3", RUN).run().await;
    refused.assert_verdict("fail", 1).assert_runner_safe();
    for part in [&world.commits[2][..7], "rollback", "run 2", "checkout is broken"] {
        assert!(refused.output("reason").contains(part), "{part}: {}", refused.output("reason"));
    }
    assert!(refused.error().message.contains("release-hold"), "{}", refused.error().message);
    assert!(world.writes().await.is_empty());
    assert_eq!(world.records().len(), 3);
}

#[tokio::test]
async fn a_fix_goes_through_and_ends_the_hold() {
    let (world, _) = taken_back().await;
    let fix = swap(&world, "4", RUN).run().await;
    fix.assert_verdict("pass", 0);
    let contains = format!("commit {} contains it, and ends the hold", &world.commits[3][..7]);
    assert!(fix.log.iter().any(|line| line.contains(&contains)), "{fix}");
    assert!(world.records().last().unwrap().payload.get("hold").is_none());
    let again = swap(&world, "3", RUN + 1).input("allow-downgrade", "true").run().await;
    again.assert_verdict("pass", 0);
}

#[tokio::test]
async fn an_older_commit_does_not_end_the_hold() {
    let (world, _) = taken_back().await;
    swap(&world, "1", RUN).input("allow-downgrade", "true").run().await.assert_verdict("pass", 0);
    assert_eq!(world.records().last().unwrap().payload["hold"], json!([world.commits[2]]));
    swap(&world, "3", RUN + 1).run().await.assert_verdict("fail", 1);
}

#[tokio::test]
async fn release_hold_lets_the_commit_through_and_says_who_and_why() {
    let (world, _) = taken_back().await;
    let without_reason = swap(&world, "3", RUN).input("release-hold", "true").run().await;
    without_reason.assert_verdict("error", 2);
    assert!(without_reason.output("reason").contains("reason"), "{}", without_reason.output("reason"));
    let released =
        swap(&world, "3", RUN).actor("octocat").input("release-hold", "true").input("reason", "the database was it");
    released.run().await.assert_verdict("pass", 0);
    let payload = world.records().pop().unwrap().payload;
    let expected = json!({"commit": world.commits[2], "reason": "the database was it", "actor": "octocat"});
    assert_eq!(payload["released"], expected);
    assert_eq!(world.live("shop-api").await.version, "3");
}

#[tokio::test]
async fn two_commits_that_were_taken_back_are_both_held() {
    let (world, _) = taken_back().await;
    swap(&world, "4", 4).run().await.assert_verdict("pass", 0);
    rollback(&world, 5).run().await.assert_verdict("pass", 0);
    assert_eq!(world.live("shop-api").await.version, "2");
    let hold = world.records().last().unwrap().payload["hold"].clone();
    assert!(hold.as_array().unwrap().contains(&json!(world.commits[3])), "{hold}");
    swap(&world, "4", RUN).run().await.assert_verdict("fail", 1);
}

#[tokio::test]
async fn what_a_check_could_not_tell_is_taken_back_and_not_held() {
    let world = shop().await;
    swap(&world, "2", 1).run().await.assert_verdict("pass", 0);
    swap(&world, "3", 2).input("record", "open").run().await.assert_verdict("pass", 0);
    let record = world.records().pop().unwrap().id;
    world.repository.add_status(record, "in_progress", "da1 health-check-with-backoff#3f2a1b error attempts=3");
    rollback(&world, 2).run().await.assert_verdict("pass", 0);
    let line = world.repository.deployment(record).unwrap().statuses.pop().unwrap().description;
    assert_eq!(line, "withdrawn: checkout is broken");
    swap(&world, "3", RUN).run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a_commit_is_held_only_where_it_was_taken_back() {
    let world = shop().await;
    let other = world.aws.in_region("us-east-1");
    world.shop_in(&other, "shop-api", 5).await;
    swap(&world, "2", 1).run().await.assert_verdict("pass", 0);
    swap(&world, "3", 2).run().await.assert_verdict("pass", 0);
    rollback(&world, 3).run().await.assert_verdict("pass", 0);
    swap(&world, "3", RUN).envs(other.environment()).run().await.assert_verdict("pass", 0);
    swap(&world, "3", RUN + 1).run().await.assert_verdict("fail", 1);
}

#[tokio::test]
async fn migrations_are_never_left_out_of_a_record() {
    let world = shop().await;
    let migrations: Vec<String> = (0..2000).map(|number| format!("2026010100{number:04}")).collect();
    let report = swap(&world, "2", RUN).input("migrations", migrations.join("\n")).run().await;
    assert_ne!(report.exit_code, 0, "{report}");
    assert!(report.output("reason").contains("larger than 16 KiB"), "{}", report.output("reason"));
    assert_eq!(world.live("shop-api").await.version, "1", "nothing was written");
    assert!(world.records().is_empty());
}

#[tokio::test]
async fn a_hold_that_a_newer_commit_ended_is_not_brought_back_by_an_older_record() {
    let world = shop().await;
    for (bad, run) in [("5", 1), ("3", 3)] {
        swap(&world, bad, run).run().await.assert_verdict("pass", 0);
        rollback(&world, run + 1).run().await.assert_verdict("pass", 0);
    }
    swap(&world, "2", 5).run().await.assert_verdict("pass", 0);
    assert_eq!(world.records().last().unwrap().payload["hold"].as_array().unwrap().len(), 2, "both are held");
    swap(&world, "4", 6).run().await.assert_verdict("pass", 0);
    assert_eq!(world.records().last().unwrap().payload["hold"], json!([world.commits[4]]), "4 is newer than 3");
    swap(&world, "3", 7).input("allow-downgrade", "true").run().await.assert_verdict("pass", 0);
    swap(&world, "5", 8).run().await.assert_verdict("fail", 1);
}
