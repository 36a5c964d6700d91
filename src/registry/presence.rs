//! What a repository has: asked in few requests, and without reading it.

use std::collections::BTreeSet;

use anyhow::Result;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use http::Method;

use super::client::{Reference, Repository, accept};
use super::connection::Call;
use super::endpoint::Place;
use super::error::{Kind, registry_refusal};
use crate::oci::Digest;

impl Repository {
    /// Those of these manifests that are there, asked for so many at a time.
    pub async fn manifests_there(&self, digests: &[&Digest], at_once: usize) -> Result<BTreeSet<Digest>> {
        let looks = digests
            .iter()
            .map(|digest| async { self.has_manifest(digest).await.map(|there| there.then(|| (*digest).clone())) });
        stream::iter(looks).buffer_unordered(at_once).try_filter_map(async |found| Ok(found)).try_collect().await
    }

    /// Those of these blobs that are known to be there. ECR answers for a hundred at once; others are asked for so many at a time.
    pub async fn blobs_there(&self, digests: &[&Digest], at_once: usize) -> Result<BTreeSet<Digest>> {
        if let Some(ecr) = self.registry.api() {
            return ecr.layers_there(&self.calls, &self.name, digests).await;
        }
        let looks = digests
            .iter()
            .map(|digest| async { self.has_blob(digest).await.map(|there| there.then(|| (*digest).clone())) });
        stream::iter(looks).buffer_unordered(at_once).try_filter_map(async |found| Ok(found)).try_collect().await
    }

    /// Whether a manifest is there.
    pub async fn has_manifest(&self, digest: &Digest) -> Result<bool> {
        let what = format!("look for the manifest {}@{}", self.label(), digest.short());
        let place = self.place("manifests", digest.as_str());
        match self.has(&what, place, Some(&accept()), "ecr:BatchGetImage").await? {
            Some(there) => Ok(there),
            None => Ok(self.manifest(Reference::Digest(digest)).await?.is_some()),
        }
    }

    /// Whether a blob is known to be there: what cannot be determined is not there, and is written again.
    pub async fn has_blob(&self, digest: &Digest) -> Result<bool> {
        let what = format!("look for the blob {}@{}", self.label(), digest.short());
        let place = self.place("blobs", digest.as_str());
        Ok(self.has(&what, place, None, "ecr:BatchCheckLayerAvailability").await? == Some(true))
    }

    /// `None` when it cannot be determined this way: not every registry, and not every proxy before one, answers `HEAD`.
    async fn has(&self, what: &str, place: Place, accept: Option<&str>, action: &str) -> Result<Option<bool>> {
        let found = self
            .reading(what, async |authorization| {
                let call = Call { method: Method::HEAD, accept, ..Call::get(place.clone(), authorization) };
                let connection = &self.registry.connection;
                let answer = connection.send(&call).await?;
                connection.expect_status(answer, &[200]).await.map_err(|refusal| refusal.about(action))
            })
            .await;
        let kind = found.as_ref().err().and_then(registry_refusal).map(|refusal| &refusal.kind);
        let cannot_be_told = match kind {
            Some(Kind::Unsupported) => true,
            // In ECR it is a permission that is missing, which the refusal names.
            Some(Kind::Denied) => self.registry.ecr().is_none(),
            _ => false,
        };
        if cannot_be_told {
            return Ok(None);
        }
        Ok(Some(self.absent_is_none(found)?.is_some()))
    }
}
