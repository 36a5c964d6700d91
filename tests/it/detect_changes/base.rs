//! What a commit is compared with.

use crate::messages::message;
use serde_json::json;
use testbed::github::{Cut, Deployment, Fault, Permission};

use super::{SHOP, World, because, selects, target};

const GONE: &str = "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2";
const TWO: &str = "shop: {paths: ['src/**']}\nbot: {paths: ['bot/**']}\ndocs: {paths: ['docs/**']}";

#[tokio::test]
async fn where_nothing_is_deployed_everything_is_selected_and_that_is_said() {
    let world = World::new().await;
    let head = world.push(&[("src/a", "1"), ("bot/a", "1"), ("docs/a", "1")]);
    let first = json!({"ref": "refs/heads/main", "before": "0".repeat(40), "after": head});
    let report = world.detect(TWO, &head).event("push", first).run().await;
    selects(&report, &["shop", "bot", "docs"]);
    because(&report, "shop", &message("nothing-deployed-yet", &["dev"]));
    let warning = &report.warning().message;
    assert!(
        warning.contains(&message("no-comparison", &["bot, docs, shop", "nothing is known to be deployed"])),
        "{warning}"
    );
    assert!(report.summary.contains("selected without a comparison"), "{report}");
    assert_eq!(report.output("base-sha"), "");
    let report = world.detect(TWO, &head).input("no-base", "fail").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(report.output("reason").contains("there is nothing to compare bot, docs, shop with"), "{report}");
    assert!(report.error().message.contains("deploy once with `no-base: all`"), "{report}");
}

/// Neither a deployment that failed, nor pushes that never had one, are lost.
#[tokio::test]
async fn what_was_not_deployed_is_still_to_be_deployed() {
    let world = World::new().await;
    let deployed = world.push(&[("src/a", "1"), ("bot/a", "1"), ("docs/a", "1")]);
    world.record("shop", &deployed, &["success", "inactive"]);
    world.record("bot", &deployed, &["success"]);
    let failed = world.push(&[("src/a", "2")]);
    world.record("shop", &failed, &["in_progress", "failure"]);
    // Two pushes that `concurrency` dropped, and one about nothing that is deployed.
    world.push(&[("bot/a", "2")]);
    world.push(&[("docs/a", "2")]);
    let head = world.push(&[("docs/a", "3")]);
    let report = world.detect(TWO, &head).run().await;
    selects(&report, &["shop", "bot", "docs"]);
    because(&report, "shop", &format!("src/a differs from commit {}, which serves", &deployed[..7]));
    because(&report, "bot", "bot/a differs");
    assert_eq!(report.output("base-sha"), deployed);
}

/// Each app has its own base: one failed where the other succeeded.
#[tokio::test]
async fn each_component_is_compared_with_what_is_deployed_of_it() {
    let world = World::new().await;
    let apps = "shared: {paths: ['lib/**']}\nshop: {paths: ['src/**'], depends-on: [shared]}\nbot: {paths: ['bot/**'], depends-on: [shared]}";
    let first = world.push(&[("src/a", "1"), ("bot/a", "1"), ("lib/a", "1")]);
    for name in ["shop", "bot"] {
        world.record(name, &first, &["success"]);
    }
    let second = world.push(&[("lib/a", "2")]);
    world.record("shop", &second, &["success"]);
    world.record("bot", &second, &["failure"]);
    let report = world.detect(apps, &second).run().await;
    // Of what is deployed with others, it is told that one of them lacks it.
    selects(&report, &["shared", "bot"]);
    because(&report, "bot", "lib/a of shared, which it depends on,");
    because(&report, "shop", &format!("nothing of it differs from commit {}", &second[..7]));
    assert_eq!(report.output("base-sha").lines().collect::<Vec<_>>(), [first.as_str(), second.as_str()]);
    // With `component` only that one is asked about.
    let report = world.detect(apps, &second).input("component", "shop").run().await;
    selects(&report, &[]);
    assert_eq!(report.output("base-sha"), second);
}

#[tokio::test]
async fn the_parts_of_a_component_are_compared_with_what_is_deployed_of_the_whole() {
    let world = World::new().await;
    let (old, new) = (world.push(&[("src/a", "1"), ("bot/a", "1"), ("docs/a", "1")]), world.push(&[("src/a", "2")]));
    world.record("orders", &old, &["success"]);
    world.record("shop", &new, &["success"]);
    let head = world.push(&[("bot/a", "2")]);
    selects(&world.detect(TWO, &head).input("component", "orders").run().await, &["shop", "bot"]);
    // None of them is recorded by its name: then it is the repository's.
    let parts = "back: {paths: ['src/**']}\nfront: {paths: ['bot/**', 'docs/**']}";
    let report = world.detect(parts, &head).run().await;
    selects(&report, &["front"]);
    assert_eq!(report.output("base-sha"), new);
}

