//! Whether the image of a version is still in its repository.

use anyhow::{Result, bail};

use crate::context::Context;
use crate::oci::{EcrRegistry, ImageReference, Selector};
use crate::registry::ecr::Ecr;

/// Whether an image of ECR, named by its digest, is still in its repository.
pub async fn is_in_repository(cx: &Context, image: &ImageReference) -> Result<bool> {
    let (Some(registry), Selector::Digest(digest)) =
        (image.host.as_deref().and_then(EcrRegistry::from_host), &image.selector)
    else {
        bail!("the image is not one of ECR, named by its digest");
    };
    Ecr::new(&cx.aws().await?, registry).has(&image.repository, digest).await
}
