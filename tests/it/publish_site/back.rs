//! Sites that go back.

use testbed::aws::Fault;

use super::{Shop, fault};

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
