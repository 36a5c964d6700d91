//! What the step says: plans, refusals with their fixes, and how it ended.

use std::time::Duration;

use super::images::{ForLambda, Images};
use super::inputs::PlatformName;
use super::places::Places;
use super::plan::Plan;
use super::release::AtPlace;
use super::search::{Artifact, Match, Near, Search};
use crate::changes::{label, some};
use crate::context::Context;
use crate::oci::{Digest, EcrRegistry, Unfit};
use crate::outcome::Outcome;
use crate::outcome::Verdict;
use crate::record::{Entry, Place};
use crate::registry::{Reference, Repository};
use crate::rollout::tag_format::Tag;
use crate::text::{human_duration, message, number_of};

/// The destination does not exist. It is never made here: who owns it decides on its tags, its lifecycle, its encryption.
pub(super) fn no_repository(destination: &Repository) -> Outcome {
    Outcome::error(message!(
        "no-such-repository",
        "the repository {} does not exist, and this step does not create it",
        destination.label()
    ))
    .advise(creating(destination))
}

/// How the destination comes to be.
pub(super) fn creating(destination: &Repository) -> String {
    match EcrRegistry::from_host(&destination.host) {
        Some(registry) => format!(
            "make it once, with Terraform or `aws ecr create-repository --repository-name {} --image-tag-mutability IMMUTABLE --region {}`; \
             or correct `destination`, `registry`, `aws-region`",
            destination.name, registry.region
        ),
        None => "make it in that registry, or correct `destination`".to_owned(),
    }
}

/// The source does not exist.
pub(super) fn no_source(source: &Repository, reference: Reference<'_>) -> Outcome {
    let name = match reference {
        Reference::Digest(digest) => format!("{}@{digest}", source.label()),
        Reference::Tag(tag) => format!("{}:{tag}", source.label()),
    };
    Outcome::fail(format!("the image {name} does not exist")).advise(
        "check `source`; build and push the image before this step, and keep it out of cleanup and lifecycle rules",
    )
}

/// A tag is on another image.
pub(super) fn conflict(places: &Places, tag: &Tag, there: &Digest, wanted: &Digest) -> Outcome {
    let repository = places.destination.label();
    Outcome::fail(message!(
        "tag-never-moved",
        "the tag {tag} of {repository} is on {there}, and {wanted} was to get it: a tag is never moved"
    ))
    .advise(
        "see which of the two is right: one commit was built twice, or `tag` or `tag-format` does not tell them apart",
    )
    .advise(format!(
        "promote under another `tag`; or, if the image there is wrong, delete its tag by hand and run the step again{}",
        match EcrRegistry::from_host(&places.destination.host) {
            Some(registry) => format!(
                ": `aws ecr batch-delete-image --repository-name {} --image-ids imageTag={tag} --region {}`",
                places.destination.name, registry.region
            ),
            None => String::new(),
        }
    ))
}

/// The image cannot be moved as it is; perhaps one of its images can, alone.
pub(super) fn not_portable(
    places: &Places,
    digest: &Digest,
    obstacles: &[String],
    alone: Option<(&PlatformName, &Digest)>,
) -> Outcome {
    let more = match obstacles.len() {
        1 => String::new(),
        all => format!(" (and {} more)", all - 1),
    };
    let first = obstacles.first().map_or("", String::as_str);
    let outcome = Outcome::fail(message!(
        "image-cannot-be-moved",
        "{}@{} cannot be moved to {} as it is: {first}{more}; nothing was written",
        places.source.label(),
        digest.short(),
        places.destination.label()
    ));
    let rest = obstacles.iter().skip(1).take(9).cloned();
    let outcome = rest.fold(outcome, Outcome::advise);
    let outcome = match alone {
        Some((platform, image)) => outcome.advise(format!(
            "its image for {platform} can be promoted alone: `source: {}@{image}`{}",
            places.source.label(),
            if places.source_is_given { "" } else { " in place of `from-environment`" }
        )),
        None => outcome,
    };
    outcome.advise("build it without that: an image is never rewritten here, because its digest would change")
}

/// Why there is nothing of it for Lambda.
pub(super) fn not_for_lambda(
    digest: &Digest,
    platform: &PlatformName,
    images: &Images,
    found: &ForLambda<'_>,
) -> String {
    let digest = digest.short();
    let why = match found {
        ForLambda::DoesNot(image, Unfit::Layer(layer)) => message!(
            "layer-not-gzip",
            "the image {} for {platform} has a layer {layer}, and Lambda takes layers compressed by gzip only (docker buildx: \
             compression=gzip,force-compression=true)",
            image.short()
        ),
        _ => format!("{digest} has no image for {platform} ({})", images.platforms()),
    };
    format!("{why}: the output `lambda-image` is empty")
}

