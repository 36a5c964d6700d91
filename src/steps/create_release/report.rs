//! What create-release reports, and how it ends.

use super::apply::Seen;
use super::plan::{Plan, Wanted};
use crate::action::inputs::CommitSha;
use crate::calls::error_line;
use crate::context::Context;
use crate::github::{AssetFile, End, GithubError, Kind, Release, TagName, not_plain};
use crate::outcome::{Outcome, Stop, Verdict};
use crate::text::{self, message, message_str};

pub(super) fn nothing_to_do(tag: &TagName, release: Option<&Release>) -> Outcome {
    let what = if release.is_some_and(|release| release.draft) { "the draft" } else { "the release" };
    Outcome::skipped(format!("{what} of {tag} is as it should be"))
}

pub(super) fn not_applied(cx: &Context, tag: &TagName, plan: &Plan) -> Outcome {
    cx.report.note_change();
    Outcome::pass(format!("dry run, nothing was changed: {}", label(tag, plan)))
}

/// What would be done.
pub(super) fn label(tag: &TagName, plan: &Plan) -> String {
    let change = match plan {
        Plan::Complete { assets, change } => format!(
            "{} assets would be uploaded{}",
            assets.len(),
            if change.draft == Some(false) { ", and the draft published" } else { "" }
        ),
        _ => "the release would be made".to_owned(),
    };
    format!("for {tag} {change}")
}

pub(super) fn refusal(tag: &TagName, release: Option<&Release>, why: &[String]) -> Outcome {
    let immutable = release.is_some_and(|release| release.immutable);
    let outcome =
        Outcome::fail(message!("release-published", "the release of {tag} is published, and {}", why.join("; ")));
    if immutable {
        outcome.advise(message_str!("release-immutable", "it is immutable, so nothing of it was changed: release the next version")).advise(
            "where releases are immutable let this step make them, or keep those made by hand as drafts until the deployment is done",
        )
    } else {
        outcome
            .advise("users may have downloaded it, so nothing was replaced: release the next version")
            .advise("or delete the asset by hand, and run the step again")
    }
}

pub(super) fn no_latest(tag: &TagName) -> Outcome {
    Outcome::bad_input(format!(
        "input `latest` is true, and {tag} is a pre-release, which GitHub never shows as the latest"
    ))
    .advise("nothing was written; leave `latest` out, or give `prerelease: false` (docs/steps/create-release.md)")
}

/// What helps when GitHub refuses: it names what reading takes, and a token that may do no more gets the next refusal.
pub(super) fn advise(cx: &Context, stop: Stop) -> Stop {
    let Stop::Error(error) = stop else { return stop };
    let needed = GithubError::of(&error).and_then(|refusal| refusal.kind.permission());
    if needed.is_some_and(|needed| needed.starts_with("contents")) && !cx.is_dry_run() {
        return Outcome::error(error_line(&error))
            .advise("give the job the permission `contents: write` under `permissions:`: releases belong to it")
            .into();
    }
    // The name of the tag was used up by a release that was immutable, and is deleted.
    if GithubError::is(&error, &Kind::TagName) {
        return Outcome::fail(format!("GitHub lets this tag have no release any more: {}", error_line(&error)))
            .advise("tag the commit with the next version, and release that")
            .advise("delete the draft, if one is named: it can never be published")
            .into();
    }
    error.into()
}

/// Which release it is.
pub(super) fn set_outputs(cx: &Context, release: &Release) {
    cx.report.output("release-id", release.id.to_string());
    cx.report.output("release-url", &release.html_url);
}

/// Done, if the release is as it is wanted, and the tag where it was.
pub(super) fn done(cx: &Context, tag: &TagName, wanted: &Wanted<'_>, commit: &CommitSha, seen: &Seen) -> Outcome {
    let now = &seen.release;
    let is_there = |file: &&AssetFile| now.assets.iter().any(|asset| file.is(asset));
    let missing: Vec<&str> =
        wanted.assets.iter().filter(|file| !is_there(file)).map(|file| file.name.as_str()).collect();
    let label = if now.draft { "a draft" } else { "published" };
    let good = missing.is_empty() && now.draft == wanted.draft;
    cx.report.check(
        format!("release {}", now.id),
        format!("{label}, {} assets", now.assets.len()),
        format!("{} of ours", wanted.assets.len()),
        if good { Verdict::Pass } else { Verdict::Fail },
        "GET /repos/{owner}/{repo}/releases/{release_id}",
    );
    if !good {
        return Outcome::error(format!("the release of {tag} is {label}, and lacks {}", missing.join(", ")))
            .advise("somebody else changed it meanwhile: run the step again");
    }
    if seen.tag != Some(End::Commit(commit.clone())) {
        return Outcome::fail(format!("tag {tag} was moved or deleted while its release was made"))
            .advise(format!("see who did it; the release is of commit {}", commit.short()))
            .advise("protect release tags with a tag ruleset");
    }
    Outcome::pass(format!("the release of {tag} is {label}: {}", now.html_url))
}

/// The run was started on a tag whose name cannot be passed on.
pub(super) fn odd_tag(name: &str) -> Outcome {
    let why = not_plain(name).unwrap_or_else(|| "it begins like a reference".to_owned());
    let name = text::truncated(name, 100);
    Outcome::bad_input(format!("the tag {name}, on which the run was started, cannot be used: {why}"))
        .advise("nothing was attempted; tag the commit under another name (docs/steps/create-release.md)")
}

pub(super) fn no_tag() -> Outcome {
    Outcome::bad_input("input `tag` is not given, and the run was not started on a tag").advise(
        "nothing was attempted; give the input `tag`, or start the workflow by `on: push: tags:` (docs/steps/create-release.md)",
    )
}
