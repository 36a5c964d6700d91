//! The writes of deploy-service: one revision registered where it is needed, and one `UpdateService` for each service.

use super::DeployService;
use super::model::Observed;
use super::plan::{Change, Planned};
use crate::aws::refusal;
use crate::context::Context;
use crate::ecs::{Definition, Revision};
use crate::outcome::{Outcome, Step};
use crate::rollout::services::{Followed, Goal, register as register_one, update};
use crate::text::message;

/// Registers what is missing, for all services before the first of them is deployed, and answers what each is to run. A revision that no
/// service has changes nothing.
pub(super) async fn register(cx: &Context, plan: &[Planned]) -> Step<Vec<Revision>> {
    let ecs = &cx.ecs().await?;
    let mut revisions = Vec::new();
    for one in plan {
        let own = one.observed.revision();
        revisions.push(match &one.change {
            Change::Update(revision) => revision.clone(),
            Change::Register => {
                let observed = &one.observed;
                let commit = observed.commit.clone().or_else(|| cx.commit());
                let newest = observed.newest.as_ref().and_then(Definition::revision);
                match register_one(ecs, &observed.wanted, newest.as_ref(), commit.as_ref()).await {
                    Ok(revision) => {
                        tracing::info!("{}: registered {revision}", observed.service.name);
                        revision
                    }
                    Err(error) => return Err(explain(error, observed).into()),
                }
            }
            Change::Nothing | Change::Follow => own.ok_or_else(|| {
                Outcome::error(format!("service {} has no task definition", one.observed.service.name))
            })?,
        });
    }
    Ok(revisions)
}

/// Deploys one service after the other, up to the first that is refused; with what is to be followed, and the refusal.
pub(super) async fn apply(
    cx: &Context,
    step: &DeployService,
    plan: &[Planned],
    revisions: &[Revision],
) -> (Vec<Followed>, Option<anyhow::Error>) {
    let mut followed = Vec::new();
    let ecs = match cx.ecs().await {
        Ok(ecs) => ecs,
        Err(error) => return (followed, Some(error)),
    };
    for (one, revision) in plan.iter().zip(revisions) {
        let service = &one.observed.service;
        let before = service.current_service_deployment.clone();
        let goal = Goal { revision: revision.clone(), images: one.observed.digests(), before: one.observed.previous() };
        match one.change {
            Change::Nothing => {}
            Change::Follow => {
                cx.report.note_change();
                followed.push(Followed::new(service, goal, None));
            }
            Change::Update(_) | Change::Register => {
                // Where it has that revision already, ECS begins a deployment only when it is told to.
                let force = step.force_new_deployment.0 || one.observed.revision().as_ref() == Some(revision);
                match update(&ecs, &step.cluster, service, revision, force).await {
                    Ok(()) => followed.push(Followed::new(service, goal, before)),
                    Err(error) => return (followed, Some(explain(error, &one.observed))),
                }
            }
        }
    }
    (followed, None)
}

/// What ECS refuses in words that need some more.
fn explain(error: anyhow::Error, one: &Observed) -> anyhow::Error {
    let words = refusal(&error).map(|refused| refused.message.raw().to_lowercase()).unwrap_or_default();
    let name = &one.service.name;
    // https://github.com/aws/containers-roadmap/issues/2836 has the words; what they say is only explained here.
    if words.contains("deployments exist") {
        return error.context(message!(
            "five-deployments",
            "service {name} has as many deployments as ECS allows, five, of which old tasks still run: nothing was deployed; tasks with scale-in \
             protection, or a long draining, keep them open: wait until these tasks have stopped, or stop them"
        ));
    }
    error.context(format!("deploy service {name}"))
}
