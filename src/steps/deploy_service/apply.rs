//! The writes of deploy-service: one revision registered where it is needed, and one `UpdateService` for each service.

use std::time::Duration;

use anyhow::Result;

use super::DeployService;
use super::follow::Followed;
use super::model::Observed;
use super::plan::{Change, Planned};
use crate::aws::{Kind, refusal};
use crate::calls::Answer;
use crate::calls::poll::{Look, poll};
use crate::context::Context;
use crate::ecs::{ClusterName, Definition, Ecs, Revision, Service};
use crate::outcome::{Outcome, Step};

/// A write whose answer was lost is looked for this long.
const LOOKING: Duration = Duration::from_secs(15);

/// Registers what is missing, for all services before the first of them is deployed, and answers what each is to run. A revision that no
/// service has changes nothing.
pub(super) async fn register(cx: &Context, plan: &[Planned]) -> Step<Vec<Revision>> {
    let ecs = &cx.ecs().await?;
    let mut revisions = Vec::new();
    for one in plan {
        let own = one.observed.revision();
        revisions.push(match &one.change {
            Change::Update(revision) => revision.clone(),
            Change::Register => register_one(cx, ecs, &one.observed).await?,
            Change::Nothing | Change::Follow => own.ok_or_else(|| {
                Outcome::error(format!("service {} has no task definition", one.observed.service.name))
            })?,
        });
    }
    Ok(revisions)
}

async fn register_one(cx: &Context, ecs: &Ecs, one: &Observed) -> Step<Revision> {
    let no_name = || Outcome::error("ECS registered a task definition without a name");
    let family = one.current.revision().ok_or_else(no_name)?.family;
    let commit = one.commit.clone().or_else(|| cx.commit());
    let body = one.wanted.to_register(commit.as_ref().map_or("unknown", |commit| commit.as_str()));
    let registered = match ecs.register(&family, body).await {
        Ok(registered) => registered,
        // It may have been registered all the same: then it is the newest of its family.
        Err(error) if is_unanswered(&error) => {
            let newest = ecs.definition(family.as_str()).await?;
            let is_new = |found: &Definition| found.revision() > one.newest.as_ref().and_then(Definition::revision);
            match newest.filter(|found| is_new(found) && found.says_the_same(&one.wanted)) {
                Some(found) => {
                    ecs.calls().correct(Answer::Applied);
                    found
                }
                None => return Err(error.into()),
            }
        }
        Err(error) => return Err(explain(error, one).into()),
    };
    let revision = registered.revision().ok_or_else(no_name)?;
    tracing::info!("{}: registered {revision}", one.service.name);
    Ok(revision)
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
        match one.change {
            Change::Nothing => {}
            Change::Follow => {
                cx.report.note_change();
                followed.push(Followed::new(service, revision.clone(), None));
            }
            Change::Update(_) | Change::Register => {
                // Where it has that revision already, ECS begins a deployment only when it is told to.
                let force = step.force_new_deployment.0 || one.observed.revision().as_ref() == Some(revision);
                match update(&ecs, &step.cluster, service, revision, force).await {
                    Ok(()) => followed.push(Followed::new(service, revision.clone(), before)),
                    Err(error) => return (followed, Some(explain(error, &one.observed))),
                }
            }
        }
    }
    (followed, None)
}

/// Gives a service a revision. ECS takes no precondition: what was read just before is all there is.
pub(super) async fn update(
    ecs: &Ecs,
    cluster: &ClusterName,
    service: &Service,
    revision: &Revision,
    force: bool,
) -> Result<()> {
    let before = service.current_service_deployment.as_ref();
    let error = match ecs.update(cluster, &service.name, revision, force).await {
        Ok(_service) => return Ok(()),
        Err(error) if is_unanswered(&error) => error,
        Err(error) => return Err(error),
    };
    let deadline = ecs.calls().deadline.at_most(LOOKING);
    let what = format!("service {} to show what became of it", service.name);
    let looked = poll(&deadline, &what, async || {
        let found = ecs.services(cluster, &[&service.name], false).await?;
        let is_there = found.first().is_some_and(|now| {
            let has_it = Revision::of_arn(&now.task_definition).is_ok_and(|now| now == *revision);
            has_it && (!force || now.current_service_deployment.as_ref() != before)
        });
        Ok(if is_there { Look::Done(()) } else { Look::NotYet("not seen".to_owned()) })
    });
    match looked.await {
        Ok(()) => {
            ecs.calls().correct(Answer::Applied);
            Ok(())
        }
        Err(_not_seen) => Err(error),
    }
}

fn is_unanswered(error: &anyhow::Error) -> bool {
    refusal(error).is_some_and(|refused| matches!(refused.kind, Kind::TimedOut | Kind::Broken))
}

/// What ECS refuses in words that need some more.
fn explain(error: anyhow::Error, one: &Observed) -> anyhow::Error {
    let words = refusal(&error).map(|refused| refused.message.raw().to_lowercase()).unwrap_or_default();
    let name = &one.service.name;
    if words.contains("deployment")
        && (words.contains("too many") || words.contains("limit") || words.contains("maximum"))
    {
        return error.context(format!("service {name} has as many deployments that are not over as ECS allows: wait until one has ended, or stop it (`aws ecs \
             stop-service-deployment`)"
        ));
    }
    error.context(format!("deploy service {name}"))
}
