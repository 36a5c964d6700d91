//! TEST and APP read the same releases, each by a pointer of its own: what was proved through TEST is pointed to for APP.

use testbed::aws::{Site, SiteSpec};
use testbed::runner::Runner;

use crate::publish_site::Shop;
use crate::publish_site::by_key::by_key;

/// One folder of a bucket with two distributions: APP by the store `shop-site`, TEST by `shop-test`.
struct Pair {
    app: Shop,
    test: Site,
}

impl Pair {
    /// With the first release at TEST.
    async fn new() -> Self {
        let app = Shop::by_key().await;
        let spec = by_key(SiteSpec::new(&app.bucket).origin_path("/live"), "shop-test");
        let test = app.world.aws.create_site(&spec).await.unwrap();
        let pair = Self { app, test };
        pair.publish(0).run().await.assert_verdict("pass", 0);
        pair.app.forget().await;
        pair
    }

    fn publish(&self, commit: usize) -> Runner {
        let step = self.app.publish(commit).input("environment", "tst").input("serves", "false");
        let step = step.input("pointer", "kvs:shop-test").input("distribution", &self.test.distribution);
        step.input("url", self.app.world.aws.site_url(&self.test))
    }

    fn promote(&self, commit: usize) -> Runner {
        let step = self.app.at(self.app.world.step("promote-site"), commit).input("pointer", "kvs:shop-site");
        step.input("source-pointer", "kvs:shop-test")
    }

    async fn pointers(&self) -> [Option<String>; 2] {
        let aws = &self.app.world.aws;
        [aws.stored(&self.app.site, "release").await.unwrap().0, aws.stored(&self.test, "release").await.unwrap().0]
    }
}

#[tokio::test]
async fn what_test_points_to_is_pointed_to_for_users() {
    let pair = Pair::new().await;
    assert_ne!(pair.app.view("/index.html").await.0, 200, "nobody has it yet");
    let release = pair.app.world.commits[0].clone();
    let report = pair.promote(0).input("release", &release).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&pair.app.world.aws.id);
    assert!(pair.app.page().await.ends_with("release 1"));
    let [app, test] = pair.pointers().await;
    assert!(app.is_some() && app == test);
    assert_eq!((pair.app.count("UpdateKeys").await, pair.app.count("CreateInvalidation").await), (1, 0));
    // What is noted the first time is that there is this pointer.
    let written = pair.app.written().await;
    assert!(written.len() == 1 && written[0].contains("(pointers)"), "{written:?}");
    assert_eq!(report.output("copied"), "0");
    pair.promote(0).input("release", &release).run().await.assert_verdict("skipped", 0);

    // The next one at TEST changes nothing for users, and goes on by the record of TEST.
    pair.app.build("2");
    pair.publish(1).run_id(701).run().await.assert_verdict("pass", 0);
    assert!(pair.app.page().await.ends_with("release 1"));
    pair.app.forget().await;
    let report = pair.promote(1).input("from-environment", "tst").run_id(702).run().await;
    report.assert_verdict("pass", 0);
    assert!(pair.app.page().await.ends_with("release 2"));
    assert!(pair.app.written().await.is_empty() && pair.app.count("UpdateKeys").await == 1);

    let back = pair.app.at(pair.app.world.step("rollback"), 1).input("pointer", "kvs:shop-site");
    back.input("scope", "any").run_id(703).run().await.assert_verdict("pass", 0);
    assert!(pair.app.page().await.ends_with("release 1"));
    let [app, test] = pair.pointers().await;
    assert_ne!(app, test, "TEST is left alone");
}

#[tokio::test]
async fn users_get_their_own_runtime_config_in_a_folder_of_its_own() {
    let pair = Pair::new().await;
    let promote = pair.promote(0).input("release", &pair.app.world.commits[0]);
    promote.input("runtime-config", "config.json: app").run().await.assert_verdict("pass", 0);
    assert_eq!(pair.app.view("/config.json").await.1, "app");
    assert!(pair.app.page().await.ends_with("release 1"));
    assert_ne!(pair.app.world.aws.view(&pair.test, "/config.json", &[]).await.unwrap().status, 200);
}

#[tokio::test]
async fn st22_what_test_does_not_point_to_is_refused() {
    let pair = Pair::new().await;
    let report = pair.promote(1).input("release", "v9").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("was not proved at"), "{report}");
    assert_eq!(pair.app.count("UpdateKeys").await, 0);
}

#[tokio::test]
async fn st23_a_document_that_was_changed_in_its_folder_is_refused_by_name() {
    let pair = Pair::new().await;
    let [_, test] = pair.pointers().await;
    let key = format!("live/r/{}/about.html", test.unwrap());
    pair.app.world.aws.s3_put(&pair.app.bucket, &key, b"changed by hand".to_vec()).await.unwrap();
    let report = pair.promote(0).input("release", &pair.app.world.commits[0]).run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("/about.html"), "{report}");
    assert_eq!(pair.app.count("UpdateKeys").await, 0);
}

#[tokio::test]
async fn one_pointer_is_no_source_of_itself() {
    let pair = Pair::new().await;
    let report = pair.promote(0).input("release", "v1").input("source-pointer", "kvs:shop-site").run().await;
    report.assert_verdict("error", 2);
    assert!(report.output("reason").contains("current there already"), "{report}");
}
