//! What deploy-service reads before it decides.

use std::fmt::Display;

use anyhow::{Context as _, Result};
use futures_util::future::try_join_all;

use super::DeployService;
use super::model::Observed;
use super::plan::containers;
use super::services::{Base, ServiceImages};
use crate::action::inputs::CommitSha;
use crate::context::Context;
use crate::ecs::{Definition, Ecs, Revision, RuleWeights, Service, ServiceRevision, Strategy};
use crate::oci::ImageReference;
use crate::outcome::{Outcome, Step, Verdict};
use crate::rollout::ancestry::ancestry;
use crate::rollout::ecr_image::{self, Image, Lookup};
use crate::rollout::elsewhere;
use crate::rollout::services::{Found, find};

/// Revisions of a family that are looked through for one that this action did not register.
const LOOKED_AT: usize = 30;

/// A file larger than this is no task definition: ECS takes 64 KiB.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Reads everything, for all services at the same time.
pub(super) async fn observe(step: &DeployService, cx: &Context) -> Step<Vec<Observed>> {
    let ecs = &cx.ecs().await?;
    let asked = step.list();
    let names: Vec<_> = asked.iter().map(|one| &one.service).collect();
    let found = find(cx, ecs, &step.cluster, &names).await?;
    let each = asked.into_iter().zip(found).map(async |(asked, found)| observe_one(step, cx, ecs, asked, found).await);
    try_join_all(each).await
}

async fn observe_one(
    step: &DeployService,
    cx: &Context,
    ecs: &Ecs,
    asked: ServiceImages,
    Found { service, deployment, running }: Found,
) -> Step<Observed> {
    let name = &asked.service;
    let own = service.revision();
    let family = own.with_context(|| format!("read the task definition of service {name}"))?.family;
    let newest = ecs.definition(family.as_str()).await?;
    let current = match &newest {
        Some(newest) if newest.arn() == service.task_definition => Some(newest.clone()),
        _ => ecs.definition(&service.task_definition).await?,
    };
    let current = current.with_context(|| format!("the task definition of service {name} does not exist any more"))?;
    let (base, label) = base(step, cx, ecs, &asked, &current, newest.as_ref()).await?;
    let mut wanted = base.in_family(&family);
    let references = containers(name.as_str(), &asked.images, &wanted)?;
    let rule = rule(cx, &service, running.as_ref()).await?;
    let mut images = Vec::new();
    for (container, reference) in references {
        images.push((container, image(step, cx, &reference).await?));
    }
    for (container, image) in &images {
        wanted.set_image(container, &image.uri);
    }
    for variable in step.variables.iter().flatten() {
        let of_images = images.iter().map(|(container, _)| container).filter(|_| variable.container.is_none());
        for container in variable.container.iter().chain(of_images) {
            wanted.set_variable(container, &variable.name, &variable.value);
        }
    }
    let commit = commit(cx, &images, &wanted).await;
    let old = current.commit().filter(|_| !step.allow_downgrade.0);
    let ancestry = ancestry(cx, old.as_ref(), commit.as_ref()).await?;
    let location = cx.aws().await?.location().await?;
    Ok(Observed {
        service,
        location,
        deployment,
        running,
        current,
        newest,
        wanted,
        base: label,
        images,
        rule,
        commit,
        ancestry,
    })
}

