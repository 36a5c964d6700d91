//! Sites whose pointer is a key of a key value store, which a function at the edge reads: that of `examples/site-releases`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testbed::aws::{Fault, Hook, Settings, Site, SiteSpec};
use testbed::runner::Runner;

use super::{Shop, asset, fault};

/// The function as the example has it.
pub(crate) const FUNCTION: &str = include_str!("../../../examples/site-releases/function.js");
const NO_FALLBACK: &str = "v1.0.0~000000000000";
const POINTER: &str = "kvs:shop-site";

/// A site with a store of this name.
pub(crate) fn by_key(spec: SiteSpec, store: &str) -> SiteSpec {
    let pointer = json!({"key": "release", "release": "unused", "code": FUNCTION, "store": store, "function": store});
    spec.pointer(&pointer)
}

impl Shop {
    pub(crate) async fn by_key() -> Self {
        Self::with(|spec| by_key(spec, "shop-site")).await
    }

    fn publish_by_key(&self, commit: usize) -> Runner {
        self.publish(commit).input("pointer", POINTER)
    }

    /// The folder that the key names.
    async fn folder(&self) -> Option<String> {
        self.world.aws.stored(&self.site, "release").await.unwrap().0
    }

    /// Lets a function have other code, everywhere.
    pub(crate) async fn change_function(&self, code: &str) {
        use base64::Engine as _;
        let aws = &self.world.aws;
        let name = self.site.function.as_ref().unwrap().rsplit('/').next().unwrap().to_owned();
        let path = format!("/2020-05-31/function/{name}");
        let etag = async || {
            let path = format!("{path}/describe?Stage=DEVELOPMENT");
            let described = aws.cloudfront("GET", &path, &[], Vec::new()).await.unwrap();
            described.header("etag").unwrap().to_owned()
        };
        let code = base64::engine::general_purpose::STANDARD.encode(code);
        let store = self.site.store.as_ref().unwrap();
        let body = format!(
            "<UpdateFunctionRequest xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><FunctionConfig><Comment></Comment>\
             <KeyValueStoreAssociations><Quantity>1</Quantity><Items><KeyValueStoreAssociation><KeyValueStoreARN>{store}</KeyValueStoreARN>\
             </KeyValueStoreAssociation></Items></KeyValueStoreAssociations><Runtime>cloudfront-js-2.0</Runtime></FunctionConfig>\
             <FunctionCode>{code}</FunctionCode></UpdateFunctionRequest>"
        );
        aws.cloudfront("PUT", &path, &[("if-match", &etag().await)], body.into_bytes()).await.unwrap().ok().unwrap();
        let publish = format!("{path}/publish");
        aws.cloudfront("POST", &publish, &[("if-match", &etag().await)], Vec::new()).await.unwrap().ok().unwrap();
    }
}

/// Somebody else writes a key of the store when this request arrives.
async fn meanwhile(shop: &Shop, operation: &str, key: &str, value: &str) -> Fault {
    let (_, etag) = shop.world.aws.stored(&shop.site, key).await.unwrap();
    let store = shop.site.store.as_ref().unwrap();
    let hook = Hook {
        method: "PUT".to_owned(),
        path: format!("/key-value-stores/{store}/keys/{key}"),
        body: json!({"Value": value}),
        headers: BTreeMap::from([("if-match".to_owned(), etag)]),
        ..Hook::default()
    };
    Fault { before: vec![hook], pattern: None, ..fault(operation, "") }
}

