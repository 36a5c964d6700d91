//! detect-changes for a push to main: one file differs from what serves.

use super::Stage;
use super::stage::ENVIRONMENT;
use crate::world::RUN;

pub(super) async fn pushed() -> Stage {
    let mut stage = Stage::new().await;
    stage.record(RUN - 1, (1, 2), &["success"]);
    let head = stage.repository.commit(&[&stage.commits[4]], &[("src/app.py", "new")], "Change");
    stage.add(&head);
    stage.input("environment", ENVIRONMENT).input("components", "shop: {paths: ['src/**']}\ndocs: {paths: ['docs/**']}")
}
