//! smoke-test of a version that nobody meets yet.

use deploy_action::permissions::When;

use crate::hostile::{HEADER, Try};
use crate::proof::StepUnderTest;
use crate::proof::permissions::{EXECUTIONS, Variant, arranged as a};
use crate::proof::scenes::{FUNCTION, Scene, Stage};

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "smoke-test",
    scenes: &[Scene::new("smoke-test", || Box::pin(image())).floor(3, &[])],
    role: &[
        Variant::whole("smoke-test", &[], &[]),
        Variant::special("smoke-test", "of an alias", a::of_an_alias, &[When::VersionByAlias], &["lambda:GetAlias"]),
        Variant::special("smoke-test", "of a durable function", a::durable, &[When::Durable], EXECUTIONS),
    ],
    token: &[],
    hostile: |world| {
        let cases = format!(
            "- name: \"a|<b>`\\n::error::x\"\n  headers: {{ Authorization: \"Bearer {HEADER}\" }}\n- path: /fails\n"
        );
        let smoke = world.step("smoke-test").input("function", "shop-api").input("cases", cases);
        ["1", "2"].map(|version| Try::with_secrets(smoke.clone().input("version", version), &[HEADER])).into()
    },
};

async fn image() -> Stage {
    let mut stage = Stage::new().await;
    stage.image_function(2).await;
    let cases = "- path: /health\n- path: /orders";
    stage.input("function", FUNCTION).input("version", "2").input("cases", cases)
}
