//! What cosign 2 puts beside an image: manifests that name no subject, under tags made of the image's digest.
//!
//! <https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md>

use anyhow::Result;
use futures_util::future::try_join_all;

use super::client::{Reference, Repository, Stored};
use super::graph::{AT_ONCE, Graph};
use crate::oci::{Digest, Manifest};

/// What the tags end with: signatures, attestations, lists of components.
const ENDINGS: [&str; 3] = ["sig", "att", "sbom"];

/// Those of an image and of its parts, each with its tag.
///
/// # Errors
/// They cannot be read.
pub async fn tagged_beside(source: &Repository, graph: &Graph) -> Result<Vec<(String, Stored)>> {
    let images = graph.manifests.iter().filter(|stored| !stored.is_attestation());
    let tags: Vec<(String, &Digest)> =
        images.flat_map(|stored| ENDINGS.map(|ending| (tag(&stored.digest, ending), &stored.digest))).collect();
    let mut found = Vec::new();
    for some in tags.chunks(AT_ONCE) {
        let reads = some.iter().map(async |(tag, subject)| {
            let stored = source.manifest(Reference::Tag(tag)).await?;
            // There are registries that answer such a tag with the image itself (https://github.com/oras-project/oras/issues/2148).
            let is_beside =
                |stored: &Stored| stored.digest != **subject && matches!(stored.manifest, Manifest::Image { .. });
            anyhow::Ok(stored.filter(is_beside).map(|stored| (tag.clone(), stored)))
        });
        found.extend(try_join_all(reads).await?.into_iter().flatten());
    }
    Ok(found)
}

fn tag(digest: &Digest, ending: &str) -> String {
    format!("sha256-{}.{ending}", digest.hex())
}
