//! What edges keep, and what they are told to forget.

use serde_json::json;
use testbed::aws::{Fault, Settings};

use super::{Shop, fault};

#[tokio::test]
async fn st10_more_documents_than_one_invalidation_takes_go_in_batches() {
    let shop = Shop::new().await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    for number in 0..3001 {
        shop.write(&format!("pages/{number}.txt"), "x");
    }
    shop.forget().await;
    let report = shop.publish(1).input("max-parallel", "64").run().await;
    report.assert_verdict("pass", 0);
    assert!(shop.count("CreateInvalidation").await >= 2, "{report}");
}

#[tokio::test]
async fn st11_a_lost_answer_makes_no_second_invalidation() {
    let shop = Shop::new().await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    shop.build("2");
    let lost = Fault { applied: true, drop: true, ..fault("CreateInvalidation", "") };
    shop.world.aws.faults(&[Fault { pattern: None, ..lost }]).await.unwrap();
    shop.publish(1).run().await.assert_verdict("pass", 0);
    let path = format!("/2020-05-31/distribution/{}/invalidation", shop.site.distribution);
    let listed = shop.world.aws.cloudfront("GET", &path, &[], Vec::new()).await.unwrap().text();
    assert_eq!(listed.matches("<InvalidationSummary>").count(), 2, "{listed}");
}

#[tokio::test]
async fn st12_an_invalidation_that_takes_long_is_a_warning_and_what_users_get_decides() {
    let shop = Shop::with(|spec| spec.with("policy", json!("CachingDisabled"))).await;
    let slow = Settings { invalidation_delay: Some(600.0), ..Settings::default() };
    shop.world.aws.settings(&slow).await.unwrap();
    let report = shop.publish(0).input("timeout", "12s").run().await;
    report.assert_verdict("pass", 0);
    assert!(report.log.iter().any(|line| line.contains("is still in progress")), "{report}");
}

#[tokio::test]
async fn st13_a_distribution_that_answers_something_else_is_named() {
    let shop = Shop::new().await;
    let other = format!("{}/_aws/cloudfront/nobody", shop.world.aws.endpoint());
    let both = format!("{}\n{other}", shop.world.aws.site_url(&shop.site));
    let report = shop.publish(0).input("url", both).input("timeout", "8s").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("/_aws/cloudfront/nobody"), "{report}");
}

#[tokio::test]
async fn st14_a_page_in_the_place_of_a_missing_file_is_a_warning_and_may_be_a_failure() {
    let shop = Shop::with(|spec| spec.error_page(403, "/index.html", 200)).await;
    let report = shop.publish(0).run().await;
    report.assert_verdict("pass", 0);
    assert!(report.annotations.iter().any(|one| one.message.contains("a file that is not there")), "{report}");
    shop.build("2");
    shop.publish(1).input("require-404", "true").run().await.assert_verdict("fail", 1);
}

#[tokio::test]
async fn only_changed_documents_are_invalidated() {
    let shop = Shop::new().await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    shop.view("/about.html").await;
    shop.build("2");
    let report = shop.publish(1).run().await;
    report.assert_verdict("pass", 0);
    // The page by both its names, and the marker.
    assert_eq!(report.output("invalidated-paths"), "3");
}

#[tokio::test]
async fn st31_other_code_at_the_edge_makes_edges_forget_all() {
    let pointer = json!({"key": "unused", "release": "r0", "code": "function handler(event) { return event.request; }",
        "function": format!("f-{}", rand_name())});
    let shop = Shop::with(|spec| spec.pointer(&pointer)).await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    let name = shop.site.function.as_ref().unwrap().rsplit('/').next().unwrap().to_owned();
    let aws = &shop.world.aws;
    let described = aws
        .cloudfront("GET", &format!("/2020-05-31/function/{name}/describe?Stage=DEVELOPMENT"), &[], Vec::new())
        .await
        .unwrap();
    let etag = described.header("etag").unwrap().to_owned();
    let code = "ZnVuY3Rpb24gaGFuZGxlcihldmVudCkgeyByZXR1cm4gZXZlbnQucmVxdWVzdDsgfSAvLyB0d28=";
    let body = format!(
        "<UpdateFunctionRequest xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><FunctionConfig><Comment></Comment>\
         <Runtime>cloudfront-js-2.0</Runtime></FunctionConfig><FunctionCode>{code}</FunctionCode></UpdateFunctionRequest>"
    );
    let path = format!("/2020-05-31/function/{name}");
    let updated = aws.cloudfront("PUT", &path, &[("if-match", &etag)], body.into_bytes()).await.unwrap().ok().unwrap();
    let etag = updated.header("etag").or(updated.header("ettag")).unwrap().to_owned();
    let path = format!("{path}/publish");
    aws.cloudfront("POST", &path, &[("if-match", &etag)], Vec::new()).await.unwrap().ok().unwrap();
    let report = shop.publish(0).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((report.output("invalidated-paths"), report.output("uploaded")), ("1", "0"), "{report}");
    shop.publish(0).run().await.assert_verdict("skipped", 0);
}

fn rand_name() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_nanos().to_string()
}
