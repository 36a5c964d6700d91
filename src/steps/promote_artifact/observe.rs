//! What promote-artifact reads before it decides: what is promoted, what its tags name, and what there is of it at both ends.

use anyhow::Result;
use futures_util::future::try_join_all;

use super::images::{ForLambda, Images, Looking, Parts};
use super::inputs::{PromoteArtifact, VerifyRevision};
use super::places::Places;
use super::plan::{Description, Found, Naming, Observed, Present, compare_tags};
use super::promotion::Promotion;
use super::search::Artifact;
use super::tags::tags;
use super::{find, refused, revision, wait};
use crate::changes::Trees;
use crate::context::Context;
use crate::oci::{Digest, Selector};
use crate::outcome::Step;
use crate::registry::{Graph, Kind, Reference, Stored, obstacles, registry_refusal};
use crate::rollout::guard;
use crate::rollout::tag_format::Tag;

/// Reads everything that the decision needs: little where the tags decide already.
pub(super) async fn observe(step: &PromoteArtifact, cx: &Context, places: &Places) -> Step<Observed> {
    guard::check_registry(cx, &places.destination.host)?;
    let promotion = Promotion { cx, inputs: step, places };
    let artifact = promotion.artifact().await?;
    let tags = tags(step, cx).await?;
    let (named, protected) = tokio::join!(promotion.read_tags(&tags), places.protects(cx, &tags));
    let tags = named?;
    let found = match compare_tags(&tags, &artifact.digest) {
        Naming::Conflict(..) => Found::Conflict,
        Naming::AllThere(stored) => {
            let parts = Parts::of(&places.destination);
            Found::InPlace(promotion.describe(&artifact, parts, stored, Looking::AtTheOne).await?)
        }
        Naming::Missing(_) => promotion.image(&artifact).await?,
    };
    Ok(Observed { artifact, tags, protected, found })
}

impl Promotion<'_> {
    /// What is to be promoted.
    async fn artifact(&self) -> Step<Artifact> {
        let source = &self.places.source;
        if let Some(environments) = &self.inputs.from_environment {
            let trees = Trees::default();
            let look = async |purpose| find::from_environments(self, &environments.0, &trees, purpose).await;
            return self.wait_for(wait::Pace::Rarely, look).await;
        }
        match self.inputs.image().and_then(|image| image.selector.as_ref()) {
            Some(Selector::Digest(digest)) => Ok(Artifact::explicit(digest.clone(), None)),
            Some(Selector::Tag(tag)) => {
                let stored = self.manifest_at_source(Reference::Tag(tag)).await?;
                tracing::info!(
                    "the tag {tag} of {} is {} now: this is promoted, wherever the tag goes",
                    source.label(),
                    stored.digest
                );
                Ok(Artifact::explicit(stored.digest.clone(), Some(stored)))
            }
            None => Err(anyhow::anyhow!("no image is named").into()),
        }
    }

    /// What the tags name at the destination now.
    pub(super) async fn read_tags(&self, tags: &[Tag]) -> Step<Vec<(Tag, Option<Stored>)>> {
        let destination = &self.places.destination;
        let reads = tags
            .iter()
            .map(async |tag| anyhow::Ok((tag.clone(), destination.manifest(Reference::Tag(tag.as_str())).await?)));
        match try_join_all(reads).await {
            Err(error) if registry_refusal(&error).is_some_and(|refusal| refusal.kind == Kind::NoRepository) => {
                Err(refused::no_repository(destination).into())
            }
            tags => Ok(tags?),
        }
    }

    /// The whole image as it is at the source, and what the destination has of it.
    async fn image(&self, artifact: &Artifact) -> Step<Found> {
        let source = &self.places.source;
        let top = match &artifact.stored {
            Some(stored) => stored.clone(),
            None => self.manifest_at_source(Reference::Digest(&artifact.digest)).await?,
        };
        let graph = Graph::read(source, top).await?;
        let obstacles = obstacles(&graph, self.places.destination_is_ecr());
        if !obstacles.is_empty() {
            return Ok(Found::Immovable { obstacles, alone: self.portable_alone(&graph).await? });
        }
        let parts = Parts::known(&graph, source);
        let described = self.describe(artifact, parts, graph.top()?, Looking::AtAll).await?;
        // What is refused for its commit is not compared with the destination.
        let present = match revision::judge(self.inputs.verify_revision, &described.revisions) {
            Ok(_) => {
                guard::check(self.cx, &[]).await?;
                self.present(&graph).await?
            }
            Err(_) => Present::default(),
        };
        Ok(Found::AtSource { graph, present, described })
    }

    /// What of it can run where, and which commits it says it was built from.
    async fn describe(
        &self,
        artifact: &Artifact,
        parts: Parts<'_>,
        top: &Stored,
        looking: Looking,
    ) -> Step<Description> {
        let verify = self.inputs.verify_revision;
        let images = Images::find(parts, top, &self.inputs.platform, verify, looking).await?;
        let revisions = revision::compare(self.cx, verify, artifact.commit.as_ref(), images.revisions()).await?;
        Ok(Description { images, revisions })
    }

    /// The image for the platform, if it can be moved without the rest.
    async fn portable_alone(&self, graph: &Graph) -> Result<Option<Digest>> {
        let (parts, platform) = (Parts::known(graph, &self.places.source), &self.inputs.platform);
        let (verify, looking) = (VerifyRevision::Off, Looking::AtTheOne);
        let images = Images::find(parts, graph.top()?, platform, verify, looking).await?;
        let (ForLambda::Runs(digest) | ForLambda::DoesNot(digest, _)) = images.lambda() else { return Ok(None) };
        let of_it = graph.manifests.iter().filter(|stored| stored.digest == *digest).cloned().collect();
        let alone = Graph { manifests: of_it, depth: 1 };
        let is_portable = obstacles(&alone, self.places.destination_is_ecr()).is_empty();
        Ok((is_portable && *digest != graph.top()?.digest).then(|| digest.clone()))
    }

    /// What the destination has of it.
    async fn present(&self, graph: &Graph) -> Result<Present> {
        let destination = &self.places.destination;
        let top = &graph.top()?.digest;
        // ECR takes no manifest without what it points to; other registries take indexes with gaps.
        let whole = self.places.destination_is_ecr();
        if whole && destination.has_manifest(top).await? {
            return Ok(Present::everything(graph));
        }
        let manifests = graph.manifests.iter().map(|stored| &stored.digest);
        let unknown: Vec<_> = manifests.filter(|digest| !whole || *digest != top).collect();
        let manifests = self.those_present(&unknown, async |digest| destination.has_manifest(digest).await).await?;
        let blobs = graph.blobs(|stored| !manifests.contains(&stored.digest));
        let blobs: Vec<_> = blobs.iter().map(|blob| &blob.digest).collect();
        let blobs = self.those_present(&blobs, async |digest| destination.has_blob(digest).await).await?;
        Ok(Present { manifests, blobs })
    }
}
