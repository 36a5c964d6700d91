//! smoke-test: the published version itself, on the local AWS.

mod table;

use serde_json::{Value, json};
use testbed::aws::{Account, Code, Fault, FunctionSpec, LocalAws, Settings, zips};
use testbed::runner::Runner;

use crate::health_check_with_backoff::assert_said;
use crate::messages::message;

pub(crate) use self::table::UNDER_TEST;

const GOOD: &str =
    "def handler(event, context):\n    return {'statusCode': 200, 'body': '{\"orders\": [{\"id\": 1}]}'}\n";
const BROKEN: &str = "import missing_module\ndef handler(event, context):\n    return {'statusCode': 200}\n";

async fn published(account: &Account, name: &str, source: &str) -> String {
    account.create_function(&FunctionSpec::zip(name, zips::python(source))).await.unwrap();
    account.publish(name, "release").await.unwrap()
}

fn smoke(account: &Account) -> Runner {
    Runner::new(env!("CARGO_BIN_EXE_deploy-action")).step("smoke-test").envs(account.environment())
}

fn one(account: &Account, version: &str) -> Runner {
    smoke(account).input("function", "shop-api").input("version", version)
}

#[tokio::test]
async fn a_good_version_passes_and_is_proved() {
    let account = LocalAws::shared().account();
    let version = published(&account, "shop-api", GOOD).await;
    let report = one(&account, &version).run_id(77).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&account.id);
    assert_eq!((report.output("cases"), report.output("failed-cases"), report.output("init-error")), ("1", "", ""));
    let proof: Value = serde_json::from_str(report.output("proof")).unwrap();
    let function = account.function("shop-api", &version).await.unwrap();
    let runtime = function["Configuration"]["RuntimeVersionConfig"]["RuntimeVersionArn"].as_str().unwrap();
    let expected = json!({
        "function": "shop-api",
        "version": version,
        "code-sha256": function["Configuration"]["CodeSha256"],
        "config-sha256": function["Configuration"]["ConfigSha256"],
        "runtime-version": runtime.rsplit(':').next(),
        "cases": 1,
        "run": "77",
    });
    assert_eq!(proof, expected);
    assert_eq!((report.output("serving"), report.output("changed")), ("", "false"));
}

#[tokio::test]
async fn the_version_is_invoked_and_not_what_came_after_it() {
    let account = LocalAws::shared().account();
    let version = published(&account, "shop-api", GOOD).await;
    account.update_code("shop-api", &Code::Zip(zips::python(BROKEN))).await.unwrap();
    one(&account, &version).run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a_module_that_is_missing_is_an_import_error_and_no_proof_is_made() {
    let account = LocalAws::shared().account();
    let version = published(&account, "shop-api", BROKEN).await;
    let report = one(&account, &version).input("cases", "- path: /health\n- path: /orders").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe().assert_no_secret(&account.id);
    assert_eq!((report.output("init-error"), report.output("proof")), ("import", ""));
    assert_eq!((report.output("cases"), report.output("failed-cases")), ("1", "GET /health"));
    assert_said(&report, "the function failed (import): Runtime.ImportModuleError: Unable to import module 'index'");
    assert!(report.log.iter().any(|line| line.starts_with("log: ") && line.contains("missing_module")), "{report}");
    assert!(report.summary.contains("not run"), "{report}");
}

#[tokio::test]
async fn every_failed_case_is_named_with_what_was_returned() {
    let account = LocalAws::shared().account();
    let version = published(&account, "shop-api", GOOD).await;
    let cases = r#"
- name: orders
  path: /orders
  expect: { status: 200, json: { /orders/0/id: ">= 1" } }
- name: created
  path: /orders
  method: POST
  body: { item: tea }
  expect: { status: 201 }
- name: two orders
  path: /orders
  expect: { json: { /orders/1/id: 2 } }
"#;
    let report = one(&account, &version).input("cases", cases).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!((report.output("cases"), report.output("failed-cases")), ("3", "created\ntwo orders"));
    assert_said(&report, "failed \"created\" (the first of 2 failures): status 200 instead of 201");
    assert!(report.summary.contains("nothing at /orders/1/id, expected 2"), "{report}");
    assert!(report.log.iter().any(|line| line.starts_with("it returned {")), "{report}");
}

/// It was told to ask for a higher quota.
#[tokio::test]
async fn a_reserved_concurrency_of_0_is_named() {
    let account = LocalAws::shared().account();
    let version = published(&account, "shop-api", GOOD).await;
    account.reserve_concurrency("shop-api", 0).await.unwrap();
    let report = one(&account, &version).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.output("reason").contains("ReservedFunctionConcurrentInvocationLimitExceeded"), "{report}");
    assert!(report.error().message.contains("delete-function-concurrency"), "{report}");
    assert!(!report.error().message.contains("higher quota"), "{report}");
}

