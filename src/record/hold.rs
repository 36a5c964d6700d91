//! Holds: a commit that was taken back from a place after it was judged bad does not come back there by the next push. A newer one
//! does, and ends the hold; `release-hold` lets the commit itself through.

use super::held::{Admitted, Held};
use super::history::History;
use super::payload::Released;
use super::run::{actor, unreadable};
use super::target::Target;
use crate::action::inputs::CommitSha;
use crate::calls::error_line;
use crate::context::Context;
use crate::github::Ancestry;
use crate::outcome::{Outcome, Step};
use crate::text::message;

/// Refuses a commit that is held where it is to be put, unless it is released. A newer commit ends the hold of older ones, and that
/// is reported where it contains one.
///
/// # Errors
/// A refusal that names the step, the run and the reason; or GitHub gives no usable answer.
pub(super) async fn admit(cx: &Context, history: &History, targets: &[Target]) -> Step<Admitted> {
    let mut admitted = Admitted::default();
    for target in targets {
        let Some(commit) = &target.commit else { continue };
        for held in history.holds_at(cx, &target.place).await? {
            if held.commit == *commit {
                admitted.released = Some(release(cx, &held).await?);
            } else if stays_held(cx, &held, commit).await? && !admitted.hold.contains(&held.commit) {
                admitted.hold.push(held.commit);
            }
        }
    }
    Ok(admitted)
}

/// Who lets a held commit through; a refusal when nobody does.
async fn release(cx: &Context, held: &Held) -> Step<Released> {
    if !cx.common.release_hold.0 {
        return Err(Outcome::fail(format!("{held}; nothing was written"))
            .advise("deploy a newer commit that fixes it: that ends the hold")
            .advise("or let this commit through, with `release-hold: true` and a `reason`, which is recorded")
            .into());
    }
    cx.report.warn(format!("{held}; it is let through by `release-hold`"));
    Ok(Released {
        commit: held.commit.clone(),
        reason: cx.common.reason.as_ref().map(ToString::to_string).unwrap_or_default(),
        actor: actor(cx).await,
    })
}

/// True when another commit does not end the hold: it is older than the one that is held.
async fn stays_held(cx: &Context, held: &Held, commit: &CommitSha) -> Step<bool> {
    let asked = match cx.github().await {
        Ok(github) => github.ancestry(&held.commit, commit).await,
        Err(error) => Err(error),
    };
    match asked {
        Ok(Ancestry::Older) => Ok(true),
        Ok(Ancestry::Newer) => {
            cx.report.warn(message!(
                "hold-ended",
                "{held}; commit {} contains it, and ends the hold: make sure that it holds the fix",
                commit.short()
            ));
            Ok(false)
        }
        Ok(_) => Ok(false),
        Err(error) if unreadable(&error) => {
            let why = error_line(&error);
            cx.report
                .warn(format!("{held}; whether commit {} contains it could not be determined: {why}", commit.short()));
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
