//! What the step reports: plans, refusals with their fixes, and how it ended.

use std::time::Duration;

use super::images::{ForLambda, Images};
use super::inputs::{PlatformName, PromoteArtifact, VerifyRevision};
use super::places::Places;
use super::plan::{Description, Found, Observed, Plan};
use super::release::AtPlace;
use super::revision;
use super::search::{Match, Near, Search};
use crate::action::inputs::{CommitSha, EnvironmentName};
use crate::changes::{self, some};
use crate::context::Context;
use crate::oci::{Digest, Unfit};
use crate::outcome::{Outcome, Verdict};
use crate::record::{self, Entry, Place};
use crate::registry::{Reference, Repository, Stored};
use crate::rollout::tag_format::Tag;
use crate::text::{human_duration, message, number_of};

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

/// Why there is nothing of it for Lambda.
fn not_for_lambda(digest: &Digest, platform: &PlatformName, images: &Images, found: &ForLambda<'_>) -> String {
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

/// The record says that it failed: in the environment, or at one of its places.
pub(super) fn failure_there(search: &Search<'_>, entry: &Entry, place: Option<&Place>, holds: &[String]) -> Outcome {
    let place = place.map(|place| format!(" at {place}")).unwrap_or_default();
    let there = format!("{}{place}", search.environment);
    let holds = holds.iter().fold(String::new(), |all, hold| all + "; " + hold);
    Outcome::fail(message!(
        "artifact-withdrawn",
        "commit {} failed in {there}, or was withdrawn there after it had succeeded: deployment {} of {} says so{holds}",
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
    .advise("a zip archive is deployed from its place in S3 (`zip` of publish-version); name an image with `source: repository@sha256:..`")
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

/// Two environments proved two artifacts.
pub(super) fn not_the_same(one: (&EnvironmentName, &Digest), other: (&EnvironmentName, &Digest)) -> Outcome {
    Outcome::fail(message!(
        "not-the-same-artifact",
        "{} succeeded in {}, and {} in {}: they are not the same artifact",
        one.1,
        one.0,
        other.1,
        other.0
    ))
    .advise(format!("deploy to {} and {} what was built once, or promote what one of them proved", one.0, other.0))
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
            "it is on its way: deployment {} of {environment} ({}) is not judged yet; wait for it (`wait-for-source`), or close it with \
             finish-deployment",
            entry.id,
            record::doer(entry.payload.run)
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
                differs.as_ref().map(|file| format!(", differs first in {}", changes::label(file))).unwrap_or_default();
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
    outcome.advise_all(advice)
}

/// It was waited for, and did not come.
pub(super) fn after_waiting(refusal: Outcome, limit: Duration) -> Outcome {
    Outcome {
        reason: format!("{}; it was waited for, {} (`wait-for-source`)", refusal.reason, human_duration(limit)),
        ..refusal
    }
}

/// A commit is as good but for files of which nobody says whose they are.
pub(super) fn warn_unmatched(search: &Search<'_>, entry: &Entry, files: &[String]) {
    if !files.is_empty() {
        search.cx.report.warn(message!(
            "files-of-nobody",
            "commit {} differs also in files that belong to no component, which are not in what is promoted: {}",
            short(&entry.payload.commit),
            some(files.iter().map(String::as_str))
        ));
    }
}

/// What was observed, for the outputs and the log.
pub(super) fn observation(cx: &Context, inputs: &PromoteArtifact, observed: &Observed) {
    let (report, artifact) = (&cx.report, &observed.artifact);
    report.output("tag-protection", if observed.protected { "enforced" } else { "not-enforced" });
    if !observed.protected {
        tracing::info!(
            "tag-protection: not-enforced: the registry would let anybody move the tag; it is looked at just before it is put, and read \
             back after it"
        );
    }
    let Some(Description { images, revisions }) = observed.description() else { return };
    report.output("digest", artifact.digest.as_str());
    report.output("match", artifact.matched.word());
    let found = images.lambda();
    if !matches!(found, ForLambda::Runs(_)) {
        report.warn(not_for_lambda(&artifact.digest, &inputs.platform, images, &found));
    }
    let revision = revisions.first().and_then(|revision| revision.label.clone()).unwrap_or_default();
    let of_label = revision.parse::<CommitSha>().ok().filter(|_| artifact.matched == Match::Explicit);
    let commit = artifact.commit.clone().or(of_label);
    report.output("source-sha", commit.map(|commit| commit.to_string()).unwrap_or_default());
    report.output("revision", revision);
    let bad = match inputs.verify_revision {
        VerifyRevision::Off => return,
        VerifyRevision::Require => Verdict::Fail,
        VerifyRevision::Warn => Verdict::Inconclusive,
    };
    let wanted = cx.commit();
    for revision in revisions {
        report.check(
            format!("revision of {}", revision.digest.short()),
            revision.label.as_deref().unwrap_or("no label"),
            wanted.as_ref().map_or("a known commit", CommitSha::as_str),
            if revision.problem.is_none() { Verdict::Pass } else { bad },
            "registry: GET configuration",
        );
    }
    if let Ok(Some(problem)) = revision::judge(inputs.verify_revision, revisions) {
        report.warn(problem);
    }
}

/// Everything was done before.
pub(super) fn nothing_to_do(cx: &Context, places: &Places, observed: &Observed) -> Outcome {
    let digest = &observed.artifact.digest;
    set_outputs(cx, places, observed);
    for counted in ["bytes-copied", "blobs-copied", "blobs-present"] {
        cx.report.output(counted, "0");
    }
    for (tag, _) in &observed.tags {
        check_tag(cx, places, tag, Some(digest), digest, true);
    }
    let tags = tag_list(observed.tags.iter().map(|(tag, _)| tag));
    Outcome::skipped(format!("{tags} of {} is on {digest} already", places.destination.label()))
}

/// Names the image at the destination: only once it is there.
fn set_outputs(cx: &Context, places: &Places, observed: &Observed) {
    let (destination, digest, report) = (&places.destination, &observed.artifact.digest, &cx.report);
    report.output("repository", destination.label());
    report.output("image", format!("{}@{digest}", destination.label()));
    report.output("image-uri", format!("{}/{}@{digest}", destination.host, destination.name));
    report.output("tag", observed.tags.iter().map(|(tag, _)| tag.as_str()).collect::<Vec<_>>().join("\n"));
    if let Some(ForLambda::Runs(lambda)) = observed.description().map(|described| described.images.lambda()) {
        report.output("lambda-image", format!("{}@{lambda}", destination.label()));
        report.output("lambda-digest", lambda.as_str());
    }
}

fn check_tag(cx: &Context, places: &Places, tag: &Tag, now: Option<&Digest>, wanted: &Digest, same: bool) {
    cx.report.check(
        format!("tag {tag} of {}", places.destination.label()),
        now.map_or("nothing", Digest::as_str),
        wanted.as_str(),
        if same { Verdict::Pass } else { Verdict::Fail },
        "registry: GET manifest",
    );
}

/// What will be written.
pub(super) fn plan(places: &Places, plan: &Plan) {
    tracing::info!("plan: {}", label(places, plan));
}

pub(super) fn label(places: &Places, plan: &Plan) -> String {
    format!(
        "copy {} ({} bytes; {} already there) and put {} into {}, then {}",
        number_of(plan.blobs.len(), "blob"),
        plan.bytes(),
        plan.blobs_present,
        number_of(plan.manifests.len(), "manifest"),
        places.destination.label(),
        tag_list(&plan.tags)
    )
}

/// A dry run.
pub(super) fn not_applied(cx: &Context, places: &Places, plan: &Plan, observed: &Observed) -> Outcome {
    cx.report.note_change();
    Outcome::pass(format!(
        "dry run, nothing was written; the plan for {}: {}",
        observed.artifact.digest.short(),
        label(places, plan)
    ))
}

/// Done, if what the tags name now is what was read at the source, byte for byte.
pub(super) fn done(
    cx: &Context,
    places: &Places,
    observed: &Observed,
    plan: &Plan,
    tags: &[(Tag, Option<Stored>)],
) -> Outcome {
    let artifact = &observed.artifact;
    let wanted = match &observed.found {
        Found::AtSource { graph, .. } => graph.top().ok(),
        _ => None,
    };
    let mut differing = None;
    for (tag, now) in tags {
        let same = now.as_ref().zip(wanted).is_some_and(|(now, wanted)| now.bytes == wanted.bytes);
        let digest = now.as_ref().map(|now| &now.digest);
        check_tag(cx, places, tag, digest, &artifact.digest, same);
        if !same {
            differing = Some((tag, digest.map_or("nothing", Digest::as_str)));
        }
    }
    if let Some((tag, now)) = differing {
        return moved_since(places, tag, now, &artifact.digest);
    }
    set_outputs(cx, places, observed);
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
        tag_list(&plan.tags),
        places.destination.label(),
        artifact.digest,
        number_of(plan.blobs.len(), "blob"),
        plan.bytes(),
        plan.blobs_present
    ))
}

/// Somebody moved the tag between the write and the reading.
fn moved_since(places: &Places, tag: &Tag, observed: &str, wanted: &Digest) -> Outcome {
    Outcome::fail(format!(
        "the tag {tag} of {} was put on {wanted} and names {observed} now: somebody else moved it",
        places.destination.label()
    ))
    .advise("deploy by the output `image`, which names the digest; make the repository's tags immutable")
}

fn tag_list<'t>(tags: impl IntoIterator<Item = &'t Tag>) -> String {
    let names: Vec<&str> = tags.into_iter().map(Tag::as_str).collect();
    format!("the tag{} {}", if names.len() == 1 { "" } else { "s" }, names.join(", "))
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}
