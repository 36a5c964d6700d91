//! Services of ECS go back: what is on its way, what is finished, and what is not there any more.

use serde_json::json;
use testbed::aws::{ImageSpec, ServiceSpec};
use testbed::runner::{Report, Runner};
use testbed::web::{Answer, WebServer};

use crate::deploy_service::{REPOSITORY, Web, guarded, serves, shifting, web, web_with};

impl Web {
    fn back(&self) -> Runner {
        self.world.step("rollback").input("environment", "prd").input("cluster", "main").input("service", "web")
    }

    /// Deploys the second image in this run, and answers what the step said.
    async fn deployed(&self) -> Report {
        let report = self.deploy().run().await;
        report.assert_verdict("pass", 0);
        self.world.aws.clear_requests().await.unwrap();
        report
    }

    /// Somebody gives the service a revision with the second image by hand.
    async fn begun_by_hand(&self) {
        let mut wanted = self.definition("web:1").await["taskDefinition"].clone();
        wanted["containerDefinitions"][0]["image"] = json!(self.world.aws.image_uri(REPOSITORY, &self.digests[1]));
        let body = json!({"family": "web", "containerDefinitions": wanted["containerDefinitions"]});
        self.world.aws.ecs("RegisterTaskDefinition", &body).await.unwrap();
        let body = json!({"cluster": "main", "service": "web", "taskDefinition": "web:2"});
        self.world.aws.ecs("UpdateService", &body).await.unwrap();
        self.world.aws.clear_requests().await.unwrap();
    }

    async fn writes(&self) -> usize {
        self.world.writes().await.iter().filter(|one| !one.contains("BatchGetImage")).count()
    }

    async fn has(&self) -> String {
        let service = self.service().await;
        service["taskDefinition"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn what_this_run_deployed_goes_back_to_what_it_captured_and_again_is_skipped() {
    let web = web(guarded).await;
    let state = web.deployed().await.output("state").to_owned();
    let dry = web.back().input("state", &state).input("dry-run", "true").run().await;
    dry.assert_verdict("pass", 0);
    assert_eq!((web.has().await.as_str(), web.writes().await), ("web:2", 0));
    let report = web.back().input("state", &state).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&web.world.aws.id);
    assert!(serves(&report, &web.digests[0]), "{}", report.output("serving"));
    assert_eq!((web.count("UpdateService").await, web.count("RegisterTaskDefinition").await), (1, 0));
    assert_eq!(report.output("target-source"), "state");
    assert_eq!(
        (report.output("task-definitions"), report.output("previous-task-definitions")),
        ("web=web:1", "web=web:2")
    );
    assert_eq!(report.output("images"), format!("web/web={}", web.digests[0]));
    let records = web.world.records();
    let [deployed, back] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!(deployed.states().last(), Some(&"failure"), "it is held since");
    assert_eq!((&back.payload["kind"], back.states()), (&json!("rollback"), vec!["success"]));
    assert_eq!(back.payload["targets"][0]["images"]["web"], web.digests[0]);
    let again = web.back().input("state", &state).run().await;
    again.assert_verdict("skipped", 0);
    assert_eq!(web.count("UpdateService").await, 1);
}

#[tokio::test]
async fn s003_three_services_go_back_to_the_release_that_a_tag_names() {
    let web = web(guarded).await;
    let image = web.world.aws.image_uri(REPOSITORY, &web.digests[0]);
    for name in ["worker", "mcp"] {
        web.world.aws.create_service(&ServiceSpec::new(name, &image)).await.unwrap();
    }
    let deploy = async |digest: &str, tag: &str, run: u64| {
        let image = format!("{REPOSITORY}@{digest}");
        let step = web.world.step("deploy-service").input("environment", "prd").input("cluster", "main");
        let step = step.input("services", format!("web: {image}\nworker: {image}\nmcp: {image}"));
        let step = step.input("allow-downgrade", "true").input("force-new-deployment", "true");
        step.git_ref(&format!("refs/tags/{tag}")).run_id(run).run().await.assert_verdict("pass", 0);
    };
    deploy(&web.digests[0], "v1.2.2", 600).await;
    deploy(&web.digests[1], "v1.2.3", 601).await;
    let back = web.world.step("rollback").input("environment", "prd").input("cluster", "main");
    let back = back.input("service", "web\nworker\nmcp").input("to", "v1.2.2");
    let report = back.input("reason", "checkout fails").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("serving").matches(&web.digests[0]).count(), 3, "{}", report.output("serving"));
    assert_eq!(report.output("target-source"), "explicit");
    assert_eq!(report.output("task-definitions"), "web=web:1\nworker=worker:1\nmcp=mcp:1");
    assert_eq!(web.world.records().last().unwrap().states(), ["success"]);
}

#[tokio::test]
async fn what_is_on_its_way_is_rolled_back_by_ecs_itself() {
    let web = web(guarded).await;
    web.world.aws.script_deployment("web", &json!({"hold": "SCALE_UP"})).await.unwrap();
    web.begun_by_hand().await;
    let report = web.back().input("scope", "any").run().await;
    report.assert_verdict("pass", 0);
    assert!(serves(&report, &web.digests[0]), "{}", report.output("serving"));
    assert_eq!((web.count("StopServiceDeployment").await, web.count("UpdateService").await), (1, 0));
    assert_eq!(report.output("target-source"), "history");
    assert_eq!(web.has().await, "web:1");
}

#[tokio::test]
async fn what_waits_at_a_hook_gets_the_answer_to_go_back() {
    let pause = json!({"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"], "timeoutConfiguration": {"timeoutInMinutes": 60, "action": "CONTINUE"}});
    let web = web(shifting(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [pause]}))).await;
    let deploy = web.deploy().input("on-pause", "return").run().await;
    deploy.assert_verdict("pass", 0);
    assert!(!deploy.output("hook-id").is_empty());
    web.world.aws.clear_requests().await.unwrap();
    let report = web.back().input("state", deploy.output("state")).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((web.count("ContinueServiceDeployment").await, web.count("UpdateService").await), (1, 0));
    assert!(serves(&report, &web.digests[0]), "{}", report.output("serving"));
}

