//! pin-submodule of a public submodule, by a commit and by a pull request.

use deploy_action::permissions::When;
use testbed::github::Permission;

use super::MODULES;
use crate::hostile::{HOSTILE, description};
use crate::proof::StepUnderTest;
use crate::proof::permissions::Variant;
use crate::proof::scenes::{Scene, Stage};

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "pin-submodule",
    scenes: &[
        Scene::new("pin-submodule", || Box::pin(usual())).floor(10, &[]),
        Scene::new("pin-submodule:pull-request", || Box::pin(proposed())).floor(11, &[]),
    ],
    role: &[],
    token: &[
        Variant::whole("pin-submodule", &[], &[]),
        Variant::whole("pin-submodule:pull-request", &[When::PullRequest], &[]),
    ],
    hostile: |world| {
        world.world.repository.push("main", &[(".gitmodules", HOSTILE)], HOSTILE);
        let step = world.step("pin-submodule").input("path", "services/api").input("message", description());
        vec![step.into()]
    },
};

async fn usual() -> Stage {
    let mut stage = Stage::new().await;
    let api = stage.github.repository("org/api");
    api.make_public();
    // Else its commits could be those of the other repository.
    api.push("main", &[("api.txt", "api")], "The submodule");
    let commits = api.history("main", 3);
    stage.name(&commits[0], "old commit of the submodule");
    stage.name(&commits[2], "commit of the submodule");
    stage.name(&commits[2][..7], "short commit of the submodule");
    stage.repository.push("main", &[(".gitmodules", MODULES)], "Modules");
    stage.repository.push_submodule("main", "services/api", &commits[0]);
    stage.input("path", "services/api").input("sha", &commits[2])
}

async fn proposed() -> Stage {
    let grants = [Permission::Contents.write(), Permission::PullRequests.write()];
    usual().await.grants(&grants).input("pull-request", "true")
}