/// The base of a service, and how it is called.
async fn base(
    step: &DeployService,
    cx: &Context,
    ecs: &Ecs,
    asked: &ServiceImages,
    current: &Definition,
    newest: Option<&Definition>,
) -> Step<(Definition, String)> {
    let own = current.revision().context("the service has no task definition of ECS")?;
    let label = |definition: &Definition| definition.revision().map_or_else(String::new, |one| one.to_string());
    let existing = async |name: &dyn Display| {
        let found = ecs.definition(&name.to_string()).await?;
        found.filter(Definition::is_active).ok_or_else(|| {
            Outcome::bad_input(format!(
                "there is no ACTIVE task definition {name}, which is to be the base of service {}",
                asked.service
            ))
            .advise("nothing was written; correct `task-definition`, or register it first")
            .into()
        })
    };
    let base: Step<Definition> = match step.base(&asked.service) {
        Base::Current => Ok(current.clone()),
        Base::Latest => Ok(latest(ecs, current, &own, newest).await?),
        Base::Template(family) => existing(&family).await,
        Base::Revision(revision) => existing(&revision).await,
        Base::File(path) => {
            let found = cx.runner.workspace().file(path.as_str()).with_context(|| format!("read {path}"))?;
            let read = match found {
                Some((_, size)) if size > LARGEST_FILE => Some(Err(format!("is larger than {LARGEST_FILE} bytes"))),
                Some((place, _)) => {
                    let bytes = tokio::fs::read(&place).await.with_context(|| format!("read {path}"))?;
                    Some(Definition::read(&bytes))
                }
                None => None,
            };
            match read {
                Some(Ok(definition)) => return Ok((definition, path.to_string())),
                Some(Err(why)) => Err(Outcome::bad_input(format!("{path} is no task definition: {why}"))
                    .advise("nothing was written; correct the file: it holds what RegisterTaskDefinition takes, or what DescribeTaskDefinition answers")
                    .into()),
                None => Err(Outcome::bad_input(format!("there is no file {path} in the workspace"))
                    .advise("nothing was written; check the repository out before this step, or correct `task-definition`")
                    .into()),
            }
        }
    };
    let base = base?;
    let label = label(&base);
    Ok((base, label))
}

/// The newest revision that this action did not register, or the one that the service has if that is newer.
async fn latest(ecs: &Ecs, current: &Definition, own: &Revision, newest: Option<&Definition>) -> Result<Definition> {
    let Some(newest) = newest else { return Ok(current.clone()) };
    let number = |definition: &Definition| definition.revision().map_or(0, |revision| revision.number);
    if number(newest) <= own.number {
        return Ok(current.clone());
    }
    if !newest.is_ours() {
        return Ok(newest.clone());
    }
    let newer = ecs.active_revisions(&own.family).await?;
    let between = newer.iter().filter(|one| one.number > own.number && one.number < number(newest));
    for revision in between.take(LOOKED_AT) {
        if let Some(found) = ecs.definition(&revision.to_string()).await?.filter(|found| !found.is_ours()) {
            return Ok(found);
        }
    }
    Ok(current.clone())
}

/// Where the users' rule leads, and the target group of what runs: of a service whose traffic is shifted.
async fn rule(
    cx: &Context,
    service: &Service,
    running: Option<&ServiceRevision>,
) -> Result<Option<(RuleWeights, String)>> {
    if service.deployment_configuration.strategy() == Strategy::Rolling {
        return Ok(None);
    }
    let balancer = running.and_then(|running| {
        running.balancers().find_map(|one| one.production_listener_rule.clone().zip(one.target_group_arn.clone()))
    });
    let Some((rule, group)) = balancer else { return Ok(None) };
    let weights = cx.balancers().await?.weights(&rule).await;
    let weights = weights.with_context(|| format!("look where the users of service {} come in", service.name))?;
    Ok(Some((weights, group)))
}

/// The image, which is named by its digest from here on.
pub(super) async fn image(step: &DeployService, cx: &Context, reference: &ImageReference) -> Step<Image> {
    let (found, source) = match elsewhere::host(reference) {
        Some(host) => (elsewhere::look(cx, host, reference, step.credentials()).await?, "registry: GET manifest"),
        None => (ecr_image::look(cx, reference, None).await?, "ecr:BatchGetImage"),
    };
    match found {
        Lookup::Found(image) => {
            if let Some(permission) = image.missing_permission() {
                cx.report.warn(format!("where {} runs could not be read without {permission}", image.short));
            }
            cx.report.check(format!("image {}", image.short), "is there", "is there", Verdict::Pass, source);
            Ok(*image)
        }
        Lookup::Absent { name, source } => {
            cx.report.check(format!("image {name}"), "is not there", "is there", Verdict::Fail, source);
            Err(Outcome::fail(format!("image {name} does not exist: nothing was written"))
                .advise("run promote-artifact into that registry before this step, or correct the image")
                .into())
        }
    }
}

/// The commit of the new images, as the label of the first that has one says.
pub(super) async fn commit(
    cx: &Context,
    images: &[(crate::ecs::ContainerName, Image)],
    wanted: &Definition,
) -> Option<CommitSha> {
    let platform = wanted.platform();
    for (_, image) in images {
        if let Some(commit) = image.commit(cx, &platform).await {
            return Some(commit);
        }
    }
    None
}
