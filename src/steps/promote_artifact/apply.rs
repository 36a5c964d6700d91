//! The writes of promote-artifact: blobs, children, index, what refers to it, and the tags last. Then it is read back what they name.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::following::Referrer;
use super::inputs::PromoteArtifact;
use super::job::{Carried, Job};
use super::plan::{Naming, compare_tags};
use super::{following, progress, refused, scan};
use crate::calls::Answer;
use crate::context::Context;
use crate::oci::{Descriptor, Manifest};
use crate::outcome::{Step, Stop};
use crate::registry::{Kind, Moved, Progress, Reference, Repository, Stored, copy_blob, registry_refusal};
use crate::rollout::tag_format::Tag;

/// Manifests written at the same time: ECR takes ten a second from all pipelines of an account together
/// (<https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html>).
const MANIFESTS_AT_ONCE: usize = 4;

/// A blob, from where it is read, and all places where it is missing.
struct Transfer<'j> {
    blob: &'j Descriptor,
    source: &'j Repository,
    to: Vec<&'j Repository>,
    /// The job that asked first, which a refusal is explained by.
    job: &'j Job,
}

/// What a tag may be put over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    /// Nothing but itself.
    Nothing,
    /// Whatever it names: a moving tag.
    Anything,
}

/// Writes what is missing. Nothing names it until all of it is there, everywhere.
pub(super) async fn apply(step: &PromoteArtifact, cx: &Context, jobs: &[Job]) -> Step<Carried> {
    let carried = copy(step, cx, jobs).await?;
    for job in jobs {
        job.put_manifests().await.map_err(|error| job.advise(error.into()))?;
        for referrer in &job.plan.referrers {
            job.put_referrer(referrer).await?;
        }
    }
    scan::gate(step, cx, jobs).await?;
    // All of them are looked at once more before the first is put: the transfer may have taken its time, and all of them are put or none.
    let mut missing = Vec::new();
    for job in jobs.iter().filter(|job| !job.plan.tags.is_empty()) {
        missing.push((job, job.still_missing().await?));
    }
    for (job, tags) in missing {
        for tag in &tags {
            job.put_tag(tag, job.top()?, Over::Nothing).await?;
        }
    }
    for job in jobs {
        for tag in &job.plan.moving {
            job.put_tag(tag, job.top()?, Over::Anything).await?;
        }
    }
    Ok(carried)
}

/// What the tags of each of them name now.
pub(super) async fn read_back(jobs: &[Job]) -> Step<Vec<Vec<(Tag, Option<Stored>)>>> {
    let each = jobs.iter().map(async |job| {
        let tags: Vec<Tag> = job.plan.tags.iter().chain(&job.plan.moving).cloned().collect();
        job.places.read_tags(&tags).await.map_err(|stop| job.advise(stop))
    });
    try_join_all(each).await
}

/// Copies the blobs that are missing anywhere, the largest first: each is read once for all places that lack it.
async fn copy(step: &PromoteArtifact, cx: &Context, jobs: &[Job]) -> Step<Carried> {
    let transfers = transfers(jobs);
    let total = transfers.iter().map(|one| one.blob.size * one.to.len() as u64).sum();
    let (progress, at_once) = (Progress::default(), step.max_parallel.0 as usize);
    let copies = transfers.iter().map(async |one| {
        let moved = copy_blob(one.source, &one.to, one.blob, &progress).await;
        let moved = moved.map_err(|error| one.job.advise(error.into()))?;
        Ok::<_, Stop>((one.blob.size, moved))
    });
    let copies = stream::iter(copies).buffer_unordered(at_once).try_collect::<Vec<_>>();
    let moved = progress::beside(copies, &progress, total).await?;
    let mut carried = Carried { present: jobs.iter().map(|job| job.plan.blobs_present).sum(), ..Carried::default() };
    for (size, moved) in moved {
        for one in moved {
            match one {
                Moved::Copied => (carried.copied, carried.bytes) = (carried.copied + 1, carried.bytes + size),
                Moved::Mounted => carried.mounted += 1,
            }
        }
    }
    let may_mount = |job: &Job| job.places.destination_is_ecr() && job.places.destination.may_mount();
    if carried.mounted == 0 && carried.copied > 0 && jobs.iter().any(may_mount) {
        tracing::info!(
            "ECR mounted no layer from the other repository, and all were transferred: `aws ecr put-account-setting --name BLOB_MOUNTING \
             --value ENABLED` lets it mount them"
        );
    }
    cx.report.output("bytes-copied", carried.bytes.to_string());
    cx.report.output("blobs-copied", carried.copied.to_string());
    cx.report.output("blobs-mounted", carried.mounted.to_string());
    cx.report.output("blobs-present", carried.present.to_string());
    Ok(carried)
}

