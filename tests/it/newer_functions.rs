//! Functions of newer kinds: with tenant isolation, on managed instances, and durable ones.

use serde_json::{Value, json};
use testbed::aws::{Account, Fault, FunctionSpec, LocalAws, zips};
use testbed::runner::{Report, Runner};

use crate::answers::step;
use crate::health_check_with_backoff::assert_said;
use crate::publish_version::{publish_zip, workspace};
use crate::world::{World, second_is_live, second_version};

const GOOD: &str = "def handler(event, context):\n    return {'statusCode': 200}\n";
const WAITS: &str = "def handler(event, context):\n    return {'Status': 'PENDING'}\n";

/// A function that has these members too, its version 1, and `live` at it.
async fn function(account: &Account, source: &str, members: Value) {
    account.create_function(&FunctionSpec::zip("shop-api", zips::python(source))).await.unwrap();
    account.set_configuration("shop-api", "$LATEST", &members).await.unwrap();
    account.publish("shop-api", "one").await.unwrap();
    account.create_alias("shop-api", "live", "1").await.unwrap();
    account.clear_requests().await.unwrap();
}

fn smoke(account: &Account) -> Runner {
    step(account, "smoke-test").input("version", "1")
}

fn health(account: &Account) -> Runner {
    step(account, "health-check-with-backoff").input("alias", "live").input("attempts", "1")
}

async fn invocations(account: &Account) -> usize {
    account.operations().await.unwrap().iter().filter(|name| name.contains("Invoke")).count()
}

/// The executions of the function: name and status.
async fn executions(account: &Account) -> Vec<(String, String)> {
    let path = "/2025-12-01/functions/shop-api/durable-executions";
    let found = account.lambda("GET", path, &Value::Null).await.unwrap().ok().unwrap().json();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    let all = found["DurableExecutions"].as_array().unwrap().iter();
    all.map(|one| (text(one, "DurableExecutionName"), text(one, "Status"))).collect()
}

fn whole(report: &Report) -> String {
    format!("{}\n{}", report.log.join("\n"), report.summary)
}

#[tokio::test]
async fn a_function_with_tenant_isolation_wants_a_tenant_and_gets_it() {
    let account = LocalAws::shared().account();
    function(&account, GOOD, json!({ "TenancyConfig": { "TenantIsolationMode": "PER_TENANT" } })).await;
    for step in [smoke(&account), health(&account)] {
        let report = step.clone().run().await;
        report.assert_verdict("error", 2).assert_runner_safe();
        assert_said(&report, "function shop-api has tenant isolation: give the input `tenant-id`");
        assert_eq!(invocations(&account).await, 0);
        step.input("tenant-id", "acme").run().await.assert_verdict("pass", 0).assert_runner_safe();
        assert_eq!(invocations(&account).await, 1);
        account.clear_requests().await.unwrap();
    }
}

#[tokio::test]
async fn a_tenant_that_no_function_takes_is_refused() {
    let account = LocalAws::shared().account();
    function(&account, GOOD, json!({})).await;
    for step in [smoke(&account), health(&account)] {
        let report = step.input("tenant-id", "acme").run().await;
        report.assert_verdict("error", 2).assert_runner_safe();
        assert_said(&report, "has tenant isolation: leave the input `tenant-id` out");
    }
    assert_eq!(invocations(&account).await, 0);
}

