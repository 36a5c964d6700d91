//! promote-site: what was proved through TEST becomes current for APP, byte for byte.

mod by_key;
pub(crate) mod table;

use testbed::aws::{Site, SiteSpec};
use testbed::runner::Runner;

use crate::publish_site::{Shop, asset};

pub(crate) use self::table::UNDER_TEST;

/// One bucket with two distributions: APP reads `live`, TEST reads `test`, where the first release was published.
struct Pair {
    shop: Shop,
    test: Site,
}

impl Pair {
    async fn new() -> Self {
        Self::of(Shop::new().await).await
    }

    async fn of(shop: Shop) -> Self {
        let spec = SiteSpec::new(&shop.bucket).origin_path("/test");
        let test = shop.world.aws.create_site(&spec).await.unwrap();
        let pair = Self { shop, test };
        pair.publish(0).run().await.assert_verdict("pass", 0);
        pair.shop.forget().await;
        pair
    }

    /// Publishes what was built to TEST.
    fn publish(&self, commit: usize) -> Runner {
        let shop = &self.shop;
        let step = shop.world.step("publish-site").sha(&shop.world.commits[commit]).workspace(shop.folder.path());
        let step = step.input("environment", "tst").input("bucket", &shop.bucket).input("prefix", "test");
        let step = step.input("serves", "false").input("source", "dist").input("distribution", &self.test.distribution);
        step.input("url", shop.world.aws.site_url(&self.test))
    }

    fn promote(&self, commit: usize) -> Runner {
        self.shop.at(self.shop.world.step("promote-site"), commit).input("source-prefix", "test")
    }
}

#[tokio::test]
async fn what_test_has_serves_users_byte_for_byte() {
    let pair = Pair::new().await;
    let release = pair.shop.world.commits[0].clone();
    let report = pair.promote(0).input("release", &release).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&pair.shop.world.aws.id);
    assert!(pair.shop.page().await.ends_with("release 1"));
    assert_eq!(pair.shop.view(&asset("1")).await.0, 200);
    assert_eq!(report.output("release"), release);
    assert_eq!(pair.shop.marker().await["digest"].as_str(), Some(report.output("digest")));
    let sent = pair.shop.world.aws.requests().await.unwrap();
    let puts: Vec<&str> = sent.iter().filter(|one| one.operation == "PutObject").map(|one| one.path.as_str()).collect();
    assert!(puts.iter().all(|path| path.contains(".json")), "only manifest and marker are sent: {puts:?}");
    pair.promote(0).input("release", &release).run().await.assert_verdict("skipped", 0);
}

#[tokio::test]
async fn the_record_of_an_environment_names_the_release() {
    let pair = Pair::new().await;
    let report = pair.promote(0).input("from-environment", "tst").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("release"), pair.shop.world.commits[0]);
    let report = pair.promote(1).input("from-environment", "tst").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("no release of commit"), "{report}");
}

#[tokio::test]
async fn st22_what_test_never_proved_is_refused() {
    let pair = Pair::new().await;
    let report = pair.promote(1).input("release", &pair.shop.world.commits[1]).run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("was not proved at"), "{report}");
    assert!(pair.shop.written().await.is_empty());
}

#[tokio::test]
async fn st23_a_document_that_was_changed_since_is_refused_by_name() {
    let pair = Pair::new().await;
    pair.shop.world.aws.s3_put(&pair.shop.bucket, "test/about.html", b"changed by hand".to_vec()).await.unwrap();
    pair.shop.forget().await;
    let report = pair.promote(0).input("release", &pair.shop.world.commits[0]).run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("/about.html"), "{report}");
    assert!(pair.shop.written().await.is_empty());
}

#[tokio::test]
async fn users_get_their_own_runtime_config() {
    let pair = Pair::new().await;
    let promote = pair.promote(0).input("release", &pair.shop.world.commits[0]);
    promote.input("runtime-config", "config.json: {api: app}").run().await.assert_verdict("pass", 0);
    assert_eq!(pair.shop.view("/config.json").await.1, r#"{"api":"app"}"#);
}

#[tokio::test]
async fn another_release_than_the_expected_one_is_left_alone() {
    let pair = Pair::new().await;
    let promote = pair.promote(0).input("release", &pair.shop.world.commits[0]);
    let report = promote.input("expected-current", "v1").run().await;
    report.assert_verdict("superseded", 5);
    assert!(pair.shop.written().await.is_empty());
}

#[tokio::test]
async fn a_first_promotion_that_was_judged_bad_is_judged_again_and_recorded_once_it_is_good() {
    let pair = Pair::of(Shop::with(|spec| spec.error_page(403, "/index.html", 200)).await).await;
    let promote = || pair.promote(0).input("release", &pair.shop.world.commits[0]);
    let strict = || promote().input("require-404", "true");
    strict().run().await.assert_verdict("fail", 1);
    assert!(pair.shop.page().await.ends_with("release 1"), "there is nothing to put back");
    pair.shop.forget().await;
    let again = strict().run_id(701).run().await;
    again.assert_verdict("fail", 1);
    assert!(again.output("reason").contains("it was there already"), "{again}");
    let good = promote().run_id(702).run().await;
    good.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&pair.shop.world.aws.id);
    assert_eq!((good.output("changed"), good.output("copied")), ("false", "0"));
    // TEST's, the bad one, and this one.
    let states: Vec<_> =
        pair.shop.world.records().iter().map(|one| one.states().last().map(ToString::to_string)).collect();
    let states: Vec<&str> = states.iter().flatten().map(String::as_str).collect();
    assert_eq!(states, ["success", "failure", "success"]);
    promote().run_id(703).run().await.assert_verdict("skipped", 0);
    assert!(pair.shop.written().await.is_empty());
}
