//! What the step reports: plans, and how it ended.

use std::collections::BTreeMap;

use serde_json::json;

use super::images::{ForLambda, Images};
use super::inputs::PromoteArtifact;
use super::job::{Carried, Job};
use super::plan::Description;
use super::search::Match;
use super::values::VerifyRevision;
use super::{artifacts, following, revision};
use crate::action::inputs::CommitSha;
use crate::context::Context;
use crate::oci::{Digest, Unfit};
use crate::outcome::{Outcome, Step, Verdict};
use crate::registry::Stored;
use crate::rollout::tag_format::Tag;
use crate::text::{message, number_of};

/// Why there is nothing of it for Lambda.
fn not_for_lambda(digest: &Digest, images: &Images, found: &ForLambda<'_>) -> String {
    let platform = images.platform();
    let digest = digest.short();
    let why = match found {
        ForLambda::DoesNot(image, Unfit::Layer(layer)) => message!(
            "layer-not-gzip",
            "the image {} for {platform} has a layer {layer}, and Lambda takes layers compressed by gzip only (docker buildx: \
             compression=gzip,force-compression=true)",
            image.short()
        ),
        ForLambda::DoesNot(image, Unfit::TooLarge(bytes)) => message!(
            "image-too-large-for-lambda",
            "the image {} for {platform} is larger than Lambda takes: {bytes} bytes even compressed, and the limit is 10 GB unpacked",
            image.short()
        ),
        _ => format!("{digest} has no image for {platform} ({})", images.platforms()),
    };
    format!("{why}: the output `lambda-image` is empty")
}

/// What was observed, for the outputs and the log.
pub(super) fn observation(cx: &Context, inputs: &PromoteArtifact, jobs: &[Job]) {
    let report = &cx.report;
    let writing: Vec<&Job> = jobs.iter().filter(|job| job.observed.writes).collect();
    if !writing.is_empty() {
        let protected = writing.iter().all(|job| job.observed.is_protected());
        report.output("tag-protection", if protected { "enforced" } else { "not-enforced" });
        if !protected {
            tracing::info!(
                "tag-protection: not-enforced: the registry would let anybody move the tag; it is looked at just before it is put, and read \
                 back after it"
            );
        }
    }
    let mut seen = Vec::new();
    for job in jobs {
        let Some(described) = job.observed.description() else { continue };
        if !seen.contains(&(&job.places.name, &job.observed.artifact.digest)) {
            seen.push((&job.places.name, &job.observed.artifact.digest));
            description(cx, inputs, job, described);
        }
    }
}

