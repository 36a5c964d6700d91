//! rollback of what this run put there, to what succeeded before.

use deploy_action::permissions::When;
use serde_json::{Value, json};

use crate::hostile::{self, HEADER, Try};
use crate::proof::StepUnderTest;
use crate::proof::permissions::{EXECUTIONS, Variant, arranged as a};
use crate::proof::scenes::{ENVIRONMENT, FUNCTION, Scene, Stage};
use crate::world::RUN;

const IMAGE: &str = "rollback:image";
const TO_IMAGE: When = When::ImageVersion;
const CODE_ACTIONS: &[&str] = &["lambda:ListAliases", "lambda:ListVersionsByFunction", "lambda:UpdateFunctionCode"];
const READS_IMAGE: &[&str] = &["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
const LIST: &[&str] = &["lambda:ListVersionsByFunction"];
const INVOKE: &[&str] = &["lambda:InvokeFunction"];
/// What all rollbacks cost more than they must.
const ACCOUNT: (usize, &str) = (1, "the account, by which records and `state` know their place");
const STATUSES: (usize, &str) = (
    1,
    "statuses are read one record at a time, newest first, and those of what is undone after the write: a long history costs no \
     more than a short one",
);
const TREE: (usize, &str) = (1, "the tree");

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "rollback",
    scenes: &[
        Scene::new("rollback:record", || Box::pin(by_record())).floor(9, &[ACCOUNT, STATUSES, TREE]),
        Scene::new("rollback:state", || Box::pin(by_state())).floor(9, &[ACCOUNT, STATUSES, TREE]),
        Scene::new("rollback:code", || Box::pin(of_code()))
            .floor(11, &[ACCOUNT, STATUSES, TREE, (1, "the version is read once more before its code")]),
        Scene::new(IMAGE, || Box::pin(of_an_image())).for_permissions(),
        Scene::new("rollback:code-of-image", || Box::pin(of_code_in_an_image())).for_permissions(),
    ],
    role: &[
        Variant::special("rollback:code", "", a::as_it_is, &[When::OfFunctions, When::Code], CODE_ACTIONS),
        Variant::special(
            "rollback:code-of-image",
            "",
            a::as_it_is,
            &[When::OfFunctions, When::Code, When::CodeOfImage],
            READS_IMAGE,
        ),
        Variant::whole("rollback:record", &[When::OfFunctions, When::ByRecord], LIST),
        Variant::special("rollback:state", "", a::as_it_is, &[When::OfFunctions], &["lambda:UpdateAlias"]),
        Variant::special(
            "rollback:state",
            "tags",
            a::expected_tags,
            &[When::OfFunctions, When::ExpectedTags],
            &["lambda:ListTags"],
        ),
        Variant::special(
            "rollback:state",
            "provisioned concurrency",
            a::provisioned,
            &[When::OfFunctions, When::Provisioned],
            &["lambda:GetProvisionedConcurrencyConfig"],
        ),
        Variant::special(IMAGE, "", a::to_version_2, &[When::OfFunctions, TO_IMAGE], &["ecr:BatchGetImage"]),
        Variant::special(IMAGE, "idle", a::idle, &[When::OfFunctions, TO_IMAGE, When::Idle], INVOKE),
        Variant::special(
            IMAGE,
            "with its health",
            a::with_health,
            &[When::OfFunctions, TO_IMAGE, When::HealthOfFunction],
            INVOKE,
        ),
        Variant::special(
            IMAGE,
            "durable",
            a::durable_with_health,
            &[When::OfFunctions, TO_IMAGE, When::HealthOfFunction, When::Durable],
            EXECUTIONS,
        ),
        Variant::special(IMAGE, "by guess", a::by_guess, &[When::OfFunctions, TO_IMAGE, When::Guess], LIST),
        Variant::special(IMAGE, "to one that is gone", a::to_version_9, &[When::OfFunctions, TO_IMAGE], LIST)
            .ends("fail", 1),
        Variant::special(
            IMAGE,
            "not healthy at its url",
            a::unhealthy_url,
            &[When::OfFunctions, TO_IMAGE, When::Url],
            INVOKE,
        )
        .ends("fail", 3),
    ],
    token: &[
        Variant::whole("rollback:record", &[When::ByRecord], &[]),
        Variant::whole("rollback:state", &[], &[]),
        Variant::special(
            "rollback:state",
            "after another run",
            a::after_another_rollback,
            &[When::OtherRun],
            &["actions: read"],
        ),
    ],
    hostile: |world| {
        let rollback = world.check("rollback").input("function", "shop-api").input("path", "/health");
        vec![Try::with_secrets(rollback.input("reason", hostile::description()), &[HEADER])]
    },
};

/// By the record alone.
async fn by_record() -> Stage {
    swapped().await
}

/// The same of a function from images, without a record of them.
async fn of_an_image() -> Stage {
    let mut stage = Stage::new().await;
    stage.image_function(3).await;
    stage.move_alias(3).await;
    stage.record(600, (1, 2), &["success"]);
    stage.record(RUN, (2, 3), &["in_progress"]);
    stage.input("environment", ENVIRONMENT).input("function", FUNCTION).input("reason", "its health check failed")
}

/// By what swap-alias handed over.
async fn by_state() -> Stage {
    let stage = swapped().await;
    let captured = json!({
        "form": 1, "run": {"id": RUN, "attempt": 1},
        "targets": [stage.moved((2, 3), None)],
    });
    stage.input("state", captured.to_string())
}

/// Version 2 succeeded, this run put 3 in its place, and its checks failed.
async fn swapped() -> Stage {
    let stage = Stage::with_function(3).await;
    stage.move_alias(3).await;
    stage.record(600, (1, 2), &["success"]);
    stage.record(RUN, (2, 3), &["in_progress"]);
    stage.input("environment", ENVIRONMENT).input("function", FUNCTION).input("reason", "its health check failed")
}

/// Of a function that users call without an alias: the code of version 1 succeeded, and this run put that of version 2 in its
/// place.
async fn of_code() -> Stage {
    let stage = Stage::with_function(2).await;
    let [first, second] = [stage.code_of("1").await, stage.code_of("2").await];
    unqualified(stage, "code_sha256", [first, second]).await
}

/// The same of an image.
async fn of_code_in_an_image() -> Stage {
    let mut stage = Stage::new().await;
    let digests = stage.image_function(2).await;
    unqualified(stage, "digest", [json!(digests[0]), json!(digests[1])]).await
}

/// What has this hash or digest was replaced.
async fn unqualified(stage: Stage, field: &str, [first, second]: [Value; 2]) -> Stage {
    let before = stage.aws.target(FUNCTION, "$LATEST", &json!({field: first}));
    let previous = json!({"version": "1", "weights": {}, "digest": null, field: first});
    let after = stage.aws.target(FUNCTION, "$LATEST", &json!({field: second, "previous": previous}));
    stage.record_of(600, 1, &before, &["success"]);
    stage.record_of(RUN, 2, &after, &["in_progress"]);
    stage.no_alias().await;
    let captured = json!({"form": 1, "run": {"id": RUN, "attempt": 1}, "targets": [after]});
    let stage = stage.input("environment", ENVIRONMENT).input("function", FUNCTION).input("mode", "code");
    stage.input("state", captured.to_string())
}
