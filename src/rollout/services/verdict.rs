//! What the end of the deployments means: what runs is proved by digest.

use std::collections::BTreeMap;

use super::follow::{Ended, Followed};
use super::judge::{End, reason};
use crate::context::Context;
use crate::ecs::{ServiceRevision, short_id};
use crate::outcome::{Ending, Outcome, Verdict};
use crate::text::{human_duration, message};

/// How the services ended, as one outcome.
#[must_use]
pub fn outcome(cx: &Context, followed: &[Followed], refused: impl IntoIterator<Item = Outcome>) -> Outcome {
    let each = followed.iter().map(|one| judge_one(cx, one)).chain(refused);
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

fn judge_one(cx: &Context, one: &Followed) -> Outcome {
    let (name, revision) = (&one.service, &one.goal.revision);
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
    if let (Some(Ended::Deployment(End::RolledBack(_))), Some(refused)) = (&one.end, &one.refused) {
        check("was told to go back", refused.ending.verdict());
        let reason = format!("{}; service {name} went back to what was there before", refused.reason);
        return Outcome { reason, ..refused.clone() };
    }
    match &one.end {
        Some(Ended::Deployment(End::Successful)) => proof(cx, one),
        Some(Ended::Deployment(End::TrafficShifted)) => {
            check("all traffic is at the new tasks; not over yet", Verdict::Pass);
            let bake = one.deployment.as_ref().map(|own| own.deployment_configuration.bake()).unwrap_or_default();
            let left =
                if bake.is_zero() { String::new() } else { format!(", for {} of bake time", human_duration(bake)) };
            let outcome = proof(cx, one);
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
fn proof(cx: &Context, one: &Followed) -> Outcome {
    let (name, goal) = (&one.service, &one.goal);
    let found: BTreeMap<_, _> = one.target.as_ref().map(ServiceRevision::digests).unwrap_or_default();
    let mut unproved = Vec::new();
    for (container, digest) in &goal.images {
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
    if one.desired == 0 {
        cx.report.warn(format!("service {name} is to have 0 tasks: nothing ran, and nothing is proved"));
    }
    let note =
        if unproved.is_empty() { String::new() } else { format!(" (not proved by digest: {})", unproved.join(", ")) };
    let before = goal.before.as_ref().map(|before| format!(", before it {before}")).unwrap_or_default();
    Outcome::pass(format!("service {name} runs {}{note}{before}", goal.revision))
}

/// What was told while it was waited for, and the shares of the traffic.
pub fn told(cx: &Context, services: usize, followed: &[Followed]) {
    for one in followed.iter().filter(|one| !one.told.is_empty()) {
        cx.report.section(format!("What happened to {}", one.service), one.told.clone());
    }
    let running: Option<Vec<String>> = followed.iter().map(|one| one.running.clone()).collect();
    if let Some(running) = running.filter(|running| running.len() == services && followed.iter().all(Followed::is_good))
    {
        cx.report.serving(running.join("; "));
    }
    let weights = followed.iter().filter_map(|one| {
        let weight = one.deployment.as_ref()?.target_service_revision.as_ref()?.requested_production_traffic_weight?;
        Some(format!("{}={weight}", one.service))
    });
    let weights: Vec<String> = weights.collect();
    if !weights.is_empty() {
        cx.report.output("weights", weights.join("\n"));
    }
}
