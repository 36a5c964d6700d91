//! What a function answers, judged by every step that judges it: smoke-test, health-check-with-backoff, and rollback after its write.

use serde_json::json;
use testbed::aws::{Account, FunctionSpec, ImageSpec, LocalAws};
use testbed::runner::{Report, Runner};

use crate::world::second_version;

/// What is asked of a function, and what it must answer; the values of `expect` are those of the health check's inputs.
#[derive(Clone, Copy, Default)]
struct Asked<'a> {
    event: Option<&'a str>,
    payload: bool,
    /// A name in `expect` of a case, the input of the health check, and the value.
    expect: Option<(&'a str, &'a str, &'a str)>,
}

fn through(event: &str) -> Asked<'_> {
    Asked { event: Some(event), ..Asked::default() }
}

/// An image function with two versions, each of which does this, and `live` at the second.
pub(crate) async fn function(does: &str) -> Account {
    let account = LocalAws::shared().account();
    account.create_repository("shop/api").await.unwrap();
    let spec = ImageSpec::new("shop/api").label("testbed.behaviour", &json!([{ "do": does }]).to_string());
    let digest = account.push_image(&spec).await.unwrap();
    let uri = account.image_uri("shop/api", &digest);
    account.create_function(&FunctionSpec::image("shop-api", &uri)).await.unwrap();
    account.publish("shop-api", "one").await.unwrap();
    let second = second_version(&account, "shop-api").await;
    account.create_alias("shop-api", "live", &second).await.unwrap();
    account
}

pub(crate) fn step(account: &Account, step: &str) -> Runner {
    let runner = Runner::new(env!("CARGO_BIN_EXE_deploy-action")).step(step).envs(account.environment());
    runner.input("function", "shop-api")
}

/// All three, one after the other.
async fn judged(account: &Account, asked: Asked<'_>) -> [Report; 3] {
    let sent = if asked.payload { "payload: {}" } else { "path: /health" };
    let expect = asked.expect.map(|(name, _, value)| format!(", expect: {{ {name}: {value} }}")).unwrap_or_default();
    let mut smoke = step(account, "smoke-test").input("version", "1");
    smoke = smoke.input("cases", format!("- {{ {sent}{expect} }}"));
    let mut health = step(account, "health-check-with-backoff").input("alias", "live");
    let mut rollback = step(account, "rollback").input("to", "version:1").input("record", "off");
    if let Some(event) = asked.event {
        smoke = smoke.input("event", event);
    }
    for runner in [&mut health, &mut rollback] {
        let mut with = runner.clone().input("attempts", "1");
        with = if asked.payload { with.input("payload", "{}") } else { with.input("path", "/health") };
        if let Some(event) = asked.event {
            with = with.input("event", event);
        }
        if let Some((_, input, value)) = asked.expect {
            with = with.input(input, value);
        }
        *runner = with;
    }
    [smoke.run().await, health.run().await, rollback.run().await]
}

/// Asserts what all three make of it: nothing wrong, or a failure for this reason, after which no proof is made.
async fn assert_judged(does: &str, asked: Asked<'_>, wrong: Option<&str>) {
    let account = function(does).await;
    let reports = judged(&account, asked).await;
    let [smoke, health, rollback] = &reports;
    let Some(words) = wrong else {
        for report in &reports {
            report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&account.id);
        }
        assert_ne!(smoke.output("proof"), "", "{does}");
        return;
    };
    smoke.assert_verdict("fail", 1);
    health.assert_verdict("fail", 1);
    rollback.assert_verdict("fail", 3);
    assert_eq!(smoke.output("proof"), "", "{does}");
    for report in &reports {
        report.assert_runner_safe().assert_no_secret(&account.id);
        let message = &report.error().message;
        assert!(message.contains(words), "{does}: \"{words}\" is not in {message}");
    }
}

#[tokio::test]
async fn a_streamed_response_is_judged_by_the_status_of_its_metadata() {
    assert_judged("stream 500", Asked::default(), Some("status 500 instead of 200")).await;
    assert_judged("stream 500", through("apigw-v1"), Some("status 500 instead of 200")).await;
    assert_judged(
        "stream 200",
        Asked { expect: Some(("json", "expect-json", "{/status: ok}")), ..Asked::default() },
        None,
    )
    .await;
    assert_judged("stream 500", Asked { payload: true, ..Asked::default() }, Some("status 500 instead of 200")).await;
    assert_judged("stream 200", through("alb"), Some("a streamed response, which its gateway answers with 502")).await;
}

#[tokio::test]
async fn what_is_neither_json_nor_a_streamed_response_never_becomes_200() {
    assert_judged("return <html>ok</html>", Asked::default(), Some("neither JSON nor a streamed response")).await;
}

#[tokio::test]
async fn a_body_that_is_not_text_is_a_502_of_the_gateway() {
    let returned = r#"return {"statusCode":200,"body":{"hey":"dude"}}"#;
    for event in ["apigw-v1", "apigw-v2", "alb"] {
        assert_judged(returned, through(event), Some("a body that is not text, which its gateway answers with 502"))
            .await;
    }
}

#[tokio::test]
async fn members_and_headers_are_read_as_the_gateways_read_them() {
    let table = [
        (
            r#"return {"statusCode":200,"headers":{"a":["b"]}}"#,
            "apigw-v1",
            Some("`headers` in which a value is not text"),
        ),
        (
            r#"return {"statusCode":200,"cookies":["a=b"]}"#,
            "apigw-v1",
            Some("a member `cookies` that it does not know"),
        ),
        (r#"return {"statusCode":200,"trace":1}"#, "alb", Some("a member `trace` that it does not know")),
        (r#"return {"statusCode":200,"cookies":["a=b"],"trace":1}"#, "apigw-v2", None),
        (r#"return {"statusCode":200,"statusDescription":"200 OK"}"#, "alb", None),
    ];
    for (does, event, wrong) in table {
        assert_judged(does, through(event), wrong).await;
    }
}

#[tokio::test]
async fn base64_is_read_also_where_the_flag_is_text() {
    let returned = r#"return {"statusCode":200,"body":"b2s=","isBase64Encoded":"true"}"#;
    let expect = Some(("body-matches", "expect-body", "^ok$"));
    for event in ["apigw-v1", "alb"] {
        assert_judged(returned, Asked { expect, ..through(event) }, None).await;
    }
}

#[tokio::test]
async fn an_expected_status_is_not_met_by_an_answer_without_one() {
    let asked = |expect| Asked { payload: true, expect: Some(expect), ..Asked::default() };
    let does = r#"return {"error":"database is down"}"#;
    assert_judged(does, asked(("status", "expect-status", "200")), Some("no status where 200 is expected")).await;
    assert_judged(does, asked(("json", "expect-json", "{/status: ok}")), Some("nothing at /status")).await;
}

#[tokio::test]
async fn numbers_in_expect_json_are_compared_as_they_are_written() {
    let does = r#"return {"commit":"8202758","short":"6063e25","version":"1.10","count":3}"#;
    let asked = |expected| Asked { expect: Some(("json", "expect-json", expected)), ..Asked::default() };
    for good in ["{/commit: 8202758}", "{/short: 6063e25}", "{/version: 1.10}", "{/count: 3}"] {
        assert_judged(does, asked(good), None).await;
    }
    assert_judged(does, asked("{/version: 1.1}"), Some("/version is \"1.10\", expected 1.1")).await;
}
