//! The end of deploy-service: what runs is proved by digest, or what was deployed is put back: all services or none.

use std::time::Duration;

use super::DeployService;
use super::inputs::OnFailedService;
use super::plan::Planned;
use crate::calls::error_line;
use crate::context::Context;
use crate::ecs::ServiceRevision;
use crate::outcome::{Outcome, Step};
use crate::rollout::services::{Followed, Goal, restore};
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
    let goals = there.iter().filter_map(|one| {
        let planned = plan.iter().find(|planned| planned.observed.service.name == one.service)?;
        let images = planned.observed.running.as_ref().map(ServiceRevision::digests).unwrap_or_default();
        let goal = Goal { revision: planned.observed.previous()?, images, before: Some(one.goal.revision.clone()) };
        Some((one.service.clone(), goal))
    });
    match restore(cx, &step.cluster, &goals.collect::<Vec<_>>()).await {
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
