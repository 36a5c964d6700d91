//! deploy-service: what ECS really did, told truthfully. The cases EC.. are inputs from practice that other tools get wrong.

mod adopt;
mod closing;
pub(crate) mod elsewhere;
mod gated;
mod gates;
mod refusals;
mod shifted;
pub(crate) mod table;
mod tasks;
mod together;
mod traffic;
mod truth;

use serde_json::{Value, json};
use testbed::aws::{Fault, ImageSpec, ServiceSpec, Settings};
use testbed::runner::{Report, Runner, Signal};

use crate::world::World;

pub(crate) use self::table::UNDER_TEST;

pub(crate) const REPOSITORY: &str = "shop/api";

/// A service `web`, and the digests of the image that it runs and of the one that it is to get.
pub(crate) struct Web {
    pub(crate) world: World,
    pub(crate) digests: [String; 2],
    pub(crate) made: testbed::aws::Service,
}

/// As [`web`], with this for the label `testbed.behaviour` of the second image.
pub(crate) async fn web_with(behaviour: &str, spec: impl FnOnce(ServiceSpec) -> ServiceSpec) -> Web {
    let world = World::new().await;
    world.aws.create_repository(REPOSITORY).await.unwrap();
    let push = async |number: usize, behaviour: &str| {
        let spec = ImageSpec::new(REPOSITORY).release(&format!("1.{number}.0"), &world.commits[number]);
        let spec = if behaviour.is_empty() { spec } else { spec.behaviour(behaviour) };
        world.aws.push_image(&spec).await.unwrap()
    };
    let digests = [push(0, "").await, push(1, behaviour).await];
    let made = spec(ServiceSpec::new("web", &world.aws.image_uri(REPOSITORY, &digests[0])));
    let made = world.aws.create_service(&made).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    Web { world, digests, made }
}

pub(crate) async fn web(spec: impl FnOnce(ServiceSpec) -> ServiceSpec) -> Web {
    web_with("", spec).await
}

pub(crate) fn guarded(spec: ServiceSpec) -> ServiceSpec {
    spec.fields(&json!({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}}}))
}

pub(crate) fn shifting(configuration: Value) -> impl FnOnce(ServiceSpec) -> ServiceSpec {
    move |spec| spec.balanced().fields(&json!({"deploymentConfiguration": configuration}))
}

impl Web {
    pub(crate) fn deploy(&self) -> Runner {
        self.world
            .step("deploy-service")
            .input("environment", "prd")
            .input("cluster", "main")
            .input("service", "web")
            .input("image", format!("{REPOSITORY}@{}", self.digests[1]))
    }

    pub(crate) async fn service(&self) -> Value {
        let body = json!({"cluster": "main", "services": ["web"]});
        self.world.aws.ecs("DescribeServices", &body).await.unwrap()["services"][0].clone()
    }

    pub(crate) async fn definition(&self, name: &str) -> Value {
        let body = json!({"taskDefinition": name, "include": ["TAGS"]});
        self.world.aws.ecs("DescribeTaskDefinition", &body).await.unwrap()
    }

    /// How often each of these was called by the step.
    pub(crate) async fn count(&self, operation: &str) -> usize {
        self.world.operations().await.iter().filter(|one| one.contains(operation)).count()
    }
}

pub(crate) fn serves(report: &Report, digest: &str) -> bool {
    report.output("serving").contains(digest)
}

pub(crate) fn fault(operation: &str) -> Fault {
    Fault { operation: Some(operation.to_owned()), ..Fault::default() }
}

#[tokio::test]
async fn ec01_the_image_runs_by_one_revision_and_one_update() {
    let web = web(guarded).await;
    let report = web.deploy().run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&web.world.aws.id);
    assert!(serves(&report, &web.digests[1]), "{}", report.output("serving"));
    assert_eq!((web.count("RegisterTaskDefinition").await, web.count("UpdateService").await), (1, 1));
    assert_eq!(report.output("task-definitions"), "web=web:2");
    assert_eq!(report.output("previous-task-definitions"), "web=web:1");
    assert_eq!(report.output("images"), format!("web/web={}", web.digests[1]));
    let state: Value = serde_json::from_str(report.output("state")).unwrap();
    assert_eq!(state["targets"][0]["previous"]["task-definition"], "web:1");
    assert_eq!(state["targets"][0]["previous"]["images"]["web"], web.digests[0]);
    let records = web.world.records();
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((record.sha.as_str(), record.states()), (web.world.commits[1].as_str(), vec!["success"]));
    let target = &record.payload["targets"][0];
    assert_eq!(
        (&target["kind"], &target["cluster"], &target["service"]),
        (&json!("ecs-service"), &json!("main"), &json!("web"))
    );
    assert_eq!((&target["task-definition"], &target["images"]["web"]), (&json!("web:2"), &json!(web.digests[1])));
    assert!(!record.payload.to_string().contains(&web.world.aws.id));
}

