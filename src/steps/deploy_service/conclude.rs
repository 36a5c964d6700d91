//! The end of deploy-service: what runs is proved by digest, or what was deployed is put back: all services or none.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;

use super::DeployService;
use super::apply::update;
use super::follow::{Ended, Followed, follow};
use super::inputs::{OnFailedService, OnPause, Until};
use super::judge::{End, reason};
use super::plan::Planned;
use crate::calls::error_line;
use crate::context::Context;
use crate::ecs::{Revision, ServiceRevision, short_id};
use crate::outcome::{Ending, Outcome, Step, Verdict};
use crate::text::message;

/// Putting services back may take this long, also after the step's own deadline.
const PUTTING_BACK: Duration = Duration::from_mins(20);

/// How the services ended, as one outcome.
pub(super) fn outcome(cx: &Context, plan: &[Planned], followed: &[Followed], refused: Option<Outcome>) -> Outcome {
    let each = followed.iter().map(|one| judge_one(cx, plan, one)).chain(refused);
    let mut all: Vec<Outcome> = each.collect();
    // The worst first: a bad version that serves, then by the verdict.
    all.sort_by_key(|outcome| (outcome.ending == Ending::BadVersionServes, outcome.ending.verdict().rank()));
    let Some(mut worst) = all.pop() else { return Outcome::skipped("nothing to do") };
    let others = all.into_iter().filter(|other| !other.ending.verdict().is_good() || worst.ending.verdict().is_good());
    for other in others {
        worst.reason = format!("{}; {}", worst.reason, other.reason);
        let new: Vec<String> = other.advice.into_iter().filter(|line| !worst.advice.contains(line)).collect();
        worst.advice.extend(new);
    }
    worst
}

fn judge_one(cx: &Context, plan: &[Planned], one: &Followed) -> Outcome {
    let (name, revision) = (&one.service, &one.revision);
    let id = one.deployment.as_ref().map_or("", |deployment| short_id(&deployment.arn));
    let check = |observed: &str, verdict| {
        cx.report.check(
            format!("deployment of {name}"),
            observed,
            format!("{revision} runs"),
            verdict,
            "ecs:DescribeServiceDeployments",
        );
    };
    let tasks = || one.last_stopped.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
    match &one.end {
        Some(Ended::Deployment(End::Successful)) => proof(cx, plan, one),
        Some(Ended::Deployment(End::TrafficShifted)) => {
            check("all traffic is at the new tasks; not over yet", Verdict::Pass);
            let bake = one.deployment.as_ref().map(|own| own.deployment_configuration.bake()).unwrap_or_default();
            let left = if bake.is_zero() {
                String::new()
            } else {
                format!(", for {} of bake time", crate::text::human_duration(bake))
            };
            let outcome = proof(cx, plan, one);
            Outcome { reason: format!("{}; deployment {id} goes on{left}", outcome.reason), ..outcome }
        }
        Some(Ended::Deployment(End::Paused(hook))) => {
            check("waits for an answer", Verdict::Pass);
            cx.report.output("hook-id", hook.hook_id.clone());
            Outcome::pass(format!(
                "the deployment of service {name} to {revision} waits at hook {} for an answer",
                hook.hook_id
            ))
            .advise("answer it with `aws ecs continue-service-deployment`, `--action CONTINUE` or `--action ROLLBACK`")
        }
        Some(Ended::Deployment(End::RolledBack(why))) => {
            check(&format!("rolled back: {why}"), Verdict::Fail);
            Outcome::fail(message!(
                "deployment-rolled-back",
                "ECS rolled the deployment of service {name} to {revision} back, and what was there before runs: {why}{}",
                tasks()
            ))
            .advise("the reasons of its tasks stand in the log; correct the image or the task definition, and deploy again")
        }
        Some(Ended::Deployment(End::NotRolledBack { reason, new_serves: true })) => {
            check(&format!("could not be rolled back: {reason}"), Verdict::Fail);
            Outcome::bad_version_serves(message!(
                "deployment-not-rolled-back",
                "the deployment of service {name} to {revision} failed and could not be rolled back: {revision} has users; {reason}{}",
                tasks()
            ))
            .advise("put back what was there before by hand: the command stands above")
        }
        Some(Ended::Deployment(End::NotRolledBack { reason, new_serves: false })) => {
            check(&format!("could not be rolled back: {reason}"), Verdict::Error);
            Outcome::error(format!(
                "the deployment of service {name} to {revision} failed and could not be rolled back; {revision} has no users: {reason}{}",
                tasks()
            ))
            .advise("look at the service's events, and put back what was there before by hand: the command stands above")
        }
        Some(Ended::Deployment(End::Stopped(why))) => {
            check(&format!("stopped: {why}"), Verdict::Fail);
            Outcome::fail(format!("the deployment of service {name} to {revision} was stopped: {why}{}", tasks()))
                .advise("look who stopped it, and what runs now; then deploy again")
        }
        Some(Ended::Superseded(other)) => {
            check(&format!("{other} was deployed in between"), Verdict::Superseded);
            Outcome::superseded(message!(
                "deployed-in-between",
                "service {name} was given {other} by somebody else while {revision} was being deployed"
            ))
            .advise("look at what runs; deploy again if this is still wanted")
        }
        None => {
            let state = one.deployment.as_ref().map_or_else(|| "has not begun".to_owned(), reason);
            check("is not over", Verdict::Error);
            Outcome::error(format!("the deployment of service {name} to {revision} is not over: {state}"))
        }
    }
}

