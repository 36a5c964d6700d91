//! The writes that bring services back, and following them.

use std::time::Duration;

use futures_util::future::join_all;

use super::plan::{First, Going, WAY};
use crate::aws::{Kind, refusal};
use crate::calls::Answer;
use crate::calls::poll::{Look, poll};
use crate::context::Context;
use crate::ecs::{Ecs, Revision};
use crate::outcome::{Outcome, Step};
use crate::rollout::services::{End, Ended, Followed, Goal, Way, find, follow, register, update};
use crate::text::message;

/// A write whose answer was lost is looked for this long.
const LOOKING: Duration = Duration::from_secs(15);

/// What was written first for a service.
#[derive(Debug)]
pub(super) struct Sent {
    /// What it is to have: of a revision that is not ACTIVE any more the one that was registered in its place.
    pub(super) revision: Revision,
    /// Its deployment, where it was given that revision; none where its deployment on its way was ended first.
    followed: Option<Followed>,
}

/// The first write of each service: they all go back at the same time.
pub(super) async fn send(cx: &Context, going: &[Going]) -> Vec<Step<Sent>> {
    join_all(going.iter().map(|one| send_one(cx, one))).await
}

async fn send_one(cx: &Context, one: &Going) -> Step<Sent> {
    let ecs = &cx.ecs().await?;
    let name = &one.place.service.name;
    if one.comes_back_by_itself() {
        end(cx, ecs, one).await?;
        return Ok(Sent { revision: one.to.clone(), followed: None });
    }
    let revision = if one.found.is_there {
        one.to.clone()
    } else {
        let commit = one.found.wanted.commit().or_else(|| cx.commit());
        let revision = register(ecs, &one.found.wanted, one.found.newest.as_ref(), commit.as_ref()).await?;
        tracing::info!("{name}: registered {revision}, which is {} with what ran then, by digest", one.to);
        revision
    };
    if one.first.is_some() {
        end(cx, ecs, one).await?;
        return Ok(Sent { revision, followed: None });
    }
    let followed = Some(give(ecs, one, &revision).await?);
    Ok(Sent { revision, followed })
}

/// Gives it the revision: ECS begins a deployment, also where it has that revision and its last deployment failed.
async fn give(ecs: &Ecs, one: &Going, revision: &Revision) -> Step<Followed> {
    let service = ecs.services(&one.place.cluster, &[&one.place.service.name], false).await?.pop();
    let service = service.ok_or_else(|| Outcome::error("ECS answered no service"))?;
    let has = service.revision()?;
    if one.first.is_none() && service.task_definition != one.place.service.task_definition {
        return Err(Outcome::superseded(message!(
            "changed-in-between",
            "{} was changed by somebody else between the reading and the write: it has {has}",
            one.place
        ))
        .advise("look at what runs before rolling back again")
        .into());
    }
    update(ecs, &one.place.cluster, &service, revision, has == *revision).await?;
    Ok(Followed::new(&service, one.goal(revision.clone()), service.current_service_deployment.clone()))
}

/// Ends the deployment that is on its way.
async fn end(cx: &Context, ecs: &Ecs, one: &Going) -> Step<()> {
    let (Some(open), Some(first)) = (one.place.open(), &one.first) else { return Ok(()) };
    let answered = match first {
        First::Wait => {
            tracing::info!("{}: its deployment {} goes back already", one.place, open.id());
            return Ok(());
        }
        First::Stop => ecs.roll_back(open).await,
        First::Answer(hook) => ecs.answer_hook(open, hook, false).await,
    };
    cx.report.note_change();
    let Err(error) = answered else { return Ok(()) };
    // Its answer was lost, or the deployment was over before it came.
    if refusal(&error).is_none_or(|refused| refused.kind == Kind::Denied) {
        return Err(error.into());
    }
    let deadline = ecs.calls().deadline.at_most(LOOKING);
    let what = format!("deployment {} to go back", open.id());
    let looked = poll(&deadline, &what, async || {
        let found = ecs.deployments(&[&open.arn]).await?;
        let goes = found.first().is_none_or(|now| now.status.has_ended() || now.status.goes_back());
        Ok(if goes { Look::Done(()) } else { Look::NotYet("not seen".to_owned()) })
    });
    match looked.await {
        Ok(()) => {
            ecs.calls().correct(Answer::Applied);
            Ok(())
        }
        Err(_not_seen) => Err(error.context(format!("roll back the deployment of {}", one.place)).into()),
    }
}

/// Follows a service until what was there before has its users again.
pub(super) async fn follow_back(cx: &Context, one: &Going, sent: Sent) -> Step<Followed> {
    let ecs = &cx.ecs().await?;
    let (cluster, name) = (&one.place.cluster, &one.place.service.name);
    let mut followed = if let Some(followed) = sent.followed {
        followed
    } else {
        wait_for_its_end(cx, one).await?;
        let found = find(cx, ecs, cluster, &[name]).await?.pop();
        let found = found.ok_or_else(|| Outcome::error("ECS answered no service"))?;
        let has = found.service.revision()?;
        let runs = found.running.as_ref().and_then(|running| Revision::of_arn(&running.task_definition).ok());
        match found.running {
            Some(running) if has == sent.revision && runs.as_ref() == Some(&has) => {
                return Ok(Followed::arrived(&found.service, one.goal(has), running));
            }
            _ => give(ecs, one, &sent.revision).await?,
        }
    };
    follow(cx, cluster, std::slice::from_mut(&mut followed), WAY).await?;
    Ok(followed)
}

/// Waits until the deployment that was on its way is over, and tells what happens to it.
async fn wait_for_its_end(cx: &Context, one: &Going) -> Step<()> {
    let brought = one.place.service.revision()?;
    let goal = Goal { revision: brought, images: [].into(), before: None };
    let mut followed = Followed::new(&one.place.service, goal, None);
    follow(cx, &one.place.cluster, std::slice::from_mut(&mut followed), Way::default()).await?;
    if let Some(Ended::Deployment(End::NotRolledBack { reason, .. })) = &followed.end {
        tracing::info!("{}: ECS could not roll it back ({reason}): it is given {} instead", one.place, one.to);
    }
    Ok(())
}
