//! How create-release ends without having written anything.

use super::plan::Plan;
use crate::context::Context;
use crate::github::{Release, TagName, not_plain};
use crate::outcome::Outcome;
use crate::text::{self, message, message_str};

pub(super) fn kept(tag: &TagName, release: Option<&Release>) -> Outcome {
    let what = if release.is_some_and(|release| release.draft) { "the draft" } else { "the release" };
    Outcome::skipped(format!("{what} of {tag} is as it should be"))
}

pub(super) fn planned(cx: &Context, tag: &TagName, plan: &Plan) -> Outcome {
    cx.report.note_change();
    let told = match plan {
        Plan::Complete { assets, change } => format!(
            "{} assets would be uploaded{}",
            assets.len(),
            if change.draft == Some(false) { ", and the draft published" } else { "" }
        ),
        _ => "the release would be made".to_owned(),
    };
    Outcome::pass(format!("dry run, nothing was changed: for {tag} {told}"))
}

pub(super) fn refused(tag: &TagName, release: Option<&Release>, why: &[String]) -> Outcome {
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

/// The name of the tag was used up by a release that is immutable, and deleted since.
pub(super) fn burnt(told: &str) -> Outcome {
    Outcome::fail(format!("GitHub lets this tag have no release any more: {told}"))
        .advise("tag the commit with the next version, and release that")
        .advise("delete the draft, if one is named: it can never be published")
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