#[tokio::test]
async fn ec36_a_task_definition_that_is_inactive_is_registered_anew_once() {
    let web = web(guarded).await;
    let state = web.deployed().await.output("state").to_owned();
    let body = json!({"taskDefinition": "web:1"});
    web.world.aws.ecs("DeregisterTaskDefinition", &body).await.unwrap();
    let report = web.back().input("state", &state).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("task-definitions"), "web=web:3");
    assert!(serves(&report, &web.digests[0]), "{}", report.output("serving"));
    let again = web.back().input("state", &state).run().await;
    again.assert_verdict("skipped", 0);
    assert_eq!(web.count("RegisterTaskDefinition").await, 1);
}

#[tokio::test]
async fn an_image_named_by_a_tag_goes_back_to_the_digest_that_ran() {
    let web = web_with("", guarded).await;
    let aws = &web.world.aws;
    let tagged =
        aws.push_image(&ImageSpec::new(REPOSITORY).tag("latest").release("1.0.0", &web.world.commits[0])).await;
    let tagged = tagged.unwrap();
    let host = aws.image_uri(REPOSITORY, &tagged);
    let by_tag = format!("{}:latest", host.split_once('@').unwrap().0);
    aws.create_service(&ServiceSpec::new("site", &by_tag)).await.unwrap();
    let deploy = web.world.step("deploy-service").input("environment", "prd").input("cluster", "main");
    let deploy = deploy.input("service", "site").input("image", format!("{REPOSITORY}@{}", web.digests[1])).run().await;
    deploy.assert_verdict("pass", 0);
    aws.push_image(&ImageSpec::new(REPOSITORY).tag("latest").release("9.0.0", &web.world.commits[2])).await.unwrap();
    let back = web.world.step("rollback").input("environment", "prd").input("cluster", "main").input("service", "site");
    let report = back.input("state", deploy.output("state")).run().await;
    report.assert_verdict("pass", 0);
    assert!(serves(&report, &tagged), "{}", report.output("serving"));
    assert_eq!(report.output("task-definitions"), "site=site:3");
}

