//! What is not published.

use std::fs;
use std::os::unix::fs::symlink;

use super::{Shop, asset};

#[tokio::test]
async fn st09_a_name_with_a_hash_and_other_bytes_is_refused_naming_both() {
    let shop = Shop::new().await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    shop.write(&asset("1")[1..], "other bytes");
    shop.forget().await;
    let report = shop.publish(1).run().await;
    report.assert_verdict("fail", 1);
    assert_eq!(report.output("reason").matches("sha256:").count(), 2, "{report}");
    assert!(shop.written().await.is_empty());
    // The same where no manifest tells it.
    shop.world.aws.s3_put(&shop.bucket, "live/assets/new-abcd1234.js", b"theirs".to_vec()).await.unwrap();
    shop.build("1");
    shop.write("assets/new-abcd1234.js", "ours");
    shop.publish(1).run().await.assert_verdict("fail", 1);
    assert!(shop.page().await.ends_with("release 1"));
}

#[tokio::test]
async fn st26_a_distribution_tenant_is_refused_by_name() {
    let shop = Shop::new().await;
    let report = shop.publish(0).input("distribution", "dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB").run().await;
    report.assert_verdict("error", 2);
    assert!(report.output("reason").contains("distribution tenant"), "{report}");
}

#[tokio::test]
async fn st27_a_bucket_of_another_account_gets_no_byte() {
    let shop = Shop::new().await;
    let other = Shop::new().await;
    let report =
        shop.publish(0).input("bucket", &other.bucket).input("distribution", "").input("record", "off").run().await;
    assert_eq!(report.output("verdict"), "error", "{report}");
    assert!(report.log.iter().all(|line| !line.contains("put s3://")), "{report}");
    let listed = other.world.aws.s3("GET", &format!("/{}", other.bucket), Vec::new()).await.unwrap().text();
    assert!(!listed.contains("<Key>"), "{listed}");
}

#[tokio::test]
async fn st29_links_are_refused_and_git_is_left_out() {
    let shop = Shop::new().await;
    shop.write(".git/config", "secret");
    let report = shop.publish(0).run().await;
    report.assert_verdict("pass", 0);
    assert!(report.log.iter().any(|line| line.contains(".git")), "{report}");
    assert!(shop.written().await.iter().all(|key| !key.contains(".git")));
    symlink("/etc/hostname", shop.folder.path().join("dist/link.txt")).unwrap();
    shop.forget().await;
    let report = shop.publish(1).run().await;
    report.assert_verdict("error", 2);
    assert!(report.output("reason").contains("link.txt is a symbolic link"), "{report}");
    assert!(shop.world.operations().await.iter().all(|one| !one.contains("Put")));
}

#[tokio::test]
async fn st30_an_empty_folder_never_publishes_nothing() {
    let shop = Shop::new().await;
    fs::remove_dir_all(shop.folder.path().join("dist")).unwrap();
    fs::create_dir(shop.folder.path().join("dist")).unwrap();
    let report = shop.publish(0).run().await;
    report.assert_verdict("error", 2);
    assert!(report.output("reason").contains("holds no file"), "{report}");
}

#[tokio::test]
async fn a_distribution_of_another_folder_is_refused() {
    let shop = Shop::new().await;
    let report = shop.publish(0).input("prefix", "test").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("reads /live of the bucket"), "{report}");
    assert!(shop.written().await.is_empty());
}

#[tokio::test]
async fn a_site_for_nobody_needs_a_folder_of_its_own() {
    let shop = Shop::with(|spec| spec.origin_path("")).await;
    let step = shop.world.step("publish-site").workspace(shop.folder.path()).input("environment", "tst");
    let step = step.input("bucket", &shop.bucket).input("source", "dist").input("serves", "false");
    let report = step.input("distribution", &shop.site.distribution).run().await;
    report.assert_verdict("error", 2);
    assert!(report.output("reason").contains("TEST and APP show the same files"), "{report}");
}

#[tokio::test]
async fn the_tags_of_the_bucket_must_be_the_expected_ones() {
    let shop = Shop::new().await;
    let tags = "<Tagging><TagSet><Tag><Key>stage</Key><Value>prd</Value></Tag></TagSet></Tagging>";
    shop.world.aws.s3("PUT", &format!("/{}?tagging", shop.bucket), tags.into()).await.unwrap().ok().unwrap();
    let report = shop.publish(0).input("expected-tags", "stage=stg").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("stage is prd, not stg"), "{report}");
    shop.publish(0).input("expected-tags", "stage=prd").run().await.assert_verdict("pass", 0);
}
