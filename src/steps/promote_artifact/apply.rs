//! Carries out the plan: blobs, children, index, and the tags last; then reads back what the tags name.

use std::collections::BTreeSet;

use anyhow::Result;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::plan::{Naming, Plan, naming};
use super::promotion::Promotion;
use super::report;
use super::search::Artifact;
use crate::calls::Answer;
use crate::oci::{Digest, Manifest};
use crate::outcome::{Outcome, Step, Verdict};
use crate::registry::{Graph, Kind, Reference, Stored, registry_refusal};
use crate::rollout::tag_format::Tag;

/// Manifests written at the same time: ECR takes ten a second from all pipelines of an account together
/// (<https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html>).
const MANIFESTS_AT_ONCE: usize = 4;

impl Promotion<'_> {
    /// Those of these digests for which the question is answered with yes.
    pub(super) async fn those_there(
        &self,
        digests: &[&Digest],
        is_there: impl AsyncFn(&Digest) -> Result<bool>,
    ) -> Result<BTreeSet<Digest>> {
        let asked =
            digests.iter().map(|digest| async { is_there(digest).await.map(|there| there.then(|| (*digest).clone())) });
        let asked = stream::iter(asked).buffer_unordered(self.at_once());
        asked.try_filter_map(async |found| Ok(found)).try_collect().await
    }

    fn at_once(&self) -> usize {
        self.inputs.max_parallel.0 as usize
    }

    /// Writes what is missing. Nothing names it until all of it is there.
    pub(super) async fn apply(&self, graph: &Graph, plan: &Plan, artifact: &Artifact) -> Step<Outcome> {
        let destination = &self.places.destination;
        let copies = plan.blobs.iter().map(|blob| destination.copy_blob(&self.places.source, blob));
        stream::iter(copies).buffer_unordered(self.at_once()).try_collect::<()>().await?;
        let report = &self.cx.report;
        report.output("bytes-copied", plan.bytes().to_string());
        report.output("blobs-copied", plan.blobs.len().to_string());
        report.output("blobs-present", plan.blobs_present.to_string());
        let is_index = |stored: &&Stored| matches!(stored.manifest, Manifest::Index(_));
        let images = plan.manifests.iter().filter(|stored| !is_index(stored));
        let puts = images.map(|stored| destination.put_by_digest(stored));
        stream::iter(puts).buffer_unordered(MANIFESTS_AT_ONCE).try_collect::<()>().await?;
        for stored in plan.manifests.iter().filter(is_index) {
            destination.put_by_digest(stored).await?;
        }
        self.tag(&plan.tags, graph.top()?).await?;
        self.read_back(plan, graph.top()?, artifact).await
    }

    /// Puts the tags. They are looked at once more before: the transfer may have taken its time, and all of them are put or none.
    async fn tag(&self, tags: &[Tag], stored: &Stored) -> Step<()> {
        let named = self.named(tags).await?;
        match naming(&named, &stored.digest) {
            Naming::Conflict(tag, there) => {
                return Err(report::conflict(self.places, tag, there, &stored.digest).into());
            }
            Naming::AllThere(_) => {}
            Naming::Missing(missing) => {
                for tag in &missing {
                    self.put(tag, stored).await?;
                }
            }
        }
        Ok(())
    }

    /// Puts one tag. A write whose answer was lost is looked for before it is sent again; a registry that refuses to put a tag
    /// where it is already has done what was asked (<https://github.com/aws/containers-roadmap/issues/2179>).
    async fn put(&self, tag: &Tag, stored: &Stored) -> Step<()> {
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
                Some(other) => return Err(report::conflict(self.places, tag, &other.digest, &stored.digest).into()),
                None if last || answer == Answer::Unchanged => return Err(error.into()),
                None => tracing::info!("the tag was not put; sending it again"),
            }
        }
        Ok(())
    }

    /// What the tags name now is what was read at the source, byte for byte.
    async fn read_back(&self, plan: &Plan, stored: &Stored, artifact: &Artifact) -> Step<Outcome> {
        let named = self.named(&plan.tags).await?;
        let mut differing = None;
        for (tag, now) in &named {
            let same = now.as_ref().is_some_and(|now| now.bytes == stored.bytes);
            let observed = now.as_ref().map_or("nothing", |now| now.digest.as_str());
            let verdict = if same { Verdict::Pass } else { Verdict::Fail };
            let name = format!("tag {tag} of {}", self.places.destination.label());
            self.cx.report.check(name, observed, stored.digest.as_str(), verdict, "registry: GET manifest");
            if !same {
                differing = Some((*tag, observed.to_owned()));
            }
        }
        Ok(match differing {
            Some((tag, observed)) => report::moved_since(self.places, tag, &observed, &stored.digest),
            None => report::promoted(self.places, plan, artifact),
        })
    }
}
