//! Whether the image of a version is still in its repository.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::calls::log_not_determined;
use crate::context::Context;
use crate::lambda::Function;
use crate::oci::{EcrRegistry, ImageReference, Selector};
use crate::registry::ecr::Ecr;

/// A look that can only say something about a write may take this long.
const LOOKING: Duration = Duration::from_secs(5);

/// Whether the image of a version is gone from its repository: false for an archive, and where that cannot be determined in a moment.
/// No write waits for the answer.
pub async fn is_gone(cx: &Context, version: &Function) -> bool {
    let Some(image) = &version.image else { return false };
    let cx = &cx.with_deadline(cx.calls.deadline.renew(LOOKING));
    match is_in_repository(cx, image).await {
        Ok(there) => !there,
        Err(error) => {
            log_not_determined("whether the image is still in its repository", &error);
            false
        }
    }
}

/// Whether an image of ECR, named by its digest, is still in its repository.
///
/// # Errors
/// It is not one of ECR, has no digest, or cannot be looked at.
pub async fn is_in_repository(cx: &Context, image: &ImageReference) -> Result<bool> {
    let (Some(registry), Selector::Digest(digest)) =
        (image.host.as_deref().and_then(EcrRegistry::from_host), &image.selector)
    else {
        bail!("the image is not one of ECR, named by its digest");
    };
    Ecr::new(&cx.aws().await?, registry).has(&image.repository, digest).await
}
