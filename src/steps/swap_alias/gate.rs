//! The increments of a canary, and whether the new versions may have more of the traffic: monitor's checks, of what they alone have served
//! since they got their share.

use std::time::Duration;

use super::SwapAlias;
use super::canary::{Canary, Failed, Then, give};
use super::inputs::OnFailedIncrement;
use crate::context::Context;
use crate::explain::failure;
use crate::lambda::{Alias, Function};
use crate::net::Clock;
use crate::outcome::{Ending, Outcome, Step, Verdict};
use crate::rollout::gate::{self, Gate};
use crate::rollout::strategy::Increment;
use crate::text::human_duration;
use crate::watch::{Observed, OnUndecided, watch};

/// What is known before the first increment.
pub(super) struct Ready<'a> {
    clock: Clock,
    balancers: Vec<String>,
    functions: Vec<(Observed, &'a Function)>,
}

/// Moves the traffic in increments. The answer is why it does not go on.
pub(super) async fn shift(
    step: &SwapAlias,
    cx: &Context,
    ready: &mut Ready<'_>,
    canaries: &mut [Canary<'_>],
) -> Step<Option<Failed>> {
    let increments = step.strategy.increments();
    for (place, increment) in increments.iter().enumerate() {
        let number = format!("increment {} of {}", place + 1, increments.len() + 1);
        tracing::info!("{number}: {}% for {}", increment.percent, increment.time);
        if let Some(failure) = give(cx, canaries, *increment).await? {
            return Ok(Some(failure.into()));
        }
        let failed = match step.judge(cx, ready, canaries, (&number, *increment)).await {
            Ok(failed) => failed,
            Err(error) => Some(failure(&cx.calls.deadline, error)?.into()),
        };
        if failed.is_some() {
            return Ok(failed);
        }
    }
    Ok(None)
}

impl SwapAlias {
    /// Reads what all gates need, says how long they take at worst and what is to be expected of them: before the first write.
    pub(super) async fn prepare<'a>(&self, cx: &Context, canaries: &[Canary<'a>]) -> Step<Option<Ready<'a>>> {
        let Some(first) = self.strategy.increments().first().copied().filter(|_| !canaries.is_empty()) else {
            return Ok(None);
        };
        tracing::info!("the increments take {} at worst", human_duration(self.worst_case()));
        let lambda = &cx.lambda().await?;
        let mut functions = Vec::new();
        for canary in canaries {
            let one = &canary.planned.observed;
            let Some(function) = &one.target else { continue };
            let has_url = gate::counts_url(cx, lambda, &self.gate, (&one.function, &one.name)).await;
            let previous = one.alias.as_ref().and_then(Alias::serving);
            functions.push((Observed { alias: canary.now.clone(), version: canary.to, previous, has_url }, function));
        }
        let ready = Ready {
            clock: cx.aws().await?.clock().await?,
            balancers: gate::balancers(cx, &self.gate).await?,
            functions,
        };
        let gate = self.gate_of(&ready, first);
        let plan = gate.plan()?;
        if let Some(division) = &plan.division {
            cx.report.section("Canary", [format!("alpha: {division} for each look")]);
        }
        if let Some(unseen) = plan.unseen {
            cx.report.section("What is not seen", [unseen]);
        }
        let source = gate.source(cx, ready.clock).await?;
        gate.foresee(cx, &source, &plan.watch).await?;
        Ok(Some(ready))
    }

    /// The longest that all increments can take.
    pub(super) fn worst_case(&self) -> Duration {
        let increments = self.strategy.increments();
        let late = self.gate.common.settle.longest();
        increments.iter().map(|one| one.time.0 + late + late / 2).sum()
    }

    fn gate_of<'a>(&'a self, ready: &'a Ready<'_>, increment: Increment) -> Gate<'a> {
        Gate {
            inputs: &self.gate,
            functions: ready.functions.iter().map(|(observed, function)| (observed, *function)).collect(),
            balancers: &ready.balancers,
            since: ready.clock.now(),
            window: increment.time.0,
            gates: u32::try_from(self.strategy.increments().len()).unwrap_or(u32::MAX),
            share: Some(increment.weight()),
            rollback_above: self.gate.common.fail_above.0,
        }
    }

    /// Watches what the new versions do with their share; why they may not have more.
    async fn judge(
        &self,
        cx: &Context,
        ready: &mut Ready<'_>,
        canaries: &[Canary<'_>],
        (number, increment): (&str, Increment),
    ) -> Step<Option<Failed>> {
        for (observed, _) in &mut ready.functions {
            let canary = canaries.iter().find(|canary| canary.now.function == observed.alias.function);
            observed.alias = canary.map_or_else(|| observed.alias.clone(), |canary| canary.now.clone());
        }
        let gate = self.gate_of(ready, increment);
        let plan = gate.plan()?;
        let source = gate.source(cx, ready.clock).await?;
        let watched = watch(&source, &cx.calls.deadline, &plan.watch).await;
        gate.stop_samples(cx).await?;
        let watched = watched?;
        gate.report(cx, &watched);
        if let Some(how) = &watched.superseded {
            let superseded =
                Outcome::superseded(format!("{number}: {how}: somebody else moved it while it was watched"))
                    .advise("look at what serves; deploy again if this version is still wanted");
            return Ok(Some(superseded.into()));
        }
        let mut outcome = gate::outcome(&watched);
        let requests =
            watched.rate.map(|(sample, _)| format!(" after {} requests", sample.requests())).unwrap_or_default();
        outcome.reason = format!(
            "{number} ({}% for {}){requests}: {}",
            increment.percent,
            human_duration(increment.time.0),
            outcome.reason
        );
        let then = match watched.verdict() {
            Verdict::Pass | Verdict::Skipped => {
                tracing::info!("{}", outcome.reason);
                return Ok(None);
            }
            Verdict::Inconclusive if self.on_inconclusive == OnUndecided::Proceed => {
                cx.report.warn(format!("{}: the traffic moves on, as `on-inconclusive: proceed` says", outcome.reason));
                return Ok(None);
            }
            Verdict::Inconclusive => {
                outcome.ending = Ending::InconclusiveFails;
                if watched.wants_requests() {
                    let advice = "send requests with `synthetic-requests: 60`, or let the increments take longer";
                    outcome = outcome.advise(advice);
                }
                outcome = outcome.advise("let the traffic move on with `on-inconclusive: proceed`");
                Then::PutBack
            }
            Verdict::Fail if self.on_failure == OnFailedIncrement::Leave => Then::Leave,
            Verdict::Fail => Then::TakeBack,
            _ => Then::PutBack,
        };
        Ok(Some(Failed { outcome, then }))
    }
}