#[tokio::test]
async fn errors_of_the_handler_and_ends_of_the_process_are_told_apart() {
    let table = [
        ("    raise ValueError('no stock')", "(handler): ValueError: no stock"),
        ("    import os\n    os._exit(3)", "(process): Runtime.ExitError"),
    ];
    for (body, said) in table {
        let account = LocalAws::shared().account();
        let version = published(&account, "shop-api", &format!("def handler(event, context):\n{body}\n")).await;
        let report = one(&account, &version).run().await;
        report.assert_verdict("fail", 1).assert_runner_safe();
        assert_said(&report, said);
    }
}

#[tokio::test]
async fn a_program_that_ends_at_its_start_is_a_process_error_of_the_initialisation() {
    let account = LocalAws::shared().account();
    let package = zips::script("#!/bin/sh\necho no configuration >&2\nexit 1\n");
    let spec = FunctionSpec::zip("shop-api", package).runtime("provided.al2023", "bootstrap");
    account.create_function(&spec).await.unwrap();
    let version = account.publish("shop-api", "tool").await.unwrap();
    let report = one(&account, &version).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(report.output("init-error"), "process", "{report}");
    assert_said(&report, "see the entry point");
}

/// The end of the log, 4 KiB at most, has lost the platform's line of the start; JSON system logs never had it in this form.
#[tokio::test]
async fn a_process_that_ends_in_the_handler_has_started_also_where_the_log_does_not_say_so() {
    let source = |length: usize| {
        format!(
            "import os\ndef handler(event, context):\n    if event['rawPath'] == '/exit':\n        print('x' * {length}, flush=True)\n        \
             os._exit(3)\n    return {{'statusCode': 200}}\n"
        )
    };
    for (length, format) in [(5000, "Text"), (10, "JSON"), (5000, "JSON")] {
        let account = LocalAws::shared().account();
        account.create_function(&FunctionSpec::zip("shop-api", zips::python(&source(length)))).await.unwrap();
        let logs = json!({ "LoggingConfig": { "LogFormat": format } });
        account.update_configuration("shop-api", &logs).await.unwrap();
        let version = account.publish("shop-api", "release").await.unwrap();
        let report = one(&account, &version).input("cases", "- path: /exit\n- path: /health").run().await;
        report.assert_verdict("fail", 1).assert_runner_safe();
        assert_eq!(report.output("init-error"), "", "{report}");
        assert_eq!((report.output("cases"), report.output("failed-cases")), ("2", "GET /exit"), "{report}");
        assert_said(&report, "(process): Runtime.ExitError");
    }
}

#[tokio::test]
async fn a_start_that_fails_is_told_by_json_system_logs_too() {
    let account = LocalAws::shared().account();
    let package = zips::script("#!/bin/sh\nexit 1\n");
    let spec = FunctionSpec::zip("shop-api", package).runtime("provided.al2023", "bootstrap");
    account.create_function(&spec).await.unwrap();
    account.update_configuration("shop-api", &json!({ "LoggingConfig": { "LogFormat": "JSON" } })).await.unwrap();
    let version = account.publish("shop-api", "tool").await.unwrap();
    let report = one(&account, &version).input("cases", "- path: /a\n- path: /b").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!((report.output("init-error"), report.output("cases")), ("process", "1"), "{report}");
}

#[tokio::test]
async fn an_error_of_the_runtime_that_is_not_known_is_not_the_handlers() {
    for (kind, init, cases) in [("SomethingNew", "", "2"), ("CallbackHandlerDeprecated", "runtime", "1")] {
        let account = crate::answers::function(&format!("fail Runtime.{kind}")).await;
        let report = one(&account, "1").input("cases", "- path: /a\n- path: /b").run().await;
        report.assert_verdict("fail", 1).assert_runner_safe();
        assert_said(&report, &format!("the function failed (runtime): Runtime.{kind}"));
        assert_said(&report, "look its type up in the documentation of the function's runtime");
        assert_eq!((report.output("init-error"), report.output("cases")), (init, cases), "{report}");
    }
}

#[tokio::test]
async fn a_function_that_takes_too_long_is_a_timeout() {
    let account = LocalAws::shared().account();
    let source = "import time\ndef handler(event, context):\n    time.sleep(30)\n";
    let spec = FunctionSpec::zip("shop-api", zips::python(source)).timeout(1);
    account.create_function(&spec).await.unwrap();
    let version = account.publish("shop-api", "slow").await.unwrap();
    let report = one(&account, &version).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_said(&report, "(timeout)");
    assert_said(&report, "raise the function's timeout");
}

