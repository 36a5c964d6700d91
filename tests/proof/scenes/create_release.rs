//! create-release of a tag that succeeded in production, with an asset.

use super::Stage;
use super::stage::ENVIRONMENT;
use crate::world::RUN;

pub(super) async fn of_a_deployment() -> Stage {
    let stage = Stage::new().await;
    stage.repository.tag("v1.2.2", &stage.commits[1]);
    stage.repository.annotated_tag("v1.2.3", &stage.commits[4], "Release 1.2.3");
    stage.record(RUN - 1, (4, 5), &["success"]);
    stage
        .file("app.zip", &[7; 5000])
        .input("tag", "v1.2.3")
        .input("environment", ENVIRONMENT)
        .input("assets", "app.zip")
        .env("AWS_REGION", "eu-west-1")
}
