//! health-check-with-backoff after a swap whose record is open.

use serde_json::json;
use testbed::web::{Answer, WebServer};

use super::Stage;
use super::stage::FUNCTION;
use crate::world::RUN;

/// A function, invoked through its alias.
pub(super) async fn function() -> Stage {
    let stage = swapped().await;
    stage.input("function", FUNCTION).input("expect-version", "2").input("success-threshold", "2")
}

/// A URL; the function is there to explain.
pub(super) async fn url() -> Stage {
    let mut stage = swapped().await;
    let commit = stage.commits[1].clone();
    let good = Answer::json(&json!({"commit": commit}));
    let server = WebServer::start([good.clone()]);
    let url = server.url("/health");
    stage.web = Some((server, good));
    stage
        .input("url", url)
        .input("function", FUNCTION)
        .input("expect-version", commit)
        .input("version-from", "json:/commit")
        .input("success-threshold", "2")
}

async fn swapped() -> Stage {
    let mut stage = Stage::new().await;
    let digests = stage.image_function(2).await;
    stage.move_alias(2).await;
    let record = stage.record_of(RUN, 2, &stage.moved((1, 2), Some(&digests[1])), &["in_progress"]);
    stage
        .input("deployment-id", record.to_string())
        .input("attempts", "6")
        .input("base-wait", "100ms")
        .input("max-wait", "1s")
}
