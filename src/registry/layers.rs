//! What ECR's own API does of a push: which layers are there, a hundred in one answer, and a tag put on a manifest whose digest ECR
//! compares.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use aws_sdk_ecr::types::LayerAvailability;
use futures_util::future::try_join_all;

use super::ecr::Ecr;
use super::error::RegistryError;
use crate::aws::AwsError;
use crate::calls::{self, Calls, UnknownValue};
use crate::oci::Digest;

/// The most layers that one call may name.
const AT_ONCE: usize = 100;
const PUT_IMAGE: &str = "ecr:PutImage";

/// A tag that is to be put on a manifest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tagging<'t> {
    pub(super) repository: &'t str,
    pub(super) tag: &'t str,
    pub(super) digest: &'t Digest,
    pub(super) media_type: &'t str,
    pub(super) bytes: &'t [u8],
}

impl Ecr {
    /// Those of these layers that can be used. One in the archive is not one of them.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchCheckLayerAvailability.html>
    pub(super) async fn layers_there(
        &self,
        calls: &Calls,
        repository: &str,
        layers: &[&Digest],
    ) -> Result<BTreeSet<Digest>> {
        let asked = layers.chunks(AT_ONCE).map(async |some| {
            let call = self.client.batch_check_layer_availability().registry_id(&self.registry.account);
            let call = call.repository_name(repository);
            let call = call.set_layer_digests(Some(some.iter().map(|digest| digest.as_str().to_owned()).collect()));
            let answer = calls.aws("ecr:BatchCheckLayerAvailability", || call.clone().send()).await;
            let answer = answer.with_context(|| format!("look for layers in repository {repository}"))?;
            let mut there = Vec::new();
            for layer in answer.layers() {
                let is_there = match layer.layer_availability() {
                    Some(LayerAvailability::Available) => true,
                    Some(LayerAvailability::Unavailable | LayerAvailability::Archived) | None => false,
                    Some(other) => return Err(UnknownValue::new("layerAvailability of a layer", other.as_str()).into()),
                };
                let digest = layer.layer_digest().and_then(|digest| digest.parse::<Digest>().ok());
                there.extend(digest.filter(|_| is_there));
            }
            anyhow::Ok(there)
        });
        Ok(try_join_all(asked).await?.into_iter().flatten().collect())
    }

    /// Puts a tag on a manifest; ECR refuses it unless its digest is this one. Not sent again when its answer is lost.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html>
    pub(super) async fn put_tag(&self, calls: &Calls, what: &str, image: Tagging<'_>) -> Result<()> {
        let manifest = std::str::from_utf8(image.bytes).context("read the manifest: it is no text")?;
        let call = self.client.put_image().registry_id(&self.registry.account).repository_name(image.repository);
        let call = call.image_tag(image.tag).image_digest(image.digest.as_str());
        let call = call.image_manifest(manifest).image_manifest_media_type(image.media_type);
        let host = &self.registry.host;
        let put = calls.write(what, calls::Kind::Once, || {
            let sent = call.clone().send();
            async { sent.await.map_err(|error| RegistryError::of_aws(host, &AwsError::new(PUT_IMAGE, &error))) }
        });
        put.await.map(|_put| ())
    }
}
