//! What is read before services go back.

use std::collections::BTreeMap;

use anyhow::Context as _;
use futures_util::future::{join_all, try_join_all};

use super::super::destination::To;
use super::super::known_releases::KnownReleases;
use super::super::observe::{A_MOMENT, Looked};
use super::super::place::{Holds, Known, Place as _, Revision, ServicePlace};
use super::super::plan::{Observed, Scope};
use super::super::request::Request;
use super::super::target::waiting_for;
use super::Rollback;
use super::plan::Found;
use crate::calls::error_line;
use crate::context::Context;
use crate::ecs::{self, ClusterName, ContainerName, Ecs, ServiceRevision};
use crate::oci::{Digest, ImageReference, Selector};
use crate::outcome::{Outcome, Step};
use crate::record;
use crate::rollout::image;
use crate::rollout::services::{self, find};
use crate::text::message;

/// Reads what is there, what is remembered of it, and what would be gone back to: for all services at the same time.
pub(super) async fn observe<'a>(
    step: &'a Rollback,
    cx: &Context,
    cluster: &ClusterName,
) -> Step<(Vec<Looked<ServicePlace, Found>>, KnownReleases<'a>)> {
    let ecs = &waiting_for("the AWS credentials", cx.ecs()).await?;
    let aws = cx.aws().await?;
    let location = waiting_for("the account of the credentials", aws.location()).await?;
    let names: Vec<_> = step.service.iter().flatten().collect();
    let in_records = names.iter().map(|name| record::Place::of_service(&location, cluster, name)).collect();
    let mut releases = KnownReleases::new(cx, step.state.as_ref(), location, in_records);
    let scope = step.scope();
    // What serves is asked of ECS, and so is what succeeded before it: the record is not all there is.
    let reading = step.reading(&releases, scope, true);
    let places = reading.beside(cx, &mut releases, places(cx, ecs, cluster, &names)).await?;
    let request = match step.to.as_ref().unwrap_or(&To::Auto) {
        To::Auto => Request::Nothing,
        To::Definition(revision) => Request::Known(Known::bare(Revision::Definition(revision.clone()))),
        _ => Request::ByRecord,
    };
    let (clock, needed) = &reading.also_for(cx, &mut releases, std::slice::from_ref(&request)).await?;
    let each = places.into_iter().map(|place| observe_one(step, clock, ecs, &releases, place, &request, *needed));
    let observed = try_join_all(each).await?;
    let looks = observed.iter().map(async |one| match one.destination(scope) {
        Some(known) => Some(look(cx, ecs, one, &known).await),
        None => None,
    });
    let found = waiting_for("the task definitions to go back to", join_all(looks)).await;
    Ok((observed.into_iter().zip(found).collect(), releases))
}

async fn places(
    cx: &Context,
    ecs: &Ecs,
    cluster: &ClusterName,
    names: &[&ecs::ServiceName],
) -> Step<Vec<ServicePlace>> {
    let found = find(cx, ecs, cluster, names).await?;
    let each = found.into_iter().map(|services::Found { service, deployment, running }| {
        let has = service.revision();
        let has = has.with_context(|| format!("read the task definition of service {}", service.name))?;
        Ok(ServicePlace { cluster: cluster.clone(), service, deployment, running, has })
    });
    each.collect()
}

async fn observe_one(
    step: &Rollback,
    clock: &Context,
    ecs: &Ecs,
    releases: &KnownReleases<'_>,
    mut place: ServicePlace,
    request: &Request,
    needed: bool,
) -> Step<Observed<ServicePlace>> {
    let scope = step.scope();
    let known = releases.of(clock, &place, scope, needed).await?;
    if let Some(captured) = &known.captured
        && !place.serves().is_some_and(|serves| known.expected.contains(&serves))
        && is_it_anew(ecs, &place, captured).await?
        && let Revision::Definition(revision) = &captured.point
    {
        place.has = revision.clone();
    }
    let explicit = match request {
        Request::Nothing => None,
        Request::Known(known) => Some(known.clone()),
        Request::ByRecord => {
            let to = step.to.as_ref().unwrap_or(&To::Auto);
            match releases.find(&place, to)? {
                Some(known) => Some(known),
                None => Some(by_digest(ecs, &place, to).await?.ok_or_else(|| {
                    Outcome::fail(message!("unknown-release", "no deployment of {place} is known as {to}")).advise(
                        "name the task definition itself, `family:41`: `aws ecs list-task-definitions` shows them",
                    )
                })?),
            }
        }
    };
    let expected = step.expected_current.as_ref().and_then(|expected| expected.revision(&place.service.name));
    let expected = match expected {
        Some(revision) => vec![Revision::Definition(revision.clone())],
        None if step.is_explicit() => Vec::new(),
        None => known.expected.clone(),
    };
    let nothing_else = explicit.is_none()
        && known.succeeded.is_none()
        && (known.captured.is_none() || known.captured_failed)
        && (scope == Scope::Any || known.moved_by_this_run.is_some());
    let (history, is_back) =
        if nothing_else { before(history(ecs, &place).await?, place.serves().as_ref()) } else { (None, false) };
    let is_back = is_back || known.is_back;
    Ok(Observed { expected, explicit, is_back, history, ..Observed::new(place, known) })
}

