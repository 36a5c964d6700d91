//! validate-tag of an annotated tag on main that is newer than the last.

use super::Stage;

pub(super) async fn annotated() -> Stage {
    let stage = Stage::new().await;
    stage.repository.tag("v1.2.2", &stage.commits[1]);
    stage.repository.annotated_tag("v1.2.3", &stage.commits[3], "Release 1.2.3");
    stage.input("tag", "v1.2.3")
}