#[tokio::test]
async fn a_revert_to_what_serves_changes_nothing() {
    let world = World::new().await;
    let deployed = world.push(&[("src/a", "1")]);
    world.record("shop", &deployed, &["success"]);
    world.push(&[("src/a", "2")]);
    let reverted = world.push(&[("src/a", "1")]);
    assert_eq!(world.repository.tree(&reverted), world.repository.tree(&deployed));
    selects(&world.detect(SHOP, &reverted).run().await, &[]);
    // Where the commit in between was tried and failed, it may serve, and is taken back.
    let tried = world.push(&[("src/a", "2")]);
    let id = world.record("shop", &tried, &["failure"]);
    let reverted = world.push(&[("src/a", "1")]);
    let report = world.detect(SHOP, &reverted).run().await;
    selects(&report, &["shop"]);
    because(&report, "shop", &format!("which did not succeed and may serve all the same in dev (deployment {id})"));
}

#[tokio::test]
async fn after_a_rollback_what_serves_is_the_base() {
    let world = World::new().await;
    let old = world.push(&[("src/a", "1"), ("bot/a", "1"), ("docs/a", "1")]);
    let bad = world.push(&[("src/a", "2")]);
    world.record("shop", &old, &["success", "inactive"]);
    world.record("shop", &bad, &["success", "failure"]);
    let payload = json!({
        "schema": 1, "component": "shop", "kind": "rollback", "commit": old, "targets": [target("shop")],
        "run": {"id": 601, "attempt": 1},
    });
    let back = Deployment { sha: old.clone(), environment: "dev".to_owned(), payload, ..Deployment::default() };
    let id = world.repository.add_deployment(back);
    world.repository.add_status(id, "success", "");
    world.record("bot", &bad, &["success"]);
    let head = world.push(&[("docs/a", "2")]);
    let report = world.detect(TWO, &head).run().await;
    selects(&report, &["shop", "docs"]);
    because(
        &report,
        "shop",
        &format!("src/a differs from commit {}, which serves in dev (deployment {id})", &old[..7]),
    );
    because(&report, "docs", "nothing is known to be deployed");
}

#[tokio::test]
async fn a_base_that_a_force_push_took_away_selects_all_and_never_nothing() {
    let world = World::new().await;
    let head = world.push(&[("src/a", "1")]);
    world.record("shop", GONE, &["success"]);
    let report = world.detect(SHOP, &head).run().await;
    selects(&report, &["shop"]);
    because(&report, "shop", &format!("GitHub no longer has commit {}, which serves in dev", &GONE[..7]));
    assert_eq!(report.output("base-sha"), "");
    world.detect(SHOP, &head).input("no-base", "fail").run().await.assert_verdict("fail", 1);
    // With `before` the record is asked next.
    let pushed = json!({"before": GONE, "after": head, "forced": true});
    let report = world.detect(SHOP, &head).input("base", "before").event("push", pushed.clone()).run().await;
    selects(&report, &["shop"]);
    world.record("shop", &head, &["success"]);
    let report = world.detect(SHOP, &head).input("base", "before").event("push", pushed.clone()).run().await;
    selects(&report, &[]);
    because(&report, "shop", &format!("(because GitHub no longer has commit {}, the one before the push)", &GONE[..7]));
    assert!(
        report.warning().message.contains(&message("base-not-available", &["before", "GitHub no longer has commit"])),
        "{report}"
    );
    // And without an environment there is nothing left to ask.
    let report =
        world.detect(SHOP, &head).input("environment", "").input("base", "before").event("push", pushed).run().await;
    selects(&report, &["shop"]);
    because(&report, "shop", "GitHub no longer has commit");
}

