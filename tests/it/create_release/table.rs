//! create-release of a tag that succeeded in production, with an asset.

use deploy_action::permissions::When;

use crate::hostile;
use crate::proof::StepUnderTest;
use crate::proof::permissions::Variant;
use crate::proof::scenes::{ENVIRONMENT, Scene, Stage};
use crate::world::RUN;

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "create-release",
    scenes: &[Scene::new("create-release", || Box::pin(of_a_deployment())).floor(10, &[])],
    role: &[],
    token: &[Variant::whole("create-release", &[When::EnvironmentOrDeployment], &[])],
    hostile: |world| {
        let release = world.step("create-release").input("environment", "").input("tag", "v1.2.3");
        let worded = release.clone().input("body", hostile::description()).input("name", "a `b` <c>");
        vec![release.into(), worded.into()]
    },
};

async fn of_a_deployment() -> Stage {
    let stage = Stage::new().await;
    stage.repository.tag("v1.2.2", &stage.commits[1]);
    stage.repository.annotated_tag("v1.2.3", &stage.commits[4], "Release 1.2.3");
    stage.record(RUN - 1, (4, 5), &["success"]);
    stage
        .file("app.zip", &[7; 5000])
        .input("tag", "v1.2.3")
        .input("environment", ENVIRONMENT)
        .input("assets", "app.zip")
        .env("AWS_REGION", "eu-west-1")
}