#[tokio::test]
async fn a_pending_version_is_waited_for_and_a_failed_one_is_not() {
    let account = LocalAws::shared().account();
    account.settings(&Settings { version_delay: Some(1.0), ..Settings::default() }).await.unwrap();
    let version = published(&account, "shop-api", GOOD).await;
    let report = one(&account, &version).run().await;
    report.assert_verdict("pass", 0);
    assert!(
        report.log.iter().any(|line| line.contains("waiting for version 1 of shop-api to be Active: Pending")),
        "{report}"
    );

    let account = LocalAws::shared().account();
    let failed = json!({"state": "Failed", "reason": "The image is gone", "code": "ImageDeleted"});
    account.settings(&Settings { next_version: Some(failed), ..Settings::default() }).await.unwrap();
    let version = published(&account, "shop-api", GOOD).await;
    let report = one(&account, &version).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_said(&report, "is Failed (ImageDeleted: The image is gone)");
    assert_eq!((report.output("proof"), report.output("cases")), ("", "0"));
}

#[tokio::test]
async fn an_idle_version_is_woken_by_its_first_invocation() {
    let account = LocalAws::shared().account();
    let version = published(&account, "shop-api", GOOD).await;
    account.set_configuration("shop-api", &version, &json!({"State": "Inactive"})).await.unwrap();
    let asleep = Fault {
        operation: Some("Invoke".to_owned()),
        status: Some(409),
        code: Some("ResourceNotReadyException".to_owned()),
        times: 1,
        ..Fault::default()
    };
    account.faults(&[asleep]).await.unwrap();
    one(&account, &version).run().await.assert_verdict("pass", 0).assert_runner_safe();
}

#[tokio::test]
async fn an_invocation_that_may_have_run_is_not_sent_again() {
    let account = LocalAws::shared().account();
    let version = published(&account, "shop-api", GOOD).await;
    let lost =
        Fault { operation: Some("Invoke".to_owned()), drop: true, applied: true, times: u32::MAX, ..Fault::default() };
    account.faults(&[lost]).await.unwrap();
    let report = one(&account, &version).run().await;
    // Whether the function is good could not be determined: it may have answered well.
    report.assert_verdict("error", 4).assert_runner_safe();
    assert_eq!(account.faults_fired().await.unwrap(), [1]);
}

#[tokio::test]
async fn several_functions_are_proved_together_or_not_at_all() {
    let account = LocalAws::shared().account();
    let api = published(&account, "shop-api", GOOD).await;
    let worker =
        published(&account, "shop-worker", "def handler(event, context):\n    return {'done': event['jobs']}\n").await;
    let cases = "
- function: shop-api
- function: shop-worker
  name: empty queue
  payload: { jobs: 0 }
  expect: { json: { /done: 0 } }
";
    let several = smoke(&account).input("versions", format!("shop-api={api}\nshop-worker={worker}"));
    let report = several.clone().input("cases", cases).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let proof: Value = serde_json::from_str(report.output("proof")).unwrap();
    assert_eq!(proof.as_array().map(Vec::len), Some(2), "{report}");

    let report = several.run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!((report.output("failed-cases"), report.output("proof")), ("shop-worker: GET /health", ""));
}

#[tokio::test]
async fn an_alias_is_resolved_once_and_read_back() {
    let account = LocalAws::shared().account();
    let version = published(&account, "shop-api", GOOD).await;
    account.create_alias("shop-api", "candidate", &version).await.unwrap();
    let report = one(&account, "alias:candidate").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(report.output("serving").starts_with("shop-api:candidate -> version 1"), "{report}");
    let report = one(&account, "alias:live").run().await;
    report.assert_verdict("fail", 1);
    assert_said(&report, "the alias is missing or points to $LATEST");
}

#[tokio::test]
async fn a_version_that_does_not_exist_fails() {
    let account = LocalAws::shared().account();
    published(&account, "shop-api", GOOD).await;
    let report = one(&account, "9").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_said(&report, &message("no-such-version", &["9", "shop-api"]));
}

#[tokio::test]
async fn wrong_cases_are_told_before_any_call() {
    let account = LocalAws::shared().account();
    let table = [
        ("cases", "- pth: /health", "did you mean `path`?"),
        ("cases", "- function: other", "which is none of those to test"),
        ("event", "raw", "give `cases` with a `payload` each"),
        ("version", "$LATEST", "must be the number of a published version"),
    ];
    for (name, value, said) in table {
        let report = one(&account, "1").input(name, value).run().await;
        report.assert_verdict("error", 2).assert_runner_safe();
        assert_said(&report, said);
    }
    assert!(account.operations().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_dry_run_invokes_nothing() {
    let account = LocalAws::shared().account();
    let version = published(&account, "shop-api", GOOD).await;
    account.clear_requests().await.unwrap();
    let report = one(&account, &version).input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(report.output("proof"), "");
    let operations = account.operations().await.unwrap();
    assert!(!operations.iter().any(|name| name.contains("Invoke")), "{operations:?}");
}
