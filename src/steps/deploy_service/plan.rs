//! What deploy-service decides, without asking anybody.

use super::inputs::{DeployService, RequireGuard};
use super::model::Observed;
use super::services::{Images, Removed};
use crate::ecs::{ContainerName, Definition, DeploymentStatus, Revision, ServiceDeployment, Strategy};
use crate::github::Ancestry;
use crate::oci::ImageReference;
use crate::outcome::Outcome;
use crate::rollout::ecr_image::Seen;
use crate::rollout::services::check_deployable;
use crate::text::message;

/// What is to be done with one service.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// Nothing: it runs what was asked for.
    Nothing,
    /// Its deployment to what was asked for goes on: an earlier attempt began it.
    Follow,
    /// It gets a revision that is there.
    Update(Revision),
    /// A revision is registered, and it gets that.
    Register,
}

/// A service and what is to be done with it.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) observed: Observed,
    pub(super) change: Change,
}

/// Which containers get which images.
///
/// # Errors
/// Bad input: a container is not there, or it is not clear which one is meant.
pub(super) fn containers(
    service: &str,
    images: &Images,
    base: &Definition,
) -> Result<Vec<(ContainerName, ImageReference)>, Outcome> {
    let known = base.containers();
    let list = || known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match images {
        Images::Each(each) => {
            if let Some((missing, _)) = each.iter().find(|(container, _)| !known.contains(container)) {
                let nearest = crate::action::inputs::nearest(missing.as_str(), known.iter().map(ContainerName::as_str));
                let hint =
                    nearest.map_or_else(|| format!("it has {}", list()), |nearest| format!("did you mean {nearest}?"));
                return Err(Outcome::bad_input(format!(
                    "the task definition of service {service} has no container {missing} ({hint})"
                ))
                .advise("nothing was written; correct the name in `services` or `container`"));
            }
            Ok(each.clone())
        }
        Images::One(image) => {
            let named = known.iter().find(|container| container.as_str() == service);
            let only = known.first().filter(|_| known.len() == 1);
            match only.or(named) {
                Some(container) => Ok(vec![(container.clone(), image.clone())]),
                None => Err(Outcome::bad_input(message!(
                    "which-container",
                    "service {service} has several containers ({}), and none is called as the service",
                    list()
                ))
                .advise("nothing was written; name the one that gets the image: `container`, or `service: {container: image}` in `services`")),
            }
        }
    }
}

/// Everything of every service is judged here, before the first write of any.
///
/// # Errors
/// A refusal.
pub(super) fn plan(all: Vec<Observed>, step: &DeployService) -> Result<Vec<Planned>, Outcome> {
    all.into_iter().map(|observed| Ok(Planned { change: change(&observed, step)?, observed })).collect()
}

fn change(one: &Observed, step: &DeployService) -> Result<Change, Outcome> {
    let name = &one.service.name;
    check_service(one, step)?;
    check_images(one, step)?;
    if let Some(expected) = step.expected_current.as_ref().and_then(|expected| expected.of(name))
        && one.revision().as_ref() != Some(expected)
    {
        let found = one.revision().map_or_else(|| "nothing".to_owned(), |found| found.to_string());
        return Err(Outcome::superseded(format!(
            "service {name} has {found}, not {expected} as `expected-current` asks"
        ))
        .advise("somebody else deployed in between: look at what runs before deploying again"));
    }
    let open = one.deployment.as_ref().filter(|deployment| !deployment.status.has_ended());
    if let Some(open) = open {
        if one.current.says_the_same(&one.wanted) && !open.status.goes_back() {
            return Ok(Change::Follow);
        }
        return Err(in_progress(one, open));
    }
    check_removed(one, step)?;
    if one.ancestry == Some(Ancestry::Older) && !step.allow_downgrade.0 {
        let commit = one.commit.as_ref().map_or_else(String::new, |commit| format!(" (commit {})", commit.short()));
        return Err(Outcome::superseded(format!(
            "the image for service {name}{commit} is older than what runs: a newer change won"
        ))
        .advise("to go back on purpose use the step `rollback`, or set `allow-downgrade: true`"));
    }
    let ended_well = one.deployment.as_ref().is_none_or(|last| last.status == DeploymentStatus::Successful);
    let runs = one.running_digests() == one.digests();
    if ended_well && runs && one.with_images(&one.current).says_the_same(&one.wanted) && !step.force_new_deployment.0 {
        return Ok(Change::Nothing);
    }
    check_rule(one)?;
    check_guard(one, step)?;
    let there = [Some(&one.current), one.newest.as_ref()].into_iter().flatten();
    let same =
        there.filter(|definition| definition.is_active()).find(|definition| definition.says_the_same(&one.wanted));
    Ok(same.and_then(Definition::revision).map_or(Change::Register, Change::Update))
}

impl Observed {
    /// A definition with the images asked for, however they are named there.
    fn with_images(&self, definition: &Definition) -> Definition {
        let mut same = definition.clone();
        for (container, image) in &self.images {
            same.set_image(container, &image.uri);
        }
        same
    }
}

