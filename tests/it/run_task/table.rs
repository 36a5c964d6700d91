//! run-task of a task of ECS, a function and a build.

use deploy_action::permissions::When;
use serde_json::{Value, json};
use testbed::aws::{ImageSpec, ServiceSpec, Settings};

use super::{container, definition};
use crate::proof::StepUnderTest;
use crate::proof::permissions::Variant;
use crate::proof::scenes::{ENVIRONMENT, REPOSITORY, Scene, Stage};
use crate::rehearsal;
use crate::world::RUN;

const ONE: &str = "run-task";
const BUILD: &str = "run-task:build";
const FUNCTION: &str = "run-task:function";
const ENDLESS: &str = "run-task:endless";
const ENDLESS_BUILD: &str = "run-task:endless-build";
const NEWER: &str = "run-task:newer-database";
const REST: &[(usize, &str)] = &[(3, "lines of the log that come late")];
const PROJECT: &str = "shop-vpc-tests";

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: ONE,
    scenes: &[
        Scene::new(ONE, || Box::pin(one())).floor(13, REST),
        Scene::new(BUILD, || Box::pin(build())).floor(5, REST),
        Scene::new(FUNCTION, || Box::pin(function())).floor(3, &[]),
        Scene::new(ENDLESS, || Box::pin(endless())).for_permissions_of_a_failure(),
        Scene::new(ENDLESS_BUILD, || Box::pin(endless_build())).for_permissions_of_a_failure(),
        Scene::new(NEWER, || Box::pin(newer())).for_permissions_of_a_failure(),
        rehearsal::SCENE,
    ],
    role: &[
        Variant::whole(ONE, &[When::Cluster, When::OfServices, When::ImageOfTask, When::TaskOrBuild], &[]),
        Variant::whole(BUILD, &[When::Project, When::TaskOrBuild], &[]),
        Variant::whole(FUNCTION, &[When::TaskFunction, When::VersionByAlias], &[]),
        STOPPED,
        STOPPED_BUILD,
    ],
    token: &[Variant::whole(NEWER, &[When::NewerDatabase], &[]), rehearsal::TOKEN],
    hostile: |world| {
        let task = world.step("run-task").input("cluster", "main").input("service", "web");
        vec![task.into(), world.step("run-task").input("project", "tests").into(), rehearsal::hostile(world)]
    },
};

const STOPPED: Variant = Variant::special(
    ENDLESS,
    "",
    crate::proof::permissions::arranged::as_it_is,
    &[When::Cluster, When::OfServices, When::ImageOfTask, When::TaskOrBuild, When::StopsTask],
    &["ecs:StopTask"],
)
.ends("fail", 1);
const STOPPED_BUILD: Variant = Variant::special(
    ENDLESS_BUILD,
    "",
    crate::proof::permissions::arranged::as_it_is,
    &[When::Project, When::TaskOrBuild, When::StopsBuild],
    &["codebuild:StopBuild"],
)
.ends("fail", 1);

/// A service's network, and a task definition of its family with another image.
async fn task(behaviour: &str) -> Stage {
    let mut stage = Stage::new().await;
    stage.aws.create_repository(REPOSITORY).await.unwrap();
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"},
    }]});
    let role = stage.aws.create_role_with_trust("web-task", &trust).await.unwrap();
    let old = stage.image(0).await;
    let uri = stage.aws.image_uri(REPOSITORY, &old);
    stage.aws.create_service(&ServiceSpec::new("web", &uri)).await.unwrap();
    let mut body: Value = definition(&json!([container(&uri)]));
    body["family"] = json!("web");
    body["taskRoleArn"] = json!(role);
    body["executionRoleArn"] = json!(role);
    stage.aws.ecs("RegisterTaskDefinition", &body).await.unwrap();
    let spec = ImageSpec::new(REPOSITORY).release("1.2.0", &stage.commits[1]).behaviour(behaviour);
    let digest = stage.aws.push_image(&spec).await.unwrap();
    stage.name(&digest, "{image}");
    stage
        .commit(1)
        .input("environment", ENVIRONMENT)
        .input("cluster", "main")
        .input("service", "web")
        .input("task-definition", "web")
        .input("image", format!("{REPOSITORY}@{digest}"))
}

async fn one() -> Stage {
    let stage = task("- {do: ok, log: [done]}").await;
    // It has ended at the first look: how often it is looked at is no matter of time.
    stage.aws.settings(&Settings { ecs_delay: Some(0.0), ..Settings::default() }).await.unwrap();
    stage
}

/// Its time is over before it ends.
async fn endless() -> Stage {
    task("- {do: serve, log: [begun]}").await.input("timeout", "3s")
}

/// Older code than what was deployed finds a newer database.
async fn newer() -> Stage {
    let stage = task("- {do: exit 1, log: ['no migration found for version 15']}").await;
    stage.record(RUN - 1, (1, 3), &["success"]);
    stage
}

async fn project(script: &Value) -> Stage {
    let stage = Stage::new().await;
    stage.aws.settings(&Settings { codebuild_delay: Some(0.0), ..Settings::default() }).await.unwrap();
    stage.aws.create_project(PROJECT, &json!({})).await.unwrap();
    stage.aws.script_build(PROJECT, script).await.unwrap();
    stage.input("environment", ENVIRONMENT).input("project", PROJECT).input("purpose", "test")
}

async fn build() -> Stage {
    project(&json!({"log": ["3 passed"], "times": null})).await
}

async fn endless_build() -> Stage {
    project(&json!({"hold": "BUILD", "log": ["begun"], "times": null})).await.input("timeout", "3s")
}

async fn function() -> Stage {
    let mut stage = Stage::new().await;
    stage.image_function(1).await;
    stage.input("function", crate::proof::scenes::FUNCTION).input("version", "alias:live").input("purpose", "other")
}
