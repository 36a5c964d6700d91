//! The writes of swap-alias, the proof of them, and the way back: all aliases are moved or none.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::{join_all, try_join_all};

use super::canary::{self, Canary, Failed};
use super::model::Observed;
use super::plan::{Change, Planned};
use super::report;
use crate::context::Context;
use crate::explain::failure;
use crate::lambda::Alias;
use crate::outcome::{Outcome, Step, Verdict};
use crate::rollout::move_alias::{self, Moved, Written, create_alias, move_alias};
use crate::rollout::provisioned::{self, Arrived};
use crate::rollout::put_back;

/// Putting things back may take this long, also after the step's own deadline.
pub(super) const PUTTING_BACK: Duration = Duration::from_mins(1);

/// What was found once the writes were read back.
pub(super) struct Serving<'a> {
    /// The aliases that are where this step brought them.
    pub(super) moved: Vec<(&'a Planned, Alias)>,
    /// Why the step cannot succeed, if it cannot.
    pub(super) failed: Option<Failed>,
}

/// Writes one alias after the other, each guarded by the revision that was read, up to the first that fails. Those with a canary go on
/// from where it brought them.
pub(super) async fn apply<'a>(
    cx: &Context,
    plan: &'a [Planned],
    canaries: &mut [Canary<'_>],
) -> Step<Vec<(&'a Planned, Result<Written>)>> {
    let lambda = &cx.lambda().await?;
    let mut applied = Vec::new();
    for one in plan {
        let observed = &one.observed;
        let canary = canaries.iter_mut().find(|canary| canary.planned.observed.function == observed.function);
        let written = match (&one.change, &observed.alias) {
            (Change::Move(to), Some(alias)) => move_alias(cx, lambda, alias, *to).await,
            (Change::Shift(to), Some(alias)) => {
                let now = canary.map(|canary| {
                    canary.sent.push(1.0);
                    &canary.now
                });
                move_alias(cx, lambda, now.unwrap_or(alias), *to).await
            }
            (Change::Arrive(_), Some(alias)) => {
                cx.report.note_change();
                Ok(Written::Seen(alias.clone()))
            }
            (Change::Create(to), _) => create_alias(cx, lambda, &observed.function, &observed.name, *to).await,
            _ => continue,
        };
        let failed = matches!(written, Err(_) | Ok(Written::Superseded(_)));
        applied.push((one, written));
        if failed {
            break;
        }
    }
    Ok(applied)
}

/// Reads back every write, and waits until all aliases serve what they point to.
pub(super) async fn read_back<'a>(cx: &Context, applied: Vec<(&'a Planned, Result<Written>)>) -> Step<Serving<'a>> {
    let seen = applied.into_iter().map(async |(one, written)| {
        let moved = match written {
            Ok(written) => move_alias::read_back(cx, written).await,
            Err(error) => Err(error),
        };
        Step::Ok(match moved {
            Ok(Moved::Done(alias)) => (Some((one, alias)), None),
            Ok(Moved::Superseded(found)) => (None, Some(report::superseded(&one.observed, found.as_ref()))),
            Err(error) => {
                let failure = failure(&cx.calls.deadline, error)?;
                // Whatever went wrong, it may have been moved: then it goes back with the others.
                (look(cx, &one.observed).await.map(|alias| (one, alias)), Some(failure))
            }
        })
    });
    let (moved, failures): (Vec<_>, Vec<_>) = try_join_all(seen).await?.into_iter().unzip();
    let mut serving =
        Serving { moved: moved.into_iter().flatten().collect(), failed: worst(&failures).map(Failed::from) };
    if serving.failed.is_none() {
        serving.failed = arrivals(cx, &mut serving.moved).await?.map(Failed::from);
    }
    Ok(serving)
}

/// The alias, if this step brought it to where it is.
async fn look(cx: &Context, one: &Observed) -> Option<Alias> {
    let later = cx.with_deadline(cx.calls.deadline.renew(PUTTING_BACK));
    let found = later.lambda().await.ok()?.alias(&one.function, &one.name).await;
    found.ok().flatten().filter(|alias| one.is_at(alias))
}

/// Waits until all aliases serve what they point to; how the step ends when one of them does not.
async fn arrivals(cx: &Context, moved: &mut [(&Planned, Alias)]) -> Step<Option<Outcome>> {
    let lambda = &cx.lambda().await?;
    let each = moved.iter_mut().map(async |(planned, now)| {
        let one = &planned.observed;
        let (Some(before), Some(to)) = (&one.alias, one.wanted) else { return Step::Ok(None) };
        Ok(match provisioned::wait_for_arrival(cx, lambda, before, (&*now, to), &one.provision).await {
            Ok(Arrived::Ready(alias)) => {
                *now = alias;
                None
            }
            Ok(Arrived::Failed(why)) => {
                Some(provisioned::with_advice(Outcome::fail(provisioned::failure_reason(now, to, &why))))
            }
            Ok(Arrived::Superseded(found)) => Some(report::superseded(one, found.as_ref())),
            Err(error) => Some(failure(&cx.calls.deadline, error)?),
        })
    });
    Ok(worst(&try_join_all(each).await?))
}

/// The worst of several failures.
fn worst(failures: &[Option<Outcome>]) -> Option<Outcome> {
    let failures = || failures.iter().flatten();
    let worst = Verdict::worst(failures().map(|outcome| outcome.ending.verdict()));
    failures().find(|outcome| Some(outcome.ending.verdict()) == worst).cloned()
}

/// Puts back everything that was moved, each alias by its own revision.
pub(super) async fn put_back(
    cx: &Context,
    moved: &[(&Planned, Alias)],
    canaries: &[Canary<'_>],
    failure: Outcome,
) -> Step<Outcome> {
    let lambda = &cx.lambda().await?;
    let at_once = moved.iter().rev().filter(|(one, _)| !matches!(one.change, Change::Shift(_)));
    let at_once = at_once.map(async |(one, now)| put_back::alias(cx, lambda, one.before().as_ref(), now).await);
    let (at_once, canaries) = tokio::join!(join_all(at_once), canary::take_back(cx, lambda, canaries));
    Ok(put_back::outcome(failure, at_once.into_iter().chain(canaries)))
}
