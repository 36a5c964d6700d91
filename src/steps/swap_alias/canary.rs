//! A canary: the new versions get a share of the traffic, are judged by how they serve it, and get more. Whatever ends it early takes
//! the weights away again.

use std::time::Duration;

use futures_util::future::join_all;

use super::plan::{Change, Planned};
use super::report;
use crate::calls::deadline::Deadline;
use crate::context::Context;
use crate::explain::failure;
use crate::lambda::{Alias, Lambda, Version};
use crate::outcome::{Outcome, Step, Stop};
use crate::rollout::move_alias::{self, Moved, shift_alias};
use crate::rollout::put_back::{self, Back};
use crate::rollout::strategy::Increment;

/// After a signal there are three seconds: so long for the call that is in flight, and so long for taking the weights away.
pub(super) const ANSWERING: Duration = Duration::from_millis(1200);
const WITHDRAWING: Duration = Duration::from_millis(1700);

/// What becomes of what was moved, when the step cannot succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It is put back.
    PutBack,
    /// It is put back, and its commit is held: it was judged bad.
    TakeBack,
    /// It is left as it is, because that was asked for.
    Leave,
}

/// Why the step cannot succeed.
#[derive(Debug)]
pub(super) struct Failed {
    /// How it ends.
    pub(super) outcome: Outcome,
    /// What becomes of what was moved.
    pub(super) then: Then,
}

impl From<Outcome> for Failed {
    /// What could not be done is put back.
    fn from(outcome: Outcome) -> Self {
        Self { outcome, then: Then::PutBack }
    }
}

/// One alias on its way from one version to another.
#[derive(Debug)]
pub(super) struct Canary<'a> {
    pub(super) planned: &'a Planned,
    /// The version it goes to.
    pub(super) to: Version,
    /// As it was read last.
    pub(super) now: Alias,
    /// The shares that this step has sent, 0 to 1; 1 is all of the traffic.
    pub(super) sent: Vec<f64>,
}

impl<'a> Canary<'a> {
    /// Those of a plan.
    pub(super) fn all(plan: &'a [Planned]) -> Vec<Self> {
        let shifts = plan.iter().filter_map(|planned| match (&planned.change, &planned.observed.alias) {
            (Change::Shift(to), Some(alias)) => Some(Self { planned, to: *to, now: alias.clone(), sent: Vec::new() }),
            _ => None,
        });
        shifts.collect()
    }

    /// True when this step brought the alias to where it is, or a dead canary of before: another share, and all of the traffic before we gave it, is
    /// somebody else's.
    fn is_ours(&self, now: &Alias) -> bool {
        let given = |share: &f64| {
            now.version == self.now.version && now.weights == self.now.with_share(self.to, *share).weights
                || *share >= 1.0 && now.serves_only(self.to)
        };
        let is_left_over = |found: &Alias| found.revision == now.revision && !now.weights.is_empty();
        self.sent.iter().any(given) || self.planned.observed.alias.as_ref().is_some_and(is_left_over)
    }
}

/// Gives the new versions their share, one alias after the other, each guarded by the revision that was read and read back; up to the
/// first that fails.
pub(super) async fn give(cx: &Context, canaries: &mut [Canary<'_>], increment: Increment) -> Step<Option<Outcome>> {
    let lambda = &cx.lambda().await?;
    for canary in canaries {
        let one = &canary.planned.observed;
        let to = canary.now.with_share(canary.to, increment.weight());
        canary.sent.push(increment.weight());
        let shifted = async {
            let written = shift_alias(cx, lambda, &canary.now, &to).await?;
            // By its revision it is taken back, also where it cannot be read any more.
            if let Some(now) = written.now() {
                canary.now = now.clone();
            }
            move_alias::read_back(cx, written).await
        };
        match shifted.await {
            Ok(Moved::Done(now)) => canary.now = now,
            Ok(Moved::Superseded(found)) => return Ok(Some(report::superseded(one, found.as_ref()))),
            Err(error) => return failure(&cx.calls.deadline, error).map(Some),
        }
    }
    Ok(None)
}

/// Takes the weights away after the step was cancelled, and the traffic from what it had moved: the only writes that begin after a
/// signal.
pub(super) async fn withdraw(cx: &Context, canaries: &[Canary<'_>], cancelled: Stop) -> Stop {
    let (deadline, _kept) = Deadline::new(WITHDRAWING);
    let later = &cx.with_deadline(deadline);
    let Ok(lambda) = later.lambda().await else { return cancelled };
    let backs = take_back(later, &lambda, canaries).await;
    if backs.is_empty() { cancelled } else { put_back::outcome(Outcome::error("the canary was stopped"), backs).into() }
}

/// Puts back everything that a canary has moved, and what it may have moved without our seeing it. What somebody else did is left alone.
pub(super) async fn take_back(cx: &Context, lambda: &Lambda, canaries: &[Canary<'_>]) -> Vec<Back> {
    let each = canaries.iter().map(async |canary| {
        let one = &canary.planned.observed;
        let now = match lambda.alias(&one.function, &one.name).await {
            Ok(now) => now.filter(|now| canary.is_ours(now))?,
            Err(_) => canary.now.clone(),
        };
        Some(put_back::alias(cx, lambda, canary.planned.before().as_ref(), &now).await)
    });
    join_all(each).await.into_iter().flatten().collect()
}
