//! publish-version of another release than the one that serves.

use base64::Engine as _;
use sha2::Digest as _;
use testbed::aws::sample::{GOOD, sample_zip};

use super::Stage;
use super::stage::{ENVIRONMENT, FUNCTION, REPOSITORY};

pub(super) async fn zip() -> Stage {
    let mut stage = Stage::with_function(1).await;
    let package = sample_zip("1.2.0", &stage.commits[1], GOOD);
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(&package));
    stage.name(&hash, "the package");
    stage.commit(1).file("app.zip", &package).input("function", FUNCTION).input("zip", "app.zip")
}

/// Of a function that users call without an alias.
pub(super) async fn latest() -> Stage {
    let stage = zip().await;
    stage.no_alias().await;
    stage.input("environment", ENVIRONMENT).input("traffic", "latest")
}

pub(super) async fn image() -> Stage {
    let mut stage = Stage::new().await;
    stage.image_function(1).await;
    let digest = stage.image(1).await;
    stage.commit(1).input("function", FUNCTION).input("image", format!("{REPOSITORY}@{digest}"))
}
