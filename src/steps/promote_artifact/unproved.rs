//! What is said of a source that is not there, or that its environment does not prove: each refusal with its fix.

use std::time::Duration;

use super::release::AtPlace;
use super::search::{Near, Search};
use crate::action::inputs::EnvironmentName;
use crate::changes::{self, some};
use crate::oci::Digest;
use crate::outcome::Outcome;
use crate::record::{self, Entry, Place};
use crate::registry::{Reference, Repository};
use crate::rollout::tag_format::Tag;
use crate::text::{human_duration, message};

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
    .advise(if search.source_is_given {
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

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}