/// Whether what the service has is what was captured, registered anew: an earlier attempt of this rollback did it.
async fn is_it_anew(ecs: &Ecs, place: &ServicePlace, captured: &Known) -> Step<bool> {
    let Revision::Definition(revision) = &captured.point else { return Ok(false) };
    if *revision == place.has {
        return Ok(false);
    }
    let [now, then] = [&place.has, revision].map(ToString::to_string);
    let (Some(now), Some(mut then)) = (ecs.definition(&now).await?, ecs.definition(&then).await?) else {
        return Ok(false);
    };
    pin(&mut then, &holds(captured));
    Ok(now.is_ours() && now.says_the_same(&then))
}

/// What ECS itself knows to have succeeded before what serves came there for the first time: what came later was left again. And whether
/// it was left for what serves: then that was gone back to.
fn before(history: Vec<Known>, serves: Option<&Revision>) -> (Option<Known>, bool) {
    let is_it = |known: &Known| Some(&known.point) == serves;
    let first = history.iter().rposition(is_it).map_or(0, |place| place + 1);
    let is_back = history.first().is_some_and(is_it) && history.iter().take(first).any(|known| !is_it(known));
    (history.into_iter().nth(first), is_back)
}

/// What ECS's own newest deployments that succeeded brought, the newest first.
async fn history(ecs: &Ecs, place: &ServicePlace) -> Step<Vec<Known>> {
    let arns = ecs.newest_deployments(&place.cluster, &place.service.name, &["SUCCESSFUL"]).await?;
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let mut deployments = ecs.deployments(&arns.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    deployments.sort_by(|one, other| other.created_at.total_cmp(&one.created_at));
    let targets = deployments.iter().filter_map(|one| one.target_service_revision.as_ref());
    let targets: Vec<&str> = targets.map(|target| target.arn.as_str()).collect();
    let revisions = ecs.revisions(&targets).await?;
    let known = targets.iter().filter_map(|arn| {
        let revision = revisions.iter().find(|revision| revision.arn == *arn)?;
        let point = Revision::Definition(ecs::Revision::of_arn(&revision.task_definition).ok()?);
        let images = revision.digests();
        Some(Known { point, holds: vec![Holds { commit: None, code: None, images, by: "ECS".to_owned() }] })
    });
    Ok(known.collect())
}

/// The newest of ECS's own deployments that ran an image.
async fn by_digest(ecs: &Ecs, place: &ServicePlace, to: &To) -> Step<Option<Known>> {
    let To::Digest(digest) = to else { return Ok(None) };
    let ran = |known: &Known| known.holds.iter().any(|holds| holds.images.values().any(|image| image == digest));
    Ok(history(ecs, place).await?.into_iter().find(ran))
}

/// Reads the task definition that would be gone back to, and whether its images are there.
async fn look(cx: &Context, ecs: &Ecs, one: &Observed<ServicePlace>, known: &Known) -> Step<Found> {
    let Revision::Definition(revision) = &known.point else {
        return Err(Outcome::error(format!("{} is no task definition", known.point)).into());
    };
    let Some(definition) = ecs.definition(&revision.to_string()).await? else {
        return Err(Outcome::fail(message!(
            "definition-deleted",
            "task definition {revision}, to go back to, does not exist any more"
        ))
        .advise("name another release with the input `to`")
        .into());
    };
    let mut images = holds(known);
    if let Some(running) = one.place.running.as_ref().filter(|_| one.place.runs().as_ref() == Some(revision)) {
        images.extend(ServiceRevision::digests(running));
    }
    let mut wanted = definition.clone();
    pin(&mut wanted, &images);
    let named = wanted.containers().into_iter().filter_map(|container| {
        let reference: ImageReference = wanted.image(&container)?.parse().ok()?;
        Some((container, reference))
    });
    let named: Vec<(ContainerName, ImageReference)> = named.collect();
    images.extend(named.iter().filter_map(|(container, reference)| match &reference.selector {
        Selector::Digest(digest) => Some((container.clone(), digest.clone())),
        Selector::Tag(_) => None,
    }));
    let is_there = definition.is_active() && definition.says_the_same(&wanted);
    let newest = if is_there { None } else { newest(ecs, revision).await? };
    let gone = gone(cx, named.into_iter().map(|(_, reference)| reference)).await;
    Ok(Found { wanted, is_there, newest, images, gone })
}

async fn newest(ecs: &Ecs, revision: &ecs::Revision) -> Step<Option<ecs::Revision>> {
    Ok(ecs.definition(revision.family.as_str()).await?.and_then(|newest| newest.revision()))
}

/// What ran, as those say who know the point.
fn holds(known: &Known) -> BTreeMap<ContainerName, Digest> {
    known.holds.iter().flat_map(|holds| holds.images.clone()).collect()
}

/// A tag may lead elsewhere since: what ran is named by its digest.
pub(super) fn pin(definition: &mut ecs::Definition, images: &BTreeMap<ContainerName, Digest>) {
    for (container, digest) in images {
        let Some(Ok(reference)) = definition.image(container).map(str::parse::<ImageReference>) else { continue };
        let pinned = ImageReference { selector: Selector::Digest(digest.clone()), ..reference };
        definition.set_image(container, &pinned.to_string());
    }
}

/// The first image that ECR does not have any more. What cannot be looked at in a moment holds nothing up.
async fn gone(cx: &Context, images: impl Iterator<Item = ImageReference>) -> Option<String> {
    let cx = &cx.with_deadline(cx.calls.deadline.at_most(A_MOMENT));
    for reference in images {
        match image::is_in_repository(cx, &reference).await {
            Ok(true) => {}
            Ok(false) => return Some(reference.without_host()),
            Err(error) => {
                let repository = &reference.repository;
                tracing::info!("whether {repository} still has its image was not looked at: {}", error_line(&error));
            }
        }
    }
    None
}
