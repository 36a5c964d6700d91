//! resolve of a push to main, which serves in production once it is deployed.

use deploy_action::permissions::When;

use crate::hostile::{HOSTILE, REFERENCE};
use crate::proof::StepUnderTest;
use crate::proof::permissions::{Variant, arranged as a};
use crate::proof::scenes::{Scene, Stage};
use crate::world::RUN;

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "resolve",
    scenes: &[Scene::new("resolve", || Box::pin(pushed())).floor(2, &[])],
    role: &[Variant::whole("resolve", &[], &[])],
    token: &[
        Variant::whole("resolve", &[], &[]),
        Variant::special("resolve", "a tag asked for", a::tag_asked_for, &[When::TagOrDated], &["contents: read"]),
        Variant::special("resolve", "a commit named", a::commit_named, &[When::TagOrDated], &["contents: read"]),
        Variant::special(
            "resolve",
            "a release promoted",
            a::release_promoted,
            &[When::TagOrDated, When::Released],
            &["deployments: read"],
        ),
        Variant::special("resolve", "CI", a::after_ci, &[When::CiWorkflow], &["actions: read"]),
    ],
    hostile: |world| {
        let tags = ["v1.2.3", REFERENCE].map(|tag| world.step("resolve").git_ref(&format!("refs/tags/{tag}")).into());
        let request = world.world.repository.pull_request_event("opened", 12, &world.world.commits[0], Some(HOSTILE));
        let request = world.step("resolve").event("pull_request", request);
        tags.into_iter().chain([request.input("rules", "pull-request -> pr-{number}").into()]).collect()
    },
};

async fn pushed() -> Stage {
    let stage = Stage::new().await;
    stage.record(RUN - 1, (1, 2), &["success"]);
    stage.input("rules", "branch main -> prd\ndispatch -> prd")
}
