//! health-check-with-backoff of functions, invoked through their alias.

use testbed::aws::{Account, Fault, FunctionSpec, LocalAws, zips};
use testbed::runner::Runner;
use testbed::web::{Answer, WebServer};

use crate::health_check_with_backoff::{NEW, assert_failed, assert_said, step};

/// A Python function behind `live`.
async fn function(source: &str) -> Account {
    let account = LocalAws::shared().account();
    account.create_function(&FunctionSpec::zip("shop-api", zips::python(source))).await.unwrap();
    let version = account.publish("shop-api", NEW).await.unwrap();
    account.create_alias("shop-api", "live", &version).await.unwrap();
    account.clear_requests().await.unwrap();
    account
}

fn invoke(account: &Account) -> Runner {
    step().envs(account.environment()).input("function", "shop-api").input("alias", "live")
}

#[tokio::test]
async fn what_a_function_answers_is_judged() {
    let table = [
        ("return {'statusCode': 200, 'body': 'ok'}", "", "", "pass"),
        ("return {'statusCode': '200', 'body': 'ok'}", "", "", "pass"),
        ("return {'statusCode': 200, 'body': 'b2s=', 'isBase64Encoded': True}", "expect-body", "^ok$", "pass"),
        ("return {'pong': event['ping']}", "payload", r#"{"ping": 7}"#, "pass"),
        ("return {'statusCode': 500, 'body': 'no'}", "", "", "fail"),
        ("return {'error': 'database is down'}", "payload", "{}", "pass"),
        ("return {'statusCode': 404 if event['rawPath'] != '/ready' else 200}", "path", "/ready", "pass"),
    ];
    for (body, name, value, verdict) in table {
        let account = function(&format!("def handler(event, context):\n    {body}\n")).await;
        let mut step = invoke(&account).input("attempts", "2");
        if !name.is_empty() {
            step = step.input(name, value);
        }
        let report = step.run().await;
        report.assert_verdict(verdict, i32::from(verdict == "fail")).assert_runner_safe().assert_no_secret(&account.id);
        assert_eq!(report.output("observed-version"), "1");
        assert!(report.output("serving").starts_with("shop-api:live -> version 1 (commit 8f3c1b2"), "{report}");
    }
}

#[tokio::test]
async fn a_function_that_raises_fails_and_shows_state_version_and_log() {
    let account = function("def handler(event, context):\n    print('about to')\n    raise KeyError('name')\n").await;
    let report = invoke(&account).input("attempts", "2").run().await;
    assert_failed(&report, "status", "2");
    assert_said(&report, "the function failed: KeyError: 'name'");
    for words in ["State Active, LastUpdateStatus Successful", "points to version 1", "log: about to"] {
        assert!(report.log.iter().any(|line| line.contains(words)), "{words}\n{report}");
    }
    report.assert_no_secret(&account.id);
}

#[tokio::test]
async fn throttled_invocations_are_sent_again() {
    let account = function("def handler(event, context):\n    return {'statusCode': 200}\n").await;
    let throttled = Fault { operation: Some("Invoke".to_owned()), status: Some(429), times: 2, ..Fault::default() };
    account.faults(&[throttled]).await.unwrap();
    let report = invoke(&account).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(account.faults_fired().await.unwrap(), [2]);
}

#[tokio::test]
async fn another_version_than_expected_fails() {
    let account = function("def handler(event, context):\n    return {'statusCode': 200}\n").await;
    let report = invoke(&account).input("attempts", "2").input("expect-version", "2").run().await;
    assert_failed(&report, "version", "2");
    assert_said(&report, "version 1 instead of 2");
    let report = invoke(&account).input("expect-version", "1").run().await;
    report.assert_verdict("pass", 0);
    let report = invoke(&account).input("expect-version", NEW).run().await;
    report.assert_verdict("error", 2);
    assert_said(&report, "must be the number of a published version");
}

#[tokio::test]
async fn a_slow_function_is_invoked_once_and_waited_for() {
    let account = LocalAws::shared().account();
    let source = "import time\ndef handler(event, context):\n    time.sleep(2)\n    return {'statusCode': 200}\n";
    let spec = FunctionSpec::zip("shop-api", zips::python(source)).timeout(840);
    account.create_function(&spec).await.unwrap();
    let version = account.publish("shop-api", NEW).await.unwrap();
    account.create_alias("shop-api", "live", &version).await.unwrap();
    let report = invoke(&account).input("request-timeout", "500ms").run().await;
    report.assert_verdict("pass", 0);
    let operations = account.operations().await.unwrap();
    assert_eq!(operations.iter().filter(|name| name.contains("Invoke")).count(), 1, "{operations:?}");
}

#[tokio::test]
async fn a_missing_function_is_an_error_and_not_a_failure() {
    let account = LocalAws::shared().account();
    let report = invoke(&account).run().await;
    report.assert_verdict("error", 4).assert_runner_safe().assert_no_secret(&account.id);
    assert_said(&report, "function shop-api or its alias live does not exist in this account and region");
}

#[tokio::test]
async fn with_a_url_the_function_only_explains_the_failure() {
    let account =
        function("def handler(event, context):\n    print('here I am')\n    return {'statusCode': 200}\n").await;
    let server = WebServer::start([Answer::status(502)]);
    let report = invoke(&account).input("url", server.url("/health")).input("attempts", "2").run().await;
    assert_failed(&report, "status", "2");
    let words = "asked directly through the alias, it answers status 200";
    assert!(report.summary.contains(words), "{report}");
    assert!(report.log.iter().any(|line| line == "log: here I am"), "{report}");
    assert!(report.output("serving").starts_with("shop-api:live -> version 1"), "{report}");
}