/// Whether it can be deployed, and tasks will prove it.
fn check_service(one: &Observed, step: &DeployService) -> Result<(), Outcome> {
    let name = &one.service.name;
    check_deployable(&one.service)?;
    if one.service.desired_count == 0 && !step.allow_zero.0 {
        return Err(Outcome::new(
            crate::outcome::Verdict::Inconclusive,
            message!(
                "scaled-to-zero",
                "service {name} is to have 0 tasks: a deployment would prove nothing, and nothing was written"
            ),
        )
        .advise("scale it up first, or set `allow-zero: true` to deploy without a proof"));
    }
    Ok(())
}

/// Whether the images can run where the tasks do.
fn check_images(one: &Observed, step: &DeployService) -> Result<(), Outcome> {
    let (name, platform) = (&one.service.name, one.wanted.platform());
    for (container, image) in &one.images {
        if image.runs_on(&platform) == Some(false) {
            let built = match (&image.platform, image.below.is_empty()) {
                (Seen::Found(Some(platform)), true) => platform.to_string(),
                _ => image.below.iter().map(crate::registry::Image::built_for).collect::<Vec<_>>().join(", "),
            };
            return Err(Outcome::fail(message!(
                "wrong-platform-of-task",
                "the image {} is for {built}, and the tasks of service {name} run on {platform}: nothing was written",
                image.short
            ))
            .advise(format!("build it for {platform}, or set `runtimePlatform` of the task definition")));
        }
        if step.require_digest.0 && !one.wanted.pins(container) {
            return Err(Outcome::fail(format!("container {container} of service {name} has `versionConsistency: disabled`, so ECS cannot say by digest what runs: nothing was written"
            ))
            .advise("take `versionConsistency` out of the task definition, or set `require-digest: false`"));
        }
    }
    Ok(())
}

fn check_removed(one: &Observed, step: &DeployService) -> Result<(), Outcome> {
    let allowed: Vec<String> = step.allow_removed.iter().flatten().map(Removed::to_string).collect();
    let lost: Vec<String> = one.wanted.lost(&one.current).into_iter().filter(|lost| !allowed.contains(lost)).collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(Outcome::fail(message!(
        "would-disappear",
        "the task definition of service {} would lose {}, compared with what runs: nothing was written",
        one.service.name,
        lost.join(", ")
    ))
    .advise(format!(
        "its base is {}: register a revision that has them, or take what runs with `task-definition: current`",
        one.base
    ))
    .advise(format!("if they are to disappear, set `allow-removed` to {}", lost.join(", "))))
}

/// ECS does not look where the rule leads before it shifts the traffic, and a `terraform apply` may have set it back.
fn check_rule(one: &Observed) -> Result<(), Outcome> {
    let Some((weights, active)) = &one.rule else { return Ok(()) };
    let serving: Vec<&str> = weights.serving().collect();
    if serving == [active.as_str()] {
        return Ok(());
    }
    let group = |arn: &str| arn.rsplit('/').nth(1).unwrap_or("unknown").to_owned();
    let found: Vec<String> = serving.iter().map(|arn| group(arn)).collect();
    let found = if found.is_empty() { "no target group".to_owned() } else { found.join(" and ") };
    Err(Outcome::fail(message!(
        "listener-moved",
        "the listener rule of service {} leads to {found}, and its tasks are in {}: ECS would shift the traffic from there all the same; nothing was written",
        one.service.name,
        group(active)
    ))
    .advise("something has set the rule back since the last deployment, as `terraform apply` and `cdk deploy` do: let the rule lead to the target group of the tasks, and have the tool ignore its weights"))
}

fn check_guard(one: &Observed, step: &DeployService) -> Result<(), Outcome> {
    if step.require_guard != RequireGuard::Fail || one.service.deployment_configuration.is_guarded() {
        return Ok(());
    }
    Err(Outcome::fail(no_guard(one)).advise(guard_advice(one)))
}

/// That nothing takes a bad deployment back by itself.
pub(super) fn no_guard(one: &Observed) -> String {
    message!(
        "no-deployment-guard",
        "service {} has no circuit breaker with rollback, no alarms with rollback and no bake time: a bad deployment stays",
        one.service.name
    )
}

/// What to set.
pub(super) fn guard_advice(one: &Observed) -> &'static str {
    match one.service.deployment_configuration.strategy() {
        Strategy::Rolling => {
            "set `deploymentCircuitBreaker: {enable: true, rollback: true}` in the service's deployment configuration, or `require-guard: off`"
        }
        Strategy::BlueGreen | Strategy::Linear | Strategy::Canary => {
            "the circuit breaker counts in rolling deployments only: set alarms with rollback, or a bake time, in the service's deployment configuration; or `require-guard: off`"
        }
    }
}

fn in_progress(one: &Observed, open: &ServiceDeployment) -> Outcome {
    Outcome::superseded(message!(
        "deployment-in-progress",
        "service {} is being deployed by somebody else: its deployment {} to {} is {}",
        one.service.name,
        open.id(),
        one.revision().map_or_else(|| "an unknown revision".to_owned(), |revision| revision.to_string()),
        open.status
    ))
    .advise("run this step again when that has ended; workflows that share a `concurrency:` group do not meet")
    .advise("a second deployment now would stop the first one")
}
