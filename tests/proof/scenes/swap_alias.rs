//! swap-alias from the version that serves to the next, with its record.

use testbed::aws::Settings;

use super::Stage;
use super::stage::{ENVIRONMENT, FUNCTION};

/// One function, whose last release succeeded.
pub(super) async fn one() -> Stage {
    let stage = Stage::with_function(3).await;
    stage.move_alias(2).await;
    stage.record(600, (1, 2), &["success"]);
    stage.input("environment", ENVIRONMENT).input("function", FUNCTION).input("version", "3")
}

/// The same of an alias with provisioned concurrency, which AWS moves a moment after the write.
pub(super) async fn provisioned() -> Stage {
    let stage = one().await;
    stage.aws.provision(FUNCTION, "live", 1).await.unwrap();
    let slow = Settings { provisioned_concurrency_delay: Some(0.5), ..Settings::default() };
    stage.aws.settings(&slow).await.unwrap();
    stage
}

/// The same, after a run that was cancelled and left its record open.
pub(super) async fn after_a_run_that_ended() -> Stage {
    let stage = one().await;
    stage.left_open("deploy", "live");
    stage
}

/// Two functions, both or none; the record stays open for the checks of the job.
pub(super) async fn two() -> Stage {
    let mut stage = Stage::with_function(2).await;
    stage.shop("shop-web", 2).await;
    let versions = format!("{FUNCTION}=2\nshop-web=2");
    stage.input("environment", ENVIRONMENT).input("versions", versions).input("record", "open")
}
