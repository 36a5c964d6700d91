//! deploy-service with `adopt`: another tool has deployed the services. What runs is proved by digest, and recorded.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::DeployService;
use super::observe::{commit, image};
use super::plan::containers;
use super::services::Images;
use crate::action::inputs::CommitSha;
use crate::context::Context;
use crate::ecs::{ContainerName, DeploymentStatus, Ecs, Revision, Service, ServiceName};
use crate::oci::Digest;
use crate::outcome::{Outcome, Step, Verdict};
use crate::record::{Place, Target};
use crate::rollout::adopt::{Adoption, adopt, look_up};
use crate::rollout::services::{Found, find, reason};
use crate::steps::DeployStep as _;
use crate::text::message;

/// A service that runs what was proved.
struct Proved {
    service: ServiceName,
    revision: Revision,
    images: BTreeMap<ContainerName, Digest>,
    commit: Option<CommitSha>,
}

/// Proves what runs, and records it with what the records say ran before.
pub(super) async fn run(step: &DeployService, cx: &Context) -> Step<Outcome> {
    let location = cx.aws().await?.location().await?;
    let (all, adoption) = loop {
        let all = prove_all(step, cx).await?;
        let found = all.iter().map(|one| Target {
            commit: one.commit.clone(),
            task_definition: Some(one.revision.clone()),
            images: one.images.clone(),
            ..Target::new(Place::of_service(&location, &step.cluster, &one.service), None, None)
        });
        if let Some(adoption) = look_up(cx, &step.record, found.collect()).await? {
            break (all, adoption);
        }
    };
    set_outputs(cx, &all, &adoption)?;
    let label: Vec<String> = all.iter().map(|one| format!("service {} runs {}", one.service, one.revision)).collect();
    let named = (DeployService::NAME, DeployService::FIGURES);
    adopt(cx, &step.record, adoption, &label.join("; "), named, None).await
}

async fn prove_all(step: &DeployService, cx: &Context) -> Step<Vec<Proved>> {
    let ecs = &cx.ecs().await?;
    let names = step.names();
    let found = find(cx, ecs, &step.cluster, &names.iter().collect::<Vec<_>>()).await?;
    let asked = step.list();
    let mut all = Vec::new();
    for one in found {
        let images = asked.iter().find(|asked| asked.service == one.service.name).map(|asked| &asked.images);
        all.push(prove(step, cx, ecs, one, images).await?);
    }
    Ok(all)
}

async fn prove(step: &DeployService, cx: &Context, ecs: &Ecs, found: Found, asked: Option<&Images>) -> Step<Proved> {
    let Found { service, deployment, running } = found;
    let name = &service.name;
    if let Some(last) = deployment.filter(|last| last.status != DeploymentStatus::Successful) {
        let (id, status) = (last.id(), last.status);
        if !status.has_ended() {
            return Err(Outcome::error(message!(
                "adopted-too-early",
                "the deployment {id} of service {name} is {status}: what it brings is not proved, and nothing was recorded"
            ))
            .advise("let the other tool wait until the service is stable (Terraform: `wait_for_steady_state`), then run this step")
            .into());
        }
        return Err(Outcome::fail(message!(
            "adopted-after-failure",
            "the last deployment {id} of service {name} is {status}: {}; nothing was recorded",
            reason(&last)
        ))
        .advise("what the other tool deployed does not run: correct it, and deploy it again")
        .into());
    }
    let running = running.with_context(|| format!("ECS does not say what service {name} runs"))?;
    let revision = Revision::of_arn(&running.task_definition)?;
    let digests = running.digests();
    let definition = ecs.definition(&running.task_definition).await?;
    let definition = definition.with_context(|| format!("task definition {revision} does not exist any more"))?;
    let mut built_from = definition.commit();
    let mut images = digests.clone();
    if let Some(asked) = asked {
        let mut wanted = Vec::new();
        for (container, reference) in containers(name.as_str(), asked, &definition)? {
            wanted.push((container, image(step, cx, &reference).await?));
        }
        for (container, image) in &wanted {
            check(cx, &service, container, &digests, &image.digest)?;
        }
        built_from = commit(cx, &wanted, &definition).await.or(built_from);
        images.retain(|container, _| wanted.iter().any(|(asked, _)| asked == container));
    }
    Ok(Proved { service: name.clone(), revision, images, commit: built_from })
}

/// What runs is what was asked for.
fn check(
    cx: &Context,
    service: &Service,
    container: &ContainerName,
    found: &BTreeMap<ContainerName, Digest>,
    wanted: &Digest,
) -> Result<(), Outcome> {
    let is = found.get(container);
    let is_it = is == Some(wanted);
    let observed = is.map_or_else(|| "ECS does not say".to_owned(), ToString::to_string);
    let verdict = if is_it { Verdict::Pass } else { Verdict::Fail };
    let check = format!("{}/{container}", service.name);
    cx.report.check(check, &observed, wanted.to_string(), verdict, "ecs:DescribeServiceRevisions");
    if is_it {
        return Ok(());
    }
    Err(Outcome::fail(message!(
        "runs-another-image",
        "service {} runs {observed} in {container}, not {wanted}: with `adopt` nothing is deployed",
        service.name
    ))
    .advise("look whether the other tool has deployed it; without `adopt` this step does"))
}

fn set_outputs(cx: &Context, all: &[Proved], adoption: &Adoption) -> Result<(), Outcome> {
    let lines = |each: Vec<String>| each.join("\n");
    let now = all.iter().map(|one| format!("{}={}", one.service, one.revision)).collect();
    cx.report.value("task-definitions", lines(now))?;
    let before = all.iter().zip(&adoption.targets).filter_map(|(one, target)| {
        Some(format!("{}={}", one.service, target.previous.as_ref()?.task_definition.as_ref()?))
    });
    cx.report.value("previous-task-definitions", lines(before.collect()))?;
    let images = all
        .iter()
        .flat_map(|one| one.images.iter().map(|(container, digest)| format!("{}/{container}={digest}", one.service)));
    cx.report.output("images", lines(images.collect()));
    Ok(())
}
