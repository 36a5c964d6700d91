//! What promote-artifact reads before it decides: what is promoted, what its tags name, and what there is of it at all ends.

use std::rc::Rc;

use anyhow::{Context as _, Result};
use futures_util::future::try_join_all;

use super::following::{Following, Referring};
use super::images::{ForLambda, Images, Looking, Parts};
use super::inputs::PromoteArtifact;
use super::places::Places;
use super::plan::{Description, Found, Naming, Observed, Present, blobs_of, compare_tags};
use super::promotion::Promotion;
use super::search::Artifact;
use super::tags::tags;
use super::values::{PlatformName, Referrers, VerifyRevision};
use super::{find, refused, revision, wait};
use crate::calls::error_line;
use crate::changes::Trees;
use crate::context::Context;
use crate::oci::{Digest, Selector};
use crate::outcome::Step;
use crate::registry::ecr::Mutability;
use crate::registry::{Graph, Reference, Stored, obstacles};
use crate::rollout::guard;
use crate::rollout::tag_format::Tag;

/// Whether something is there is asked of so many times as many as are transferred at the same time: an answer is a few bytes.
const LOOKS: usize = 4;

/// What tags name.
type Named = Vec<(Tag, Option<Stored>)>;

/// What there is of an image at its source, read once for all its destinations.
struct Whole {
    graph: Rc<Graph>,
    referring: Referring,
    described: Option<Rc<Description>>,
}

/// Reads everything that the decision needs about one image and its destinations: little where the tags decide already.
pub(super) async fn observe(
    step: &PromoteArtifact,
    cx: &Context,
    all: &[Places],
    platforms: &[PlatformName],
) -> Step<Vec<Observed>> {
    let promotion = |places| Promotion { cx, inputs: step, places, platforms };
    let first = promotion(all.first().context("no destination is named")?);
    for places in all {
        guard::check_registry(cx, &places.destination.host)?;
    }
    let artifact = first.artifact().await.map_err(|stop| refused::advise(stop, first.places))?;
    let artifact = Rc::new(artifact);
    let tags = tags(step, cx).await?;
    let named = try_join_all(all.iter().map(async |places| {
        let named = promotion(places).named(&tags).await;
        named.map_err(|stop| refused::advise(stop, places))
    }));
    let named = named.await?;
    let naming = |(named, _): &(Named, Named)| match compare_tags(named, &artifact.digest) {
        Naming::Conflict(..) => Way::Ends,
        Naming::AllThere(_) if step.referrers == Referrers::Require => Way::Whole,
        Naming::AllThere(_) => Way::InPlace,
        Naming::Missing(_) => Way::Whole,
    };
    let ways: Vec<Way> = named.iter().map(naming).collect();
    let ends = ways.contains(&Way::Ends);
    let whole = if !ends && ways.contains(&Way::Whole) {
        let whole = first.whole(&artifact).await;
        Some(whole.map_err(|stop| refused::advise(stop, first.places))?)
    } else {
        None
    };
    let observed = all.iter().zip(named).zip(ways).map(async |((places, named), way)| {
        let way = if ends { Way::Ends } else { way };
        let observed = promotion(places).at(&artifact, named, way, whole.as_ref()).await;
        observed.map_err(|stop| refused::advise(stop, places))
    });
    try_join_all(observed).await
}