/// ECS knows the digest once the first task has pulled the image: long after the deployment has begun.
#[tokio::test]
async fn ec01_what_runs_is_proved_by_what_ecs_knows_in_the_end() {
    let web = web(guarded).await;
    web.world.aws.settings(&Settings { ecs_delay: Some(1.5), ..Settings::default() }).await.unwrap();
    let running = web.deploy().start().await;
    running.wait_for("has begun").await;
    web.world.aws.settings(&Settings { ecs_delay: Some(0.05), ..Settings::default() }).await.unwrap();
    let report = running.wait().await;
    report.assert_verdict("pass", 0);
    assert!(!report.output("reason").contains("not proved"), "{report}");
    assert!(serves(&report, &web.digests[1]), "{}", report.output("serving"));
}

#[tokio::test]
async fn ec02_what_the_circuit_breaker_rolled_back_is_a_failure() {
    let web = web_with("- do: exit 1", guarded).await;
    let report = web.deploy().run().await;
    report.assert_verdict("fail", 1);
    let reason = report.output("reason");
    assert!(reason.contains("rolled") && reason.contains("circuit breaker counted"), "{reason}");
    assert!(serves(&report, &web.digests[0]), "{}", report.output("serving"));
    assert!(
        report.log.iter().any(|line| line.contains("stopped:") && line.contains("ended with 1")),
        "{:#?}",
        report.log
    );
    assert_eq!(web.world.records()[0].states().last(), Some(&"failure"));
}

#[tokio::test]
async fn ec03_a_deployment_that_is_not_over_is_waited_for() {
    let web = web(guarded).await;
    web.world.aws.script_deployment("web", &json!({"hold": "CLEAN_UP"})).await.unwrap();
    let running = web.deploy().start().await;
    running.wait_for("waiting for the deployment").await;
    web.world.aws.change_script("web", &json!({"hold": null})).await.unwrap();
    running.wait().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn ec04_a_deployment_that_was_stopped_for_another_of_the_same_is_followed_there() {
    let web = web(guarded).await;
    // Slow enough for the first one to be seen.
    web.world.aws.settings(&Settings { ecs_delay: Some(0.5), ..Settings::default() }).await.unwrap();
    web.world.aws.script_deployment("web", &json!({"superseded": {"at": "SCALE_UP"}})).await.unwrap();
    let report = web.deploy().run().await;
    report.assert_verdict("pass", 0);
    assert!(report.log.iter().any(|line| line.contains("was stopped for")), "{:#?}", report.log);
}

#[tokio::test]
async fn ec05_another_task_definition_in_between_is_superseded_and_nothing_more_is_written() {
    let web = web(guarded).await;
    let script = json!({"superseded": {"at": "SCALE_UP", "task-definition": "web:1"}});
    web.world.aws.script_deployment("web", &script).await.unwrap();
    let report = web.deploy().run().await;
    report.assert_verdict("superseded", 5);
    assert_eq!(web.count("UpdateService").await, 1);
}

#[tokio::test]
async fn ec06_what_runs_already_is_left_alone() {
    let web = web(guarded).await;
    web.deploy().run().await.assert_verdict("pass", 0);
    web.world.aws.clear_requests().await.unwrap();
    let report = web.deploy().run().await;
    report.assert_verdict("skipped", 0);
    assert_eq!((web.count("RegisterTaskDefinition").await, web.count("UpdateService").await), (0, 0));
}

#[tokio::test]
async fn ec07_a_revision_that_is_there_is_not_registered_again() {
    let web = web(guarded).await;
    let mut definition = web.definition("web").await["taskDefinition"].clone();
    for name in [
        "taskDefinitionArn",
        "revision",
        "status",
        "registeredAt",
        "registeredBy",
        "requiresAttributes",
        "compatibilities",
    ] {
        definition.as_object_mut().unwrap().remove(name);
    }
    definition["containerDefinitions"][0]["image"] = json!(web.world.aws.image_uri(REPOSITORY, &web.digests[1]));
    web.world.aws.ecs("RegisterTaskDefinition", &definition).await.unwrap();
    web.world.aws.clear_requests().await.unwrap();
    let report = web.deploy().run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((web.count("RegisterTaskDefinition").await, report.output("task-definitions")), (0, "web=web:2"));
}

#[tokio::test]
async fn ec09_a_rollback_that_failed_is_a_bad_version_only_where_the_new_tasks_have_users() {
    let script = |at: &str| json!({"break": {"at": at, "reason": "tasks failed"}, "rollback": "fail"});
    let rolling = web(guarded).await;
    rolling.world.aws.script_deployment("web", &script("CLEAN_UP")).await.unwrap();
    let report = rolling.deploy().run().await;
    report.assert_verdict("fail", 3);
    assert!(report.output("serving").contains("web:2"), "{report}");
    let shifted = web(shifting(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1}))).await;
    shifted.world.aws.script_deployment("web", &script("SCALE_UP")).await.unwrap();
    shifted.deploy().run().await.assert_verdict("error", 4);
}