#[tokio::test]
async fn the_commit_before_a_push_is_the_base_that_is_asked_for() {
    let world = World::new().await;
    let old = world.push(&[("src/a", "1"), ("bot/a", "1"), ("docs/a", "1")]);
    let other = world.repository.commit(&[&old], &[("bot/a", "2")], "On a branch");
    let head = world.repository.commit(&[&old, &other], &[("bot/a", "2")], "Merge");
    let pushed = |before: &str| json!({"before": before, "after": head});
    let before = |base: &str| {
        world.detect(TWO, &head).input("environment", "").input("base", "before").event("push", pushed(base))
    };
    let report = before(&old).run().await;
    // A merge brings what the other branch changed.
    selects(&report, &["bot"]);
    assert_eq!(report.output("base-sha"), old);
    because(&report, "bot", "the one before the push");
    for (event, payload, why) in [
        ("push", pushed(&"0".repeat(40)), "the push made the branch or tag"),
        ("workflow_dispatch", json!({}), "the event workflow_dispatch has no commit before it"),
    ] {
        let report = before(&old).event(event, payload).run().await;
        selects(&report, &["shop", "bot", "docs"]);
        because(&report, "shop", why);
        assert!(report.warning().message.contains(why), "{report}");
    }
}

#[tokio::test]
async fn a_branch_is_compared_with_where_it_parted() {
    let world = World::new().await;
    let parted = world.push(&[("src/a", "1"), ("bot/a", "1"), ("docs/a", "1")]);
    let head = world.repository.commit(&[&parted], &[("bot/a", "2")], "On a branch");
    world.repository.branch("topic", &head);
    let main = world.push(&[("src/a", "2")]);
    let on_main = world.push(&[("docs/a", "2")]);
    let report = world.detect(TWO, &head).input("environment", "").input("base", "merge-base").run().await;
    selects(&report, &["bot"]);
    assert_eq!(report.output("base-sha"), parted);
    because(&report, "bot", "where it parted from main");
    // A pull request, from a fork too: its token may read.
    let merged = world.repository.commit(&[&on_main, &head], &[("bot/a", "2")], "Merge 7 into main");
    let pull = json!({"pull_request": {"base": {"sha": on_main}, "head": {"sha": head}}, "repository": world.repository.event()});
    let read = [Permission::Contents.read()];
    let request = world.allowed(TWO, &merged, &read).input("environment", "").input("base", "merge-base");
    selects(&request.event("pull_request", pull).git_ref("refs/pull/7/merge").run().await, &["bot"]);
    // On main itself a branch parted nowhere: that is said, and the push asked.
    let pushed = json!({"before": main, "after": on_main, "repository": world.repository.event()});
    let report = world
        .detect(TWO, &on_main)
        .input("environment", "")
        .input("base", "merge-base")
        .event("push", pushed)
        .run()
        .await;
    selects(&report, &["docs"]);
    assert!(report.warning().message.contains("is on main itself"), "{report}");
    because(&report, "docs", "is on main itself");
}

#[tokio::test]
async fn a_branch_a_tag_or_a_commit_may_be_named() {
    let world = World::new().await;
    let old = world.push(&[("src/a", "1"), ("bot/a", "1"), ("docs/a", "1")]);
    world.repository.annotated_tag("v-shop-1.0.0", &old, "Release");
    world.repository.branch("released", &old);
    let head = world.push(&[("src/a", "2")]);
    for name in ["v-shop-1.0.0", "refs/tags/v-shop-1.0.0", "released", "refs/heads/released", old.as_str()] {
        let report = world.detect(TWO, &head).input("environment", "").input("base", name).run().await;
        selects(&report, &["shop"]);
        assert_eq!(report.output("base-sha"), old, "{name}");
    }
    world.repository.tag("released", &head);
    for (name, why) in [
        ("v9", "there is no branch, tag or commit v9"),
        ("released", "is a branch and a tag"),
        (GONE, "GitHub no longer has"),
    ] {
        let report = world.detect(TWO, &head).input("environment", "").input("base", name).run().await;
        selects(&report, &["shop", "bot", "docs"]);
        because(&report, "shop", why);
    }
}

/// `paths` of a workflow is not asked for tags; this is.
#[tokio::test]
async fn a_tag_is_compared_with_what_is_deployed_too() {
    let world = World::new().await;
    let old = world.push(&[("src/a", "1"), ("bot/a", "1"), ("docs/a", "1")]);
    world.record_to("prd", "shop", &old, &["success"]);
    world.record_to("prd", "bot", &old, &["success"]);
    let head = world.push(&[("src/a", "2")]);
    world.repository.tag("v-shop-1.1.0", &head);
    let pushed = json!({"ref": "refs/tags/v-shop-1.1.0", "before": "0".repeat(40), "after": head});
    let tag =
        world.detect(TWO, &head).input("environment", "prd").event("push", pushed).git_ref("refs/tags/v-shop-1.1.0");
    selects(&tag.clone().input("component", "shop").run().await, &["shop"]);
    selects(&tag.input("component", "bot").run().await, &[]);
}