#[tokio::test]
async fn st18_a_release_gets_a_folder_and_the_key_is_made() {
    let shop = Shop::by_key().await;
    let report = shop.publish_by_key(0).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&shop.world.aws.id);
    let folder = shop.folder().await.unwrap();
    assert!(folder.starts_with(&format!("{}~", shop.world.commits[0])), "{folder}");
    assert!(shop.view("/").await.1.ends_with("release 1"));
    assert_eq!(shop.view(&asset("1")).await, (200, "console.log('1')".to_owned()));
    assert_eq!(shop.view("/robots.txt").await, (200, "User-agent: *".to_owned()));
    assert_ne!(shop.view("/r/").await.0, 200);
    assert!(report.output("serving").contains("by kvs:shop-site/release: release"), "{report}");
    let target = &shop.world.records()[0].payload["targets"][0];
    assert_eq!((&target["kind"], &target["pointer"]), (&json!("site"), &json!("kvs:shop-site/release")));
    // Nothing is where another release has it, and edges keep each release by itself.
    let written = shop.written().await;
    assert!(written.iter().all(|key| !key.ends_with("live/index.html")), "{written:?}");
    assert_eq!((shop.count("CreateInvalidation").await, shop.count("UpdateKeys").await), (0, 1));
    let requests = shop.world.aws.requests().await.unwrap();
    let signed: Vec<&str> = requests
        .iter()
        .filter(|one| one.service == "cloudfront-keyvaluestore" && !one.user_agent.is_empty())
        .map(|one| one.algorithm.as_str())
        .collect();
    assert!(!signed.is_empty() && signed.iter().all(|one| *one == "AWS4-ECDSA-P256-SHA256"), "{signed:?}");

    shop.forget().await;
    let again = shop.publish_by_key(0).run().await;
    again.assert_verdict("skipped", 0);
    assert_eq!(again.output("changed"), "false");
    assert!(shop.written().await.is_empty() && shop.count("UpdateKeys").await == 0);
}

#[tokio::test]
async fn st18_who_was_overtaken_writes_no_pointer() {
    let shop = Shop::by_key().await;
    shop.publish_by_key(0).run().await.assert_verdict("pass", 0);
    shop.build("2");
    let theirs = meanwhile(&shop, "UpdateKeys", "release", "theirs").await;
    shop.world.aws.faults(&[theirs]).await.unwrap();
    let report = shop.publish_by_key(1).run().await;
    report.assert_verdict("superseded", 5);
    assert!(report.output("reason").contains("release theirs"), "{report}");
    assert_eq!(shop.folder().await.as_deref(), Some("theirs"));
}

#[tokio::test]
async fn another_key_of_the_store_is_no_reason_to_stop() {
    let shop = Shop::by_key().await;
    shop.publish_by_key(0).run().await.assert_verdict("pass", 0);
    shop.build("2");
    let theirs = meanwhile(&shop, "UpdateKeys", "other", "theirs").await;
    shop.world.aws.faults(&[theirs]).await.unwrap();
    shop.publish_by_key(1).run().await.assert_verdict("pass", 0);
    assert!(shop.page().await.ends_with("release 2"));
    assert_eq!(shop.world.aws.stored(&shop.site, "other").await.unwrap().0.as_deref(), Some("theirs"));
}

#[tokio::test]
async fn a_lost_answer_of_the_store_is_found_out() {
    let shop = Shop::by_key().await;
    shop.publish_by_key(0).run().await.assert_verdict("pass", 0);
    shop.build("2");
    let lost = Fault { applied: true, drop: true, pattern: None, ..fault("UpdateKeys", "") };
    shop.world.aws.faults(&[lost]).await.unwrap();
    let report = shop.publish_by_key(1).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("changed"), "true");
    assert!(shop.page().await.ends_with("release 2"));
}

#[tokio::test]
async fn st18_a_store_that_is_not_ready_is_an_error() {
    let shop = Shop::by_key().await;
    shop.world.aws.set_store_status("shop-site", Some("PROVISIONING")).await.unwrap();
    let report = shop.publish_by_key(0).run().await;
    report.assert_verdict("error", 4);
    assert!(report.output("reason").contains("is PROVISIONING, and not READY"), "{report}");
    assert!(shop.written().await.is_empty());
}

