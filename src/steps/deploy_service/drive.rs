//! `on-pause: continue`: where a deployment waits before more of the traffic comes to the new tasks, what they did with the share that
//! they have decides. A canary on ECS without a function that judges.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::join_all;
use tokio::sync::watch;

use super::DeployService;
use super::inputs::{OnFailedService, OnPause};
use super::plan::{Change, Planned};
use crate::context::Context;
use crate::ecs::{Hook, ServiceDeployment, ServiceName, ServiceRevision};
use crate::explain::failure;
use crate::net::Clock;
use crate::outcome::{Ending, Outcome, Step, Verdict};
use crate::rollout::gate::{self, Gate};
use crate::rollout::services::{BEFORE_EACH_STEP, Ended, Followed, answer_hook, follow};
use crate::text::{human_duration, message};
use crate::watch::values::RateSource;
use crate::watch::{self as judging, GateInputs, OnUndecided};

/// An answer is given in this time, and the way back followed for so long, also after the step's own deadline.
const ANSWERING: Duration = Duration::from_mins(1);
const GOING_BACK: Duration = Duration::from_mins(20);

impl DeployService {
    /// Whether there is something to judge by, and somebody who waits for it: before the first write.
    ///
    /// # Errors
    /// Nobody would count what the new tasks do.
    pub(super) fn check_gate(&self, cx: &Context, plan: &[Planned]) -> Result<(), Outcome> {
        if self.on_pause != OnPause::Continue {
            return Ok(());
        }
        for one in plan.iter().filter(|one| one.change != Change::Nothing) {
            let service = &one.observed.service;
            let mut pauses = service
                .deployment_configuration
                .lifecycle_hooks
                .iter()
                .filter(|hook| hook.target_type.as_deref() == Some("PAUSE"));
            if !pauses.any(|hook| hook.lifecycle_stages.iter().any(|stage| stage == BEFORE_EACH_STEP)) {
                cx.report.warn(message!(
                    "no-pause-before-steps",
                    "service {} has no PAUSE hook at {BEFORE_EACH_STEP}: its traffic moves on without being judged",
                    service.name
                ));
            }
            if one.observed.rule.is_none() && service.load_balancers.is_empty() && !self.gate.watches_something_else() {
                return Err(Outcome::error(message!(
                    "nothing-to-judge-by",
                    "nobody counts the requests of service {}, and `on-pause: continue` is to judge them: nothing was written",
                    service.name
                ))
                .advise("give `alarms`, or its address with `url`; or leave the answer to somebody with `on-pause: wait`"));
            }
        }
        Ok(())
    }

    /// How long one answer takes at the most.
    pub(super) fn answering(&self) -> Duration {
        let late = self.gate.settle.longest();
        self.window.0 + late + late / 2 + ANSWERING
    }

    /// Follows the deployments to their end, and answers the hooks on the way: of each service by itself, so that the watch over one keeps
    /// no other waiting for its answer.
    pub(super) async fn read_back(&self, cx: &Context, followed: &mut [Followed]) -> Step<()> {
        if self.on_pause != OnPause::Continue {
            return Ok(follow(cx, &self.cluster, followed, self.way()).await?);
        }
        let steps = |one: &Followed| {
            one.deployment.as_ref().map_or(1, |own| own.deployment_configuration.between_steps().0.max(1))
        };
        let gates = u32::try_from(followed.iter().map(steps).sum::<u64>()).unwrap_or(u32::MAX);
        let failed = &Failed::default();
        // An error of one does not leave an answer of another unheard.
        join_all(followed.iter_mut().map(|one| self.drive(cx, one, gates, failed))).await.into_iter().collect()
    }

    /// The same of one service.
    async fn drive(&self, cx: &Context, one: &mut Followed, gates: u32, failed: &Failed) -> Step<()> {
        let mut cx = cx.clone();
        loop {
            follow(&cx, &self.cluster, std::slice::from_mut(one), self.way()).await?;
            let Some((deployment, hook)) = one.waits_at() else {
                let verdict = match one.end {
                    Some(Ended::Superseded(_)) => Verdict::Superseded,
                    _ => Verdict::Fail,
                };
                if !one.is_good() && one.refused.is_none() {
                    self.fails(failed, one, Ending::Judged(verdict));
                }
                return Ok(());
            };
            self.answer(&cx, one, (&deployment, &hook), gates, failed).await?;
            if let Some(refused) = &one.refused {
                self.fails(failed, one, refused.ending);
                cx = cx.with_deadline(cx.calls.deadline.renew(GOING_BACK));
            }
        }
    }

    /// All services or none: where what was deployed is put back after a failure, none of the others gets more of the traffic.
    fn fails(&self, failed: &Failed, one: &Followed, ending: Ending) {
        if self.on_failure == OnFailedService::Restore {
            failed.0.send_if_modified(|first| first.is_none() && first.replace((one.service.clone(), ending)).is_none());
        }
    }

