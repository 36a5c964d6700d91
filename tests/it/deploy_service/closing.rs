//! What the steps after it make of a deployed service: finish-deployment and notify.

use testbed::github::Permission;

use super::*;

impl Web {
    fn finish(&self, deployment: &str, status: &str) -> Runner {
        let step = self.world.step("finish-deployment").input("environment", "prd").input("deployment-id", deployment);
        step.input("status", status).sha(&self.world.commits[1])
    }

    /// What the commit is told of it.
    async fn notified(&self, status: &str) -> String {
        let permissions = [Permission::Statuses.write(), Permission::Issues.write(), Permission::Deployments.read()];
        let step = self.world.step_with("notify", &permissions).input("environment", "prd").input("status", status);
        step.sha(&self.world.commits[1]).run().await.assert_verdict("pass", 0);
        let told = self.world.repository.commit_statuses(&self.world.commits[1]);
        told.last().unwrap().description.clone().unwrap()
    }
}

#[tokio::test]
async fn a_release_of_a_service_is_finished_and_told_by_its_task_definition() {
    let web = web(guarded).await;
    let deployed = web.deploy().input("record", "open").sha(&web.world.commits[1]).run().await;
    deployed.assert_verdict("pass", 0);
    let finished = web.finish(deployed.output("deployment-id"), "success").run().await;
    finished.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&web.world.aws.id);
    assert!(serves(&finished, &web.digests[1]), "{}", finished.output("serving"));
    assert_eq!(web.world.records()[0].states().last(), Some(&"success"));
    assert_eq!(web.notified("success").await, "web:2 serves");
}

#[tokio::test]
async fn a_release_of_a_service_that_went_back_is_told_so() {
    let web = web(guarded).await;
    let deployed = web.deploy().input("record", "open").sha(&web.world.commits[1]).run().await;
    deployed.assert_verdict("pass", 0);
    assert_eq!(web.notified("failure").await, "failed; web:2 STILL SERVES");
    let back = web.world.step("rollback").input("environment", "prd").input("cluster", "main").input("service", "web");
    let back = back.input("state", deployed.output("state")).sha(&web.world.commits[1]).run().await;
    back.assert_verdict("pass", 0);
    let finished = web.finish(deployed.output("deployment-id"), "failure").run().await;
    assert!(serves(&finished, &web.digests[0]), "{}", finished.output("serving"));
    assert_eq!(web.notified("failure").await, "failed; rolled back to web:1");
}
