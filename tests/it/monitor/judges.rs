//! What it sees, and what it says of it.

use std::fs;

use serde_json::json;
use testbed::runner::Report;
use testbed::web::{Answer, WebServer};

use super::{at, counted, logs, monitor, released, says, traffic, watch, well};
use crate::messages::says as tells;

/// The text of a report's reason and checks.
fn text(report: &Report) -> String {
    format!("{} {}", report.output("reason"), report.evidence())
}

#[tokio::test]
async fn a01_a05_a_good_release_passes_with_the_numbers_that_were_used() {
    let world = well().await;
    world.aws.clear_requests().await.unwrap();
    let report = monitor(&world).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&world.aws.id);
    assert_eq!(
        (report.output("invocations"), report.output("errors"), report.output("error-rate")),
        ("60", "0", "0.00%")
    );
    assert_eq!(
        (report.output("failed-checks"), report.output("rolled-back"), report.output("p-value")),
        ("", "false", "1.000000")
    );
    assert!(report.output("logs-url").contains("log-group/$252Faws$252Flambda$252Fshop-api"), "{report}");
    let evidence = report.evidence();
    let rate = &evidence["measured"][0];
    assert_eq!((&rate["looks"][0]["requests"], &rate["looks"][0]["decision"]), (&json!(60), &json!("Proved")));
    assert!(rate["queries"][0].as_str().unwrap().contains("ExecutedVersion=2"), "{rate}");
    assert!(report.summary.contains("▁") && report.summary.contains("0.05 / (1 gate"), "{}", report.summary);
    let drawing = report.output("evidence").replace(".json", ".svg");
    assert!(fs::read_to_string(report.workspace.join(drawing)).unwrap().contains("<svg"));
    assert!(world.writes().await.iter().all(|write| !write.contains("UpdateAlias")));
}

#[tokio::test]
async fn a02_without_requests_it_is_inconclusive() {
    let world = released().await;
    logs(&world, json!({"lines": [], "class": "STANDARD"})).await;
    let report = monitor(&world).run().await;
    report.assert_verdict("inconclusive", 0).assert_runner_safe();
    assert!(text(&report).contains("no requests"), "{report}");
    let strict = monitor(&world).input("on-inconclusive", "fail").run().await;
    strict.assert_verdict("inconclusive", 1).assert_runner_safe();
}

#[tokio::test]
async fn a03_a04_one_error_of_ten_is_chance_and_three_are_not() {
    let world = released().await;
    says(&world, &["order 17 taken"]).await;
    traffic(&world, 10, 1).await;
    monitor(&world).run().await.assert_verdict("inconclusive", 0);
    world.aws.clear_metrics().await.unwrap();
    traffic(&world, 10, 3).await;
    let report = monitor(&world).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!((report.output("failed-checks"), report.output("error-rate")), ("error-rate", "30.00%"));
    assert!(tells(&report.error().message, "still-serves"), "{report}");
    assert_eq!(world.live("shop-api").await.version, "2");
}

#[tokio::test]
async fn a07_errors_of_the_version_before_do_not_count() {
    let world = well().await;
    counted(&world, ("Invocations", "Errors"), "1", (50, 50)).await;
    monitor(&world).run().await.assert_verdict("pass", 0);
    let compared = monitor(&world).input("compare", "previous").input("version", "2").run().await;
    compared.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a08_partial_data_is_read_again_and_forbidden_is_an_error() {
    let world = well().await;
    world.aws.metric_status(&json!([{"status": "PartialData", "times": 4, "match": "ExecutedVersion"}])).await.unwrap();
    monitor(&world).run().await.assert_verdict("pass", 0);
    world
        .aws
        .metric_status(&json!([{"status": "Forbidden", "times": null, "match": "Errors|Invocations"}]))
        .await
        .unwrap();
    let report = monitor(&world).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.error().message.contains("cloudwatch:GetMetricData"), "{report}");
}

