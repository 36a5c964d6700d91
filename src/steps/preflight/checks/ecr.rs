//! Repositories in ECR: there, scanned, with tags that stay, and no rule is about to touch what serves or can be gone back to.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::super::finding::{Finding, nothing_named};
use super::super::job::Job;
use crate::action::inputs::{Flag, texts};
use crate::lambda::Package;
use crate::oci::{Digest, EcrRegistry};
use crate::outcome::Step;
use crate::registry::ecr::Ecr;
use crate::registry::retention::Fate;

const NEEDS: &str = "ecr:DescribeRepositories";
const SCANS: &str = "ecr:BatchGetRepositoryScanningConfiguration";
const KEEPS: &str = "ecr:StartLifecyclePolicyPreview, ecr:GetLifecyclePolicyPreview, ecr:DescribeImages";

/// Which repositories, and what is asked of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::steps::preflight) struct Options {
    /// The repositories; without them, those of the images that the functions run.
    #[serde(default, deserialize_with = "texts")]
    repositories: Vec<String>,
    /// `false`: they need not be scanned.
    #[serde(default)]
    scan: Option<Flag>,
    /// `false`: their tags may be moved.
    #[serde(default)]
    immutable: Option<Flag>,
    /// A tag as it is made; without it, that of a release.
    #[serde(default)]
    tag: Option<String>,
}

/// Digests by the repository they are in.
type Images = BTreeMap<String, BTreeSet<Digest>>;

pub(super) async fn ask(job: &Job<'_>, options: &Options) -> Step<Vec<Finding>> {
    let mut found = Vec::new();
    let mut images: Images = options.repositories.iter().map(|name| (name.clone(), BTreeSet::new())).collect();
    match serving(job).await {
        Ok(serving) => {
            for (repository, digest) in serving {
                if options.repositories.is_empty() || images.contains_key(&repository) {
                    images.entry(repository).or_default().insert(digest);
                }
            }
        }
        Err(error) => found.push(Finding::unanswered(job.cx, "images that serve", "lambda:GetFunction", error)?),
    }
    if images.is_empty() {
        found.extend(nothing_named("repositories", NEEDS, "`repositories`: the functions run no images of ECR"));
        return Ok(found);
    }
    let recorded = match job.recorded_digests().await {
        Ok(recorded) => recorded,
        Err(error) => {
            found.push(Finding::unanswered(job.cx, "images that can be rolled back to", "deployments: read", error)?);
            BTreeSet::new()
        }
    };
    let registry = match registry(job).await {
        Ok(registry) => registry,
        Err(error) => {
            found.push(Finding::unanswered(job.cx, "repositories", NEEDS, error)?);
            return Ok(found);
        }
    };
    for (repository, serving) in &images {
        found.extend(of_repository(job, options, &registry, (repository, serving, &recorded)).await?);
    }
    Ok(found)
}

async fn registry(job: &Job<'_>) -> Result<Ecr> {
    let aws = job.cx.aws().await?;
    let registry = EcrRegistry::of(aws.account().await?, aws.region());
    Ok(Ecr::new(&aws, registry))
}

/// The images that the functions run, with their repositories.
async fn serving(job: &Job<'_>) -> Result<Vec<(String, Digest)>> {
    let mut images = Vec::new();
    for function in &job.functions {
        let (_, served) = job.serving(function).await.context("read which image serves")?;
        let Some(served) = served else { continue };
        if let (Package::Image(Some(digest)), Some(image)) = (&served.package, &served.image) {
            images.push((image.repository.clone(), digest.clone()));
        }
    }
    Ok(images)
}

