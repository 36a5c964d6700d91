//! smoke-test of a version that nobody meets yet.

use super::Stage;
use super::stage::FUNCTION;

pub(super) async fn image() -> Stage {
    let mut stage = Stage::new().await;
    stage.image_function(2).await;
    let cases = "- path: /health\n- path: /orders";
    stage.input("function", FUNCTION).input("version", "2").input("cases", cases)
}