/// What is looked at, of an image at one destination.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Nothing more: it is refused, here or at another one.
    Ends,
    /// What it says of itself.
    InPlace,
    /// All of it.
    Whole,
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
        match &self.places.selector {
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

    /// What the tags name at the destination now, and what the moving ones do.
    async fn named(&self, tags: &[Tag]) -> Step<(Named, Named)> {
        let moving: Vec<Tag> = self.inputs.moving_tags.iter().flatten().cloned().collect();
        let (named, moving) = tokio::join!(self.places.read_tags(tags), self.places.read_tags(&moving));
        Ok((named?, moving?))
    }

    /// The whole image as it is at the source.
    async fn whole(&self, artifact: &Artifact) -> Step<Whole> {
        let source = &self.places.source;
        let top = match &artifact.stored {
            Some(stored) => stored.clone(),
            None => self.manifest_at_source(Reference::Digest(&artifact.digest)).await?,
        };
        let graph = Graph::read(source, top).await?;
        let is_portable = obstacles(&graph, self.places.destination_is_ecr()).is_empty();
        if !is_portable {
            return Ok(Whole { graph: Rc::new(graph), referring: Referring::default(), described: None });
        }
        let parts = Parts::known(&graph, source);
        let described = self.describe(artifact, parts, graph.top()?, Looking::AtAll);
        let (described, referring) = tokio::join!(described, self.referring(&graph));
        Ok(Whole { described: Some(Rc::new(described?)), referring: referring?, graph: Rc::new(graph) })
    }

    /// What there is of it at the destination.
    async fn at(
        &self,
        artifact: &Rc<Artifact>,
        (tags, moving): (Named, Named),
        way: Way,
        whole: Option<&Whole>,
    ) -> Step<Observed> {
        let moves = moving.iter().any(|(_, named)| named.as_ref().is_none_or(|named| named.digest != artifact.digest));
        let is_missing = !matches!(compare_tags(&tags, &artifact.digest), Naming::AllThere(_));
        let mutability = async {
            match way {
                Way::Ends => None,
                _ if moves || is_missing => self.mutability().await,
                _ => None,
            }
        };
        let found = async {
            match (way, whole) {
                (Way::Ends, _) | (Way::Whole, None) => Ok(Found::Conflict),
                (Way::InPlace, _) => Ok(Found::InPlace),
                (Way::Whole, Some(whole)) => self.compare(whole).await,
            }
        };
        let (mutability, found) = tokio::join!(mutability, found);
        let found = found?;
        let described = match (&found, whole) {
            (Found::Immovable { .. } | Found::Conflict, _) => None,
            (_, Some(whole)) => whole.described.clone(),
            (_, None) => {
                let Naming::AllThere(stored) = compare_tags(&tags, &artifact.digest) else {
                    return Err(anyhow::anyhow!("the tags are not on the image").into());
                };
                let parts = Parts::of(&self.places.destination);
                Some(Rc::new(self.describe(artifact, parts, stored, Looking::AtTheOne).await?))
            }
        };
        let writes = way != Way::Ends && (moves || is_missing);
        Ok(Observed { artifact: Rc::clone(artifact), tags, moving, writes, mutability, found, described })
    }

    /// What ECR says of its tags. What cannot be read protects nothing.
    async fn mutability(&self) -> Option<Mutability> {
        self.places.mutability(self.cx).await.unwrap_or_else(|error| {
            tracing::info!("whether the registry protects the tag could not be read: {}", error_line(&error));
            None
        })
    }

    /// Compares the whole image with the destination.
    async fn compare(&self, whole: &Whole) -> Step<Found> {
        let graph = &whole.graph;
        let obstacles = obstacles(graph, self.places.destination_is_ecr());
        if !obstacles.is_empty() {
            return Ok(Found::Immovable { obstacles, alone: self.portable_alone(graph).await? });
        }
        // What is refused for its commit is not compared with the destination.
        let revisions = whole.described.as_ref().map(|described| described.revisions.as_slice()).unwrap_or_default();
        let (present, following) = match revision::judge(self.inputs.verify_revision, revisions) {
            Ok(_) => {
                guard::check(self.cx, &[]).await?;
                self.present(graph, &whole.referring).await?
            }
            Err(_) => (Present::default(), Following::default()),
        };
        Ok(Found::AtSource { graph: Rc::clone(graph), present, following })
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
        let images = Images::find(parts, top, self.platforms, verify, looking).await?;
        let revisions = revision::compare(self.cx, verify, artifact.commit.as_ref(), images.revisions()).await?;
        Ok(Description { images, revisions })
    }

    /// The image for the platform, if it can be moved without the rest.
    async fn portable_alone(&self, graph: &Graph) -> Result<Option<(String, Digest)>> {
        let parts = Parts::known(graph, &self.places.source);
        let (verify, looking) = (VerifyRevision::Off, Looking::AtAll);
        let images = Images::find(parts, graph.top()?, self.platforms, verify, looking).await?;
        let (ForLambda::Runs(digest) | ForLambda::DoesNot(digest, _)) = images.lambda(images.platform()) else {
            return Ok(None);
        };
        let of_it = graph.manifests.iter().filter(|stored| stored.digest == *digest).cloned().collect();
        let alone = Graph { manifests: of_it, depth: 1 };
        let is_portable = obstacles(&alone, self.places.destination_is_ecr()).is_empty();
        Ok((is_portable && *digest != graph.top()?.digest).then(|| (images.platform().to_owned(), digest.clone())))
    }

    /// What the destination has of it, and of what refers to it.
    async fn present(&self, graph: &Graph, referring: &Referring) -> Result<(Present, Following)> {
        let (destination, at_once) = (&self.places.destination, LOOKS * self.at_once());
        let top = &graph.top()?.digest;
        let digests = || graph.manifests.iter().map(|stored| &stored.digest);
        // ECR takes no manifest without what it points to; other registries take indexes with gaps.
        let whole = self.places.destination_is_ecr();
        let manifests = if whole && destination.has_manifest(top).await? {
            digests().cloned().collect()
        } else {
            let unknown: Vec<_> = digests().filter(|digest| !whole || *digest != top).collect();
            destination.manifests_there(&unknown, at_once).await?
        };
        let following = self.following(referring, &manifests).await?;
        let blobs = blobs_of(graph, |stored| !manifests.contains(&stored.digest), &following.missing);
        let blobs: Vec<_> = blobs.iter().map(|blob| &blob.digest).collect();
        let blobs = destination.blobs_there(&blobs, at_once).await?;
        Ok((Present { manifests, blobs }, following))
    }

    pub(super) fn at_once(&self) -> usize {
        self.inputs.max_parallel.0 as usize
    }
}