/// What runs is what was asked for: by digest, of each container that got an image.
fn proof(cx: &Context, plan: &[Planned], one: &Followed) -> Outcome {
    let name = &one.service;
    let Some(planned) = plan.iter().find(|planned| planned.observed.service.name == *name) else {
        return Outcome::error(format!("service {name} was not planned"));
    };
    let wanted = planned.observed.digests();
    let found: BTreeMap<_, _> = one.target.as_ref().map(ServiceRevision::digests).unwrap_or_default();
    let mut unproved = Vec::new();
    for (container, digest) in &wanted {
        let is = found.get(container);
        let verdict = match is {
            Some(is) if is == digest => Verdict::Pass,
            Some(_) => Verdict::Fail,
            None => Verdict::Inconclusive,
        };
        cx.report.check(
            format!("{name}/{container} after the deployment"),
            is.map_or_else(|| "ECS does not say".to_owned(), ToString::to_string),
            digest.to_string(),
            verdict,
            "ecs:DescribeServiceRevisions",
        );
        match verdict {
            Verdict::Fail => {
                return Outcome::fail(format!("service {name} runs another image in {container} than was asked for, though its deployment succeeded"
                ))
                .advise("look at the service's events: somebody may have deployed in between");
            }
            Verdict::Inconclusive => unproved.push(container.to_string()),
            _ => {}
        }
    }
    if one.left > 0 {
        cx.report.warn(format!(
            "{} tasks of before still run for service {name}: ECS calls the deployment successful before they end (`require-drained: true` waits)",
            one.left
        ));
    }
    if planned.observed.service.desired_count == 0 {
        cx.report.warn(format!("service {name} is to have 0 tasks: nothing ran, and nothing is proved"));
    }
    let note =
        if unproved.is_empty() { String::new() } else { format!(" (not proved by digest: {})", unproved.join(", ")) };
    let before = planned.observed.previous().map(|before| format!(", before it {before}")).unwrap_or_default();
    Outcome::pass(format!("service {name} runs {}{note}{before}", one.revision))
}

/// After a failure: what was deployed well goes back to what was there, so that all services are as they were.
pub(super) async fn put_back(
    cx: &Context,
    step: &DeployService,
    plan: &[Planned],
    followed: &[Followed],
    outcome: Outcome,
) -> Step<Outcome> {
    // What ECS has rolled back is back, and what somebody else has deployed since is theirs.
    let stays = |one: &&Followed| one.is_good() || one.end.is_none();
    let there: Vec<&Followed> = followed.iter().filter(stays).collect();
    if there.is_empty() {
        return Ok(outcome);
    }
    let names = there.iter().map(|one| one.service.to_string()).collect::<Vec<_>>().join(", ");
    if step.on_failure == OnFailedService::Leave {
        return Ok(outcome.advise(format!(
            "{names} stays as it is, as `on-failure: leave` says: the command to put it back stands above"
        )));
    }
    let cx = &cx.with_deadline(cx.calls.deadline.renew(PUTTING_BACK));
    match restore(cx, step, plan, &there).await {
        Ok(back) if back.is_empty() => Ok(outcome),
        Ok(back) => Ok(Outcome { reason: format!("{}; {} was put back", outcome.reason, back.join(", ")), ..outcome }),
        Err(error) => Ok(Outcome::bad_version_serves(message!(
            "services-not-put-back",
            "{}; {names} could not be put back: {}",
            outcome.reason,
            error_line(&error)
        ))
        .advise_all(outcome.advice)
        .advise("put it back by hand: the command stands above")),
    }
}

/// Gives them what they had before, and answers which were put back.
async fn restore(cx: &Context, step: &DeployService, plan: &[Planned], there: &[&Followed]) -> Result<Vec<String>> {
    let ecs = &cx.ecs().await?;
    let names: Vec<_> = there.iter().map(|one| &one.service).collect();
    let now = ecs.services(&step.cluster, &names, false).await?;
    let mut back = Vec::new();
    for service in &now {
        // What somebody else has deployed since is theirs: ECS itself takes no precondition.
        let own = there.iter().find(|one| one.service == service.name).map(|one| &one.revision);
        if Revision::of_arn(&service.task_definition).ok().as_ref() != own {
            cx.report.warn(format!("service {} was given something else since: it is left as it is", service.name));
            continue;
        }
        let planned = plan.iter().find(|planned| planned.observed.service.name == service.name);
        let Some(previous) = planned.and_then(|planned| planned.observed.previous()) else {
            anyhow::bail!("what service {} ran before is not known", service.name);
        };
        tracing::info!("{}: goes back to {previous}", service.name);
        update(ecs, &step.cluster, service, &previous, false).await?;
        back.push(Followed::new(service, previous, service.current_service_deployment.clone()));
    }
    follow(cx, &step.cluster, &mut back, (Until::TrafficShifted, OnPause::Wait), false).await?;
    match back.iter().find(|one| !one.is_good()) {
        None => Ok(back.iter().map(|one| one.service.to_string()).collect()),
        Some(bad) => {
            anyhow::bail!("the deployment of service {} back to {} did not succeed", bad.service, bad.revision)
        }
    }
}
