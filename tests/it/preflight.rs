//! preflight: TODO what is tested of it, in one line.

use crate::proof::StepUnderTest;
use crate::proof::permissions::Variant;
use crate::proof::scenes::{FUNCTION, Scene, Stage};
use crate::world::World;

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "preflight",
    // TODO: each way it is used, with the fewest rounds of requests it could do with, and why it takes more.
    scenes: &[Scene::new("preflight", || Box::pin(usual())).floor(1, &[])],
    role: &[Variant::whole("preflight", &[], &[])],
    token: &[],
    hostile: |world| vec![world.step("preflight").input("function", "shop-api").into()],
};

/// TODO: the world of its normal run, and its inputs.
async fn usual() -> Stage {
    Stage::with_function(1).await.input("function", FUNCTION)
}

// TODO: what it refuses, and what it says then; a missing permission, and a signal while it waits.
#[tokio::test]
async fn what_is_not_there_fails_with_its_fix() {
    let world = World::new().await;
    let report = world.step("preflight").input("function", "shop-api").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(report.output("reason").contains("shop-api does not exist"), "{report}");
}
