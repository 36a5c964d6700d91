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
}

#[tokio::test]
async fn a_family_goes_back_with_the_service_that_it_was_deployed_with() {
    for by_state in [true, false] {
        let web = web(guarded).await;
        web.family("nightly", &web.image(0)).await;
        let report = web.deploy().input("tasks", "nightly").run().await;
        report.assert_verdict("pass", 0);
        let back = || {
            let step = web.world.step("rollback").input("environment", "prd").input("cluster", "main");
            let step = step.input("service", "web").input("scope", "any");
            if by_state { step.input("state", report.output("state")) } else { step }
        };
        let dry = back().input("dry-run", "true").run().await;
        dry.assert_verdict("pass", 0);
        assert!(dry.log.iter().any(|line| line.contains("family nightly goes back to what nightly:1 says")), "{dry}");
        assert_eq!(web.definition("nightly").await["taskDefinition"]["revision"], 2);

        let done = back().run().await;

        done.assert_verdict("pass", 0).assert_runner_safe();
        assert!(done.output("reason").contains("family nightly has nightly:3, which is nightly:1 again"), "{done}");
        let found = web.definition("nightly").await["taskDefinition"].clone();
        assert_eq!(
            (&found["revision"], &found["containerDefinitions"][0]["image"]),
            (&json!(3), &json!(web.image(0)))
        );
        let record = web.world.records().last().unwrap().clone();
        let target = &record.payload["targets"][1];
        assert_eq!((&target["kind"], &target["task-definition"]), (&json!("ecs-task"), &json!("nightly:3")));
        let again = back().run().await;
        again.assert_verdict("skipped", 0);
        assert_eq!(web.definition("nightly").await["taskDefinition"]["revision"], 3);
    }
}

#[tokio::test]
async fn a_family_that_somebody_else_has_given_more_since_is_left_to_them_and_one_that_cannot_go_back_is_told() {
    let web = web(guarded).await;
    web.family("nightly", &web.image(0)).await;
    let report = web.deploy().input("tasks", "nightly").run().await;
    web.family("nightly", "docker.io/library/busybox:1").await;
    let back = web.world.step("rollback").input("environment", "prd").input("cluster", "main").input("service", "web");
    let done = back.input("state", report.output("state")).run().await;
    done.assert_verdict("pass", 0);
    assert!(says(&done.warning().message, "family-given-since"), "{done}");
    assert_eq!(web.definition("nightly").await["taskDefinition"]["revision"], 3);

    let web = super::web(guarded).await;
    web.family("nightly", &web.image(0)).await;
    let report = web.deploy().input("tasks", "nightly").run().await;
    let refused = Fault { status: Some(400), code: Some("ClientException".to_owned()), ..fault("RegisterTaskDefinition") };
    web.world.aws.faults(&[refused]).await.unwrap();
    let back =
        || web.world.step("rollback").input("environment", "prd").input("cluster", "main").input("service", "web");
    let done = back().input("state", report.output("state")).run().await;
    done.assert_verdict("error", 4);
    assert!(says(done.output("reason"), "family-not-put-back"), "{done}");
    assert!(serves(&done, &web.digests[0]), "{}", done.output("serving"));
    let again = back().input("state", report.output("state")).run().await;
    again.assert_verdict("pass", 0);
    assert_eq!(web.definition("nightly").await["taskDefinition"]["containerDefinitions"][0]["image"], json!(web.image(0)));
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