/// The record says that it failed.
pub(super) fn failed_there(search: &Search<'_>, entry: &Entry, held: &[String]) -> Outcome {
    failed(search, entry, &search.environment.to_string(), held)
}

/// The same of one of several places.
pub(super) fn failed_at(search: &Search<'_>, entry: &Entry, place: &Place, held: &[String]) -> Outcome {
    failed(search, entry, &format!("{} at {place}", search.environment), held)
}

fn failed(search: &Search<'_>, entry: &Entry, there: &str, held: &[String]) -> Outcome {
    let held: Vec<String> = held.iter().map(|held| format!("; {held}")).collect();
    let held = held.concat();
    Outcome::fail(message!(
        "artifact-withdrawn",
        "commit {} failed in {there}, or was withdrawn there after it had succeeded: deployment {} of {} says so{held}",
        short(&entry.payload.commit),
        entry.id,
        entry.created_at
    ))
    .advise(format!("deploy it to {} again; a record that succeeds after this one opens the way", search.environment))
    .advise("or name an image that is known to be good with `source: repository@sha256:..`")
}

/// It succeeded, but not at every place that the component has there: how that stands, and the refusal.
pub(super) fn not_everywhere(
    search: &Search<'_>,
    entry: &Entry,
    place: &Place,
    found: &AtPlace<'_>,
) -> (String, Outcome) {
    let (commit, environment) = (short(&entry.payload.commit), search.environment);
    let state = match found {
        AtPlace::Open(open) => format!("deployment {} of {place} is not judged yet", open.id),
        _ => format!("{place} does not serve commit {commit}"),
    };
    let refusal = Outcome::fail(message!(
        "artifact-not-everywhere", "commit {commit} succeeded in {environment} (deployment {}), but not at every place of {}: {state}",
        entry.id, search.component
    ))
    .advise(format!("deploy it to {place} too; the jobs of a matrix count together"))
    .advise("or wait for the other jobs with `wait-for-source`")
    .advise(format!(
        "or, if that place was given up, say so with finish-deployment: `environment: {environment}` and `status: ended`"
    ));
    (state, refusal)
}

/// The record names no image.
pub(super) fn no_image(search: &Search<'_>, entry: &Entry) -> Outcome {
    Outcome::fail(format!(
        "commit {} succeeded in {} (deployment {}), but its record names no image",
        short(&entry.payload.commit),
        search.environment,
        entry.id
    ))
    .advise("zip archives are not promoted in this release; name an image with `source: repository@sha256:..`")
}

/// The record's image is not where its tag should be.
pub(super) fn tag_gone(search: &Search<'_>, entry: &Entry, tag: &Tag) -> Outcome {
    Outcome::fail(message!(
        "artifact-without-tag", "commit {} succeeded in {} (deployment {}), but {} has no tag {tag}",
        short(&entry.payload.commit),
        search.environment,
        entry.id,
        search.source.label()
    ))
    .advise(if search.inputs.source.is_some() {
        "check the repository of `source` and the form of its tags, `tag-format`; keep such tags out of lifecycle rules"
    } else {
        "name the repository with `source`, and the form of its tags with `tag-format`; keep such tags out of lifecycle rules"
    })
}

/// Somebody built the image again since it was served.
pub(super) fn rebuilt(search: &Search<'_>, entry: &Entry, tag: &Tag, now: &Digest, served: &Digest) -> Outcome {
    Outcome::fail(message!(
        "artifact-tag-moved", "the tag {tag} of {} is on {now} now, and {} served {served} (deployment {}): what was tested is not what would be promoted",
        search.source.label(),
        search.environment,
        entry.id
    ))
    .advise(format!("deploy {} to {} again, so that what is tagged is what was tested", short(&entry.payload.commit), search.environment))
    .advise("make the repository's tags immutable, so that none is ever built over")
}

