//! rollback of what this run put there, to what succeeded before.

use serde_json::{Value, json};

use super::Stage;
use super::stage::{ENVIRONMENT, FUNCTION};
use crate::world::RUN;

/// By the record alone.
pub(super) async fn by_record() -> Stage {
    swapped().await
}

/// The same of a function from images, without a record of them.
pub(super) async fn of_an_image() -> Stage {
    let mut stage = Stage::new().await;
    stage.image_function(3).await;
    stage.move_alias(3).await;
    stage.record(600, (1, 2), &["success"]);
    stage.record(RUN, (2, 3), &["in_progress"]);
    stage.input("environment", ENVIRONMENT).input("function", FUNCTION).input("reason", "its health check failed")
}

/// By what swap-alias handed over.
pub(super) async fn by_state() -> Stage {
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
pub(super) async fn of_code() -> Stage {
    let stage = Stage::with_function(2).await;
    let [first, second] = [stage.code_of("1").await, stage.code_of("2").await];
    unqualified(stage, "code_sha256", [first, second]).await
}

/// The same of an image.
pub(super) async fn of_code_in_an_image() -> Stage {
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
