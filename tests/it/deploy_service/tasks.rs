//! Families without a service: they get a revision with the same image, or none of them does.

use super::*;
use crate::messages::says;

impl Web {
    /// A family that a schedule starts, with a container of this image.
    async fn family(&self, name: &str, image: &str) {
        let containers = json!([{"name": "app", "image": image, "essential": true}]);
        let body = json!({
            "family": name, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
            "containerDefinitions": containers, "tags": [{"key": "team", "value": "shop"}],
        });
        self.world.aws.ecs("RegisterTaskDefinition", &body).await.unwrap();
        self.world.aws.clear_requests().await.unwrap();
    }

    fn image(&self, number: usize) -> String {
        self.world.aws.image_uri(REPOSITORY, &self.digests[number])
    }
}

#[tokio::test]
async fn a_family_without_a_service_gets_the_same_image_and_stands_in_the_record() {
    let web = web(guarded).await;
    web.family("nightly", &web.image(0)).await;
    let report = web.deploy().input("tasks", "nightly").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&web.world.aws.id);
    assert!(report.output("reason").contains("registered nightly:2"), "{report}");
    let found = web.definition("nightly").await;
    assert_eq!(found["taskDefinition"]["containerDefinitions"][0]["image"], json!(web.image(1)));
    assert!(
        found["tags"].to_string().contains("deploy-action") && found["tags"].to_string().contains("team"),
        "{found}"
    );
    let [record] = web.world.records().try_into().unwrap();
    let target = &record.payload["targets"][1];
    assert_eq!((&target["kind"], &target["family"]), (&json!("ecs-task"), &json!("nightly")));
    assert_eq!((&target["task-definition"], &target["images"]["app"]), (&json!("nightly:2"), &json!(web.digests[1])));
    assert_eq!(target["previous"]["task-definition"], "nightly:1");
    let again = web.deploy().input("tasks", "nightly").run().await;
    again.assert_verdict("skipped", 0);
    // The services go back, and are read back; the family is nobody's who is served.
    let back = web.world.step("rollback").input("environment", "prd").input("cluster", "main").input("service", "web");
    back.input("state", report.output("state")).run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a_family_alone_may_have_to_change() {
    let web = web(guarded).await;
    web.deploy().run().await.assert_verdict("pass", 0);
    web.family("nightly", &web.image(0)).await;
    let report = web.deploy().input("tasks", "nightly/app").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((web.count("RegisterTaskDefinition").await, web.count("UpdateService").await), (1, 0));
    assert_eq!(web.world.records().last().unwrap().states().last(), Some(&"success"));
}

#[tokio::test]
async fn after_a_failure_the_newest_revision_of_the_family_is_the_one_before() {
    let web = web_with("- do: exit 1", guarded).await;
    web.family("nightly", &web.image(0)).await;
    let report = web.deploy().input("tasks", "nightly").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("nightly:2 was deregistered"), "{report}");
    let found = web.definition("nightly").await;
    assert_eq!(found["taskDefinition"]["revision"], 1);
}

#[tokio::test]
async fn what_is_not_clear_is_refused_before_anything_is_written() {
    let web = web(guarded).await;
    web.family("nightly", "docker.io/library/busybox:1").await;
    let two =
        json!([{"name": "a", "image": "x:1", "essential": true}, {"name": "b", "image": "y:1", "essential": true}]);
    let body = json!({
        "family": "pair", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "containerDefinitions": two,
    });
    web.world.aws.ecs("RegisterTaskDefinition", &body).await.unwrap();
    web.world.aws.clear_requests().await.unwrap();
    let unclear = web.deploy().input("tasks", "pair").run().await;
    unclear.assert_verdict("error", 2);
    assert!(says(unclear.output("reason"), "which-image-of-task"), "{unclear}");
    for (tasks, words) in
        [("missing", "no ACTIVE task definition of family missing"), ("nightly/ap", "did you mean app?")]
    {
        let report = web.deploy().input("tasks", tasks).run().await;
        report.assert_verdict("error", 2);
        assert!(report.output("reason").contains(words), "{report}");
    }
    assert_eq!(web.count("RegisterTaskDefinition").await, 0);
    // Where only one image and one container can be meant, they are.
    web.deploy().input("tasks", "nightly").run().await.assert_verdict("pass", 0);
}