/// Nothing succeeded there.
pub(super) fn nothing_there(
    search: &Search<'_>,
    near: &[Near<'_>],
    open: &[&Entry],
    tag: Option<&Tag>,
    tagged: Option<&Digest>,
) -> Outcome {
    let environment = search.environment;
    let looked = search.history.entries.len();
    let tag = tag.map_or_else(|| "none".to_owned(), ToString::to_string);
    let outcome = Outcome::fail(message!(
        "no-artifact",
        "no {environment} artifact found for {}: looked at {looked} records of {environment} for the component {}, by commit{}, and for \
         the tag {tag} in {}",
        search.commit,
        search.component,
        if search.inputs.components.is_some() {
            ", by equal files and by the files of the component"
        } else {
            " and by equal files"
        },
        search.source.label()
    ));
    let mut advice = Vec::new();
    if let Some(entry) = open.first() {
        advice.push(format!(
            "it is on its way: deployment {} of {environment} (run {}) is not judged yet; wait for it (`wait-for-source`), or close it with \
             finish-deployment",
            entry.id, entry.payload.run.id
        ));
    }
    if let Some(digest) = tagged {
        advice.push(format!(
            "the tag {tag} is there ({}), but no record says that it succeeded in {environment}",
            digest.short()
        ));
    }
    let near: Vec<String> = near
        .iter()
        .map(|(entry, differs)| {
            let differs =
                differs.as_ref().map(|file| format!(", differs first in {}", label(file))).unwrap_or_default();
            format!("{} (deployment {}, {}{differs})", entry.payload.commit, entry.id, entry.created_at)
        })
        .collect();
    if near.is_empty() {
        advice.push(format!(
            "nothing has succeeded in {environment} lately for this component: check `component` and `from-environment`"
        ));
    } else {
        advice.push(format!("the newest that succeeded in {environment}: {}", near.join("; ")));
    }
    if !near.is_empty() && search.inputs.components.is_none() {
        advice.push("if it differs in files of other components only, say so with `components`".to_owned());
    }
    advice.push(format!(
        "deploy this commit to {environment} first; or name the image with `source: repository@sha256:..`"
    ));
    advice.into_iter().fold(outcome, Outcome::advise)
}

/// It was waited for, and did not come.
pub(super) fn waited(refusal: Outcome, limit: Duration) -> Outcome {
    Outcome {
        reason: format!("{}; it was waited for, {} (`wait-for-source`)", refusal.reason, human_duration(limit)),
        ..refusal
    }
}

/// A commit is as good but for files of which nobody says whose they are.
pub(super) fn unmatched(search: &Search<'_>, entry: &Entry, files: &[String]) {
    if !files.is_empty() {
        search.cx.report.warn(message!(
            "files-of-nobody",
            "commit {} differs also in files that belong to no component, which are not in what is promoted: {}",
            short(&entry.payload.commit),
            some(files.iter().map(String::as_str))
        ));
    }
}

/// Everything is there already.
pub(super) fn there_already(places: &Places, tags: &[Tag], digest: &Digest) -> Outcome {
    Outcome::skipped(format!("{} of {} is on {digest} already", joined(tags), places.destination.label()))
}

/// The checks of tags that were found in place.
pub(super) fn check_tags(cx: &Context, places: &Places, tags: &[Tag], digest: &Digest) {
    for tag in tags {
        let name = format!("tag {tag} of {}", places.destination.label());
        cx.report.check(name, digest.as_str(), digest.as_str(), Verdict::Pass, "registry: GET manifest");
    }
}

/// Says what will be written.
pub(super) fn announce(places: &Places, plan: &Plan) {
    tracing::info!("plan: {}", planned(places, plan));
}

fn planned(places: &Places, plan: &Plan) -> String {
    format!(
        "copy {} ({} bytes; {} already there) and put {} into {}, then {}",
        number_of(plan.blobs.len(), "blob"),
        plan.bytes(),
        plan.blobs_present,
        number_of(plan.manifests.len(), "manifest"),
        places.destination.label(),
        joined(&plan.tags)
    )
}

/// The end of a dry run.
pub(super) fn dry_run(places: &Places, plan: &Plan, artifact: &Artifact) -> Outcome {
    Outcome::pass(format!(
        "dry run, nothing was written; the plan for {}: {}",
        artifact.digest.short(),
        planned(places, plan)
    ))
}

/// Done and proved.
pub(super) fn promoted(places: &Places, plan: &Plan, artifact: &Artifact) -> Outcome {
    let found = match (artifact.matched, &artifact.commit) {
        (Match::Explicit, _) | (_, None) => String::new(),
        (Match::Commit, Some(commit)) => format!(", which succeeded for commit {}", commit.short()),
        (Match::Tree, Some(commit)) => format!(", which succeeded for commit {} with the same files", commit.short()),
        (Match::Component, Some(commit)) => {
            format!(", which succeeded for commit {} with the same files of the component", commit.short())
        }
    };
    Outcome::pass(format!(
        "{} of {} is on {}{found}: read back, the same to the last byte; {} copied ({} bytes), {} already there",
        joined(&plan.tags),
        places.destination.label(),
        artifact.digest,
        number_of(plan.blobs.len(), "blob"),
        plan.bytes(),
        plan.blobs_present
    ))
}

/// Somebody moved the tag between the write and the reading.
pub(super) fn moved_since(places: &Places, tag: &Tag, observed: &str, wanted: &Digest) -> Outcome {
    Outcome::fail(format!(
        "the tag {tag} of {} was put on {wanted} and names {observed} now: somebody else moved it",
        places.destination.label()
    ))
    .advise("deploy by the output `image`, which names the digest; make the repository's tags immutable")
}

fn joined(tags: &[Tag]) -> String {
    let names = tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(", ");
    format!("the tag{} {names}", if tags.len() == 1 { "" } else { "s" })
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}
