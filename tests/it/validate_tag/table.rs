//! validate-tag of an annotated tag on main that is newer than the last.

use deploy_action::permissions::When;
use testbed::github::Ruleset;

use crate::hostile::REFERENCE;
use crate::proof::StepUnderTest;
use crate::proof::permissions::{Variant, arranged as a};
use crate::proof::scenes::{Scene, Stage};

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "validate-tag",
    scenes: &[
        Scene::new("validate-tag", || Box::pin(annotated())).floor(3, &[]),
        Scene::new("validate-tag:checks", || Box::pin(checked())).floor(3, &[]),
    ],
    role: &[Variant::whole("validate-tag", &[], &[])],
    token: &[
        Variant::whole("validate-tag", &[], &[]),
        Variant::special(
            "validate-tag:checks",
            "",
            a::as_it_is,
            &[When::RequireChecks],
            &["checks: read", "statuses: read"],
        ),
    ],
    hostile: |world| {
        ["v1.2.3", REFERENCE].map(|tag| world.step("validate-tag").git_ref(&format!("refs/tags/{tag}")).into()).into()
    },
};

async fn annotated() -> Stage {
    let stage = Stage::new().await;
    stage.repository.tag("v1.2.2", &stage.commits[1]);
    stage.repository.annotated_tag("v1.2.3", &stage.commits[3], "Release 1.2.3");
    stage.input("tag", "v1.2.3")
}

/// The same with everything else that may be asked of a tag.
async fn checked() -> Stage {
    let stage = Stage::new().await;
    stage.repository.tag("v1.2.2", &stage.commits[1]);
    stage.repository.signed_tag("v1.2.3", &stage.commits[3], "Release 1.2.3");
    stage.repository.add_check_run(&stage.commits[3], "test", Some("success"));
    stage.repository.add_commit_status(&stage.commits[3], "ci/build", "success");
    stage.repository.add_ruleset(Ruleset {
        name: "releases".to_owned(),
        target: "tag".to_owned(),
        enforcement: "active".to_owned(),
        include: vec!["refs/tags/v*".to_owned()],
        rules: vec!["update".to_owned(), "deletion".to_owned()],
        ..Ruleset::default()
    });
    stage.input("tag", "v1.2.3").input("require-checks", "test\nci/build").input("require-signed", "true")
}