async fn of_repository(
    job: &Job<'_>,
    options: &Options,
    ecr: &Ecr,
    (repository, serving, recorded): (&str, &BTreeSet<Digest>, &BTreeSet<Digest>),
) -> Step<Vec<Finding>> {
    let what = |of: &str| format!("repository {repository}{of}");
    let mutability = match ecr.mutability(repository).await {
        Ok(Some(mutability)) => mutability,
        Ok(None) => {
            let advice = format!(
                "make it: `aws ecr create-repository --repository-name {repository} --image-tag-mutability IMMUTABLE`"
            );
            return Ok(vec![Finding::fail(what(""), NEEDS, "there is none of this name", advice)]);
        }
        Err(error) => return Ok(vec![Finding::unanswered(job.cx, what(""), NEEDS, error)?]),
    };
    let mut found = vec![Finding::ok(what(""), NEEDS, "it is there")];
    if options.immutable.is_none_or(|flag| flag.0) {
        let tag = options.tag.as_deref().unwrap_or("v1.0.0");
        let is_kept = mutability.protects(tag);
        let shown = if is_kept { format!("tag {tag} stays where it is") } else { format!("tag {tag} may be moved") };
        let advice =
            format!("aws ecr put-image-tag-mutability --repository-name {repository} --image-tag-mutability IMMUTABLE");
        found.push(Finding::when(is_kept, what(", tags"), NEEDS, shown, advice));
    }
    if options.scan.is_none_or(|flag| flag.0) {
        found.push(match ecr.scan_frequency(repository).await {
            Ok(frequency) => {
                let advice = "switch scanning on: `aws ecr put-registry-scanning-configuration`, or `scanOnPush` of the repository";
                let shown = frequency.clone().unwrap_or_else(|| "not scanned".to_owned());
                Finding::when(frequency.is_some(), what(", scanning"), SCANS, shown, advice)
            }
            Err(error) => Finding::unanswered(job.cx, what(", scanning"), SCANS, error)?,
        });
    }
    let both: BTreeSet<Digest> = serving.union(recorded).cloned().collect();
    if both.is_empty() {
        let why = "no image of it serves by the functions that are named, and the record of the environment names none";
        found.push(Finding::skip(what(", lifecycle policy"), KEEPS, why));
        return Ok(found);
    }
    match ecr.fates(repository, &both).await {
        Ok(fates) => found.extend(judge(repository, serving, &fates)),
        Err(error) => found.push(Finding::unanswered(job.cx, what(", lifecycle policy"), KEEPS, error)?),
    }
    Ok(found)
}

/// What serves must stay, and what can be gone back to. A recorded image that is not in this repository belongs to another one.
fn judge(repository: &str, serving: &BTreeSet<Digest>, fates: &BTreeMap<Digest, Fate>) -> Vec<Finding> {
    let (mut found, mut kept) = (Vec::new(), 0);
    for (digest, fate) in fates {
        let serves = serving.contains(digest);
        let role = if serves { "which serves" } else { "which can be rolled back to" };
        let what = format!("repository {repository}, image {}, {role}", digest.short());
        match fate.is_safe() {
            Some(true) => kept += 1,
            None => found.push(Finding::skip(what, KEEPS, fate.to_string())),
            Some(false) if *fate == Fate::Gone && !serves => {}
            Some(false) => {
                let advice = "change the lifecycle policy so that it keeps what is deployed: by a prefix of tags that only other images have, or a greater count; \
                     restore from the archive what is in it";
                found.push(Finding::fail(what, KEEPS, fate.to_string(), advice));
            }
        }
    }
    if kept > 0 {
        let shown = format!("{kept} images that serve or can be rolled back to are kept");
        found.insert(0, Finding::ok(format!("repository {repository}, lifecycle policy"), KEEPS, shown));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::State::{self, Fail, Ok, Skip};
    use super::*;

    #[test]
    fn an_image_that_serves_or_can_be_gone_back_to_must_stay() {
        let digest = |letter: char| format!("sha256:{}", letter.to_string().repeat(64)).parse::<Digest>().unwrap();
        let serving: BTreeSet<Digest> = [digest('a')].into_iter().collect();
        let states = |fates: &[(char, Fate)]| -> Vec<State> {
            let fates = fates.iter().map(|(letter, fate)| (digest(*letter), fate.clone())).collect();
            judge("shop", &serving, &fates).into_iter().map(|one| one.state).collect()
        };
        assert_eq!(states(&[('a', Fate::Kept), ('b', Fate::Kept)]), [Ok]);
        assert_eq!(states(&[('a', Fate::Expires(1))]), [Fail]);
        assert_eq!(states(&[('a', Fate::Gone)]), [Fail]);
        assert_eq!(states(&[('a', Fate::Kept), ('b', Fate::Archives(2))]), [Ok, Fail]);
        assert_eq!(states(&[('a', Fate::Kept), ('b', Fate::Gone)]), [Ok]);
        assert_eq!(states(&[('a', Fate::Unknown("another preview".to_owned()))]), [Skip]);
    }
}
