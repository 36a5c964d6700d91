//! The end of deploy-service: what runs is proved by digest, or what was deployed is put back: all services or none.

use std::time::Duration;

use anyhow::Result;

use super::DeployService;
use super::inputs::OnFailedService;
use super::plan::Planned;
use crate::calls::error_line;
use crate::context::Context;
use crate::ecs::{Revision, ServiceRevision};
use crate::outcome::{Outcome, Step};
use crate::rollout::services::{Followed, Goal, Until, Way, follow, update};
use crate::text::message;

/// Putting services back may take this long, also after the step's own deadline.
const PUTTING_BACK: Duration = Duration::from_mins(20);

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
        let own = there.iter().find(|one| one.service == service.name).map(|one| &one.goal.revision);
        if Revision::of_arn(&service.task_definition).ok().as_ref() != own {
            cx.report.warn(format!("service {} was given something else since: it is left as it is", service.name));
            continue;
        }
        let planned = plan.iter().find(|planned| planned.observed.service.name == service.name);
        let Some(previous) = planned.and_then(|planned| planned.observed.previous()) else {
            anyhow::bail!("what service {} ran before is not known", service.name);
        };
        let running = planned.and_then(|planned| planned.observed.running.as_ref());
        let images = running.map(ServiceRevision::digests).unwrap_or_default();
        tracing::info!("{}: goes back to {previous}", service.name);
        update(ecs, &step.cluster, service, &previous, false).await?;
        let goal = Goal { revision: previous, images, before: own.cloned() };
        back.push(Followed::new(service, goal, service.current_service_deployment.clone()));
    }
    follow(cx, &step.cluster, &mut back, Way { until: Until::TrafficShifted, ..Way::default() }).await?;
    match back.iter().find(|one| !one.is_good()) {
        None => Ok(back.iter().map(|one| one.service.to_string()).collect()),
        Some(bad) => {
            anyhow::bail!("the deployment of service {} back to {} did not succeed", bad.service, bad.goal.revision)
        }
    }
}
