//! What follows the watch: putting back what served before, when that was asked for, and how the step ends.

use std::time::Duration;

use futures_util::future::join_all;

use super::inputs::Monitor;
use super::observe::{Observed, OfFunction};
use crate::context::Context;
use crate::lambda::{Alias, serving};
use crate::outcome::{Ending, Outcome, Step, Verdict};
use crate::rollout::gate;
use crate::rollout::move_alias::put_back_by_hand;
use crate::rollout::put_back::{self, Back};
use crate::rollout::services::explain_unhealthy;
use crate::text::message;
use crate::watch::Watched;
use crate::watch::values::{OnBad, OnInconclusive};

/// Putting back may take this long, also after the step's own deadline.
const PUTTING_BACK: Duration = Duration::from_mins(2);

impl Monitor {
    /// Judges the watch, puts back what served before where that is due, and records it.
    pub(super) async fn conclude(&self, cx: &Context, observed: &Observed, watched: &Watched) -> Step<Outcome> {
        if let Some(superseded) = &watched.superseded {
            let reason = message!(
                "moved-while-watched",
                "{superseded}: somebody else moved it while it was watched; nothing was written"
            );
            return Err(Outcome::superseded(reason).advise("look at which release is to serve, and watch that").into());
        }
        let ended = self.ended(watched);
        if let Some(service) = &observed.service {
            if let Some(changed) = service.changed(cx).await? {
                return Ok(changed);
            }
            if watched.verdict() == Verdict::Fail {
                explain_unhealthy(cx, &service.cluster, &service.service.name).await;
            }
        }
        let is_due = match watched.verdict() {
            Verdict::Fail => self.on_failure == OnBad::Rollback && watched.rolls_back(),
            Verdict::Error => self.on_error == OnBad::Rollback,
            _ => false,
        };
        if !is_due {
            return Ok(self.with_advice(watched.verdict(), ended));
        }
        tracing::info!("putting back what served before: {}", ended.reason);
        let late = &cx.with_deadline(cx.calls.deadline.renew(PUTTING_BACK));
        let mut backs = Vec::new();
        if let Some(service) = &observed.service {
            backs.push(service.put_back(late).await);
        }
        let lambda = &late.lambda().await?;
        let of_functions = join_all(observed.functions.iter().map(async |one| match alias_before(one) {
            Some(before) => put_back::alias(late, lambda, Some(&before), &one.watched.alias).await,
            None => Back::Left(
                message!(
                    "nothing-to-put-back",
                    "nothing is known that served before at {}: `state` does not hold it",
                    one.place.identity
                ),
                vec![format!("put back by hand: {}", put_back_by_hand(&one.watched.alias))],
            ),
        }));
        backs.extend(of_functions.await);
        let is_back = backs.iter().any(|back| matches!(back, Back::Settled(..)));
        let all_back = !backs.iter().any(|back| matches!(back, Back::Left(..)));
        cx.report.output("rolled-back", (is_back && all_back).to_string());
        let outcome = put_back::outcome(ended, backs);
        // What serves is read before the record is written: that may take its time.
        let released = observed.released();
        let served: Vec<_> = released.iter().filter_map(|one| one.place.served()).collect();
        let reads = served.iter().map(async |served| cx.serving(served).await);
        if let Ok(found) = futures_util::future::try_join_all(reads).await {
            cx.report.serving(serving::line(found));
        }
        if all_back {
            self.withdraw(late, observed, &outcome).await;
        }
        Ok(outcome)
    }

    /// How it ends, before anything is put back.
    fn ended(&self, watched: &Watched) -> Outcome {
        let mut outcome = gate::outcome(watched);
        if watched.verdict() == Verdict::Inconclusive && self.on_inconclusive == OnInconclusive::Fail {
            outcome.ending = Ending::InconclusiveFails;
        }
        if watched.wants_requests() && watched.verdict() == Verdict::Inconclusive {
            let has_function = !self.targets().is_empty();
            let advice = if has_function {
                "watch longer (`window`), or send requests with `synthetic-requests: 60`"
            } else {
                "watch longer (`window`), or send requests to it in that time"
            };
            outcome = outcome.advise(advice);
        }
        outcome
    }

    /// What to do about a failure that nobody puts back here.
    fn with_advice(&self, verdict: Verdict, outcome: Outcome) -> Outcome {
        match (verdict, self.on_failure) {
            (Verdict::Fail, OnBad::Fail) if !self.targets().is_empty() || self.service.is_some() => outcome.advise(message!(
                "still-serves",
                "it still serves: `on-failure: rollback` puts back what served before, or the step rollback `if: failure()`"
            )),
            _ => outcome,
        }
    }
}

/// The alias as it was before the release, as it was captured.
fn alias_before(one: &OfFunction) -> Option<Alias> {
    let previous = one.captured.as_ref()?.previous.as_ref()?;
    let version = previous.version?;
    let weights = previous.weights.iter().filter_map(|(version, weight)| Some((version.parse().ok()?, *weight)));
    Some(Alias { version: Some(version), weights: weights.collect(), ..one.watched.alias.clone() })
}
