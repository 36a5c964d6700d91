//! new-step: TODO what is tested of it, in one line.

use deploy_action::permissions::When;

use crate::proof::StepUnderTest;
use crate::proof::permissions::{Variant, arranged as a};
use crate::proof::scenes::{ENVIRONMENT, FUNCTION, Scene, Stage};
use crate::world::World;

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "new-step",
    // TODO: each way it is used, with the fewest rounds of requests it could do with, and why it takes more.
    scenes: &[Scene::new("new-step", || Box::pin(usual())).floor(
        8,
        &[
            (1, "records of other runs are looked for once it is decided to write"),
            (1, "the tree is read once nobody is in the way"),
        ],
    )],
    role: &[
        Variant::whole("new-step", &[], &[]),
        Variant::special("new-step", "tags", a::expected_tags, &[When::ExpectedTags], &["lambda:ListTags"]),
    ],
    token: &[
        Variant::whole("new-step", &[], &[]),
        Variant::special(
            "new-step",
            "record required",
            a::record_required,
            &[When::RecordRequired],
            &["deployments: write"],
        ),
        Variant::special("new-step", "after another run", a::after_another_run, &[When::OtherRun], &["actions: read"]),
    ],
    hostile: |world| vec![world.step("new-step").input("function", "shop-api").input("version", "3").into()],
};

/// TODO: the world of its normal run, and its inputs.
async fn usual() -> Stage {
    let stage = Stage::with_function(3).await;
    stage.move_alias(2).await;
    stage.record(600, (1, 2), &["success"]);
    stage.input("environment", ENVIRONMENT).input("function", FUNCTION).input("version", "3")
}

// TODO: what it refuses, and what it says then; a lost answer at each write, somebody else's write in between, a signal while
// it waits, a missing permission.
//#[tokio::test]
async fn users_meet_the_version_and_the_record_says_so() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let run = world.step("new-step").input("environment", "prd").input("function", "shop-api").input("version", "2");
    run.run().await.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(world.live("shop-api").await.version, "2");
    assert_eq!(world.records().len(), 1);
}
