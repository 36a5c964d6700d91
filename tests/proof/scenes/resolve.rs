//! resolve of a push to main, which serves in production once it is deployed.

use super::Stage;
use crate::world::RUN;

pub(super) async fn pushed() -> Stage {
    let stage = Stage::new().await;
    stage.record(RUN - 1, (1, 2), &["success"]);
    stage.input("rules", "branch main -> prd\ndispatch -> prd")
}
