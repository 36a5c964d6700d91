//! Several services: all of them or none.

use super::*;

#[tokio::test]
async fn ec28_when_one_of_three_services_is_rolled_back_the_others_get_back_what_they_had() {
    let web = web(guarded).await;
    let image = web.world.aws.image_uri(REPOSITORY, &web.digests[0]);
    for name in ["worker", "mcp"] {
        web.world.aws.create_service(&ServiceSpec::new(name, &image)).await.unwrap();
    }
    let broken = json!({"break": {"at": "SCALE_UP", "reason": "tasks failed"}});
    web.world.aws.script_deployment("mcp", &broken).await.unwrap();
    let image = format!("{REPOSITORY}@{}", web.digests[1]);
    let deploy = web.world.step("deploy-service").input("environment", "prd").input("cluster", "main");
    let report = deploy.input("services", format!("web: {image}\nworker: {image}\nmcp: {image}")).run().await;
    report.assert_verdict("fail", 1);
    let reason = report.output("reason");
    assert!(reason.contains("service mcp") && reason.contains("web, worker was put back"), "{reason}");
    for name in ["web", "worker", "mcp"] {
        let body = json!({"cluster": "main", "services": [name]});
        let service = &web.world.aws.ecs("DescribeServices", &body).await.unwrap()["services"][0];
        assert!(service["taskDefinition"].as_str().unwrap().ends_with(&format!("{name}:1")), "{service}");
    }
    assert!(!serves(&report, &web.digests[1]), "{}", report.output("serving"));
    assert_eq!(web.world.records()[0].states().last(), Some(&"failure"));
}

#[tokio::test]
async fn what_somebody_else_has_deployed_since_is_not_put_back() {
    let web = web(guarded).await;
    let image = web.world.aws.image_uri(REPOSITORY, &web.digests[0]);
    web.world.aws.create_service(&ServiceSpec::new("mcp", &image)).await.unwrap();
    let broken = json!({"hold": "SCALE_UP", "break": {"at": "CLEAN_UP", "reason": "tasks failed"}});
    web.world.aws.script_deployment("mcp", &broken).await.unwrap();
    let image = format!("{REPOSITORY}@{}", web.digests[1]);
    let deploy = web.world.step("deploy-service").input("environment", "prd").input("cluster", "main");
    let running = deploy.input("services", format!("web: {image}\nmcp: {image}")).start().await;
    // That of web is over, and is not waited for any more.
    running.wait_for("waiting for the deployments: mcp").await;
    let theirs = json!({"cluster": "main", "service": "web", "taskDefinition": "web:1"});
    web.world.aws.ecs("UpdateService", &theirs).await.unwrap();
    web.world.aws.change_script("mcp", &json!({"hold": null})).await.unwrap();
    let report = running.wait().await;
    report.assert_verdict("fail", 1);
    assert!(report.error().message.contains("service web was given something else since"), "{report}");
    assert!(!report.output("reason").contains("was put back"), "{report}");
    assert_eq!(web.count("UpdateService").await, 3, "two of the step, and theirs");
}