/// A bad version serves: for want of a tenant only its health is not told.
#[tokio::test]
async fn a_rollback_does_not_end_for_want_of_a_tenant() {
    let account = LocalAws::shared().account();
    function(&account, GOOD, json!({ "TenancyConfig": { "TenantIsolationMode": "PER_TENANT" } })).await;
    second_is_live(&account, "shop-api").await;
    let rollback = step(&account, "rollback").input("to", "version:1").input("record", "off").input("path", "/health");
    let report = rollback.clone().run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert_said(&report, "whether it is healthy could not be determined: function shop-api has tenant isolation");
    assert_eq!(account.alias("shop-api", "live").await.unwrap().version, "1");

    account.move_alias("shop-api", "live", "2").await.unwrap();
    rollback.input("tenant-id", "acme").run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn an_idle_version_is_woken_for_its_tenant() {
    let account = LocalAws::shared().account();
    function(&account, GOOD, json!({ "TenancyConfig": { "TenantIsolationMode": "PER_TENANT" } })).await;
    second_is_live(&account, "shop-api").await;
    account.set_configuration("shop-api", "1", &json!({ "State": "Inactive" })).await.unwrap();
    let rollback = step(&account, "rollback").input("to", "version:1").input("record", "off");
    rollback.input("tenant-id", "acme").run().await.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(account.alias("shop-api", "live").await.unwrap().version, "1");
}

/// What is put into `$LATEST` reaches nobody there: calls without a qualifier go to `$LATEST.PUBLISHED`.
#[tokio::test]
async fn traffic_latest_on_managed_instances_is_refused_before_the_write() {
    let world = World::new().await;
    let members = json!({ "CapacityProviderConfig": { "LambdaManagedInstancesCapacityProviderConfig": { "CapacityProviderArn": "arn" } } });
    world.aws.create_function(&FunctionSpec::zip("shop-api", zips::python(GOOD))).await.unwrap();
    world.aws.set_configuration("shop-api", "$LATEST", &members).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let package = workspace(&zips::python("x = 1"));
    let report = publish_zip(&world, "shop-api", &package).input("traffic", "latest").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_said(&report, "runs on managed instances: calls without an alias go to $LATEST.PUBLISHED");
    let rollback = world.step("rollback").input("environment", "prd").input("function", "shop-api");
    let report = rollback.input("mode", "code").input("to", "version:1").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_said(&report, "runs on managed instances");
    assert!(world.writes().await.is_empty(), "{:?}", world.writes().await);
    assert!(world.records().is_empty());
}

#[tokio::test]
async fn latest_that_cannot_be_invoked_is_settled_and_a_numbered_version_passes() {
    let world = World::new().await;
    let account = &world.aws;
    function(account, GOOD, json!({ "CapacityProviderConfig": {}, "State": "ActiveNonInvocable" })).await;
    account.set_configuration("shop-api", "1", &json!({ "State": "Active" })).await.unwrap();
    smoke(account).run().await.assert_verdict("pass", 0).assert_runner_safe();
    let package = workspace(&zips::python(GOOD));
    publish_zip(&world, "shop-api", &package).run().await.assert_verdict("skipped", 0).assert_runner_safe();
}

#[tokio::test]
async fn a_version_that_cannot_be_invoked_is_not_usable() {
    let account = LocalAws::shared().account();
    function(&account, GOOD, json!({})).await;
    second_version(&account, "shop-api").await;
    account.set_configuration("shop-api", "2", &json!({ "State": "ActiveNonInvocable" })).await.unwrap();
    let smoke = step(&account, "smoke-test").input("version", "2");
    let swap = step(&account, "swap-alias").input("version", "2").input("record", "off");
    let rollback = step(&account, "rollback").input("to", "version:2").input("record", "off");
    for step in [smoke, swap, rollback] {
        let report = step.run().await;
        report.assert_verdict("fail", 1).assert_runner_safe();
        assert_said(&report, "is ActiveNonInvocable");
    }
    assert_eq!(account.alias("shop-api", "live").await.unwrap().version, "1");
}

#[tokio::test]
async fn a_test_of_a_durable_function_names_its_execution_and_tells_that_it_has_ended() {
    let account = LocalAws::shared().account();
    function(&account, GOOD, json!({ "DurableConfig": { "ExecutionTimeout": 60 } })).await;
    for step in [smoke(&account), health(&account)] {
        let report = step.run_id(77).run().await;
        report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&account.id);
        let all = executions(&account).await;
        assert!(
            all.iter().all(|(name, status)| name.starts_with("deploy-action-77-1-") && status == "SUCCEEDED"),
            "{all:?}"
        );
        // Two that began at the same moment are listed in any order.
        let is_told = |name: &str| whole(&report).contains(&format!("durable execution {name} of shop-api has ended"));
        assert_eq!(all.iter().filter(|(name, _)| is_told(name)).count(), 1, "{report}");
    }
    assert_eq!(executions(&account).await.len(), 2);
}

#[tokio::test]
async fn an_execution_that_a_test_started_and_that_still_runs_is_stopped_and_told() {
    let account = LocalAws::shared().account();
    function(&account, WAITS, json!({ "DurableConfig": { "ExecutionTimeout": 60 } })).await;
    let report = smoke(&account).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&account.id);
    let all = executions(&account).await;
    assert_eq!(all.iter().map(|(_, status)| status.as_str()).collect::<Vec<_>>(), ["STOPPED"]);
    let said = format!("durable execution {} of shop-api was still running, and was stopped", all[0].0);
    assert!(whole(&report).contains(&said), "{report}");
}

#[tokio::test]
async fn an_execution_is_stopped_also_when_the_answer_is_lost() {
    let account = LocalAws::shared().account();
    function(&account, WAITS, json!({ "DurableConfig": { "ExecutionTimeout": 60 } })).await;
    let lost = Fault { operation: Some("Invoke".to_owned()), drop: true, applied: true, times: 1, ..Fault::default() };
    account.faults(&[lost]).await.unwrap();
    smoke(&account).run().await.assert_verdict("error", 4).assert_runner_safe();
    assert!(executions(&account).await.iter().all(|(_, status)| status == "STOPPED"));
    assert_eq!(executions(&account).await.len(), 1);
}

#[tokio::test]
async fn an_execution_that_cannot_be_stopped_is_named_and_changes_no_verdict() {
    let account = LocalAws::shared().account();
    function(&account, GOOD, json!({ "DurableConfig": { "ExecutionTimeout": 60 } })).await;
    let refused = Fault {
        operation: Some("ListDurableExecutionsByFunction".to_owned()),
        status: Some(403),
        code: Some("AccessDeniedException".to_owned()),
        times: u32::MAX,
        ..Fault::default()
    };
    account.faults(&[refused]).await.unwrap();
    let report = smoke(&account).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    account.clear_faults().await.unwrap();
    let name = &executions(&account).await[0].0;
    assert!(whole(&report).contains(&format!("durable execution {name} of shop-api may still be running")), "{report}");
}

#[tokio::test]
async fn a_rollback_tells_of_the_executions_that_go_on_on_the_version_it_took_back() {
    let account = LocalAws::shared().account();
    function(&account, WAITS, json!({ "DurableConfig": { "ExecutionTimeout": 60 } })).await;
    second_is_live(&account, "shop-api").await;
    account.invoke("shop-api", "2", &json!({})).await.unwrap();
    let report = step(&account, "rollback").input("to", "version:1").input("record", "off").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(account.alias("shop-api", "live").await.unwrap().version, "1");
    assert!(whole(&report).contains("1 durable executions of shop-api go on on version 2"), "{report}");
    assert_eq!(executions(&account).await[0].1, "RUNNING", "they are not this step's to stop");
}
