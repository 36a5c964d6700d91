//! deploy-service with `adopt`: what another tool deployed is proved and recorded, and nothing is written to AWS.

use testbed::github::Permission;

use super::*;
use crate::messages::says;

impl Web {
    fn adopt(&self) -> Runner {
        let step = self.world.step("deploy-service").input("environment", "prd").input("cluster", "main");
        step.input("service", "web").input("adopt", "true")
    }

    /// Terraform registers a revision with this image and gives it to the service.
    async fn apply(&self, digest: &str) {
        let mut definition = self.definition("web").await["taskDefinition"].clone();
        let known = ["family", "containerDefinitions", "networkMode", "cpu", "memory", "requiresCompatibilities"];
        definition.as_object_mut().unwrap().retain(|name, _| known.contains(&name.as_str()));
        definition["containerDefinitions"][0]["image"] = json!(self.world.aws.image_uri(REPOSITORY, digest));
        self.world.aws.ecs("RegisterTaskDefinition", &definition).await.unwrap();
        let body = json!({"cluster": "main", "service": "web", "taskDefinition": "web"});
        self.world.aws.ecs("UpdateService", &body).await.unwrap();
        self.world.aws.advance(60.0).await.unwrap();
        self.world.aws.clear_requests().await.unwrap();
    }
}

#[tokio::test]
async fn what_another_tool_deployed_is_recorded_and_can_be_rolled_back() {
    let web = web(guarded).await;
    let first = web.adopt().run().await;
    first.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&web.world.aws.id);
    assert_eq!((first.output("task-definitions"), first.output("previous-task-definitions")), ("web=web:1", ""));
    assert_eq!(first.output("changed"), "false");
    web.apply(&web.digests[1]).await;
    let image = format!("{REPOSITORY}@{}", web.digests[1]);
    let second = web.adopt().input("image", &image).sha(&web.world.commits[1]).run().await;
    second.assert_verdict("pass", 0);
    assert_eq!(second.output("task-definitions"), "web=web:2");
    assert_eq!(second.output("previous-task-definitions"), "web=web:1");
    assert_eq!(second.output("images"), format!("web/web={}", web.digests[1]));
    assert_eq!((web.count("UpdateService").await, web.count("RegisterTaskDefinition").await), (0, 0));
    let records = web.world.records();
    let target = &records[1].payload["targets"][0];
    assert_eq!((records[1].states(), &target["task-definition"]), (vec!["success"], &json!("web:2")));
    assert_eq!(target["previous"]["images"]["web"], web.digests[0]);
    web.adopt().input("image", &image).run().await.assert_verdict("skipped", 0);
    let back = web.world.step("rollback").input("environment", "prd").input("cluster", "main").input("service", "web");
    back.input("scope", "any").run().await.assert_verdict("pass", 0);
    assert!(web.service().await["taskDefinition"].as_str().unwrap().ends_with("web:1"));
}

#[tokio::test]
async fn what_does_not_run_is_not_recorded() {
    let web = web_with("- do: exit 1", guarded).await;
    let other = web.adopt().input("image", format!("{REPOSITORY}@{}", web.digests[1])).run().await;
    other.assert_verdict("fail", 1);
    assert!(says(other.output("reason"), "runs-another-image"), "{other}");
    web.apply(&web.digests[1]).await;
    let failed = web.adopt().run().await;
    failed.assert_verdict("fail", 1);
    assert!(says(failed.output("reason"), "adopted-after-failure"), "{failed}");
    web.world.aws.script_deployment("web", &json!({"hold": "SCALE_UP"})).await.unwrap();
    web.apply(&web.digests[0]).await;
    let early = web.adopt().run().await;
    early.assert_verdict("error", 4);
    assert!(says(early.output("reason"), "adopted-too-early"), "{early}");
    assert!(web.world.records().is_empty());
    for (input, value) in [("record", "off"), ("variables", "A=b"), ("force-new-deployment", "true")] {
        web.adopt().input(input, value).run().await.assert_verdict("error", 2);
    }
    let denied = web.world.step_with("deploy-service", &[Permission::Contents.read()]).input("environment", "prd");
    let denied = denied.input("cluster", "main").input("service", "web").input("adopt", "true").run().await;
    assert_ne!(denied.output("verdict"), "pass");
}