#[tokio::test]
async fn ec10_what_never_ends_is_an_error_with_its_stage() {
    let web = web(guarded).await;
    web.world.aws.script_deployment("web", &json!({"hold": "SCALE_UP"})).await.unwrap();
    let report = web.deploy().input("timeout", "3s").run().await;
    report.assert_verdict("error", 4);
    let reason = report.output("reason");
    assert!(reason.contains("IN_PROGRESS, ") && reason.contains("(deployment "), "{reason}");
}

#[tokio::test]
async fn ec11_throttling_changes_no_verdict_and_a_missing_permission_is_named() {
    let web = web(guarded).await;
    let throttled = Fault {
        code: Some("ThrottlingException".to_owned()),
        status: Some(400),
        times: 3,
        ..fault("DescribeServiceDeployments")
    };
    web.world.aws.faults(&[throttled]).await.unwrap();
    web.deploy().run().await.assert_verdict("pass", 0);
    let web = web_with("", guarded).await;
    let denied = Fault {
        code: Some("AccessDeniedException".to_owned()),
        status: Some(400),
        ..fault("DescribeServiceDeployments")
    };
    web.world.aws.faults(&[denied]).await.unwrap();
    let report = web.deploy().run().await;
    report.assert_verdict("error", 4);
    assert!(report.output("reason").contains("ecs:DescribeServiceDeployments"), "{}", report.output("reason"));
}

#[tokio::test]
async fn ec12_ec13_ec14_unknown_keys_tags_and_empty_values_survive() {
    let web = web(|spec| {
        guarded(spec).definition(&json!({
            "futureKey": {"a": [1, ""]}, "tags": [{"key": "team", "value": "shop"}],
        }))
    })
    .await;
    let before = web.definition("web:1").await;
    web.deploy().input("variables", "EMPTY=").run().await.assert_verdict("pass", 0);
    let after = web.definition("web:2").await;
    let without = |found: &Value| {
        let mut found = found["taskDefinition"].clone();
        for name in ["taskDefinitionArn", "revision", "registeredAt", "registeredBy"] {
            found.as_object_mut().unwrap().remove(name);
        }
        found
    };
    let mut expected = without(&before);
    expected["containerDefinitions"][0]["image"] = json!(web.world.aws.image_uri(REPOSITORY, &web.digests[1]));
    expected["containerDefinitions"][0]["environment"] = json!([{"name": "EMPTY", "value": ""}]);
    assert_eq!(without(&after), expected);
    let tags = json!([{"key": "team", "value": "shop"}, {"key": "deploy-action", "value": web.world.commits[1]}]);
    assert_eq!(after["tags"], tags);
}

#[tokio::test]
async fn ec15_what_ecs_refuses_is_quoted_and_nothing_is_deployed() {
    let web = web(|spec| guarded(spec).containers(&secret())).await;
    let report = web.deploy().input("variables", "DATABASE_URL=x").run().await;
    report.assert_verdict("error", 4);
    assert!(report.output("reason").contains("secret name must be unique"), "{}", report.output("reason"));
    assert_eq!(web.count("UpdateService").await, 0);
    assert!(web.world.records().is_empty());
}

/// One container `web` with a secret.
fn secret() -> Value {
    json!([{
        "name": "web", "image": "web", "essential": true,
        "secrets": [{"name": "DATABASE_URL", "valueFrom": "arn:aws:ssm:eu-west-1:111122223333:parameter/url"}],
    }])
}

