//! Sites that go back.

use testbed::aws::Fault;

use super::{Shop, fault};
use crate::messages::says;

#[tokio::test]
async fn a_release_goes_back_by_the_record_with_its_documents() {
    let shop = Shop::new().await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    let first = shop.world.aws.view(&shop.site, "/index.html", &[]).await.unwrap().body;
    shop.build("2");
    shop.publish(1).run_id(701).run().await.assert_verdict("pass", 0);
    shop.forget().await;
    let back = shop.at(shop.world.step("rollback"), 1).input("scope", "any").input("reason", "checkout is broken");
    let report = back.run_id(702).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&shop.world.aws.id);
    assert_eq!(report.output("release"), shop.world.commits[0]);
    assert_eq!(report.output("target-source"), "state", "as the record of what replaced it has it");
    assert_eq!(shop.world.aws.view(&shop.site, "/index.html", &[]).await.unwrap().body, first);
    let records = shop.world.records();
    assert_eq!(records[1].states().last(), Some(&"failure"), "withdrawn");
    assert_eq!(records[2].payload["kind"], "rollback");
    assert_eq!(records[2].states(), ["success"]);

    let again = shop.publish(1).run_id(703).run().await;
    again.assert_verdict("fail", 1);
    assert!(again.output("reason").contains("is held"), "{again}");
}

#[tokio::test]
async fn by_the_state_it_goes_back_without_the_record() {
    let shop = Shop::new().await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    shop.build("2");
    let report = shop.publish(1).run().await;
    let back = shop.at(shop.world.step("rollback"), 1).input("state", report.output("state")).input("record", "off");
    let report = back.token("").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("target-source"), "state");
    assert!(shop.page().await.ends_with("release 1"));
}

#[tokio::test]
async fn a_release_of_which_an_asset_is_gone_is_refused() {
    let shop = Shop::new().await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    shop.build("2");
    shop.publish(1).run().await.assert_verdict("pass", 0);
    let key = format!("/{}/live{}", shop.bucket, super::asset("1"));
    shop.world.aws.s3("DELETE", &key, Vec::new()).await.unwrap();
    let to = format!("commit:{}", shop.world.commits[0]);
    let report = shop.at(shop.world.step("rollback"), 1).input("to", to).run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("not whole any more"), "{report}");
    assert!(shop.page().await.ends_with("release 2"));
}

#[tokio::test]
async fn what_was_interrupted_between_documents_goes_back_whole() {
    let shop = Shop::new().await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    shop.build("2");
    shop.write("about.html", "about two");
    let denied =
        Fault { status: Some(403), code: Some("AccessDenied".to_owned()), ..fault("CopyObject", "live/index.html") };
    shop.world.aws.faults(&[denied]).await.unwrap();
    shop.publish(1).input("max-parallel", "1").run().await.assert_verdict("error", 4);
    shop.world.aws.clear_faults().await.unwrap();
    assert!(!shop.marker().await["next"].is_null());
    let report = shop.at(shop.world.step("rollback"), 1).run().await;
    report.assert_verdict("pass", 0);
    assert!(shop.page().await.ends_with("release 1"));
    assert_eq!(shop.view("/about.html").await.1, "<!doctype html>about us");
    assert!(shop.marker().await["next"].is_null());
}

/// What the environment has for the page.
async fn config(shop: &Shop) -> String {
    shop.view("/config.json").await.1
}

fn configured(step: testbed::runner::Runner, api: &str) -> testbed::runner::Runner {
    step.input("runtime-config", format!("/config.json: {{api: {api}}}"))
}

#[tokio::test]
async fn a_release_goes_back_with_what_the_environment_had_for_it() {
    let shop = Shop::new().await;
    configured(shop.publish(0), "none").run().await.assert_verdict("pass", 0);
    // The same release was served with another one since.
    configured(shop.publish(0), "one").run().await.assert_verdict("pass", 0);
    shop.build("2");
    let report = configured(shop.publish(1), "two").run_id(701).run().await;
    assert_eq!(config(&shop).await, r#"{"api":"two"}"#);
    let back = || shop.at(shop.world.step("rollback"), 1).run_id(701);
    back().input("state", report.output("state")).run().await.assert_verdict("pass", 0);
    assert!(shop.page().await.ends_with("release 1"));
    assert_eq!(config(&shop).await, r#"{"api":"one"}"#);

    // And forward again.
    back().input("to", format!("commit:{}", shop.world.commits[1])).run().await.assert_verdict("pass", 0);
    assert!(shop.page().await.ends_with("release 2"));
    assert_eq!(config(&shop).await, r#"{"api":"two"}"#);

    // What it was cannot be read: the release goes back all the same.
    let refused = fault("GetObject", "[(]runtime[)]");
    let refused = Fault { status: Some(403), code: Some("AccessDenied".to_owned()), ..refused };
    shop.world.aws.faults(&[refused]).await.unwrap();
    let report = back().input("to", format!("commit:{}", shop.world.commits[0])).run().await;
    report.assert_verdict("pass", 0);
    assert!(says(&report.warning().message, "runtime-config-unknown"), "{report}");
    assert!(shop.page().await.ends_with("release 1"));
    assert_eq!(config(&shop).await, r#"{"api":"two"}"#);
}

#[tokio::test]
async fn what_is_put_back_at_once_gets_back_what_the_environment_had_for_it() {
    let shop = Shop::with(|spec| spec.error_page(403, "/index.html", 200)).await;
    configured(shop.publish(0), "one").run().await.assert_verdict("pass", 0);
    let marker = shop.marker().await["runtime"].clone();
    // Of the same release, and of the next one.
    for release in ["1", "2"] {
        shop.build(release);
        let failed =
            configured(shop.publish(1), "two").input("require-404", "true").input("release", format!("v{release}"));
        failed.run().await.assert_verdict("fail", 1);
        assert!(shop.page().await.ends_with("release 1"));
        assert_eq!(config(&shop).await, r#"{"api":"one"}"#);
        assert_eq!(shop.marker().await["runtime"], marker);
    }
}

#[tokio::test]
async fn what_the_environment_had_is_kept_as_long_as_the_release() {
    let shop = Shop::new().await;
    let wait = || tokio::time::sleep(std::time::Duration::from_millis(1100));
    configured(shop.publish(0), "one").run().await.assert_verdict("pass", 0);
    wait().await;
    shop.build("2");
    configured(shop.publish(1), "two").run().await.assert_verdict("pass", 0);
    wait().await;
    // Nothing is said of it: it stays, for this release too.
    shop.build("3");
    shop.publish(2).run().await.assert_verdict("pass", 0);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    shop.build("4");
    let last = configured(shop.publish(3), "four").input("prune-after", "1s").input("keep-releases", "2");
    last.run().await.assert_verdict("pass", 0);
    let back = shop.at(shop.world.step("rollback"), 3).input("to", format!("commit:{}", shop.world.commits[2]));
    back.run().await.assert_verdict("pass", 0);
    assert!(shop.page().await.ends_with("release 3"));
    assert_eq!(config(&shop).await, r#"{"api":"two"}"#);
    let path = format!("/{}?list-type=2&prefix=.deploy-action/live/(runtime)", shop.bucket);
    let there = shop.world.aws.s3("GET", &path, Vec::new()).await.unwrap().text();
    let kept = shop.world.commits.iter().filter(|commit| there.contains(&format!("{commit}.json"))).count();
    assert_eq!(kept, 2, "{there}");
}