#[tokio::test]
async fn ec37_without_an_earlier_deployment_that_succeeded_nothing_is_written() {
    let web = web(guarded).await;
    let report = web.back().input("scope", "any").run().await;
    report.assert_verdict("error", 4);
    assert!(report.output("reason").contains("nothing to roll back to"), "{report}");
    assert_eq!(web.writes().await, 0);
}

#[tokio::test]
async fn what_somebody_else_deployed_since_is_left_to_them() {
    let web = web(guarded).await;
    let state = web.deployed().await.output("state").to_owned();
    let body = json!({"taskDefinition": "web:2"});
    let mut third = web.world.aws.ecs("DescribeTaskDefinition", &body).await.unwrap()["taskDefinition"].clone();
    third["containerDefinitions"][0]["environment"] = json!([{"name": "A", "value": "b"}]);
    let third = json!({"family": "web", "containerDefinitions": third["containerDefinitions"]});
    web.world.aws.ecs("RegisterTaskDefinition", &third).await.unwrap();
    let theirs = json!({"cluster": "main", "service": "web", "taskDefinition": "web:3"});
    web.world.aws.ecs("UpdateService", &theirs).await.unwrap();
    web.back().input("state", &state).run().await.assert_verdict("superseded", 5);
    assert_eq!(web.has().await, "web:3");
}

#[tokio::test]
async fn an_image_that_is_gone_is_refused_before_the_write() {
    let web = web(guarded).await;
    let state = web.deployed().await.output("state").to_owned();
    let gone = json!({"repositoryName": REPOSITORY, "imageIds": [{"imageDigest": web.digests[0]}]});
    web.world.aws.ecr("BatchDeleteImage", &gone).await.unwrap();
    web.world.aws.clear_requests().await.unwrap();
    let report = web.back().input("state", &state).run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("is gone from its repository"), "{report}");
    assert_eq!(web.writes().await, 0);
}

#[tokio::test]
async fn where_what_was_before_does_not_start_the_bad_version_still_serves() {
    let web = web(guarded).await;
    let state = web.deployed().await.output("state").to_owned();
    let broken = json!({"break": {"at": "SCALE_UP", "reason": "tasks failed to start"}});
    web.world.aws.script_deployment("web", &broken).await.unwrap();
    let report = web.back().input("state", &state).run().await;
    report.assert_verdict("fail", 3);
    assert!(report.output("reason").contains("BAD VERSION STILL SERVES"), "{report}");
    assert!(report.to_string().contains("by hand: aws ecs update-service"), "{report}");
    assert!(serves(&report, &web.digests[1]), "{}", report.output("serving"));
}

#[tokio::test]
async fn its_health_is_asked_after_the_write() {
    let web = web(guarded).await;
    let state = web.deployed().await.output("state").to_owned();
    let server = WebServer::start([Answer::status(503)]);
    let back = web.back().input("state", &state).input("url", server.url("/health"));
    let report = back.input("attempts", "2").input("base-wait", "0s").run().await;
    report.assert_verdict("fail", 3);
    assert_eq!(web.has().await, "web:1");
}

#[tokio::test]
async fn what_has_no_meaning_for_services_is_refused_before_anything_is_asked() {
    let web = web(guarded).await;
    let refused = async |inputs: &[(&str, &str)], part: &str| {
        let mut step = web.back();
        for (name, value) in inputs {
            step = step.input(name, *value);
        }
        let report = step.run().await;
        report.assert_verdict("error", 2);
        assert!(report.error().message.contains(part), "{report}");
    };
    refused(&[("function", "api")], "not both").await;
    refused(&[("to", "version:3")], "is a version of a function").await;
    refused(&[("expected-current", "3")], "must be a task definition").await;
    refused(&[("path", "/health")], "give `url`").await;
    refused(&[("cluster", "")], "`cluster` is required with `service`").await;
    assert_eq!(web.world.operations().await, Vec::<String>::new());
    let report = web.back().input("to", "tag:v9.9.9").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("is known as tag:v9.9.9"), "{report}");
}
