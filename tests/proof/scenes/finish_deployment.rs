//! finish-deployment of a job that went well.

use super::Stage;
use super::stage::ENVIRONMENT;
use crate::world::RUN;

pub(super) async fn success() -> Stage {
    let stage = Stage::with_function(3).await;
    stage.move_alias(3).await;
    stage.record(600, (1, 2), &["success"]);
    let record = stage.record(RUN, (2, 3), &["in_progress", "in_progress"]);
    stage.input("environment", ENVIRONMENT).input("deployment-id", record.to_string()).input("result", "success")
}