/// What one image says of itself.
fn description(cx: &Context, inputs: &PromoteArtifact, job: &Job, described: &Description) {
    let (report, artifact, Description { images, revisions }) = (&cx.report, &job.observed.artifact, described);
    let found = images.lambda(images.platform());
    if !matches!(found, ForLambda::Runs(_)) {
        report.warn(not_for_lambda(&artifact.digest, images, &found));
    }
    let revision = revisions.first().and_then(|revision| revision.label.clone()).unwrap_or_default();
    // Of several images there is no one that these outputs could name.
    if job.places.name.is_none() {
        let of_label = revision.parse::<CommitSha>().ok().filter(|_| artifact.matched == Match::Explicit);
        let commit = artifact.commit.clone().or(of_label);
        report.output("digest", artifact.digest.as_str());
        report.output("match", artifact.matched.word());
        report.output("source-sha", commit.map(|commit| commit.to_string()).unwrap_or_default());
        report.output("revision", revision);
    }
    report.measured(
        images
            .labels()
            .filter(|(_, labels)| !labels.is_empty())
            .map(|(digest, labels)| json!({"image": digest.as_str(), "labels": named(labels)})),
    );
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

/// Labels by their whole names.
fn named(labels: &BTreeMap<String, String>) -> BTreeMap<String, &str> {
    labels.iter().map(|(name, value)| (format!("org.opencontainers.image.{name}"), value.as_str())).collect()
}

/// What refers to what is promoted, in the summary; a warning of what stays behind.
pub(super) fn references(cx: &Context, jobs: &[Job]) {
    for job in jobs {
        let Some(following) = job.observed.following().filter(|following| following.looked) else { continue };
        let copied = following.missing.iter().map(|one| format!("{}: brought along", following::label(one)));
        let present = following.present.iter().map(|name| format!("{name}: there already"));
        let lines: Vec<String> = copied.chain(present).chain(following.left.iter().cloned()).collect();
        if !lines.is_empty() {
            cx.report.section(format!("What refers to {}", job.observed.artifact.digest.short()), lines);
        } else if following.unknown.is_none() {
            tracing::info!(
                "nothing refers to {}: no signature, no list of components",
                job.observed.artifact.digest.short()
            );
        }
        if let Some(first) = following.left.first() {
            let more = following.left.len() - 1;
            let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
            cx.report.warn(message!("referrer-left-behind", "{first}{more}: it stays where it is"));
        }
        if let Some(why) = &following.unknown {
            cx.report
                .warn(format!("whether anything refers to {} is unknown: {why}", job.observed.artifact.digest.short()));
        }
    }
}

/// Everything was done before.
pub(super) fn nothing_to_do(cx: &Context, jobs: &[Job]) -> Step<Outcome> {
    for counted in ["bytes-copied", "blobs-copied", "blobs-mounted", "blobs-present"] {
        cx.report.output(counted, "0");
    }
    let mut said = Vec::new();
    for job in jobs {
        let digest = &job.observed.artifact.digest;
        let all = || job.observed.tags.iter().chain(&job.observed.moving);
        for (tag, _) in all() {
            check_tag(cx, job, tag, Some(digest), true);
        }
        let tags = tag_list(all().map(|(tag, _)| tag));
        said.push(format!("{tags} of {} is on {digest} already", job.places.destination.label()));
    }
    set_outputs(cx, jobs)?;
    Ok(Outcome::skipped(said.join("; ")))
}

/// Names the images at their destinations: only once they are there.
fn set_outputs(cx: &Context, jobs: &[Job]) -> Step<()> {
    let report = &cx.report;
    let lines = |line: &dyn Fn(&Job) -> String| jobs.iter().map(line).collect::<Vec<_>>().join("\n");
    let label = |job: &Job| job.places.destination.label();
    let digest = |job: &Job| job.observed.artifact.digest.to_string();
    let tags = jobs.first().map(|job| job.observed.tags.iter().map(|(tag, _)| tag.as_str()).collect::<Vec<_>>());
    report.output("tag", tags.unwrap_or_default().join("\n"));
    let mut named: BTreeMap<&str, &Job> = BTreeMap::new();
    for job in jobs {
        if let Some(name) = &job.places.name {
            named.entry(name).or_insert(job);
        }
    }
    if !named.is_empty() {
        let images: BTreeMap<&str, String> =
            named.iter().map(|(name, job)| (*name, format!("{}@{}", label(job), digest(job)))).collect();
        report.value("images", serde_json::to_string(&images).map_err(anyhow::Error::from)?)?;
        report.output(
            "release",
            artifacts::release(named.iter().map(|(name, job)| (*name, &job.observed.artifact.digest))),
        );
        return Ok(());
    }
    report.value("repository", lines(&label))?;
    report.value("image", lines(&|job| format!("{}@{}", label(job), digest(job))))?;
    let uri = |job: &Job| format!("{}/{}@{}", job.places.destination.host, job.places.destination.name, digest(job));
    report.value("image-uri", lines(&uri))?;
    let lambda = |job: &Job| match job
        .observed
        .description()
        .map(|described| described.images.lambda(described.images.platform()))
    {
        Some(ForLambda::Runs(lambda)) => Some((format!("{}@{lambda}", label(job)), lambda.to_string())),
        _ => None,
    };
    if let Some((image, digest)) = jobs.first().and_then(lambda) {
        report.output("lambda-image", image);
        report.output("lambda-digest", digest);
    }
    Ok(())
}

fn check_tag(cx: &Context, job: &Job, tag: &Tag, now: Option<&Digest>, same: bool) {
    cx.report.check(
        format!("tag {tag} of {}", job.places.destination.label()),
        now.map_or("nothing", Digest::as_str),
        job.observed.artifact.digest.as_str(),
        if same { Verdict::Pass } else { Verdict::Fail },
        "registry: GET manifest",
    );
}

/// What will be written.
pub(super) fn plan(jobs: &[Job]) {
    for job in jobs.iter().filter(|job| !job.plan.is_empty()) {
        tracing::info!("plan: {}", of_one(job));
    }
}

pub(super) fn label(jobs: &[Job]) -> String {
    jobs.iter().filter(|job| !job.plan.is_empty()).map(of_one).collect::<Vec<_>>().join("; ")
}

fn of_one(job: &Job) -> String {
    let plan = &job.plan;
    let referrers = match plan.referrers.len() {
        0 => String::new(),
        some => format!(", with {} that refer to it", number_of(some, "artifact")),
    };
    let tags: Vec<&Tag> = plan.tags.iter().chain(&plan.moving).collect();
    let tags = if tags.is_empty() { String::new() } else { format!(", then {}", tag_list(tags)) };
    format!(
        "copy {} ({} bytes; {} already there) and put {} into {}{referrers}{tags}",
        number_of(plan.blobs.len(), "blob"),
        plan.bytes(),
        plan.blobs_present,
        number_of(plan.manifests.len(), "manifest"),
        job.places.destination.label(),
    )
}

/// A dry run.
pub(super) fn not_applied(cx: &Context, jobs: &[Job]) -> Outcome {
    cx.report.note_change();
    let mut digests: Vec<&str> = jobs.iter().map(|job| job.observed.artifact.digest.short()).collect();
    digests.dedup();
    Outcome::pass(format!("dry run, nothing was written; the plan for {}: {}", digests.join(", "), label(jobs)))
}

/// Done, if what the tags name now is what was read at the source, byte for byte.
pub(super) fn done(
    cx: &Context,
    jobs: &[Job],
    tags: &[Vec<(Tag, Option<Stored>)>],
    carried: &Carried,
) -> Step<Outcome> {
    let mut differing = None;
    for (job, tags) in jobs.iter().zip(tags) {
        for (tag, now) in tags {
            let same = now.as_ref().zip(job.observed.top()).is_some_and(|(now, wanted)| now.bytes == wanted.bytes);
            let digest = now.as_ref().map(|now| &now.digest);
            check_tag(cx, job, tag, digest, same);
            if !same {
                differing = Some((job, tag, digest.map_or("nothing", Digest::as_str)));
            }
        }
    }
    if let Some((job, tag, now)) = differing {
        return Ok(moved_since(job, tag, now));
    }
    set_outputs(cx, jobs)?;
    let said: Vec<String> = jobs.iter().filter(|job| !job.plan.is_empty()).map(of_done).collect();
    let mounted = match carried.mounted {
        0 => String::new(),
        some => format!(", {some} mounted"),
    };
    Ok(Outcome::pass(format!(
        "{}: read back, the same to the last byte; {} copied ({} bytes){mounted}, {} already there",
        said.join("; "),
        number_of(carried.copied, "blob"),
        carried.bytes,
        carried.present
    )))
}

fn of_done(job: &Job) -> String {
    let artifact = &job.observed.artifact;
    let found = match (artifact.matched, &artifact.commit) {
        (Match::Explicit, _) | (_, None) => String::new(),
        (Match::Commit, Some(commit)) => format!(", which succeeded for commit {}", commit.short()),
        (Match::Tree, Some(commit)) => format!(", which succeeded for commit {} with the same files", commit.short()),
        (Match::Component, Some(commit)) => {
            format!(", which succeeded for commit {} with the same files of the component", commit.short())
        }
    };
    let tags: Vec<&Tag> = job.plan.tags.iter().chain(&job.plan.moving).collect();
    let label = job.places.destination.label();
    if tags.is_empty() {
        return format!("{label} has all that belongs to {}{found}", artifact.digest);
    }
    format!("{} of {label} is on {}{found}", tag_list(tags), artifact.digest)
}

/// Somebody moved the tag between the write and the reading.
fn moved_since(job: &Job, tag: &Tag, observed: &str) -> Outcome {
    Outcome::fail(format!(
        "the tag {tag} of {} was put on {} and names {observed} now: somebody else moved it",
        job.places.destination.label(),
        job.observed.artifact.digest
    ))
    .advise("deploy by the output `image`, which names the digest; make the repository's tags immutable")
}

fn tag_list<'t>(tags: impl IntoIterator<Item = &'t Tag>) -> String {
    let names: Vec<&str> = tags.into_iter().map(Tag::as_str).collect();
    format!("the tag{} {}", if names.len() == 1 { "" } else { "s" }, names.join(", "))
}