#[tokio::test]
async fn a11_a12_what_does_not_start_fails_with_its_family() {
    let kinds = ["python", "nodejs", "java", "ruby", "provided-arch", "go", "extension", "dotnet"];
    for format in ["Text", "JSON"] {
        for kind in kinds {
            let world = released().await;
            logs(&world, json!({"init-error": kind, "format": format})).await;
            let report = monitor(&world).input("checks", "init-errors").run().await;
            report.assert_verdict("fail", 1).assert_runner_safe();
            assert!(text(&report).contains("it does not start ("), "{kind} {format}: {report}");
        }
    }
    let world = released().await;
    says(&world, &["handled Runtime.ImportModuleError"]).await;
    monitor(&world).input("checks", "init-errors").run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a13_empty_pages_are_turned() {
    let world = released().await;
    logs(&world, json!({"init-error": "python"})).await;
    let pages = testbed::aws::Settings { log_empty_pages: Some(3), ..testbed::aws::Settings::default() };
    world.aws.settings(&pages).await.unwrap();
    monitor(&world).input("checks", "init-errors").run().await.assert_verdict("fail", 1);
}

#[tokio::test]
async fn a16_only_lines_of_the_platform_fail() {
    let world = released().await;
    traffic(&world, 60, 0).await;
    says(&world, &[]).await;
    let report = monitor(&world).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(report.output("failed-checks"), "app-logs");
    monitor(&world).input("app-logs", "warn").run().await.assert_verdict("pass", 0);
    monitor(&world).input("app-logs", "off").run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a17_mo08_a_log_that_cannot_be_read_is_an_error_before_anything_is_waited_for() {
    let world = released().await;
    let asked = || monitor(&world).input("window", "30m");
    let without = asked().input("checks", "init-errors").run().await;
    traffic(&world, 60, 0).await;
    for report in [without, asked().run().await] {
        report.assert_verdict("error", 4).assert_runner_safe();
        assert!(tells(report.output("reason"), "no-log-group"), "{report}");
    }
    for class in ["DELIVERY", "ESSENTIALS"] {
        let world = released().await;
        logs(&world, json!({"lines": [], "class": class})).await;
        let report = monitor(&world).input("window", "30m").run().await;
        report.assert_verdict("error", 4);
        assert!(report.output("reason").contains(class), "{report}");
    }
}

#[tokio::test]
async fn a_log_that_no_request_has_made_yet_is_inconclusive() {
    let world = released().await;
    let report = monitor(&world).run().await;
    report.assert_verdict("inconclusive", 0).assert_runner_safe();
    assert!(text(&report).contains("does not exist yet"), "{report}");
}

#[tokio::test]
async fn a_log_for_infrequent_access_is_read_by_a_query() {
    let world = released().await;
    logs(&world, json!({"init-error": "python", "class": "INFREQUENT_ACCESS"})).await;
    let report = monitor(&world).input("checks", "init-errors").run().await;
    report.assert_verdict("fail", 1);
    assert!(world.operations().await.iter().any(|operation| operation.contains("StartQuery")));
}

#[tokio::test]
async fn a19_to_a21_alarms_are_judged_by_their_transition() {
    let world = released().await;
    let alone = |alarm: &str| watch(&world).input("alarms", alarm).input("since", at(-120));
    let report = alone("nobody").input("window", "30m").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(text(&report).contains("alarm nobody does not exist"), "{report}");
    let alarms = json!([
        {"name": "quiet", "type": "metric", "state": "OK", "at": -3600},
        {"name": "red-before", "type": "metric", "state": "ALARM", "at": -3600},
        {"name": "no-data", "type": "metric", "state": "INSUFFICIENT_DATA", "at": -3600},
        {"name": "both", "type": "composite", "state": "OK", "at": -3600},
    ]);
    world.aws.put_alarms(&alarms).await.unwrap();
    world.aws.put_alarms(&json!([{"name": "both", "type": "composite", "state": "ALARM", "at": -90}])).await.unwrap();
    alone("quiet").run().await.assert_verdict("pass", 0);
    let red = alone("red-before").run().await;
    red.assert_verdict("skipped", 0).assert_runner_safe();
    assert!(red.warning().message.contains("red-before"), "{red}");
    alone("no-data").run().await.assert_verdict("inconclusive", 0);
    let both = alone("both\nquiet").run().await;
    both.assert_verdict("fail", 1).assert_runner_safe();
    assert!(text(&both).contains("composite alarm both"), "{both}");
}

#[tokio::test]
async fn mo09_to_mo12_alarms_that_were_changed_muted_or_touched() {
    let world = released().await;
    let alone = |alarm: &str| watch(&world).input("alarms", alarm).input("since", at(-120));
    let alarms = json!([
        {"name": "changed", "type": "metric", "state": "OK", "at": -3600},
        {"name": "muted", "type": "metric", "state": "OK", "at": -3600},
        {"name": "lines", "type": "log", "state": "OK", "at": -3600},
        {"name": "touched", "type": "metric", "state": "OK", "at": -3600},
    ]);
    world.aws.put_alarms(&alarms).await.unwrap();
    let then = json!([
        {"name": "changed", "type": "metric", "configured": {"at": -60}},
        {"name": "muted", "type": "metric", "state": "ALARM", "at": -90},
        {"name": "lines", "type": "log", "state": "ALARM", "at": -90, "contributors": [
            {"id": "1", "attributes": {"route": "/cart"}, "reason": "5", "at": -90},
            {"id": "2", "attributes": {"route": "/pay"}, "reason": "7", "at": -90},
        ]},
        {"name": "touched", "type": "metric", "updated": {"at": -60}},
    ]);
    world.aws.put_alarms(&then).await.unwrap();
    world.aws.put_mutes(&json!([{"name": "night-work", "alarms": ["muted"], "status": "ACTIVE"}])).await.unwrap();
    alone("changed").run().await.assert_verdict("inconclusive", 0);
    let muted = alone("muted").run().await;
    muted.assert_verdict("fail", 1);
    assert!(text(&muted).contains("muted by night-work"), "{muted}");
    let lines = alone("lines").run().await;
    lines.assert_verdict("fail", 1);
    assert!(text(&lines).contains("route=/cart; route=/pay"), "{lines}");
    alone("touched").run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a22_http_errors_are_seen_by_the_functions_address_and_not_by_lambda() {
    let world = well().await;
    counted(&world, ("UrlRequestCount", "Url5xxCount"), "2", (60, 30)).await;
    let by_lambda = monitor(&world).input("error-rate-source", "lambda").run().await;
    by_lambda.assert_verdict("pass", 0);
    assert!(by_lambda.summary.contains("HTTP errors are invisible here"), "{}", by_lambda.summary);
    monitor(&world).input("error-rate-source", "function-url").run().await.assert_verdict("fail", 1);
    monitor(&world).run().await.assert_verdict("pass", 0);
    world.aws.function_url("shop-api", Some("live")).await.unwrap();
    let auto = monitor(&world).run().await;
    auto.assert_verdict("fail", 1);
    assert!(auto.output("reason").contains("function URL"), "{auto}");
}

#[tokio::test]
async fn apis_and_load_balancers_are_counted_too() {
    let world = released().await;
    let series = json!([
        {"rest-api": "shop", "stage": "prd", "metric": "Count", "at": -100, "values": [100]},
        {"rest-api": "shop", "stage": "prd", "metric": "5XXError", "at": -100, "values": [50]},
        {"http-api": "a1b2", "stage": "$default", "metric": "Count", "at": -100, "values": [100]},
        {"load-balancer": "app/shop/123", "target-group": "targetgroup/api/456", "metric": "RequestCount", "at": -100, "values": [100]},
        {"load-balancer": "app/shop/123", "target-group": "targetgroup/api/456", "metric": "HTTPCode_Target_5XX_Count", "at": -100,
         "values": [50]},
    ]);
    world.aws.put_metrics(&series).await.unwrap();
    let of =
        |source: &str| watch(&world).input("error-rate-source", source).input("since", at(-180)).input("window", "2m");
    of("apigw:shop/prd").run().await.assert_verdict("fail", 1).assert_runner_safe();
    of("httpapi:a1b2/$default").run().await.assert_verdict("pass", 0);
    of("alb:targetgroup/api/456").run().await.assert_verdict("fail", 1);
    of("alb:targetgroup/nobody/1").run().await.assert_verdict("error", 4);
}

#[tokio::test]
async fn sample_requests_are_judged_too() {
    let world = released().await;
    logs(&world, json!({"lines": []})).await;
    let report = watch(&world)
        .input("function", "shop-api")
        .input("window", "5s")
        .input("checks", "init-errors\napp-logs")
        .input("synthetic-requests", "4")
        .run()
        .await;
    assert!(text(&report).contains("of 4 answers were bad"), "{report}");
    let bad = watch(&world)
        .input("function", "shop-api")
        .input("window", "5s")
        .input("checks", "init-errors")
        .input("synthetic-requests", "4")
        .input("cases", "- path: /health\n  expect: { status: 201 }")
        .run()
        .await;
    bad.assert_verdict("fail", 1).assert_runner_safe();
    assert!(tells(bad.output("reason"), "bad-answers"), "{bad}");
}

#[tokio::test]
async fn three_bad_answers_of_an_address_fail() {
    let world = released().await;
    let server = WebServer::start([Answer::status(200), Answer::status(503)]);
    let report = watch(&world).input("url", server.url("/health")).input("window", "6s").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(tells(report.output("reason"), "bad-answers"), "{report}");
    let server = WebServer::start([Answer::status(200), Answer::status(503), Answer::status(200)]);
    watch(&world).input("url", server.url("/health")).input("window", "3s").run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn another_system_must_show_the_release() {
    let world = released().await;
    let server = WebServer::start([Answer::json(&json!({"data": []})), Answer::json(&json!({"data": [{"id": 1}]}))]);
    let probe = |grace: &str| {
        format!(
            "url: {}?release={{sha}}\nheaders:\n  Authorization: Bearer secret-of-the-traces\nexpect:\n  json:\n    /data/0/id: 1\ngrace: {grace}",
            server.url("/traces")
        )
    };
    let report = watch(&world).input("probe", probe("20s")).input("window", "2s").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret("secret-of-the-traces");
    assert!(server.requests()[0].target.ends_with(&format!("release={}", world.commits[4])));
    let server = WebServer::start([Answer::json(&json!({"data": []}))]);
    let probe = format!("url: {}\nexpect: {{ json: {{ /data/0/id: 1 }} }}\ngrace: 1s", server.url("/traces"));
    watch(&world).input("probe", probe).input("window", "2s").run().await.assert_verdict("inconclusive", 0);
}

#[tokio::test]
async fn mo04_too_few_requests_to_expect_are_told_before_the_window() {
    let world = released().await;
    says(&world, &["order 17 taken"]).await;
    let series = json!([{"function": "shop-api", "alias": "live", "version": "1", "metric": "Invocations", "at": -1800, "values": [96]}]);
    world.aws.put_metrics(&series).await.unwrap();
    let report = monitor(&world).input("window", "5m").input("since", at(0)).input("require-power", "fail").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(report.output("reason").contains("8 requests in 5m00s"), "{report}");
}

#[tokio::test]
async fn a_dry_run_says_what_it_would_watch() {
    let world = released().await;
    let report = monitor(&world).input("window", "30m").input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(
        report.output("reason").contains("would watch error rate of shop-api:live, version 2 (Lambda), log of"),
        "{report}"
    );
}
