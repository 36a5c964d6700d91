//! run-task of a task of ECS, a function and a build.

use deploy_action::permissions::When;
use serde_json::json;
use testbed::aws::{ImageSpec, ServiceSpec};

use super::{FAMILY, REPOSITORY, container, definition, image};
use crate::proof::StepUnderTest;
use crate::proof::permissions::Variant;
use crate::proof::scenes::{ENVIRONMENT, Scene, Stage};

const ONE: &str = "run-task";
const BUILD: &str = "run-task:build";
const FUNCTION: &str = "run-task:function";

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: ONE,
    scenes: &[
        Scene::new(ONE, || Box::pin(one())).floor(20, &[]),
        Scene::new(BUILD, || Box::pin(build())).floor(12, &[]),
        Scene::new(FUNCTION, || Box::pin(function())).floor(3, &[]),
    ],
    role: &[
        Variant::whole(ONE, &[When::Cluster, When::TaskOfService, When::ImageOfTask, When::TaskOrBuild], &[]),
        Variant::whole(BUILD, &[When::Project, When::TaskOrBuild], &[]),
        Variant::whole(FUNCTION, &[When::TaskFunction], &[]),
    ],
    token: &[],
    hostile: |world| {
        let task = world.step("run-task").input("cluster", "main").input("service", "web");
        vec![task.into(), world.step("run-task").input("project", "tests").into()]
    },
};

/// A service's network, the service's task definition with another image.
async fn one() -> Stage {
    let stage = Stage::new().await;
    stage.aws.create_repository(REPOSITORY).await.unwrap();
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"},
    }]});
    let role = stage.aws.create_role_with_trust("web-task", &trust).await.unwrap();
    let old = image(&stage.aws, "- {do: serve, log: [x]}").await;
    let uri = stage.aws.image_uri(REPOSITORY, &old);
    stage.aws.create_service(&ServiceSpec::new("web", &uri)).await.unwrap();
    let mut body = definition(&json!([container(&uri)]));
    body["taskRoleArn"] = json!(role);
    body["executionRoleArn"] = json!(role);
    stage.aws.ecs("RegisterTaskDefinition", &body).await.unwrap();
    let spec = ImageSpec::new(REPOSITORY).release("1.2.0", &stage.commits[1]).behaviour("- {do: ok, log: [done]}");
    let digest = stage.aws.push_image(&spec).await.unwrap();
    stage
        .commit(1)
        .input("environment", ENVIRONMENT)
        .input("cluster", "main")
        .input("service", "web")
        .input("task-definition", FAMILY)
        .input("image", format!("{REPOSITORY}@{digest}"))
}

async fn build() -> Stage {
    let stage = Stage::new().await;
    stage.aws.create_project("tests", &json!({})).await.unwrap();
    stage.aws.script_build("tests", &json!({"log": ["3 passed"], "times": null})).await.unwrap();
    stage.input("environment", ENVIRONMENT).input("project", "tests").input("purpose", "test")
}

async fn function() -> Stage {
    let mut stage = Stage::new().await;
    stage.image_function(1).await;
    stage.input("function", crate::proof::scenes::FUNCTION).input("version", "alias:live").input("purpose", "other")
}