#[tokio::test]
async fn st19_without_a_value_the_compiled_release_serves() {
    let shop = Shop::by_key().await;
    shop.publish_by_key(0).run().await.assert_verdict("pass", 0);
    let folder = shop.folder().await.unwrap();
    shop.change_function(&FUNCTION.replace(NO_FALLBACK, &folder)).await;
    shop.build("2");
    shop.publish_by_key(1).run().await.assert_verdict("pass", 0);
    assert!(shop.page().await.ends_with("release 2"));
    shop.world.aws.store(&shop.site, &[("release", None)]).await.unwrap();
    shop.world.aws.advance(1.0).await.unwrap();
    assert!(shop.page().await.ends_with("release 1"), "the site is up");
    assert_eq!(shop.view(&asset("1")).await.0, 200);
}

#[tokio::test]
async fn st20_there_and_back_is_two_writes_and_st21_open_tabs_find_their_files() {
    let shop = Shop::by_key().await;
    shop.publish_by_key(0).run().await.assert_verdict("pass", 0);
    let first = shop.folder().await;
    let page = shop.world.aws.view(&shop.site, "/index.html", &[]).await.unwrap().body;
    shop.build("2");
    shop.forget().await;
    shop.publish_by_key(1).run_id(701).run().await.assert_verdict("pass", 0);
    // The page is the new one, and the tab that has the one before finds its file.
    assert!(shop.page().await.ends_with("release 2"));
    assert_eq!((shop.view(&asset("1")).await.0, shop.view(&asset("2")).await.0), (200, 200));
    let puts = shop.written().await.len();
    let back = shop.at(shop.world.step("rollback"), 1).input("pointer", POINTER).input("scope", "any");
    let report = back.input("reason", "checkout is broken").run_id(702).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&shop.world.aws.id);
    assert_eq!((report.output("release"), report.output("changed")), (shop.world.commits[0].as_str(), "true"));
    assert_eq!((shop.count("UpdateKeys").await, shop.count("CreateInvalidation").await), (2, 0));
    assert_eq!(shop.written().await.len(), puts, "back is the pointer alone");
    assert_eq!(shop.folder().await, first);
    assert_eq!(shop.world.aws.view(&shop.site, "/index.html", &[]).await.unwrap().body, page);
    let records = shop.world.records();
    assert_eq!(records[1].states().last(), Some(&"failure"), "withdrawn");
    assert_eq!((&records[2].payload["kind"], records[2].states()), (&json!("rollback"), vec!["success"]));
    shop.publish_by_key(1).run_id(703).run().await.assert_verdict("fail", 1);
}

#[tokio::test]
async fn the_proof_waits_until_the_edges_have_the_value() {
    let shop = Shop::by_key().await;
    shop.world.aws.settings(&Settings { kvs_delay: Some(3.0), ..Settings::default() }).await.unwrap();
    shop.publish_by_key(0).run().await.assert_verdict("pass", 0);
    assert!(shop.page().await.ends_with("release 1"));
}

#[tokio::test]
async fn a_store_that_no_function_reads_is_refused() {
    let shop = Shop::by_key().await;
    let other = by_key(SiteSpec::new(&shop.bucket).origin_path("/live"), "other");
    shop.world.aws.create_site(&other).await.unwrap();
    let report = shop.publish(0).input("pointer", "kvs:other").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("no function in front of distribution"), "{report}");
    assert!(shop.written().await.is_empty());
}

/// The function takes other files for assets than the step: what it does not lead to the folder is not found, and is put back.
#[tokio::test]
async fn a_release_whose_documents_are_not_seen_is_put_back() {
    let shop = Shop::by_key().await;
    shop.publish_by_key(0).run().await.assert_verdict("pass", 0);
    let first = shop.folder().await;
    shop.build("2");
    let other = "name.endsWith('.txt') || ASSET.test(name)";
    shop.change_function(&FUNCTION.replace("ASSET.test(name)", other)).await;
    let report = shop.publish_by_key(1).run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("was put back"), "{report}");
    assert!(report.output("reason").contains("answers /robots.txt with"), "{report}");
    assert_eq!(shop.folder().await, first);
    assert!(shop.page().await.ends_with("release 1"));
}

