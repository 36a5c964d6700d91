//! Sites whose pointer is the path of the distribution's origin.

use std::collections::BTreeMap;

use serde_json::json;
use testbed::aws::{Fault, Hook, Settings};
use testbed::runner::Runner;

use super::{Shop, asset, fault};

impl Shop {
    fn publish_by_origin(&self, commit: usize) -> Runner {
        self.publish(commit).input("pointer", "origin-path")
    }

    /// The configuration of the distribution, and its `ETag`.
    async fn configuration(&self) -> (String, String) {
        let path = format!("/2020-05-31/distribution/{}/config", self.site.distribution);
        let read = self.world.aws.cloudfront("GET", &path, &[], Vec::new()).await.unwrap().ok().unwrap();
        (read.text(), read.header("etag").unwrap().to_owned())
    }

    async fn origin_path(&self) -> String {
        let (text, _) = self.configuration().await;
        let begin = text.split_once("<OriginPath>").map_or("", |(_, rest)| rest);
        begin.split_once("</OriginPath>").map_or("", |(path, _)| path).to_owned()
    }

    /// Somebody else changes the distribution when ours is about to be.
    async fn meanwhile(&self, change: impl Fn(&str) -> String) -> Fault {
        let (text, etag) = self.configuration().await;
        let hook = Hook {
            method: "PUT".to_owned(),
            path: format!("/2020-05-31/distribution/{}/config", self.site.distribution),
            body: json!(change(&text)),
            headers: BTreeMap::from([("if-match".to_owned(), etag)]),
            ..Hook::default()
        };
        Fault { before: vec![hook], pattern: None, ..fault("UpdateDistribution", "") }
    }
}

#[tokio::test]
async fn a_release_is_a_folder_and_the_origin_leads_to_it() {
    let shop = Shop::new().await;
    shop.world.aws.settings(&Settings { distribution_delay: Some(2.0), ..Settings::default() }).await.unwrap();
    let report = shop.publish_by_origin(0).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&shop.world.aws.id);
    assert!(report.log.iter().any(|line| line.contains("is Deployed: usually some minutes")), "{report}");
    let first = shop.origin_path().await;
    assert!(first.starts_with(&format!("/live/r/{}~", shop.world.commits[0])), "{first}");
    assert!(shop.page().await.ends_with("release 1"));
    assert_eq!(shop.view(&asset("1")).await.0, 200);
    let again = shop.publish_by_origin(0).run().await;
    again.assert_verdict("skipped", 0);
    assert_eq!(again.output("changed"), "false");

    shop.build("2");
    shop.forget().await;
    let report = shop.publish_by_origin(1).input("cache", "{'**/*.html': 'max-age=3600'}").run_id(701).run().await;
    report.assert_verdict("pass", 0);
    assert!(shop.page().await.ends_with("release 2"));
    assert_eq!((shop.view(&asset("1")).await.0, shop.view(&asset("2")).await.0), (200, 200), "tabs find their files");
    assert_eq!((shop.count("UpdateDistribution").await, shop.count("CreateInvalidation").await), (1, 1));
    let target = &shop.world.records()[1].payload["targets"][0];
    assert_eq!(target["pointer"], json!(format!("origin-path:{}", shop.site.distribution)));

    let back = shop.at(shop.world.step("rollback"), 1).input("pointer", "origin-path").input("scope", "any");
    let report = back.run_id(702).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(shop.origin_path().await, first);
    assert!(shop.page().await.ends_with("release 1"), "edges were told to forget the page");
    assert_eq!(shop.view(&asset("2")).await.0, 200, "tabs of what was taken back find their files");
}

#[tokio::test]
async fn who_was_overtaken_is_superseded_and_another_change_of_the_distribution_is_kept() {
    let shop = Shop::new().await;
    shop.publish_by_origin(0).run().await.assert_verdict("pass", 0);
    let first = shop.origin_path().await;
    shop.build("2");
    let theirs = shop.meanwhile(|text| text.replace(&first, "/live/r/theirs~0")).await;
    shop.world.aws.faults(&[theirs]).await.unwrap();
    let report = shop.publish_by_origin(1).run().await;
    report.assert_verdict("superseded", 5);
    assert!(report.output("reason").contains("release theirs"), "{report}");

    let shop = Shop::new().await;
    let comment = |text: &str| {
        text.replace("<Comment></Comment>", "<Comment>theirs</Comment>")
            .replace("<Comment />", "<Comment>theirs</Comment>")
    };
    let theirs = shop.meanwhile(comment).await;
    shop.world.aws.faults(&[theirs]).await.unwrap();
    shop.publish_by_origin(0).run().await.assert_verdict("pass", 0);
    assert!(shop.configuration().await.0.contains("<Comment>theirs</Comment>"));
    assert!(shop.page().await.ends_with("release 1"));
}

#[tokio::test]
async fn what_ended_before_the_edges_forgot_is_done_by_the_next_run() {
    let shop = Shop::new().await;
    let cached = |commit: usize| shop.publish_by_origin(commit).input("cache", "{'*.txt': 'max-age=3600'}");
    cached(0).run().await.assert_verdict("pass", 0);
    shop.build("2");
    shop.write("robots.txt", "User-agent: x");
    shop.view("/robots.txt").await;
    let denied = Fault {
        status: Some(403),
        code: Some("AccessDenied".to_owned()),
        pattern: None,
        ..fault("CreateInvalidation", "")
    };
    shop.world.aws.faults(&[denied]).await.unwrap();
    cached(1).run().await.assert_verdict("error", 4);
    shop.world.aws.clear_faults().await.unwrap();
    assert_eq!(shop.view("/robots.txt").await.1, "User-agent: *", "kept at the edge");
    let report = cached(1).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((report.output("invalidated-paths"), shop.view("/robots.txt").await.1.as_str()), ("1", "User-agent: x"));
    cached(1).run().await.assert_verdict("skipped", 0);
}