fn transfers(jobs: &[Job]) -> Vec<Transfer<'_>> {
    let mut seen = BTreeSet::new();
    let mut all: BTreeMap<(&str, &str, &str), Transfer<'_>> = BTreeMap::new();
    for job in jobs {
        let (source, to) = (&job.places.source, &job.places.destination);
        for blob in &job.plan.blobs {
            // Two images that share a layer bring it to one repository once.
            if !seen.insert((&to.host, &to.name, blob.digest.as_str())) {
                continue;
            }
            let key = (source.host.as_str(), source.name.as_str(), blob.digest.as_str());
            all.entry(key).or_insert(Transfer { blob, source, to: Vec::new(), job }).to.push(to);
        }
    }
    let mut all: Vec<_> = all.into_values().collect();
    all.sort_by(|one, other| {
        (other.blob.size.cmp(&one.blob.size)).then_with(|| one.blob.digest.cmp(&other.blob.digest))
    });
    all
}

impl Job {
    /// Children first, then the index.
    async fn put_manifests(&self) -> Result<()> {
        let destination = &self.places.destination;
        let is_index = |stored: &&Stored| matches!(stored.manifest, Manifest::Index(_));
        let images = self.plan.manifests.iter().filter(|stored| !is_index(stored));
        let puts = images.map(|stored| destination.put_by_digest(stored));
        stream::iter(puts).buffer_unordered(MANIFESTS_AT_ONCE).try_for_each(async |_| Ok(())).await?;
        for stored in self.plan.manifests.iter().filter(is_index) {
            destination.put_by_digest(stored).await?;
        }
        Ok(())
    }

    async fn put_referrer(&self, referrer: &Referrer) -> Step<()> {
        if let Some(tag) = &referrer.tag {
            return self.put_tag(tag, &referrer.stored, Over::Nothing).await;
        }
        let put = self.places.destination.put_referrer(&referrer.stored).await;
        let put = put.with_context(|| format!("bring along {}", following::label(referrer)));
        put.map_err(|error| self.advise(error.into()))
    }

    fn top(&self) -> Result<&Stored> {
        self.observed.top().context("an image has a manifest")
    }

    /// Those of its tags that are still to be put.
    async fn still_missing(&self) -> Step<Vec<Tag>> {
        let named = self.places.read_tags(&self.plan.tags).await.map_err(|stop| self.advise(stop))?;
        let wanted = &self.observed.artifact.digest;
        match compare_tags(&named, wanted) {
            Naming::Conflict(tag, there) => Err(refused::conflict(&self.places, tag, there, wanted).into()),
            Naming::AllThere(_) => Ok(Vec::new()),
            Naming::Missing(missing) => Ok(missing),
        }
    }

    /// Puts one tag. A write whose answer was lost is looked for before it is sent again; a registry that refuses to put a tag
    /// where it is already has done what was asked (<https://github.com/aws/containers-roadmap/issues/2179>).
    async fn put_tag(&self, tag: &Tag, stored: &Stored, over: Over) -> Step<()> {
        let destination = self.places.destination.separate();
        for last in [false, true] {
            let Err(error) = destination.put_tag(tag.as_str(), stored).await else { return Ok(()) };
            let answer = match registry_refusal(&error).map(|refusal| &refusal.kind) {
                Some(Kind::Broken) => Answer::Applied,
                Some(Kind::TagExists) => Answer::Unchanged,
                _ => return Err(self.advise(error.into())),
            };
            let now = destination.manifest(Reference::Tag(tag.as_str())).await;
            match now.map_err(|error| self.advise(error.into()))? {
                Some(now) if now.digest == stored.digest => {
                    destination.correct(answer);
                    return Ok(());
                }
                Some(other) if over == Over::Nothing => {
                    return Err(refused::conflict(&self.places, tag, &other.digest, &stored.digest).into());
                }
                _ if last || answer == Answer::Unchanged => return Err(self.advise(error.into())),
                _ => tracing::info!("the tag was not put; sending it again"),
            }
        }
        Ok(())
    }
}
