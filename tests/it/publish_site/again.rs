//! A run again, where the site has the release already: it is proved again, and the record says what was found.

use serde_json::json;
use testbed::github::{Deployment, RunState};
use testbed::runner::Runner;

use super::Shop;

impl Shop {
    /// A site that answers files which are not there with a page.
    async fn answers_everything() -> Self {
        Self::with(|spec| spec.error_page(403, "/index.html", 200)).await
    }

    /// Whether nothing was written to AWS since the requests were forgotten.
    async fn is_untouched(&self) -> bool {
        self.written().await.is_empty() && self.count("CreateInvalidation").await == 0
    }
}

fn strict(step: Runner) -> Runner {
    step.input("require-404", "true")
}

#[tokio::test]
async fn a_first_publication_that_was_judged_bad_is_judged_again_and_recorded_once_it_is_good() {
    let shop = Shop::answers_everything().await;
    let first = strict(shop.publish(0)).run().await;
    first.assert_verdict("fail", 1);
    assert!(first.output("reason").contains("its record is not a success"), "{first}");
    assert!(shop.page().await.ends_with("release 1"), "there is nothing to put back");
    shop.forget().await;

    let again = strict(shop.publish(0)).run_id(701).run().await;
    again.assert_verdict("fail", 1).assert_runner_safe();
    assert!(again.output("reason").contains("it was there already"), "{again}");
    let states = |number: usize| shop.world.records()[number].states().last().map(ToString::to_string);
    assert_eq!((shop.world.records().len(), states(0).as_deref()), (1, Some("failure")));

    let dry = shop.publish(0).input("dry-run", "true").run_id(702).run().await;
    dry.assert_verdict("pass", 0);
    assert!(dry.output("reason").contains("nothing was recorded"), "{dry}");
    assert_eq!(shop.world.records().len(), 1);

    let good = shop.publish(0).run_id(702).run().await;
    good.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&shop.world.aws.id);
    assert!(good.output("reason").contains("is recorded; nothing was written to AWS"), "{good}");
    assert_eq!((good.output("changed"), good.output("uploaded")), ("false", "0"));
    let records = shop.world.records();
    assert_eq!((records.len(), records[1].states()), (2, vec!["success"]));
    let target = &records[1].payload["targets"][0];
    assert_eq!((&target["release"], &target["previous"]), (&json!(shop.world.commits[0]), &json!(null)));
    assert_eq!(good.output("deployment-id"), records[1].id.to_string());

    shop.publish(0).run_id(703).run().await.assert_verdict("skipped", 0);
    assert_eq!(shop.world.records().len(), 2);
    assert!(shop.is_untouched().await);
}

#[tokio::test]
async fn the_record_is_kept_as_the_input_says() {
    let shop = Shop::answers_everything().await;
    strict(shop.publish(0)).run().await.assert_verdict("fail", 1);
    shop.publish(0).input("record", "off").run_id(701).run().await.assert_verdict("skipped", 0);
    assert_eq!(shop.world.records().len(), 1);
    let open = shop.publish(0).input("record", "open").run_id(701).run().await;
    open.assert_verdict("pass", 0);
    assert_eq!(shop.world.records()[1].states(), ["in_progress"]);
    // The same run again finds its own, and leaves it to finish-deployment.
    let again = shop.publish(0).input("record", "open").run_id(701).run().await;
    again.assert_verdict("skipped", 0);
    assert_eq!(shop.world.records().len(), 2);
    let end = shop.world.step("finish-deployment").input("status", "success").run_id(701);
    let end = end.input("deployment-id", open.output("deployment-id"));
    end.run().await.assert_verdict("pass", 0);
    assert_eq!(shop.world.records()[1].states().last(), Some(&"success"));
}

#[tokio::test]
async fn a_record_that_this_run_left_open_ends_with_what_is_judged_now() {
    let shop = Shop::answers_everything().await;
    shop.publish(0).input("record", "open").run().await.assert_verdict("pass", 0);
    strict(shop.publish(0)).run().await.assert_verdict("fail", 1);
    let records = shop.world.records();
    assert_eq!((records.len(), records[0].states().last()), (1, Some(&"failure")));
}

#[tokio::test]
async fn what_was_published_without_a_record_goes_back_by_the_one_that_it_gets() {
    let shop = Shop::new().await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    shop.build("2");
    shop.publish(1).input("record", "off").run_id(701).run().await.assert_verdict("pass", 0);
    shop.publish(1).run_id(702).run().await.assert_verdict("pass", 0);
    let previous = &shop.world.records()[1].payload["targets"][0]["previous"];
    assert_eq!(previous["release"], json!(shop.world.commits[0]));
    let back = shop.at(shop.world.step("rollback"), 1).input("scope", "any").run_id(703);
    back.run().await.assert_verdict("pass", 0);
    assert!(shop.page().await.ends_with("release 1"));
}

#[tokio::test]
async fn a_commit_that_is_held_is_not_recorded_because_it_is_there() {
    let shop = Shop::new().await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    shop.build("2");
    shop.publish(1).run_id(701).run().await.assert_verdict("pass", 0);
    let back = shop.at(shop.world.step("rollback"), 1).input("scope", "any").input("reason", "checkout is broken");
    back.run_id(702).run().await.assert_verdict("pass", 0);
    shop.publish(1).input("record", "off").run_id(703).run().await.assert_verdict("pass", 0);
    let held = shop.publish(1).run_id(704).run().await;
    held.assert_verdict("fail", 1);
    assert!(held.output("reason").contains("is held"), "{held}");
    assert_eq!(shop.world.records().len(), 3);
    let released = shop.publish(1).input("release-hold", "true").input("reason", "it was the CDN").run_id(705);
    released.run().await.assert_verdict("pass", 0);
    assert_eq!(shop.world.records()[3].states(), ["success"]);
}

#[tokio::test]
async fn a_run_that_still_goes_says_itself_what_it_finds() {
    let shop = Shop::new().await;
    let world = &shop.world;
    let run = world.repository.add_run("deploy.yml", "push", "main", &world.commits[0]);
    world.repository.set_run(run, RunState::InProgress);
    shop.publish(0).input("record", "open").run_id(run).run().await.assert_verdict("pass", 0);
    let other = || {
        let grants = [
            testbed::github::Permission::Deployments.write(),
            testbed::github::Permission::Contents.read(),
            testbed::github::Permission::Actions.read(),
        ];
        shop.at(world.step_with("publish-site", &grants), 0).input("source", "dist").run_id(run + 1)
    };
    let report = other().run().await;
    report.assert_verdict("superseded", 5);
    assert!(report.output("reason").contains(&format!("run {run} (in_progress)")), "{report}");
    // It has succeeded in the meantime.
    let open: Deployment = world.records()[0].clone();
    world.repository.add_status(open.id, "success", "da1 finish-deployment pass");
    other().run().await.assert_verdict("skipped", 0);
    assert_eq!(world.records().len(), 1);
}
