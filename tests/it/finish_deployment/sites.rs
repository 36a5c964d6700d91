//! finish-deployment of sites: the record that publish-site left open, and previews that are given up.

use crate::publish_site::Shop;

#[tokio::test]
async fn a_site_counts_once_its_job_has_passed_and_replaces_the_release_before() {
    let shop = Shop::new().await;
    let world = &shop.world;
    for (commit, release) in ["1", "2"].into_iter().enumerate() {
        shop.build(release);
        let report = shop.publish(commit).input("record", "open").run_id(701 + commit as u64).run().await;
        let id = report.assert_verdict("pass", 0).output("deployment-id").to_owned();
        assert_eq!(world.records()[commit].states(), ["in_progress"]);
        let finish = world.step("finish-deployment").input("environment", "prd").input("deployment-id", id);
        let report = finish.input("status", "success").run_id(701 + commit as u64).run().await;
        report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&world.aws.id);
        let serving = report.output("serving");
        assert!(serving.starts_with("site-*/live: release") && serving.contains(&world.commits[commit]), "{serving}");
    }
    let records = world.records();
    assert_eq!(records[0].states(), ["in_progress", "success", "inactive"]);
    assert_eq!(records[1].states(), ["in_progress", "success"]);
}

#[tokio::test]
async fn a_site_whose_job_failed_never_counts_and_goes_back_to_the_one_that_did() {
    let shop = Shop::new().await;
    let world = &shop.world;
    shop.publish(0).run_id(601).run().await.assert_verdict("pass", 0);
    shop.build("2");
    let report = shop.publish(1).input("record", "open").run().await;
    let id = report.assert_verdict("pass", 0).output("deployment-id").to_owned();
    shop.at(world.step("rollback"), 1).input("state", report.output("state")).run().await.assert_verdict("pass", 0);
    let finish = world.step("finish-deployment").input("environment", "prd").input("deployment-id", id);
    let report = finish.input("status", "failure").run().await;
    report.assert_verdict("skipped", 0);
    assert!(report.output("serving").contains(&world.commits[0]), "{report}");
    assert_eq!(world.records()[1].states().last(), Some(&"failure"));
    assert!(shop.page().await.ends_with("release 1"));
}

#[tokio::test]
async fn what_serves_is_read_at_the_marker_that_the_record_names() {
    let shop = Shop::new().await;
    let report = shop.publish(0).input("marker", "/which.json").input("record", "open").run().await;
    let id = report.assert_verdict("pass", 0).output("deployment-id").to_owned();
    let finish = shop.world.step("finish-deployment").input("deployment-id", id).input("status", "success");
    let report = finish.run().await;
    report.assert_verdict("pass", 0);
    assert!(report.output("serving").contains(&shop.world.commits[0]), "{report}");
}

#[tokio::test]
async fn a_preview_that_was_given_up_is_taken_away_and_counts_no_more() {
    let shop = Shop::new().await.forgets_at_once().await;
    let preview = || shop.publish(0).input("environment", "pr-12").input("serves", "false");
    preview().run().await.assert_verdict("pass", 0);
    let remove = shop.at(shop.world.step("publish-site"), 0).input("environment", "pr-12").input("remove", "true");
    remove.run().await.assert_verdict("pass", 0);
    assert_ne!(shop.view("/index.html").await.0, 200);
    let end = || shop.world.step("finish-deployment").input("environment", "pr-12").input("status", "ended");
    let report = end().run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(report.output("reason").contains("no longer counts at site-*/live"), "{report}");
    assert_eq!(shop.world.records()[0].states(), ["success", "inactive"]);
    end().run().await.assert_verdict("skipped", 0);
}