    /// Answers the hook at which a deployment waits.
    async fn answer(
        &self,
        cx: &Context,
        one: &mut Followed,
        (deployment, hook): (&ServiceDeployment, &Hook),
        gates: u32,
        failed: &Failed,
    ) -> Step<()> {
        let clock = cx.aws().await?.clock().await?;
        let judged = async {
            if one.share() > 0.0 {
                return match self.judge(cx, one, clock, gates).await {
                    Ok(refused) => Ok(refused),
                    Err(stop) => failure(&cx.calls.deadline, stop).map(Some),
                };
            }
            tracing::info!("  {}: no user has met the new tasks yet: their first share comes", one.service);
            Ok(None)
        };
        let refused = tokio::select! {
            biased;
            (other, ending) = failed.another() => Some(together(&one.service, &other, ending)),
            refused = judged => refused?,
        };
        let later = &cx.with_deadline(cx.calls.deadline.renew(ANSWERING));
        cx.report.note_change();
        answer_hook(&later.ecs().await?, deployment, &hook.hook_id, refused.is_none())
            .await
            .with_context(|| format!("answer the hook at which the deployment of service {} waits", one.service))?;
        one.go_on(&hook.hook_id, clock.now(), refused);
        Ok(())
    }

    /// Watches what the new tasks did with their share; why they may not have more.
    async fn judge(&self, cx: &Context, one: &Followed, clock: Clock, gates: u32) -> Step<Option<Outcome>> {
        let now = clock.now();
        // Who began it is not known where an attempt before this one did: then it is watched from now on.
        let since = one.share_since.unwrap_or(now);
        let window = self.window.0.max((now - since).try_into().unwrap_or_default());
        let (inputs, balancers, is_own) = self.sources_of(cx, one).await?;
        let gate = Gate {
            inputs: &inputs,
            functions: Vec::new(),
            balancers: &balancers,
            since,
            window,
            gates,
            share: Some(one.share() / 100.0),
            rollback_above: inputs.common.fail_above.0,
        };
        let mut plan = gate.plan()?;
        // Nobody else's requests come to a target group of its own: the minute in which it got them counts, too.
        plan.watch.rates.iter_mut().for_each(|(rate, _)| rate.per_version = is_own);
        let at = format!("service {} at {} % of the traffic", one.service, one.share());
        tracing::info!("  {at} since {}: judged by {}", crate::action::report::time(since), human_duration(window));
        let source = gate.source(cx, clock).await?;
        let watched = judging::watch(&source, &cx.calls.deadline, &plan.watch).await?;
        gate.report(cx, &watched);
        let outcome = gate::outcome(&watched);
        let requests =
            watched.rate.map(|(sample, _)| format!(" after {} requests", sample.requests())).unwrap_or_default();
        let reason = format!("{at} for {}{requests}: {}", human_duration(window), outcome.reason);
        let outcome = Outcome { reason, ..outcome };
        Ok(match watched.verdict() {
            Verdict::Pass | Verdict::Skipped => {
                tracing::info!("  {}", outcome.reason);
                None
            }
            Verdict::Inconclusive if self.on_inconclusive == OnUndecided::Proceed => {
                cx.report.warn(format!("{}: the traffic moves on, as `on-inconclusive: proceed` says", outcome.reason));
                None
            }
            Verdict::Inconclusive => {
                let mut outcome = Outcome { ending: Ending::InconclusiveFails, ..outcome };
                if watched.wants_requests() {
                    outcome = outcome.advise("watch longer (`window`), or send requests to it in that time");
                }
                Some(outcome.advise("let the traffic move on with `on-inconclusive: proceed`"))
            }
            _ => Some(outcome),
        })
    }

    /// What is counted: the target group of the new tasks, unless the inputs name something else.
    async fn sources_of(&self, cx: &Context, one: &Followed) -> Step<(GateInputs, Vec<String>, bool)> {
        let mut inputs = self.gate();
        let balancers = gate::balancers(cx, &inputs).await?;
        if inputs.common.error_rate_source.0 != [RateSource::Auto] {
            return Ok((inputs, balancers, false));
        }
        let own = one.target.iter().flat_map(ServiceRevision::balancers);
        let arns: Vec<&str> = own.filter_map(|balancer| balancer.target_group_arn.as_deref()).collect();
        if arns.is_empty() {
            return Ok((inputs, balancers, false));
        }
        let groups = cx.balancers().await?.of_groups(&arns).await?;
        inputs.common.error_rate_source.0 =
            groups.iter().map(|(group, _)| RateSource::TargetGroup(group.clone())).collect();
        Ok((inputs, groups.into_iter().map(|(_, balancer)| balancer).collect(), true))
    }
}

/// The first of the services whose deployment failed, once there is one, and how.
#[derive(Debug, Default)]
struct Failed(watch::Sender<Option<(ServiceName, Ending)>>);

impl Failed {
    /// Waits until there is one.
    async fn another(&self) -> (ServiceName, Ending) {
        let mut changes = self.0.subscribe();
        let first = changes.wait_for(Option::is_some).await.ok().and_then(|first| first.clone());
        match first {
            Some(first) => first,
            // Nobody is left who could tell.
            None => std::future::pending().await,
        }
    }
}

/// Why a service goes back that did nothing wrong.
fn together(service: &ServiceName, other: &ServiceName, ending: Ending) -> Outcome {
    let reason = message!(
        "goes-back-together",
        "the deployment of service {service} does not go on, because that of service {other} failed: all services or none"
    );
    Outcome { ending, ..Outcome::fail(reason) }
}
