//! What deploy-service refuses before the first write.

use super::*;
use crate::messages::says;

/// Refused with this verdict and these words, and nothing was written.
async fn refused(web: &Web, runner: Runner, (verdict, code): (&str, i32), words: &str) {
    let report = runner.run().await;
    report.assert_verdict(verdict, code);
    assert!(report.output("reason").contains(words), "{}", report.output("reason"));
    for operation in ["RegisterTaskDefinition", "UpdateService"] {
        assert_eq!(web.count(operation).await, 0, "{operation}\n{report}");
    }
    assert!(web.world.records().is_empty());
}

#[tokio::test]
async fn ec08_a_service_without_tasks_proves_nothing() {
    let web = web(|spec| guarded(spec).count(0)).await;
    refused(&web, web.deploy(), ("inconclusive", 0), "is to have 0 tasks").await;
    let report = web.deploy().input("allow-zero", "true").run().await;
    report.assert_verdict("pass", 0);
    assert!(report.warning().message.contains("nothing is proved"), "{report}");
}

#[tokio::test]
async fn ec16_a_misspelt_container_is_bad_input_with_the_nearest_name() {
    let web = web(guarded).await;
    let runner = web.deploy().input("container", "wep");
    refused(&web, runner, ("error", 2), "did you mean web?").await;
}

#[tokio::test]
async fn ec17_an_image_that_is_not_there_or_for_another_platform_is_refused() {
    let web = web(guarded).await;
    let missing = web.deploy().input("image", format!("{REPOSITORY}@sha256:{}", "0".repeat(64)));
    refused(&web, missing, ("fail", 1), "does not exist").await;
    let arm = ImageSpec::new(REPOSITORY).architectures(&["arm64"]);
    let arm = web.world.aws.push_image(&arm).await.unwrap();
    let arm = web.deploy().input("image", format!("{REPOSITORY}@{arm}"));
    refused(&web, arm, ("fail", 1), "is for linux/arm64").await;
}

#[tokio::test]
async fn ec18_what_ecs_does_not_pin_is_not_proved() {
    let unpinned = json!([{"name": "web", "image": "web", "essential": true, "versionConsistency": "disabled"}]);
    let web = web(|spec| guarded(spec).containers(&unpinned)).await;
    let runner = web.deploy().input("require-digest", "true");
    refused(&web, runner, ("fail", 1), "versionConsistency: disabled").await;
    let report = web.deploy().run().await;
    report.assert_verdict("pass", 0);
    assert!(report.output("reason").contains("not proved by digest: web"), "{}", report.output("reason"));
}

#[tokio::test]
async fn ec27_one_missing_image_of_several_services_writes_nothing() {
    let web = web(guarded).await;
    let image = web.world.aws.image_uri(REPOSITORY, &web.digests[0]);
    web.world.aws.create_service(&ServiceSpec::new("worker", &image)).await.unwrap();
    let services = format!("web: {REPOSITORY}@{}\nworker: {REPOSITORY}@sha256:{}", web.digests[1], "0".repeat(64));
    let runner = web.world.step("deploy-service").input("environment", "prd").input("cluster", "main");
    refused(&web, runner.input("services", services), ("fail", 1), "does not exist").await;
}

#[tokio::test]
async fn ec31_services_that_others_deploy_are_refused_with_what_to_use() {
    for (controller, words) in [("CODE_DEPLOY", "CODE_DEPLOY"), ("EXTERNAL", "EXTERNAL")] {
        let web = web(|spec| spec.fields(&json!({"deploymentController": {"type": controller}}))).await;
        refused(&web, web.deploy(), ("fail", 1), words).await;
    }
    let web = web(guarded).await;
    web.world.aws.set_service("web", &json!({"resourceManagementType": "ECS"})).await.unwrap();
    refused(&web, web.deploy(), ("fail", 1), "Express").await;
}

#[tokio::test]
async fn ec33_a_time_that_the_configuration_does_not_fit_into_is_bad_input() {
    let linear = json!({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 10.0, "stepBakeTimeInMinutes": 6}, "bakeTimeInMinutes": 5});
    let web = web(shifting(linear)).await;
    let runner = web.deploy().input("timeout", "30m");
    refused(
        &web,
        runner,
        ("error", 2),
        "takes at least 59m00s (9 x 6m between the steps of the traffic and 5m00s of bake time)",
    )
    .await;
}

#[tokio::test]
async fn ec34_what_is_not_there_or_not_active_is_named() {
    let web = web(guarded).await;
    let other = web.deploy().input("service", "wrong");
    refused(&web, other, ("error", 4), "no service wrong").await;
    let other = web.deploy().input("cluster", "wrong");
    refused(&web, other, ("error", 4), "luster").await;
    web.world.aws.set_service("web", &json!({"status": "DRAINING"})).await.unwrap();
    refused(&web, web.deploy(), ("error", 4), "DRAINING").await;
}

#[tokio::test]
async fn a_status_that_this_release_does_not_know_is_an_error_that_names_it() {
    let web = web(guarded).await;
    web.world.aws.set_deployment("web", &json!({"status": "PAUSED"})).await.unwrap();
    refused(&web, web.deploy(), ("error", 4), "status of a service deployment is PAUSED").await;
}

#[tokio::test]
async fn a_secret_that_would_disappear_is_refused_unless_it_is_named() {
    let web = web(|spec| guarded(spec).containers(&secret())).await;
    let folder = tempfile::tempdir().unwrap();
    let file = json!({"family": "web", "cpu": "256", "memory": "512", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{"name": "web", "image": "x", "essential": true}]});
    std::fs::write(folder.path().join("web.json"), file.to_string()).unwrap();
    let deploy = || web.deploy().workspace(folder.path()).input("task-definition", "web.json");
    refused(&web, deploy(), ("fail", 1), "would lose web/DATABASE_URL").await;
    deploy().input("allow-removed", "web/DATABASE_URL").run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a_deployment_of_somebody_else_is_not_stopped() {
    let web = web(guarded).await;
    web.world.aws.script_deployment("web", &json!({"hold": "SCALE_UP"})).await.unwrap();
    let body = json!({"cluster": "main", "service": "web", "forceNewDeployment": true});
    web.world.aws.ecs("UpdateService", &body).await.unwrap();
    web.world.aws.clear_requests().await.unwrap();
    refused(&web, web.deploy(), ("superseded", 5), "is being deployed by somebody else").await;
}

#[tokio::test]
async fn ec35_more_deployments_than_ecs_allows_are_explained() {
    let web = web(guarded).await;
    let full = Fault {
        status: Some(400),
        code: Some("InvalidParameterException".to_owned()),
        message: Some("5 active deployments exist, unable to create new deployment.".to_owned()),
        ..fault("UpdateService")
    };
    web.world.aws.faults(&[full]).await.unwrap();
    let report = web.deploy().run().await;
    report.assert_verdict("error", 4);
    let reason = report.output("reason");
    assert!(says(reason, "five-deployments") && reason.contains("5 active deployments exist"), "{reason}");
    assert!(serves(&report, &web.digests[0]), "{}", report.output("serving"));
    assert_eq!(web.world.records()[0].states().last(), Some(&"failure"));
}
