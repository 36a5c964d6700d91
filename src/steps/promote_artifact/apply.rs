//! The writes of promote-artifact: blobs, children, index, and the tags last. Then it is read back what the tags name.

use std::collections::BTreeSet;

use anyhow::Result;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::inputs::PromoteArtifact;
use super::places::Places;
use super::plan::{Found, Naming, Observed, Plan, compare_tags};
use super::promotion::Promotion;
use super::refused;
use crate::calls::Answer;
use crate::context::Context;
use crate::oci::{Digest, Manifest};
use crate::outcome::Step;
use crate::registry::{Kind, Reference, Stored, registry_refusal};
use crate::rollout::tag_format::Tag;

/// Manifests written at the same time: ECR takes ten a second from all pipelines of an account together
/// (<https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html>).
const MANIFESTS_AT_ONCE: usize = 4;

/// Writes what is missing. Nothing names it until all of it is there.
pub(super) async fn apply(
    step: &PromoteArtifact,
    cx: &Context,
    places: &Places,
    observed: &Observed,
    plan: &Plan,
) -> Step<()> {
    let Found::AtSource { graph, .. } = &observed.found else { return Ok(()) };
    let promotion = Promotion { cx, inputs: step, places };
    let destination = &places.destination;
    let copies = plan.blobs.iter().map(|blob| destination.copy_blob(&places.source, blob));
    stream::iter(copies).buffer_unordered(promotion.at_once()).try_collect::<()>().await?;
    cx.report.output("bytes-copied", plan.bytes().to_string());
    cx.report.output("blobs-copied", plan.blobs.len().to_string());
    cx.report.output("blobs-present", plan.blobs_present.to_string());
    let is_index = |stored: &&Stored| matches!(stored.manifest, Manifest::Index(_));
    let images = plan.manifests.iter().filter(|stored| !is_index(stored));
    let puts = images.map(|stored| destination.put_by_digest(stored));
    stream::iter(puts).buffer_unordered(MANIFESTS_AT_ONCE).try_collect::<()>().await?;
    for stored in plan.manifests.iter().filter(is_index) {
        destination.put_by_digest(stored).await?;
    }
    promotion.put_tags(&plan.tags, graph.top()?).await
}

/// What the tags name now.
pub(super) async fn read_back(
    step: &PromoteArtifact,
    cx: &Context,
    places: &Places,
    plan: &Plan,
) -> Step<Vec<(Tag, Option<Stored>)>> {
    Promotion { cx, inputs: step, places }.read_tags(&plan.tags).await
}

impl Promotion<'_> {
    /// Those of these digests that are there.
    pub(super) async fn those_present(
        &self,
        digests: &[&Digest],
        is_there: impl AsyncFn(&Digest) -> Result<bool>,
    ) -> Result<BTreeSet<Digest>> {
        let looks =
            digests.iter().map(|digest| async { is_there(digest).await.map(|there| there.then(|| (*digest).clone())) });
        let looks = stream::iter(looks).buffer_unordered(self.at_once());
        looks.try_filter_map(async |found| Ok(found)).try_collect().await
    }

    fn at_once(&self) -> usize {
        self.inputs.max_parallel.0 as usize
    }

    /// Puts the tags. They are looked at once more before: the transfer may have taken its time, and all of them are put or none.
    async fn put_tags(&self, tags: &[Tag], stored: &Stored) -> Step<()> {
        let named = self.read_tags(tags).await?;
        match compare_tags(&named, &stored.digest) {
            Naming::Conflict(tag, there) => {
                return Err(refused::conflict(self.places, tag, there, &stored.digest).into());
            }
            Naming::AllThere(_) => {}
            Naming::Missing(missing) => {
                for tag in &missing {
                    self.put_tag(tag, stored).await?;
                }
            }
        }
        Ok(())
    }

    /// Puts one tag. A write whose answer was lost is looked for before it is sent again; a registry that refuses to put a tag
    /// where it is already has done what was asked (<https://github.com/aws/containers-roadmap/issues/2179>).
    async fn put_tag(&self, tag: &Tag, stored: &Stored) -> Step<()> {
        let destination = self.places.destination.separate();
        for last in [false, true] {
            let Err(error) = destination.put_tag(tag.as_str(), stored).await else { return Ok(()) };
            let kind = registry_refusal(&error).map(|refusal| refusal.kind.clone());
            let answer = match kind {
                Some(Kind::Broken) => Answer::Applied,
                Some(Kind::TagExists) => Answer::Unchanged,
                _ => return Err(error.into()),
            };
            match destination.manifest(Reference::Tag(tag.as_str())).await? {
                Some(now) if now.digest == stored.digest => {
                    destination.correct(answer);
                    return Ok(());
                }
                Some(other) => return Err(refused::conflict(self.places, tag, &other.digest, &stored.digest).into()),
                None if last || answer == Answer::Unchanged => return Err(error.into()),
                None => tracing::info!("the tag was not put; sending it again"),
            }
        }
        Ok(())
    }
}