#[tokio::test]
async fn the_function_takes_the_same_files_for_assets_as_the_step() {
    let shop = Shop::by_key().await;
    let names = [
        "assets/index-BX3a9_dk.js",
        "assets/index-B-x3a9dk.css",
        "main.8f3c1b2a.chunk.css",
        "static/js/2.0f1e2d3c4b5a.js",
        "logo-large-2x.png",
        "photo-20240131.jpg",
        "service-worker.js",
        "apple-touch-icon.png",
        ".well-known/assetlinks.json",
        ".abcdefg1.json",
        "jquery-3.7.1.min.js",
        "LICENSE",
        "docs/LICENSE-abcdefg1",
        "docs/page-ABCDEFG1.html",
        "docs/index.html",
        "a-b.ABCDEFG1.min.js",
    ];
    for name in names {
        shop.write(name, name);
    }
    shop.publish_by_key(0).run().await.assert_verdict("pass", 0);
    for name in names {
        assert_eq!(shop.view(&format!("/{name}")).await, (200, name.to_owned()), "{name}");
    }
    assert_eq!(shop.view("/docs/").await.1, "docs/index.html");
}

#[tokio::test]
async fn each_environment_has_its_own_config_in_its_own_folder() {
    let shop = Shop::by_key().await;
    let publish = |content: &str| shop.publish_by_key(0).input("runtime-config", format!("config.json: {content}"));
    let first = publish("one").run().await;
    first.assert_verdict("pass", 0);
    assert_eq!(shop.view("/config.json").await.1, "one");
    let folder = shop.folder().await;
    let second = publish("two").run().await;
    second.assert_verdict("pass", 0);
    assert_eq!(first.output("digest"), second.output("digest"));
    assert_eq!(shop.view("/config.json").await.1, "two");
    publish("two").run().await.assert_verdict("skipped", 0);
    // The next release without one keeps it.
    shop.build("2");
    shop.publish_by_key(1).run().await.assert_verdict("pass", 0);
    assert_eq!(shop.view("/config.json").await.1, "two");
    assert_ne!(shop.folder().await, folder);
}

#[tokio::test]
async fn a_dry_run_points_nowhere() {
    let shop = Shop::by_key().await;
    let report = shop.publish_by_key(0).input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("changed"), "true");
    assert!(shop.written().await.is_empty() && shop.folder().await.is_none() && shop.world.records().is_empty());
}

#[tokio::test]
async fn what_another_pointer_serves_is_not_taken_away() {
    let shop = Shop::by_key().await;
    let spec = by_key(SiteSpec::new(&shop.bucket).origin_path("/live"), "shop-test");
    let test: Site = shop.world.aws.create_site(&spec).await.unwrap();
    shop.publish_by_key(0).run().await.assert_verdict("pass", 0);
    let url = shop.world.aws.site_url(&test);
    let publish = |commit: usize| {
        let step = shop.publish(commit).input("pointer", "kvs:shop-test").input("distribution", &test.distribution);
        step.input("url", &url).input("environment", "tst").input("serves", "false")
    };
    for release in [2, 3] {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        shop.build(&release.to_string());
        publish(release - 1).run().await.assert_verdict("pass", 0);
    }
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    shop.build("4");
    publish(3).input("prune-after", "1s").input("keep-releases", "1").run().await.assert_verdict("pass", 0);
    assert!(shop.page().await.ends_with("release 1"), "it serves by the other pointer");
    assert_eq!(shop.view(&asset("1")).await.0, 200);
    let listed =
        shop.world.aws.s3("GET", &format!("/{}?prefix=live/r/", shop.bucket), Vec::new()).await.unwrap().text();
    let there = |commit: usize| listed.contains(&format!("live/r/{}~", shop.world.commits[commit]));
    assert!(there(0) && there(3) && !there(1), "{listed}");
}

