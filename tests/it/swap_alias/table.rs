//! swap-alias from the version that serves to the next, with its record.

use deploy_action::permissions::When;
use testbed::aws::Settings;

use super::oidc;
use crate::proof::StepUnderTest;
use crate::proof::permissions::{Variant, arranged as a};
use crate::proof::scenes::{ENVIRONMENT, FUNCTION, Scene, Stage};

/// What all swaps cost more than they must.
const LOOKED_FOR: (usize, &str) = (1, "records of other runs are looked for once it is decided to swap");
const TREE: (usize, &str) = (1, "the tree is read once nobody is in the way");

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "swap-alias",
    scenes: &[
        Scene::new("swap-alias", || Box::pin(one())).floor(9, &[LOOKED_FOR, TREE]),
        Scene::new("swap-alias:two-functions", || Box::pin(two())).floor(
            7,
            &[
                (1, "functions are moved one after the other, so that a failure leaves the fewest to put back"),
                LOOKED_FOR,
                TREE,
            ],
        ),
        Scene::new("swap-alias:run-ended", || Box::pin(after_a_run_that_ended()))
            .floor(11, &[LOOKED_FOR, TREE, (1, "statuses are read one record at a time")]),
        Scene::new("swap-alias:provisioned", || Box::pin(provisioned())).floor(10, &[LOOKED_FOR, TREE]),
        Scene::new("swap-alias:adopt", || Box::pin(adopted())).floor(5, &[TREE]),
        Scene::new("swap-alias:oidc", || Box::pin(oidc::oidc())).floor(11, &[LOOKED_FOR, TREE]),
    ],
    role: &[
        Variant::whole("swap-alias", &[], &[]),
        Variant::special("swap-alias", "tags", a::expected_tags, &[When::ExpectedTags], &["lambda:ListTags"]),
        Variant::special("swap-alias", "first", a::first_alias, &[When::CreateAlias], &["lambda:CreateAlias"]),
    ],
    token: &[
        Variant::whole("swap-alias", &[], &[]),
        Variant::special(
            "swap-alias",
            "record required",
            a::record_required,
            &[When::RecordRequired],
            &["deployments: write"],
        ),
        Variant::special("swap-alias", "adopt", a::adopting, &[When::Adopt], &["deployments: write"]),
        Variant::special(
            "swap-alias",
            "after another run",
            a::after_another_run,
            &[When::OtherRun],
            &["actions: read"],
        ),
    ],
    hostile: |world| {
        let swap = world.step("swap-alias").input("function", "shop-api").input("version", "3");
        let adopt = world.step("swap-alias").input("function", "shop-api").input("version", "2").input("adopt", "true");
        vec![swap.input("allow-downgrade", "true").into(), adopt.into()]
    },
};

/// One function, whose last release succeeded.
pub(super) async fn one() -> Stage {
    let stage = Stage::with_function(3).await;
    stage.move_alias(2).await;
    stage.record(600, (1, 2), &["success"]);
    stage.input("environment", ENVIRONMENT).input("function", FUNCTION).input("version", "3")
}

/// Another tool has moved the alias, and nothing is recorded yet.
async fn adopted() -> Stage {
    let stage = Stage::with_function(3).await;
    stage.move_alias(3).await;
    let stage = stage.input("environment", ENVIRONMENT).input("function", FUNCTION).input("version", "3");
    stage.input("adopt", "true")
}

/// The same of an alias with provisioned concurrency, which AWS moves a moment after the write.
async fn provisioned() -> Stage {
    let stage = one().await;
    stage.aws.provision(FUNCTION, "live", 1).await.unwrap();
    let slow = Settings { provisioned_concurrency_delay: Some(0.5), ..Settings::default() };
    stage.aws.settings(&slow).await.unwrap();
    stage
}

/// The same, after a run that was cancelled and left its record open.
async fn after_a_run_that_ended() -> Stage {
    let stage = one().await;
    stage.left_open("deploy", "live");
    stage
}

/// Two functions, both or none; the record stays open for the checks of the job.
async fn two() -> Stage {
    let mut stage = Stage::with_function(2).await;
    stage.shop("shop-web", 2).await;
    let versions = format!("{FUNCTION}=2\nshop-web=2");
    stage.input("environment", ENVIRONMENT).input("versions", versions).input("record", "open")
}