#[tokio::test]
async fn without_the_record_it_is_as_if_nothing_were_deployed() {
    let world = World::new().await;
    let head = world.push(&[("src/a", "1")]);
    world.record("shop", &head, &["success"]);
    let read = [Permission::Contents.read()];
    let report = world.allowed(SHOP, &head, &read).run().await;
    selects(&report, &["shop"]);
    because(&report, "shop", "what is deployed to dev could not be read");
    assert!(report.warning().message.contains("deployments"), "{report}");
    let report = world.allowed(SHOP, &head, &read).input("no-base", "fail").run().await;
    report.assert_verdict("fail", 1);
    // An outage is another thing: nothing is claimed.
    world.github.fault(Fault::on("GET", "/deployments").unwrap().status(502).always());
    let report = world.detect(SHOP, &head).input("timeout", "3s").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert_eq!(report.output("selected"), "[]");
}

#[tokio::test]
async fn records_that_do_not_count_are_no_base() {
    let world = World::new().await;
    let old = world.push(&[("src/a", "1")]);
    world.record("shop", &old, &["success"]);
    let head = world.push(&[("src/a", "2")]);
    world.record_to("prd", "shop", &head, &["success"]);
    world.record("admin", &head, &["success"]);
    let candidate = json!({
        "schema": 1, "component": "shop", "kind": "deploy", "commit": head, "serves": false, "targets": [target("shop")],
        "run": {"id": 602, "attempt": 1},
    });
    for payload in [candidate, json!({"schema": 1, "component": "shop"}), json!("{"), json!({"web": 1})] {
        let other = Deployment { sha: head.clone(), environment: "dev".to_owned(), payload, ..Deployment::default() };
        let id = world.repository.add_deployment(other);
        world.repository.add_status(id, "success", "");
    }
    let report = world.detect(SHOP, &head).run().await;
    selects(&report, &["shop"]);
    assert_eq!(report.output("base-sha"), old);
    // A record that does not say its commit is none to compare with, whatever came before it.
    world.record("shop", "unknown", &["success"]);
    because(&world.detect(SHOP, &head).run().await, "shop", "does not say which commit it brought");
}

#[tokio::test]
async fn a_torn_answer_is_asked_for_again() {
    let world = World::new().await;
    let old = world.push(&[("src/a", "1")]);
    world.record("shop", &old, &["success"]);
    let head = world.push(&[("docs/a", "2")]);
    world.github.fault(Fault::on("GET", "/git/trees/").unwrap().cut(Cut::Truncate).times(2));
    selects(&world.detect(SHOP, &head).input("unmatched", "ignore").run().await, &[]);
}

#[tokio::test]
async fn a_job_of_a_matrix_that_failed_leaves_its_place_on_the_older_commit() {
    let world = World::new().await;
    let old = world.push(&[("src/a", "1")]);
    let head = world.push(&[("src/a", "2")]);
    let leg = |commit: &String, run: u64, function: &str, states: &[&str]| {
        let place = testbed::aws::target(("111122223333", "eu-west-1"), function, "live", &json!({"version": "7"}));
        let payload = json!({
            "schema": 1, "component": "shop", "kind": "deploy", "commit": commit, "targets": [place],
            "run": {"id": run, "attempt": 1},
        });
        let record =
            Deployment { sha: commit.clone(), environment: "dev".to_owned(), payload, ..Deployment::default() };
        let id = world.repository.add_deployment(record);
        for state in states {
            world.repository.add_status(id, state, "");
        }
    };
    leg(&old, 600, "api", &["success", "inactive"]);
    leg(&old, 600, "worker", &["success"]);
    leg(&head, 601, "worker", &["in_progress", "failure"]);
    leg(&head, 601, "api", &["success"]);
    let report = world.detect(SHOP, &head).run().await;
    selects(&report, &["shop"]);
    let mut bases: Vec<&str> = report.output("base-sha").lines().collect();
    bases.sort_unstable();
    let mut expected = [old.as_str(), head.as_str()];
    expected.sort_unstable();
    assert_eq!(bases, expected, "both places");
    leg(&head, 602, "worker", &["success"]);
    selects(&world.detect(SHOP, &head).run().await, &[]);
}
