//! notify of sites: which release serves, and which one after a failure.

use testbed::runner::Runner;

use super::{notify, status};
use crate::publish_site::Shop;

/// What people are told of the last commit.
async fn told(shop: &Shop, ended: &str) -> String {
    let report = notify(&shop.world, ended).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    status(&shop.world).description.unwrap()
}

/// The publication of the commit that the run is of.
fn last(shop: &Shop) -> Runner {
    shop.publish(4)
}

#[tokio::test]
async fn a_success_names_the_release_that_serves() {
    let shop = Shop::new().await;
    last(&shop).run().await.assert_verdict("pass", 0);
    let commit = &shop.world.commits[4][..7];
    assert_eq!(told(&shop, "success").await, format!("{commit} serves"));
    let report = last(&shop).input("cache", "{'**/*.html': 'public, max-age=60'}").run().await;
    let more = &report.assert_verdict("pass", 0).output("release")[40..];
    assert_eq!(told(&shop, "success").await, format!("{commit}{more} serves"), "the same commit, other content");
}

#[tokio::test]
async fn after_a_failure_it_is_told_which_release_serves() {
    let shop = Shop::new().await;
    shop.publish(0).input("release", "v1.1.0").run_id(601).run().await.assert_verdict("pass", 0);
    assert_eq!(told(&shop, "failure").await, "failed; v1.1.0 serves", "this run did nothing yet");
    shop.build("2");
    let report = last(&shop).input("release", "v1.2.0").input("record", "open").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(told(&shop, "failure").await, "failed; v1.2.0 STILL SERVES");
    let back = shop.at(shop.world.step("rollback"), 4).input("state", report.output("state"));
    back.run().await.assert_verdict("pass", 0);
    assert_eq!(told(&shop, "failure").await, "failed; rolled back to v1.1.0");
}

#[tokio::test]
async fn what_the_step_put_back_itself_was_never_there() {
    let shop = Shop::with(|spec| spec.error_page(403, "/index.html", 200)).await.forgets_at_once().await;
    shop.publish(0).input("release", "v1.1.0").run_id(601).run().await.assert_verdict("pass", 0);
    shop.build("2");
    let publish = last(&shop).input("release", "v1.2.0").input("require-404", "true");
    publish.run().await.assert_verdict("fail", 1);
    assert!(shop.page().await.ends_with("release 1"));
    assert_eq!(told(&shop, "failure").await, "failed; rolled back to v1.1.0");
}
