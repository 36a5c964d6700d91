//! detect-changes for a push to main: one file differs from what serves.

use deploy_action::permissions::When;

use crate::proof::StepUnderTest;
use crate::proof::permissions::Variant;
use crate::proof::scenes::{ENVIRONMENT, Scene, Stage};
use crate::world::RUN;

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "detect-changes",
    scenes: &[Scene::new("detect-changes", || Box::pin(pushed())).floor(3, &[])],
    role: &[Variant::whole("detect-changes", &[], &[])],
    token: &[Variant::whole("detect-changes", &[When::LastDeployed], &[])],
    hostile: |world| {
        let components = "shop: {paths: ['app']}\nbot: {paths: ['bot/**'], depends-on: [shop]}";
        let detect = |base: &str| world.step("detect-changes").input("components", components).input("base", base);
        vec![detect("last-deployed").into(), detect(&world.world.commits[0]).into()]
    },
};

async fn pushed() -> Stage {
    let mut stage = Stage::new().await;
    stage.record(RUN - 1, (1, 2), &["success"]);
    let head = stage.repository.commit(&[&stage.commits[4]], &[("src/app.py", "new")], "Change");
    stage.add(&head);
    stage.input("environment", ENVIRONMENT).input("components", "shop: {paths: ['src/**']}\ndocs: {paths: ['docs/**']}")
}