#[tokio::test]
async fn ec19_tasks_of_before_that_still_run_are_told_and_waited_for_if_asked() {
    let early = json!({
        "minimumHealthyPercent": 100, "maximumPercent": 150,
        "earlySuccessCriteria": {"enable": true, "healthyPercent": 50, "sourceServiceRevisionCleanup": "DEFERRED"},
    });
    let web = web(|spec| shifting_rolling(early)(spec).count(4)).await;
    web.world.aws.settings(&Settings { ecs_delay: Some(0.4), ..Settings::default() }).await.unwrap();
    let report = web.deploy().run().await;
    report.assert_verdict("pass", 0);
    assert!(report.warning().message.contains("tasks of before still run"), "{report}");
    let back = web.deploy().input("image", format!("{REPOSITORY}@{}", web.digests[0])).input("allow-downgrade", "true");
    let report = back.input("require-drained", "true").run().await;
    report.assert_verdict("pass", 0);
    assert!(!report.raw.contains("tasks of before still run"), "{report}");
}

fn shifting_rolling(configuration: Value) -> impl FnOnce(ServiceSpec) -> ServiceSpec {
    move |spec| spec.fields(&json!({"deploymentConfiguration": configuration}))
}

#[tokio::test]
async fn ec26_a_lost_answer_makes_no_second_deployment() {
    for operation in ["UpdateService", "RegisterTaskDefinition"] {
        let web = web(guarded).await;
        let lost = Fault { drop: true, applied: true, ..fault(operation) };
        web.world.aws.faults(&[lost]).await.unwrap();
        web.deploy().run().await.assert_verdict("pass", 0);
        assert_eq!(web.count(operation).await, 1, "{operation}");
        assert_eq!(web.service().await["taskDefinition"].as_str().unwrap().rsplit(':').next(), Some("2"));
    }
}

#[tokio::test]
async fn ec29_a_run_that_was_killed_is_continued_and_no_second_deployment_begun() {
    let web = web(guarded).await;
    web.world.aws.script_deployment("web", &json!({"hold": "SCALE_UP"})).await.unwrap();
    let mut running = web.deploy().start().await;
    running.wait_for("waiting for the deployment").await;
    running.kill();
    drop(running);
    let again = web.deploy().start().await;
    again.wait_for("waiting for the deployment").await;
    web.world.aws.change_script("web", &json!({"hold": null})).await.unwrap();
    again.wait().await.assert_verdict("pass", 0);
    assert_eq!((web.count("RegisterTaskDefinition").await, web.count("UpdateService").await), (1, 1));
    let records = web.world.records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].states(), ["success"]);
}

#[tokio::test]
async fn ec30_a_signal_stops_nothing_and_says_what_goes_on() {
    let web = web(guarded).await;
    web.world.aws.script_deployment("web", &json!({"hold": "SCALE_UP"})).await.unwrap();
    let mut running = web.deploy().start().await;
    running.wait_for("waiting for the deployment").await;
    running.signal(Signal::TERM);
    let report = running.wait().await;
    report.assert_verdict("cancelled", 143);
    assert_eq!(web.count("StopServiceDeployment").await, 0);
    assert!(report.summary.contains("aws ecs stop-service-deployment"), "{}", report.summary);
}

#[tokio::test]
async fn ec32_new_tasks_are_started_on_request_where_nothing_changes() {
    let web = web(guarded).await;
    web.deploy().run().await.assert_verdict("pass", 0);
    web.world.aws.clear_requests().await.unwrap();
    web.deploy().input("force-new-deployment", "true").run().await.assert_verdict("pass", 0);
    assert_eq!((web.count("RegisterTaskDefinition").await, web.count("UpdateService").await), (0, 1));
}

#[tokio::test]
async fn ec38_a_platform_that_ecs_has_changed_is_told() {
    let web = web(guarded).await;
    web.world
        .aws
        .set_revision_overrides("web", &json!({"runtimePlatform": {"cpuArchitecture": "ARM64"}}))
        .await
        .unwrap();
    let report = web.deploy().run().await;
    report.assert_verdict("pass", 0);
    assert!(report.warning().message.contains("ARM64"), "{report}");
}

#[tokio::test]
async fn ec39_each_event_is_told_once_and_in_order() {
    let web = web(guarded).await;
    web.world.aws.script_deployment("web", &json!({"hold": "SCALE_UP"})).await.unwrap();
    let running = web.deploy().start().await;
    running.wait_for("waiting for the deployment").await;
    web.world.aws.add_events("web", "has a thing to say.", 30).await.unwrap();
    running.wait_for("has a thing to say").await;
    web.world.aws.change_script("web", &json!({"hold": null})).await.unwrap();
    let report = running.wait().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.log.iter().filter(|line| line.contains("has a thing to say")).count(), 30);
}