/// It serves while the store has no value: the site would be down.
#[tokio::test]
async fn what_the_function_leads_to_without_a_key_is_not_taken_away() {
    let shop = Shop::by_key().await;
    let spec = by_key(SiteSpec::new(&shop.bucket).origin_path("/live"), "shop-test");
    let test: Site = shop.world.aws.create_site(&spec).await.unwrap();
    let wait = || tokio::time::sleep(std::time::Duration::from_millis(1100));
    let there = async |commit: usize| {
        let path = format!("/{}?list-type=2&prefix=live/r/", shop.bucket);
        let listed = shop.world.aws.s3("GET", &path, Vec::new()).await.unwrap().text();
        listed.contains(&format!("live/r/{}~", shop.world.commits[commit]))
    };
    shop.publish_by_key(0).run().await.assert_verdict("pass", 0);
    let folder = shop.folder().await.unwrap();
    shop.change_function(&FUNCTION.replace(NO_FALLBACK, &folder)).await;
    wait().await;
    for release in [2, 3] {
        shop.build(&release.to_string());
        shop.publish_by_key(release - 1).run().await.assert_verdict("pass", 0);
        wait().await;
    }
    wait().await;
    let old = |step: Runner| step.input("prune-after", "1s").input("keep-releases", "1");
    // Whose distribution has another function knows of this one too.
    shop.build("4");
    let url = shop.world.aws.site_url(&test);
    let step = shop.publish(3).input("pointer", "kvs:shop-test").input("distribution", &test.distribution);
    let report = old(step.input("url", url).input("environment", "tst").input("serves", "false")).run().await;
    report.assert_verdict("pass", 0);
    assert!(there(0).await && !there(1).await && there(2).await, "{report}");
    let said = format!("release {} is kept: function shop-site names it", shop.world.commits[0]);
    assert!(report.summary.contains(&said), "{report}");
    // Where nobody can read the function, nothing is taken away.
    wait().await;
    shop.build("5");
    let denied =
        Fault { status: Some(403), code: Some("AccessDenied".to_owned()), pattern: None, ..fault("GetFunction", "") };
    shop.world.aws.faults(&[Fault { times: u32::MAX, ..denied }]).await.unwrap();
    wait().await;
    let report = old(shop.publish_by_key(4)).run().await;
    report.assert_verdict("pass", 0);
    assert!(report.warning().message.contains("cloudfront:GetFunction"), "{report}");
    assert!(there(0).await && there(2).await, "{report}");
    shop.world.aws.clear_faults().await.unwrap();
    shop.world.aws.store(&shop.site, &[("release", None)]).await.unwrap();
    shop.world.aws.advance(1.0).await.unwrap();
    assert!(shop.page().await.ends_with("release 1"), "the site is up");
    assert_eq!(shop.view(&asset("1")).await.0, 200);
}

#[tokio::test]
async fn inventory_finds_what_a_key_names() {
    let shop = Shop::by_key().await;
    shop.publish_by_key(0).run().await.assert_verdict("pass", 0);
    let inventory = shop.world.step("inventory").workspace(shop.folder.path()).input("output", "page");
    inventory.run().await.assert_verdict("pass", 0);
    let text = std::fs::read_to_string(shop.folder.path().join("page/inventory.json")).unwrap();
    let read: Value = serde_json::from_str(&text).unwrap();
    assert!(text.contains("kvs:shop-site/release") && text.contains(&shop.world.commits[0]), "{read:#}");
}

#[tokio::test]
async fn what_is_no_pointer_is_refused_before_anything() {
    let shop = Shop::new().await;
    for (name, value, says) in [
        ("pointer", "kvs", "must be `none`"),
        ("pointer", "kvs:a b", "a key value store's name"),
        ("pointer", "origin-path:E1", "must be `none`"),
        // ST25: traffic is not split between configurations of a distribution.
        ("weight", "0.2", "weight"),
    ] {
        let report = shop.publish(0).input(name, value).run().await;
        report.assert_verdict("error", 2);
        assert!(report.output("reason").contains(says), "{value}: {report}");
    }
    let report = shop.publish(0).input("pointer", "origin-path").input("distribution", "").run().await;
    report.assert_verdict("error", 2);
    assert!(report.output("reason").contains("needs one `distribution`"), "{report}");
    assert!(shop.world.operations().await.is_empty());
}
